// Whether a silent sidecar is taken for hung, when this process stood still, too.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Heartbeat } from "../dist/esm/manager/heartbeat.js";
import { conversation, ready } from "./support/conversation.mjs";
import { within } from "./support/managers.mjs";
import { standStill } from "./support/standing.mjs";

/**
 * A heartbeat whose pings go to `onPing`, which may answer. Gives the first of: a hang, or so many pings. `before`:
 * what is said before it begins.
 */
async function beat(onPing, { intervalMs = 10, timeoutMs = 50, enough = 3, before = () => {} } = {}) {
  const talk = conversation();
  await before(talk);
  let pings = 0;
  let heartbeat;
  try {
    const outcome = new Promise((resolve) => {
      const { _write: write } = talk.input;
      talk.input._write = (line, encoding, done) => {
        write.call(talk.input, line, encoding, done);
        const { id, method } = JSON.parse(line);
        if (method !== "ping") return;
        pings += 1;
        if (pings === enough) resolve("well");
        else onPing(id, talk, pings);
      };
      heartbeat = new Heartbeat(talk.client, { intervalMs, timeoutMs }, ({ kind, silentMs }) => resolve(silentMs ?? kind));
    });
    return [await within(outcome, "an outcome"), pings];
  } finally {
    heartbeat.stop();
  }
}

/** So much late, this process stood still, and nothing that it heard or did not hear is believed: see heartbeat.ts. */
const STALLED_MS = 1_000;

/** The outcome of a run of less than `mostMs`: in a longer one this process stood still where it was not to. */
async function undisturbed(run, mostMs = STALLED_MS) {
  for (let attempt = 1; ; attempt++) {
    const began = performance.now();
    const outcome = await run();
    if (performance.now() - began < mostMs) return outcome;
    assert.ok(attempt < 20, `it stood still in each of ${attempt} runs`);
  }
}

test("pings that are answered", async () => {
  assert.deepEqual(await beat((id, { answer }) => setImmediate(answer, id)), ["well", 3]);
});

test("a ping that is not answered is a hang", async () => {
  const [silentMs, pings] = await undisturbed(() => beat(() => {}));
  assert.equal(pings, 1);
  assert.ok(silentMs >= 59, `${silentMs} ms`);
});

test("any word is a sign of life: an event, a failure, half a line", async () => {
  const words = [
    (id, { tell }) => tell({ event: "progress", data: {} }),
    (id, { tell }) => tell({ id, ok: false, error: { code: "internal", message: "no" } }),
    (id, { read }) => read('{"event":'),
  ];
  for (const word of words) {
    const onPing = (id, talk, pings) => pings === 1 && setImmediate(word, id, talk);
    const [silentMs, pings] = await undisturbed(() => beat(onPing, { enough: 9 }));
    // Of the ping that nothing followed.
    assert.deepEqual([typeof silentMs, pings], ["number", 2]);
  }
});

test("this process stood still until the time-out was over, and the answer is in the pipe: no hang", async () => {
  const onPing = (id, { answer }) =>
    setImmediate(() => {
      standStill(80);
      // What is read comes behind timers: the one of the ping is due.
      setImmediate(answer, id);
    });
  assert.deepEqual(await beat(onPing), ["well", 3]);
});

test("this process stood still for so long that nothing is to be believed: another ping tells", async () => {
  const onPing = (id, talk, pings) => {
    if (pings === 1) standStill(STALLED_MS + 100);
  };
  const [silentMs, pings] = await undisturbed(() => beat(onPing), 2 * STALLED_MS);
  assert.deepEqual([typeof silentMs, pings], ["number", 2]);
});

test("cancelled requests that hold every place and are never answered are a hang; some are not", async () => {
  const answered = (id, { answer }) => setImmediate(answer, id);
  const cancelled = (requests) => async ({ client, tell }) => {
    tell(ready({ maxInFlight: 2 }));
    for (let asked = 0; asked < requests; asked++) {
      await assert.rejects(client.search({ pattern: "x" }, { timeoutMs: 1 }), { code: "timeout" });
    }
  };
  // Pings go on for longer than it takes to be sure.
  const some = () => beat(answered, { before: cancelled(1), enough: 20 });
  assert.deepEqual(await undisturbed(some), ["well", 20]);
  const [kind] = await undisturbed(() => beat(answered, { before: cancelled(2), enough: Infinity }));
  assert.equal(kind, "protocol");
});

test("this process stood still after all was cancelled, and the ping is answered before the rest: no hang", async () => {
  const before = async ({ client, tell }) => {
    tell(ready({ maxInFlight: 1 }));
    await assert.rejects(client.search({ pattern: "x" }, { timeoutMs: 1 }), { code: "timeout" });
    standStill(80);
  };
  const onPing = (id, { answer, tell, written }, pings) =>
    setImmediate(() => {
      answer(id);
      if (pings > 1) return;
      const { params } = written.find(({ method }) => method === "cancel");
      setImmediate(tell, { id: params.id, ok: false, error: { code: "cancelled", message: "cancelled" } });
    });
  assert.deepEqual(await beat(onPing, { before }), ["well", 3]);
});

test("an answer to a cancelled request gives its place back in time", async () => {
  const talk = conversation();
  talk.tell(ready({ maxInFlight: 1 }));
  const { client } = talk;
  for (let turn = 0; turn < 3; turn++) {
    await assert.rejects(client.search({ pattern: "x" }, { timeoutMs: 1 }), { code: "timeout" });
    assert.ok(client.blockedSince <= performance.now());
    const { params } = talk.written.at(-1);
    talk.tell({ id: params.id, ok: false, error: { code: "cancelled", message: "cancelled" } });
    assert.equal(client.blockedSince, undefined);
  }
});
