// The end of a sidecar, whenever it is asked for, and however the process takes it.

import assert from "node:assert/strict";
import { ChildProcess } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { silentLogger } from "workspace-sidecar";

import { failure } from "./support/failure.mjs";
import {
  alive,
  manageFake,
  manageReal,
  next,
  runsFile,
  startedProcess,
  within,
  workspace,
} from "./support/managers.mjs";

const GLOB = { include: ["**"] };
/** For a process that leaves by itself, however long it has to wait for a processor. */
const PATIENT = { graceMs: 60_000 };
const IGNORES = [
  { on: "request", method: "shutdown", do: [] },
  { on: "stdin-end", do: [] },
  { on: "sigterm", do: [] },
];

test("before `start`: stopped, and `start` works", async () => {
  const sidecar = manageFake();
  await sidecar.stop();
  assert.deepEqual(sidecar.states(), ["stopping", "stopped"]);
  await assert.rejects(sidecar.glob(GLOB), failure("sidecar_stopped", /^glob: the sidecar was stopped$/));
  await sidecar.start();
  assert.equal(sidecar.state, "ready");
});

test("twice, at once and later: one end", async () => {
  const sidecar = manageFake();
  const { pid } = await sidecar.start();
  await Promise.all([sidecar.stop(), sidecar.stop()]);
  await sidecar.stop();
  assert.equal(alive(pid), false);
  assert.deepEqual(sidecar.states(), ["starting", "ready", "stopping", "stopped"]);
});

test("by `await using`", async () => {
  const sidecar = manageFake();
  const { pid } = await sidecar.start();
  await sidecar[Symbol.asyncDispose]();
  assert.deepEqual([alive(pid), sidecar.state], [false, "stopped"]);
});

test("during start-up: the process is gone, and who waited is told", async () => {
  const late = { rules: [{ on: "start", do: [{ wait: 60_000 }, "behave"] }] };
  for (const sidecar of [manageFake(late, { stop: { graceMs: 50 } }), manageReal(workspace())]) {
    const started = sidecar.start();
    started.catch(() => {});
    const pid = await startedProcess(sidecar);
    await sidecar.stop();
    assert.equal(alive(pid), false);
    await assert.rejects(started, failure("sidecar_stopped"));
    assert.deepEqual(sidecar.states(), ["starting", "stopping", "stopped"]);
  }
});

test("before there is a process: none is started", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs });
  const started = sidecar.start();
  const stopped = sidecar.stop();
  await assert.rejects(started, failure("sidecar_stopped"));
  await stopped;
  assert.throws(() => readFileSync(runs), { code: "ENOENT" });
  assert.deepEqual(sidecar.states(), ["starting", "stopping", "stopped"]);
});

for (const [event, states] of Object.entries({
  starting: ["starting", "stopping", "stopped"],
  ready: ["starting", "ready", "stopping", "stopped"],
  restarting: ["starting", "restarting", "stopping", "stopped"],
  failed: ["starting", "failed", "stopping", "stopped"],
})) {
  for (const named of [true, false]) {
    test(`by a listener of \`${named ? event : `state\`: \`${event}`}\``, async () => {
      const runs = runsFile();
      const rules = event === "starting" || event === "ready" ? [] : [{ on: "start", do: { crash: 1 } }];
      const restart = event === "failed" ? false : { minDelayMs: 1, maxDelayMs: 1 };
      const sidecar = manageFake({ runs, rules }, { restart });
      const stopped = new Promise((resolve) => {
        const listener = (state) => (named || state === event) && resolve(sidecar.stop());
        if (named) sidecar.once(event, listener);
        else sidecar.on("state", listener);
      });
      const outcome = await within(sidecar.start().then(() => "ready", ({ code }) => code), "the start");
      await within(stopped, "the stop");
      // Long enough for the back-off.
      await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual([sidecar.state, sidecar.pid], ["stopped", undefined]);
      assert.deepEqual(sidecar.states(), states);
      assert.equal(outcome, { ready: "ready", failed: "start_failed" }[event] ?? "sidecar_stopped");
    });
  }
}

