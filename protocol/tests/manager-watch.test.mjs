// Subscriptions: what changes, across processes.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { SidecarClient } from "workspace-sidecar";
import { control, fakeSidecar } from "workspace-sidecar/testing";

import { failure } from "./support/failure.mjs";
import { manage, manageFake, manageReal, next, runsFile, within, workspace } from "./support/managers.mjs";

const modified = (...paths) => paths.map((path) => ({ path, kind: "modified" }));
const change = (sidecar, ...paths) => control(sidecar, { do: { change: modified(...paths) } });
const restart = { minDelayMs: 2, maxDelayMs: 4, maxCrashes: 100 };

/** The next changes, as paths; `fresh` in front of a full list. */
async function take(changes) {
  const { value, done } = await within(changes.next(), "changes");
  if (done) return "over";
  return [...(value.fresh ? ["fresh"] : []), ...value.changes.map(({ path }) => path)];
}
const subscribe = async (sidecar, params, options) => {
  const subscription = sidecar.watch(params, options);
  await subscription.established;
  return [subscription[Symbol.asyncIterator](), subscription];
};
/** The client of the process there is, which a manager shows to nobody. */
async function clientOf(t, sidecar) {
  const { mock } = t.mock.method(SidecarClient.prototype, "request");
  await sidecar.ping();
  mock.restore();
  return mock.calls.find((call) => call.arguments[0] === "ping").this;
}
/** Waits until nothing is in flight. */
async function answered(client) {
  while (client.pending > 0) await new Promise(setImmediate);
}
/** Loses the process, and waits for the next. */
async function crash(sidecar) {
  const back = next(sidecar, "ready");
  await control(sidecar, { do: { crash: 1 } }).catch(() => {});
  await back;
}

test("changes are told in order, to each subscription", async () => {
  const sidecar = manageFake();
  await sidecar.start();
  const [one] = await subscribe(sidecar);
  const waiting = take(one);
  await change(sidecar, "a");
  const [two] = await subscribe(sidecar);
  await change(sidecar, "b", "c");
  await change(sidecar, "d");
  assert.deepEqual([await waiting, await take(one), await take(one)], [["a"], ["b", "c"], ["d"]]);
  assert.deepEqual([await take(two), await take(two)], [["b", "c"], ["d"]]);
});

test("one asked for while it starts is told what changes from `established` on", async () => {
  const sidecar = manageFake();
  const started = sidecar.start();
  const [changes] = await subscribe(sidecar);
  await started;
  await change(sidecar, "a");
  assert.deepEqual(await take(changes), ["a"]);
});

test("an event in the same chunk as the answer to `watch` is not lost", async () => {
  const event = (subscription) => ({
    event: "changed",
    data: { subscription, clock: "fake:2", fresh: false, changes: modified("early") },
  });
  const answer = (id) => JSON.stringify({ id, ok: true, result: { subscription: "s", clock: "fake:1" } });
  const write = `${answer("1")}\n${JSON.stringify(event("s"))}\n`;
  const sidecar = manageFake({ rules: [{ on: "request", method: "watch", do: { write } }] }, { heartbeat: false });
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  assert.deepEqual(await take(changes), ["early"]);
});

test("after a crash the next is fresh, whether it was waited for or not, then it goes on", async () => {
  const sidecar = manageFake({}, { restart });
  await sidecar.start();
  const [one] = await subscribe(sidecar);
  const [two] = await subscribe(sidecar);
  const waiting = take(one);
  await crash(sidecar);
  assert.deepEqual(await waiting, ["fresh"]);
  await change(sidecar, "a");
  assert.deepEqual(await take(one), ["a"]);
  assert.equal((await take(two))[0], "fresh");
});

test("what was told of a lost process and not taken is replaced by what there is", async () => {
  const sidecar = manageFake({}, { restart });
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  await change(sidecar, "a");
  await change(sidecar, "b");
  await crash(sidecar);
  await crash(sidecar);
  assert.deepEqual(await take(changes), ["fresh"]);
  await change(sidecar, "c");
  assert.deepEqual(await take(changes), ["c"]);
});

test("lost while it asks what it missed: the next process is asked", async () => {
  const sidecar = manageFake({}, { restart });
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  await crash(sidecar);
  await control(sidecar, { rules: [{ on: "request", method: "changes", do: { crash: 1 } }] });
  const back = next(sidecar, "ready");
  assert.deepEqual(await take(changes), ["fresh"]);
  await back;
  assert.equal(sidecar.restarts, 2);
});

test("it is killed while it is asked what was missed: the reader waits, and lets others have their turn", async () => {
  const sidecar = manageFake({}, { restart });
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  await crash(sidecar);
  await control(sidecar, { rules: [{ on: "request", method: "changes", do: { write: "oops\n" } }] });
  assert.deepEqual(await take(changes), ["fresh"]);
  assert.equal(sidecar.restarts, 2);
});

