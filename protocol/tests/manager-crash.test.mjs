// The ways in which a sidecar is lost, what becomes of requests then, and when it is started again.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { SidecarClient } from "workspace-sidecar";
import { control } from "workspace-sidecar/testing";

import { failure } from "./support/failure.mjs";
import { alive, manage, manageFake, manageReal, next, runsFile, temp, within, workspace } from "./support/managers.mjs";
import { standStill } from "./support/standing.mjs";

const restart = { minDelayMs: 2, maxDelayMs: 4 };
const onGlob = (...actions) => [{ on: "request", method: "glob", run: 1, do: actions }];
const glob = (sidecar) => sidecar.glob({ include: ["**"] });
// The next process has this heart, too, and may have to wait for a processor.
const FAST_HEART = { intervalMs: 30, timeoutMs: 3_000 };

// Rules, options, the cause that is told, the message of a request that was in flight.
const LOSSES = {
  "an exit status": [
    onGlob({ crash: 7 }),
    {},
    { kind: "exit", code: 7 },
    /^glob: the sidecar ended with exit status 7$/,
  ],
  "an exit as if all were well": [onGlob({ crash: 0 }), {}, { kind: "exit", code: 0 }, /exit status 0$/],
  "a signal": [onGlob({ crash: "SIGSEGV" }), {}, { kind: "signal", signal: "SIGSEGV" }, /was ended by SIGSEGV$/],
  "a hang": [
    [...onGlob("hang"), { on: "sigterm", do: [] }],
    { heartbeat: FAST_HEART },
    { kind: "hang" },
    /^glob: the sidecar answered nothing for \d+ ms and was killed$/,
  ],
  "a process that reads no more": [
    onGlob("stopReading"),
    { heartbeat: FAST_HEART },
    { kind: "hang" },
    /answered nothing for \d+ ms/,
  ],
  garbage: [
    onGlob({ write: "oops\n" }),
    {},
    { kind: "protocol" },
    /^glob: the sidecar wrote a line that is not JSON: "oops"/,
  ],
  "a huge line": [
    onGlob({ write: "x", times: 3_000_000 }),
    { limits: { maxResponseBytes: 1_000_000 } },
    { kind: "protocol" },
    /a line of more than 1000000 bytes/,
  ],
  "stdout closed": [
    onGlob("closeStdout"),
    {},
    { kind: "broken-pipe", stream: "stdout" },
    /closed its stdout and was killed$/,
  ],
  "stdin closed": [
    onGlob("closeStdin"),
    // The next ping finds it.
    { heartbeat: { intervalMs: 30, timeoutMs: 10_000 } },
    { kind: "broken-pipe", stream: "stdin" },
    /closed its stdin and was killed$/,
  ],
};
for (const [what, [rules, { limits, ...options }, expected, message]] of Object.entries(LOSSES)) {
  test(`${what}: in flight is rejected, the process is gone, another answers`, async () => {
    const script = { runs: runsFile(), rules, ...(limits && { ready: { limits } }) };
    const sidecar = manageFake(script, { restart, ...options });
    await sidecar.start();
    const { pid } = sidecar;
    const restarting = next(sidecar, "restarting");
    const inFlight = [glob(sidecar), sidecar.findFiles({ query: "a" })];
    // Answered before, or lost with it.
    inFlight[1].catch(() => {});
    const error = await within(inFlight[0].catch((error) => error), "the rejection");
    assert.ok(failure("sidecar_crashed", message)(error));
    assert.equal(error.method, "glob");
    const { cause, delayMs, crashes } = await restarting;
    assert.deepEqual({ ...cause, ...expected }, cause);
    assert.deepEqual([crashes, delayMs >= 1 && delayMs <= 2], [1, true]);
    assert.equal(alive(pid), false);
    await glob(sidecar);
    assert.notEqual(sidecar.pid, pid);
    assert.deepEqual(sidecar.states(), ["starting", "ready", "restarting", "starting", "ready"]);
    const warnings = sidecar.logged.filter(({ level }) => level === "warn").map(({ message }) => message);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /; it is started again in \d+ ms$/);
  });
}

