// Requests through a manager: when there is a process, and while there is none.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SidecarClient } from "workspace-sidecar";

import { failure } from "./support/failure.mjs";
import { manageFake, manageReal, next, runsFile, within, workspace } from "./support/managers.mjs";

const SLOW_START = { rules: [{ on: "start", do: [{ wait: 200 }, "behave"] }] };
const NEVER = { rules: [{ on: "start", do: [] }] };
const GLOB = { include: ["**"] };

test("before `start` a request is refused, and says what to do", async () => {
  const sidecar = manageFake();
  const message = /^glob: the sidecar was not started: call `start`$/;
  await assert.rejects(sidecar.glob(GLOB), failure("sidecar_stopped", message));
  await assert.rejects(sidecar.searchStream({ pattern: "a" }).result, failure("sidecar_stopped", /^search: /));
  await assert.rejects(sidecar.watch().established, failure("sidecar_stopped", /^watch: /));
});

test("while it starts requests wait, and are answered", async () => {
  const sidecar = manageFake(SLOW_START);
  const started = sidecar.start();
  const answers = Promise.all([sidecar.glob(GLOB), sidecar.ping(), sidecar.searchStream({ pattern: "a" }).result]);
  assert.equal(sidecar.state, "starting");
  const [{ files }, { pid }] = await answers;
  assert.deepEqual([files, pid], [[], (await started).pid]);
});

test("while it is started again requests wait, and are answered by the next", async () => {
  const script = { runs: runsFile(), rules: [{ on: "request", method: "glob", run: 1, do: { crash: 1 } }] };
  const sidecar = manageFake(script, { restart: { minDelayMs: 100 } });
  await sidecar.start();
  const restarting = next(sidecar, "restarting");
  await assert.rejects(sidecar.glob(GLOB), failure("sidecar_crashed"));
  await restarting;
  assert.equal(sidecar.state, "restarting");
  const started = sidecar.start();
  assert.equal((await sidecar.ping()).pid, sidecar.pid);
  assert.equal((await started).pid, sidecar.pid);
});

test("who waits is out of time, as one of the same request", async () => {
  const sidecar = manageFake(NEVER, { requestTimeoutMs: 40 });
  sidecar.start().catch(() => {});
  const expected = failure("timeout", /^glob: the sidecar was not ready within 40 ms$/);
  await assert.rejects(sidecar.glob(GLOB), (error) => expected(error) && error.method === "glob");
  await assert.rejects(sidecar.glob(GLOB, { timeoutMs: 10 }), failure("timeout", /within 10 ms$/));
  const stream = sidecar.searchStream({ pattern: "a" }, { timeoutMs: 10 });
  await assert.rejects(stream.result, failure("timeout", /^search: /));
});

test("who waits is told the time-out that was asked for, although time passes before the wait", async (t) => {
  const sidecar = manageFake(NEVER);
  sidecar.start().catch(() => {});
  let now = performance.now();
  const clock = t.mock.method(performance, "now", () => (now += 7));
  const request = sidecar.glob(GLOB, { timeoutMs: 40 });
  clock.mock.restore();
  await assert.rejects(request, failure("timeout", /within 40 ms$/));
});

test("the time spent waiting counts", async (t) => {
  const { mock: asked } = t.mock.method(SidecarClient.prototype, "request");
  const sidecar = manageFake(SLOW_START);
  sidecar.start().catch(() => {});
  const answered = sidecar.glob(GLOB, { timeoutMs: 60_000 });
  const began = performance.now();
  let waitedMs;
  sidecar.once("ready", () => (waitedMs = performance.now() - began));
  await answered;
  const [, , { timeoutMs }] = asked.calls.find(({ arguments: [method] }) => method === "glob").arguments;
  // The process is ready 200 ms after its start, and timers may be a millisecond early.
  assert.ok(waitedMs >= 199 && timeoutMs <= 60_001 - waitedMs, `${timeoutMs} ms are left after ${waitedMs} ms`);
});

test("who waits can be cancelled", async () => {
  const sidecar = manageFake(NEVER);
  sidecar.start().catch(() => {});
  const stop = new AbortController();
  const reason = new Error("enough");
  const { signal } = stop;
  const requests = [
    sidecar.glob(GLOB, { signal }),
    sidecar.searchStream({ pattern: "a" }, { signal }).result,
    sidecar.watch({}, { signal }).established,
    sidecar.glob(GLOB, { signal: AbortSignal.abort(reason) }),
  ];
  stop.abort(reason);
  for (const request of requests) {
    await assert.rejects(request, (error) => failure("cancelled", /: cancelled$/)(error) && error.cause === reason);
  }
  const stream = sidecar.searchStream({ pattern: "a" });
  stream.cancel();
  await assert.rejects(stream.result, failure("cancelled"));
});

