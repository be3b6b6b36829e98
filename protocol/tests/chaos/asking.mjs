// Loops of requests and of streamed searches that check every answer, and accept an error only where it is due.

import assert from "node:assert/strict";

import { SidecarError } from "workspace-sidecar";

/** How many requests are made at once, at most. */
const BURST = 20;

/** Asks until `signal` is aborted. One request in ten is cancelled after a while, and one has little time. */
export async function askLoop({ sidecar, questions, random, settling, signal }) {
  while (!signal.aborted) {
    const burst = Array.from({ length: 1 + random.below(BURST) });
    await Promise.all(burst.map(() => askOnce({ sidecar, questions, random, settling })));
  }
}

async function askOnce({ sidecar, questions, random, settling }) {
  const question = questions.next();
  const due = new Set(["sidecar_crashed"]);
  const options = {};
  if (random.chance(0.1)) {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), random.below(30));
    options.signal = stop.signal;
    due.add("cancelled");
  } else if (random.chance(0.1)) {
    options.timeoutMs = 1 + random.below(30);
    due.add("timeout");
  }
  let answer;
  try {
    answer = await settling.track(question.ask(sidecar, options), question.about);
  } catch (error) {
    assert.ok(error instanceof SidecarError, `${question.about}: ${error?.stack}`);
    if (!due.has(error.code)) question.checkError(error);
    return;
  }
  question.check(answer);
}

/** Streams searches until `signal` is aborted. One in five is left early. */
export async function streamLoop({ sidecar, questions, random, settling, signal }) {
  while (!signal.aborted) {
    const { params, expected } = questions.stream();
    const about = `streamed search ${JSON.stringify(params)}`;
    const leaveAfter = random.chance(0.2) ? 1 + random.below(3) : Infinity;
    const stream = sidecar.searchStream(params);
    const result = settling.track(stream.result, `result of ${about}`).catch((error) => error);
    const found = [];
    const read = async () => {
      for await (const { path, matchCount } of stream) {
        found.push([path, matchCount]);
        if (found.length >= leaveAfter) return;
      }
    };
    const failure = await settling.track(read(), about).then(() => undefined, (error) => error);
    // The crash may come behind the files that a loop was content with, and before the totals.
    const due = found.length >= leaveAfter ? ["cancelled", "sidecar_crashed"] : ["sidecar_crashed"];
    const total = await result;
    if (total instanceof Error) assert.ok(due.includes(total.code), `${about}: ${total.stack}`);
    else assert.equal(total.fileCount, expected.length, about);
    if (failure === undefined) assert.deepEqual(found, expected.slice(0, Math.min(leaveAfter, expected.length)), about);
    else {
      assert.equal(failure.code, "sidecar_crashed", `${about}: ${failure.stack}`);
      assert.deepEqual(found, expected.slice(0, found.length), about);
    }
  }
}