test("by a listener of `stopping`, which is told once", async () => {
  const sidecar = manageFake();
  await sidecar.start();
  sidecar.on("state", () => void sidecar.stop());
  await within(sidecar.stop(), "the stop");
  assert.deepEqual(sidecar.states(), ["starting", "ready", "stopping", "stopped"]);
});

test("during back-off: nothing is started any more", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs, rules: [{ on: "start", do: { crash: 1 } }] }, { restart: { minDelayMs: 60 } });
  const started = sidecar.start();
  const refused = assert.rejects(started, failure("sidecar_stopped"));
  await next(sidecar, "restarting");
  await sidecar.stop();
  await refused;
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(readFileSync(runs, "utf8").trim().split("\n").length, 1);
  assert.deepEqual(sidecar.states(), ["starting", "restarting", "stopping", "stopped"]);
});

test("after a failure", async () => {
  const sidecar = manageFake({ rules: [{ on: "start", do: { crash: 1 } }] }, { restart: false });
  await assert.rejects(sidecar.start(), failure("start_failed"));
  await sidecar.stop();
  assert.deepEqual(sidecar.states(), ["starting", "failed", "stopping", "stopped"]);
  await assert.rejects(sidecar.ping(), failure("sidecar_stopped"));
});

test("what is in flight is answered before; what it does not answer is told", async () => {
  const rules = [
    { on: "request", method: "glob", do: [{ wait: 100 }, "behave"] },
    { on: "request", method: "findFiles", do: [] },
  ];
  const sidecar = manageFake({ rules }, { stop: PATIENT });
  await sidecar.start();
  const answered = sidecar.glob(GLOB);
  const unanswered = sidecar.findFiles({ query: "a" });
  const stopped = sidecar.stop();
  await assert.rejects(sidecar.ping(), failure("sidecar_stopped"));
  assert.deepEqual((await answered).files, []);
  await assert.rejects(unanswered, failure("sidecar_stopped", /^findFiles: the sidecar was stopped$/));
  await stopped;
});

test("more in flight than it takes at once: what was not written is told", async () => {
  const script = {
    ready: { limits: { maxInFlight: 1 } },
    rules: [{ on: "request", method: "glob", do: [{ wait: 50 }, "behave"] }],
  };
  const sidecar = manageFake(script, { stop: PATIENT });
  await sidecar.start();
  const requests = Array.from({ length: 5 }, () => sidecar.glob(GLOB).then(() => "answered", ({ code }) => code));
  await sidecar.stop();
  assert.deepEqual(await within(Promise.all(requests), "settling"), ["answered", ...Array(4).fill("sidecar_stopped")]);
});

test("the real sidecar during searches", async () => {
  const text = "abcdefghij ".repeat(200);
  const root = workspace(Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`${at}.txt`, text])));
  const sidecar = manageReal(root, { stop: { graceMs: 200 } });
  const { pid } = await sidecar.start();
  const params = { pattern: "(a|b|c)*(e.*)*z|[a-j]", regex: true, useIndex: false };
  const searches = Array.from({ length: 20 }, () => sidecar.search(params).then(() => "answered", ({ code }) => code));
  const stream = sidecar.searchStream(params);
  const loop = (async () => {
    for await (const _ of stream);
  })().then(() => "answered", ({ code }) => code);
  await sidecar.stop();
  assert.equal(alive(pid), false);
  const outcomes = await within(Promise.all([...searches, loop]), "settling");
  const allowed = ["answered", "sidecar_stopped"];
  assert.deepEqual(outcomes.filter((outcome) => !allowed.includes(outcome)), []);
});

