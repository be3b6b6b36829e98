// Managers started and stopped at random moments, under load and while processes are killed: a stop is a stop.
//
// STOP_SECONDS (10) is how long it goes on; STOP_SEED repeats the choices of an earlier run, though not its moments.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { silentLogger, SidecarManager } from "workspace-sidecar";

import { Settling, within } from "./chaos/settling.mjs";
import { binary } from "./support/binary.mjs";
import { processes } from "./support/processes.mjs";
import { Questions } from "./support/questions.mjs";
import { random } from "./support/random.mjs";
import { copyWorkspace } from "./support/workspaces.mjs";

const SECONDS = Number(process.env.STOP_SECONDS || 10);
const SEED = Number(process.env.STOP_SEED || Math.floor(Math.random() * 2 ** 32));
const PATIENCE_MS = 30_000;
/** The longest that a manager is left to itself, in milliseconds. */
const LIFE_MS = 150;
const SIGNALS = ["SIGKILL", "SIGSTOP", "SIGTERM", "SIGABRT"];
const CODES = new Set([
  ...["ok", "sidecar_stopped", "sidecar_crashed", "crash_loop", "start_failed"],
  ...["not_found", "invalid_path", "invalid_pattern", "invalid_glob", "invalid_params"],
]);
const skip = process.platform === "win32" && "Windows has no signals: a process cannot be stopped";

test(`managers are stopped for ${SECONDS} s: every promise settles, nothing is left`, {
  skip,
  timeout: SECONDS * 1000 + 3 * PATIENCE_MS,
}, async (t) => {
  t.diagnostic(`STOP_SEED=${SEED}`);
  const workspace = copyWorkspace("sidecar-stop");
  let sidecar;
  t.after(() => sidecar?.stop().finally(workspace.remove));
  const choices = random(SEED);
  const { below, chance, pick } = choices;
  const questions = new Questions(workspace.root, choices);
  const settling = new Settling();
  /** What is of interest is that it settles, and how: an answer that is wrong is another test's. */
  const track = (promise, about) => settling.track(promise, about).catch(() => {});

  const load = async () => {
    const until = performance.now() + below(LIFE_MS);
    while (performance.now() < until) {
      for (let asked = below(30); asked > 0; asked--) {
        const question = questions.next();
        track(question.ask(sidecar), question.about);
      }
      if (chance(0.3)) track(drained(sidecar.watch({})), "watch");
      if (chance(0.3)) track(drained(sidecar.searchStream({ pattern: "a" })), "streamed search");
      if (chance(0.1) && sidecar.pid !== undefined) hit(sidecar.pid, pick(SIGNALS));
      await sleep(below(20));
    }
  };

  const ends = { once: 0, twice: 0, "with a start in between": 0 };
  const deadline = performance.now() + SECONDS * 1000;
  while (performance.now() < deadline) {
    sidecar = new SidecarManager({
      root: workspace.root,
      binary,
      heartbeat: { intervalMs: 100, timeoutMs: 1_000 },
      restart: { minDelayMs: 1, maxDelayMs: 20, maxCrashes: pick([2, Infinity]) },
      stop: { graceMs: 500, killMs: 200 },
      logger: silentLogger,
    });
    for (let lives = 1 + below(3); lives > 0; lives--) {
      track(sidecar.start(), "start");
      await load();
      const { pid } = sidecar;
      const end = pick(Object.keys(ends));
      ends[end] += 1;
      const stops = [sidecar.stop()];
      if (end === "with a start in between") track(sidecar.start(), "start while stopping");
      if (end !== "once") stops.push(sidecar.stop());
      await within(Promise.all(stops), PATIENCE_MS, () => `stopped: process ${pid}, state ${sidecar.state}`);
      assert.deepEqual([sidecar.state, sidecar.pid], ["stopped", undefined], `stopped ${end}`);
      assert.equal(processes().some((process) => process.pid === pid), false, `process ${pid} is left`);
    }
  }

  // What settles after its manager was stopped does so at once.
  await sleep(0);
  assert.deepEqual(settling.open, [], "promises that never settled");
  assert.deepEqual(Object.keys(settling.counts).filter((code) => !CODES.has(code)), [], "codes that are not due");
  const left = processes().filter(({ parent, command }) => parent === process.pid || command.includes(workspace.root));
  t.diagnostic(
    `stopped ${Object.entries(ends).map(([end, count]) => `${end} ${count}`).join(", ")}; ` +
      `${settling.total} promises settled: ${JSON.stringify(settling.counts)}; orphans and zombies ${left.length}`,
  );
  assert.deepEqual(left, [], "processes that are left");
});

/** It may be gone, though the manager has not heard of it. */
function hit(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

/** Takes everything that there is. */
async function drained(iterable) {
  for await (const _ of iterable);
}