test("a reader who takes nothing: nothing piles up, and one question makes up for it", async () => {
  const sidecar = manageFake();
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  const paths = Array.from({ length: 1_000 }, (_, at) => `file-${String(at).padStart(4, "0")}`);
  await control(sidecar, { do: paths.map((path) => ({ change: modified(path) })) });
  const batches = [await take(changes)];
  assert.deepEqual(batches[0], paths);
  // What may follow is a part of what is known, in order.
  await change(sidecar, "last");
  while (batches.at(-1)[0] !== "last") batches.push(await take(changes));
  const repeated = batches.slice(1, -1).flat();
  assert.ok(repeated.length <= 256, `${repeated.length} batches were held`);
  assert.deepEqual(repeated, paths.slice(paths.length - repeated.length));
});

test("a reader who takes nothing: few batches of many changes do not pile up, either; a single one is held", async () => {
  const sidecar = manageFake();
  await sidecar.start();
  const names = (prefix, count) => Array.from({ length: count }, (_, at) => `${prefix}${String(at).padStart(5, "0")}`);
  const [[a, b], all] = [[names("a", 6_000), names("b", 6_000)], names("c", 20_000)];
  const [changes] = await subscribe(sidecar);
  await change(sidecar, ...a);
  await change(sidecar, ...b);
  // Asked for, as they were let go.
  assert.deepEqual(await take(changes), [...a, ...b]);
  assert.deepEqual(await take(changes), b);
  await change(sidecar, ...all);
  assert.deepEqual(await take(changes), all);
  // What was taken does not count any more.
  await change(sidecar, ...a);
  await change(sidecar, "last");
  assert.deepEqual([await take(changes), await take(changes)], [a, ["last"]]);
});

test("a full list that fits no line: it is said that there is one", async () => {
  const error = { code: "response_too_large", message: "no" };
  const sidecar = manageFake({ answers: { changes: { error } } }, { restart });
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  await crash(sidecar);
  const { value } = await within(changes.next(), "changes");
  assert.deepEqual([value.fresh, value.changes, value.limitHit], [true, [], true]);
  await change(sidecar, "a");
  assert.deepEqual(await take(changes), ["a"]);
});

test("the question what was missed fails: the loop throws", async () => {
  const sidecar = manageFake({ answers: { changes: { error: { code: "io_error", message: "no" } } } }, { restart });
  await sidecar.start();
  const [changes] = await subscribe(sidecar);
  await crash(sidecar);
  await assert.rejects(within(changes.next(), "changes"), failure("io_error"));
  assert.equal(await take(changes), "over");
});

const ENDS = {
  "`close`": [({ subscription }) => subscription.close(), undefined],
  "a signal": [({ stop }) => stop.abort(), "cancelled"],
  "`stop`": [({ sidecar }) => sidecar.stop(), undefined],
  "a failure": [({ sidecar }) => control(sidecar, { do: { crash: 9 } }).catch(() => {}), "sidecar_crashed"],
};
for (const [what, [end, code]] of Object.entries(ENDS)) {
  for (const waiting of [true, false]) {
    const does = code === undefined ? "ends" : "throws out of";
    test(`${what} ${does} the loop, ${waiting ? "that waits" : "later"}`, async () => {
      const sidecar = manageFake({}, { restart: false });
      await sidecar.start();
      const stop = new AbortController();
      const [changes, subscription] = await subscribe(sidecar, {}, { signal: stop.signal });
      await change(sidecar, "a");
      assert.deepEqual(await take(changes), ["a"]);
      const before = waiting ? take(changes).catch((error) => error) : undefined;
      if (!waiting) await change(sidecar, "b");
      await end({ sidecar, subscription, stop });
      if (what === "a failure" && sidecar.state !== "failed") await next(sidecar, "failed");
      const outcome = await (before ?? take(changes).catch((error) => error));
      if (code === undefined) assert.equal(outcome, "over");
      else assert.ok(failure(code, /^watch: /)(outcome));
      assert.equal(await take(changes), "over");
      subscription.close();
    });
  }
}

test("a process that is told to end while it is asked to watch, or for what was missed: the next one is asked", async () => {
  for (const method of ["watch", "changes"]) {
    const ending = [{ answer: { error: { code: "cancelled", message: "shutting down" } } }, { crash: 0 }];
    const script = { runs: runsFile(), rules: [{ on: "request", method, run: 2, do: ending }] };
    const sidecar = manageFake(script, { restart });
    await sidecar.start();
    const [changes] = await subscribe(sidecar);
    const after = take(changes);
    control(sidecar, { do: { crash: 9 } }).catch(() => {});
    await next(sidecar, "ready", () => sidecar.restarts === 2);
    assert.deepEqual(await after, ["fresh"], method);
  }
});