test("a process that ignores everything: SIGTERM, then SIGKILL, each in its time", { timeout: 60_000 }, async (t) => {
  // The time of this process passes when it is told to.
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { mock: kill } = t.mock.method(ChildProcess.prototype, "kill");
  const signals = () => kill.calls.map(({ arguments: [signal] }) => signal);
  const rules = [...IGNORES.slice(0, 2), { on: "sigterm", do: { stderr: "SIGTERM came" } }];
  let sidecar;
  const logged = new Promise((resolve) => {
    const logger = { ...silentLogger, warn: resolve };
    sidecar = manageFake({ rules }, { stop: { graceMs: 200, killMs: 300 }, heartbeat: false, logger });
  });
  const { pid } = await sidecar.start();
  const stopped = sidecar.stop();
  t.mock.timers.tick(199);
  assert.deepEqual(signals(), []);
  t.mock.timers.tick(1);
  assert.deepEqual(signals(), ["SIGTERM"]);
  assert.equal(await logged, "sidecar: SIGTERM came");
  t.mock.timers.tick(299);
  assert.deepEqual([signals(), alive(pid)], [["SIGTERM"], true]);
  t.mock.timers.tick(1);
  assert.deepEqual(signals(), ["SIGTERM", "SIGKILL"]);
  await stopped;
  assert.equal(alive(pid), false);
});

test("a process that SIGTERM ends is not waited for longer", async () => {
  const sidecar = manageFake({ rules: IGNORES.slice(0, 2) }, { stop: { graceMs: 100, killMs: 60_000 } });
  await sidecar.start();
  await within(sidecar.stop(), "the stop");
});

test("a process that does not know `shutdown` leaves at the end of its input", async () => {
  const sidecar = manageFake({ rules: IGNORES.slice(0, 1) }, { stop: { graceMs: 60_000 } });
  await sidecar.start();
  await within(sidecar.stop(), "the stop");
});

test("a process that hangs while it is stopped", async () => {
  const rules = [{ on: "request", method: "shutdown", do: "hang" }, { on: "sigterm", do: [] }];
  const sidecar = manageFake({ rules }, { stop: { graceMs: 50, killMs: 50 } });
  const { pid } = await sidecar.start();
  const request = sidecar.request("changes", { since: "0" }).catch(({ code }) => code);
  await within(sidecar.stop(), "the stop");
  assert.equal(alive(pid), false);
  await request;
});

test("a process that crashes while it is stopped is stopped", async () => {
  const sidecar = manageFake({ rules: [{ on: "request", method: "shutdown", do: { crash: "SIGSEGV" } }] });
  await sidecar.start();
  await sidecar.stop();
  assert.deepEqual(sidecar.states(), ["starting", "ready", "stopping", "stopped"]);
});

test("`start` while it stops waits for the end, and starts another", async () => {
  const sidecar = manageFake();
  const { pid } = await sidecar.start();
  const stopped = sidecar.stop();
  const [one, two] = await Promise.all([sidecar.start(), sidecar.start(), stopped]);
  assert.equal(one, two);
  assert.notEqual(one.pid, pid);
  assert.deepEqual(sidecar.states(), ["starting", "ready", "stopping", "stopped", "starting", "ready"]);
});

test("`stop` behind such a `start` wins: nothing runs when it resolves, or later", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs });
  await sidecar.start();
  void sidecar.stop();
  const started = sidecar.start();
  const refused = assert.rejects(started, failure("sidecar_stopped"));
  await sidecar.stop();
  await refused;
  await new Promise(setImmediate);
  assert.deepEqual([sidecar.state, sidecar.pid], ["stopped", undefined]);
  assert.equal(readFileSync(runs, "utf8").trim().split("\n").length, 1);
});

test("started and stopped many times over, in any order: what was asked for last is so", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs });
  const outcomes = [];
  for (const call of "start stop stop start start stop start stop start".split(" ")) {
    outcomes.push(sidecar[call]().then(() => call, ({ code }) => code));
    await Promise.resolve();
  }
  const settled = await within(Promise.all(outcomes), "settling");
  assert.equal(settled.at(-1), "start");
  assert.equal(sidecar.state, "ready");
  await sidecar.ping();
  const pids = readFileSync(runs, "utf8").trim().split("\n").map(Number);
  assert.deepEqual(pids.filter(alive), [sidecar.pid]);
});