test("who waits is told when it stops, or fails", async () => {
  for (const [code, end] of [
    ["sidecar_stopped", (sidecar) => sidecar.stop()],
    ["start_timeout", () => {}],
  ]) {
    const startTimeoutMs = code === "start_timeout" ? 50 : 10_000;
    const sidecar = manageFake(NEVER, { startTimeoutMs, stop: { graceMs: 50 } });
    const started = sidecar.start();
    const request = sidecar.glob(GLOB);
    const outcomes = Promise.allSettled([started, request]);
    await end(sidecar);
    for (const { reason } of await within(outcomes, code)) assert.ok(failure(code)(reason));
    await assert.rejects(request, failure(code, /^glob: /));
  }
});

test("a process that is lost just as it is ready: who waits gets the next one", async () => {
  const ready = { event: "ready", data: { protocolVersion: 1, version: "0", clock: "1" } };
  const write = `${JSON.stringify(ready)}\noops\n`;
  const script = { runs: runsFile(), rules: [{ on: "start", run: 1, do: { write } }] };
  const sidecar = manageFake(script, { restart: { minDelayMs: 2 } });
  const started = sidecar.start();
  const answered = sidecar.glob(GLOB);
  await started;
  assert.deepEqual((await answered).files, []);
  assert.equal(sidecar.restarts, 1);
});

test("a signal of a thousand requests that wait: no warning", async () => {
  const warnings = [];
  const warn = (warning) => warnings.push(warning);
  process.on("warning", warn);
  const sidecar = manageFake(SLOW_START);
  sidecar.start().catch(() => {});
  const { signal } = new AbortController();
  await Promise.all([
    ...Array.from({ length: 1_000 }, () => sidecar.ping({}, { signal })),
    ...Array.from({ length: 50 }, () => sidecar.searchStream({ pattern: "a" }, { signal }).result),
    ...Array.from({ length: 50 }, () => sidecar.watch({}, { signal }).established),
  ]);
  process.off("warning", warn);
  assert.deepEqual(warnings, []);
});

test("a time-out that is no time is refused, whether there is a process or not", async () => {
  const sidecar = manageFake(SLOW_START);
  const started = sidecar.start();
  const refused = async () => {
    for (const timeoutMs of [NaN, -1]) {
      const expected = (method) => failure("invalid_params", new RegExp(`^${method}: \`timeoutMs\``));
      await assert.rejects(sidecar.glob(GLOB, { timeoutMs }), expected("glob"));
      await assert.rejects(sidecar.searchStream({ pattern: "a" }, { timeoutMs }).result, expected("search"));
    }
  };
  await refused();
  await started;
  await refused();
});

test("what is about one process is no request: it says what to call, and costs no process", async () => {
  const sidecar = manageFake();
  const instead = { shutdown: /`stop\(\)`/, cancel: /`signal`/, watch: /`watch\(\)`/, unwatch: /`close\(\)`/ };
  const refused = async () => {
    for (const [method, what] of Object.entries(instead)) {
      await assert.rejects(
        sidecar.request(method, { id: "1", subscription: "subscription-1" }),
        (error) => failure("invalid_params", what)(error) && error.method === method,
      );
    }
  };
  await refused();
  await sidecar.start();
  await refused();
  await sidecar.ping();
  assert.deepEqual([sidecar.states(), sidecar.restarts], [["starting", "ready"], 0]);
});

test("a request's own time-out is heeded, and 0 is none", async () => {
  const rules = [
    { on: "request", method: "glob", nth: 1, do: [] },
    { on: "request", method: "glob", do: [{ wait: 150 }, "behave"] },
  ];
  const sidecar = manageFake({ rules }, { requestTimeoutMs: 30 });
  await sidecar.start();
  await assert.rejects(sidecar.glob(GLOB), failure("timeout", /within 30 ms$/));
  await sidecar.glob(GLOB, { timeoutMs: 20_000 });
  await sidecar.glob(GLOB, { timeoutMs: 0 });
});

test("the sidecar's own errors pass as they are", async () => {
  const sidecar = manageReal(workspace());
  await sidecar.start();
  await assert.rejects(sidecar.readFile({ path: "no.ts" }), failure("not_found", /no\.ts/));
  await assert.rejects(sidecar.search({ pattern: "\ud83d" }), failure("invalid_params", /`pattern`/));
  let deep = [];
  for (let depth = 0; depth < 1_000; depth++) deep = [deep];
  const edit = { path: "a.tsx", element: { name: "A", index: 0 }, prop: "x", value: deep };
  await assert.rejects(sidecar.planPropEdits({ edits: [edit] }), failure("invalid_params", /deeper/));
  // None of them costs the conversation.
  assert.deepEqual(sidecar.states(), ["starting", "ready"]);
});