test("closed before it is established, by itself, by `stop`: told so", async () => {
  const sidecar = manageFake();
  sidecar.start().catch(() => {});
  const [closed, stopped] = [sidecar.watch(), sidecar.watch()];
  closed.close();
  await assert.rejects(closed.established, failure("cancelled", /^watch: it was closed$/));
  await sidecar.stop();
  await assert.rejects(stopped.established, failure("sidecar_stopped", /^watch: the sidecar was stopped$/));
});

test("left before the loop has begun, while it waits, while it asks what it missed: it ends at once", async (t) => {
  const sidecar = manageFake({}, { restart });
  await sidecar.start();
  const over = { value: undefined, done: true };
  const [unbegun] = await subscribe(sidecar);
  assert.deepEqual(await within(unbegun.return(), "leaving"), over);
  const [waits, subscription] = await subscribe(sidecar);
  // A second loop has no say.
  await subscription[Symbol.asyncIterator]().return();
  await change(sidecar, "a");
  assert.deepEqual(await take(waits), ["a"]);
  assert.deepEqual(await within(Promise.all([waits.next(), waits.return()]), "leaving"), [over, over]);
  const client = await clientOf(t, sidecar);
  for (const subscription of ["subscription-1", "subscription-2"]) {
    await assert.rejects(client.request("unwatch", { subscription }), failure("unknown_subscription"));
  }
  const [asks] = await subscribe(sidecar);
  await crash(sidecar);
  await control(sidecar, { rules: [{ on: "request", method: "changes", do: [] }] });
  const asking = asks.next();
  await sidecar.ping();
  assert.deepEqual(await within(Promise.all([asking, asks.return()]), "leaving"), [over, over]);
});

test("however it is left, the sidecar is told: no subscription stays", async (t) => {
  const root = workspace({ "a.ts": "" });
  const sidecar = manageReal(root);
  await sidecar.start();
  const stop = new AbortController();
  const [broken] = await subscribe(sidecar, { settleMs: 1 });
  const [, closed] = await subscribe(sidecar);
  await subscribe(sidecar, {}, { signal: stop.signal });
  await subscribe(sidecar);
  writeFileSync(join(root, "a.ts"), "changed");
  assert.deepEqual(await take(broken), ["a.ts"]);
  await broken.return();
  closed.close();
  stop.abort();
  const client = await clientOf(t, sidecar);
  // What the sidecar was told it has done when it answers, and it does several things at once.
  await within(answered(client), "the answers");
  // The sidecar numbers its subscriptions.
  const { subscription } = await client.request("watch", {});
  const [, prefix, last] = /^(\D*)(\d+)$/.exec(subscription);
  const unwatch = (number) =>
    client.request("unwatch", { subscription: `${prefix}${number}` }).catch(({ code }) => code);
  const outcomes = await Promise.all(Array.from({ length: Number(last) }, (_, at) => unwatch(at + 1)));
  const gone = "unknown_subscription";
  // The fourth was kept, and the fifth is the one that was just made.
  assert.deepEqual(outcomes, [gone, gone, gone, {}, {}]);
});

test("closed before the sidecar has answered: it is told then", async (t) => {
  const sidecar = manageFake();
  await sidecar.start();
  sidecar.watch().close();
  // The fake answers in order, and counts its subscriptions from 1 on.
  await sidecar.status();
  const [first, second] = ["subscription-1", "subscription-2"];
  await sidecar.watch().established;
  const client = await clientOf(t, sidecar);
  await assert.rejects(client.request("unwatch", { subscription: first }), failure("unknown_subscription"));
  await client.request("unwatch", { subscription: second });
});

test("a bad glob: established and the loop say so", async () => {
  const sidecar = manageReal(workspace());
  await sidecar.start();
  const subscription = sidecar.watch({ include: ["{a"] });
  await assert.rejects(subscription.established, failure("invalid_glob"));
  await assert.rejects(take(subscription[Symbol.asyncIterator]()), failure("invalid_glob"));
  assert.equal(sidecar.state, "ready");
});

test("it can be gone through once; a second loop does not steal from the first", async () => {
  const sidecar = manage({ binary: fakeSidecar() });
  await sidecar.start();
  const [changes, subscription] = await subscribe(sidecar);
  const first = take(changes);
  await assert.rejects(subscription[Symbol.asyncIterator]().next(), TypeError);
  await change(sidecar, "a");
  assert.deepEqual(await first, ["a"]);
});

test("one that fails and that nobody looks at is no unhandled rejection", async () => {
  const sidecar = manageReal(workspace());
  await sidecar.start();
  sidecar.watch({ include: ["{a"] });
  // The test runner fails a test during which there is one.
  await sidecar.ping();
  await new Promise(setImmediate);
});