test("closed its stdout, then ended while this process stood still: it is lost by its end", async (t) => {
  const script = { runs: runsFile(), rules: onGlob("closeStdout", { wait: 200 }, { crash: 7 }) };
  const children = [];
  const spawned = ({ process }) => children.push(process);
  subscribe("child_process", spawned);
  t.after(() => unsubscribe("child_process", spawned));
  const sidecar = manageFake(script, { restart });
  await sidecar.start();
  const restarting = next(sidecar, "restarting");
  const { stdout } = children.find(({ pid }) => pid === sidecar.pid);
  // Once the manager heard it: for longer than it is given to leave, and long enough for it to do so.
  stdout.once("end", () => standStill(3_000));
  await assert.rejects(glob(sidecar), failure("sidecar_crashed", /ended with exit status 7$/));
  assert.deepEqual((await restarting).cause, { kind: "exit", code: 7 });
});

test("the real sidecar, killed: in flight is rejected at once, another answers", async () => {
  const sidecar = manageReal(workspace({ "a.ts": "" }), { restart });
  await sidecar.start();
  const searches = Array.from({ length: 50 }, () => glob(sidecar).then(() => "answered", ({ code }) => code));
  process.kill(sidecar.pid, "SIGKILL");
  const outcomes = new Set(await within(Promise.all(searches), "settling"));
  assert.deepEqual([...outcomes].filter((outcome) => !["answered", "sidecar_crashed"].includes(outcome)), []);
  assert.deepEqual((await glob(sidecar)).files, [{ path: "a.ts" }]);
});

test("a sidecar that is silent but well is not killed; nor one that answers others slowly", async () => {
  const sidecar = manageFake({ rules: [{ on: "request", method: "glob", do: [{ wait: 500 }, "behave"] }] }, {
    heartbeat: { intervalMs: 20, timeoutMs: 15_000 },
  });
  await sidecar.start();
  await glob(sidecar);
  assert.deepEqual(sidecar.states(), ["starting", "ready"]);
});

test("where this process itself stands still, the sidecar is not taken for hung", async (t) => {
  const sidecar = manageReal(workspace(), { heartbeat: { intervalMs: 50, timeoutMs: 2_000 } });
  const { pid } = await sidecar.start();
  // For longer than the time-out; and for so long that nothing is to be believed.
  const stills = [2_100, 3_200];
  // The answer is not read before, but in the pipe afterwards, when the time-out is due.
  const signal = (name) => process.platform !== "win32" && process.kill(pid, name);
  const { ping } = SidecarClient.prototype;
  const over = new Promise((resolve) => {
    t.mock.method(SidecarClient.prototype, "ping", function (...args) {
      const ms = stills.shift();
      if (ms === undefined) resolve();
      else {
        signal("SIGSTOP");
        setImmediate(() => {
          signal("SIGCONT");
          standStill(ms);
        });
      }
      return ping.apply(this, args);
    });
  });
  await within(over, "pings");
  assert.equal((await sidecar.ping()).pid, pid);
  assert.deepEqual(sidecar.states(), ["starting", "ready"]);
});

test("crash loop: the breaker at the last crash, for who waits and who comes later; `start` tries anew", async () => {
  const runs = runsFile();
  const lost = [{ on: "request", method: "stat", do: { crash: 9 } }];
  const rules = [2, 3].map((run) => ({ on: "start", run, do: [{ stderr: `run ${run} fails` }, { crash: 9 }] }));
  const sidecar = manageFake({ runs, rules: [...lost, ...rules] }, { restart: { ...restart, maxCrashes: 3 } });
  await sidecar.start();
  await assert.rejects(sidecar.stat({ paths: ["a"] }), failure("sidecar_crashed"));
  const waiting = [sidecar.start(), glob(sidecar), sidecar.ping(), sidecar.watch().established];
  const stream = sidecar.searchStream({ pattern: "a" });
  const failed = next(sidecar, "failed");
  const message = /crashed 3 times and is not started again; the last time: the sidecar ended with exit status 9$/;
  for (const promise of [...waiting, stream.result]) await assert.rejects(promise, failure("crash_loop", message));
  const error = await failed;
  assert.ok(failure("crash_loop", message)(error));
  assert.deepEqual(error.data, { kind: "exit", code: 9, stderr: ["run 3 fails"] });
  assert.deepEqual([sidecar.state, sidecar.pid, sidecar.restarts], ["failed", undefined, 2]);
  await assert.rejects(glob(sidecar), failure("crash_loop", message));
  await assert.rejects(sidecar.searchStream({ pattern: "a" }).result, failure("crash_loop", /^search: /));
  await sidecar.start();
  await glob(sidecar);
  assert.equal(readFileSync(runs, "utf8").trim().split("\n").length, 4);
  const round = ["starting", "restarting"];
  const states = ["starting", "ready", "restarting", ...round, "starting", "failed", "starting", "ready"];
  assert.deepEqual(sidecar.states(), states);
});

test("back-off: no process is started before its time, each time later", async () => {
  const again = [2, 3, 4].map((run) => ({ on: "start", run, do: { crash: 1 } }));
  const script = { runs: runsFile(), rules: [...onGlob({ crash: 1 }), ...again] };
  const sidecar = manageFake(script, { restart: { minDelayMs: 40, factor: 3, maxCrashes: 4 } });
  let lost;
  const delays = [];
  sidecar.on("restarting", ({ delayMs, crashes }) => {
    lost = performance.now();
    delays.push({ delayMs, bound: 40 * 3 ** (crashes - 1) });
  });
  // Timers may be up to a millisecond early.
  sidecar.on("starting", () => delays.length > 0 && assert.ok(performance.now() - lost >= delays.at(-1).delayMs - 2));
  await sidecar.start();
  await assert.rejects(glob(sidecar), failure("sidecar_crashed"));
  await assert.rejects(sidecar.start(), failure("crash_loop"));
  assert.equal(delays.length, 3);
  for (const { delayMs, bound } of delays) {
    assert.ok(delayMs >= bound / 2 && delayMs <= bound, `${delayMs} of ${bound}`);
  }
});

test("`restart: false`: failed at the first crash, with what happened", async () => {
  const sidecar = manageFake({ runs: runsFile(), rules: onGlob({ crash: 4 }) }, { restart: false });
  await sidecar.start();
  const failed = next(sidecar, "failed");
  await assert.rejects(glob(sidecar), failure("sidecar_crashed", /exit status 4$/));
  assert.ok(failure("sidecar_crashed", /^the sidecar ended with exit status 4$/)(await failed));
  await assert.rejects(glob(sidecar), failure("sidecar_crashed", /^glob: the sidecar ended with exit status 4$/));
  await sidecar.start();
  await glob(sidecar);
});

test("a workspace that is gone is a failure once it was looked for again", async () => {
  const root = workspace({ "a.ts": "" });
  const sidecar = manageReal(root, { restart: { ...restart, maxCrashes: 3 } });
  await sidecar.start();
  const failed = next(sidecar, "failed");
  spawnSync("rm", ["-rf", root]);
  process.kill(sidecar.pid, "SIGKILL");
  assert.ok(failure("crash_loop", /3 times.*cannot serve the workspace/)(await failed));
  const again = ["restarting", "starting"];
  assert.deepEqual(sidecar.states(), ["starting", "ready", ...again, ...again, "failed"]);
});

test("a workspace that is away for a moment is served again", async () => {
  const root = workspace({ "a.ts": "" });
  const sidecar = manageReal(root, { restart });
  await sidecar.start();
  const looked = next(sidecar, "restarting", ({ cause }) => cause.kind === "fatal");
  renameSync(root, `${root} away`);
  process.kill(sidecar.pid, "SIGKILL");
  await looked;
  const back = next(sidecar, "ready");
  renameSync(`${root} away`, root);
  await back;
  assert.deepEqual((await glob(sidecar)).files, [{ path: "a.ts" }]);
});

const posix = { skip: process.platform === "win32" };
test("a process that another one's open stdout outlives is over, too", posix, async (t) => {
  // The shell's child keeps stdout and stderr open for longer than anybody waits.
  const child = join(temp, "outlives");
  const script = 'sleep 60 & echo $! > "$0"; echo "last words" >&2; exit 6';
  t.after(() => process.kill(Number(readFileSync(child, "utf8"))));
  const sidecar = manage({ binary: { file: "/bin/sh", args: ["-c", script, child] }, restart: false });
  const error = await within(sidecar.start().catch((error) => error), "the failure");
  assert.ok(failure("start_failed", /exit status 6 before it was ready: last words\. Is it/)(error));
  assert.deepEqual(error.data.stderr, ["last words"]);
});

test("two managers: one's crash is none of the other's", async () => {
  const one = manageFake({}, { restart });
  const two = manageReal(workspace({ "a.ts": "" }), { restart });
  await Promise.all([one.start(), two.start()]);
  const { pid } = two;
  const back = next(one, "ready");
  await control(one, { do: { crash: 3 } }).catch(() => {});
  assert.deepEqual((await glob(two)).files, [{ path: "a.ts" }]);
  await back;
  await glob(one);
  assert.deepEqual([two.pid, two.states()], [pid, ["starting", "ready"]]);
});
