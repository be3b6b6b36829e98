// What a client writes, and when a request ends without an answer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SidecarError } from "workspace-sidecar";

import { conversation, ready, settled } from "./support/conversation.mjs";
import { failure } from "./support/failure.mjs";

const GLOB = { include: ["**"] };

test("no more than `maxInFlight` requests are written; others follow in order", async () => {
  const { client, written, tell, answer } = conversation();
  tell(ready({ maxInFlight: 2 }));
  const requests = Array.from({ length: 5 }, (_, at) => client.glob({ include: [`${at}`] }));
  const asked = () => written.filter(({ method }) => method === "glob").map(({ params }) => params.include[0]);
  assert.deepEqual(asked(), ["0", "1"]);
  answer("2");
  assert.deepEqual(asked(), ["0", "1", "2"]);
  tell({ id: "1", ok: false, error: { code: "invalid_glob", message: "no" } }, { id: "3", ok: true, result: {} });
  assert.deepEqual(asked(), ["0", "1", "2", "3", "4"]);
  answer("4");
  answer("5");
  const outcomes = await Promise.allSettled(requests);
  assert.deepEqual(outcomes.map(({ status }) => status), ["rejected", ...Array(4).fill("fulfilled")]);
  assert.equal(client.pending, 0);
});

test("`ping`, `cancel` and `shutdown` pass while all places are taken", async () => {
  const { client, methods, tell, answer } = conversation();
  tell(ready({ maxInFlight: 1 }));
  const stop = new AbortController();
  const first = client.glob(GLOB, { signal: stop.signal });
  const second = client.glob(GLOB);
  const ping = client.ping();
  const shutdown = client.request("shutdown");
  stop.abort();
  assert.deepEqual(methods(), ["glob", "ping", "shutdown", "cancel"]);
  await assert.rejects(first, failure("cancelled"));
  answer("3");
  answer("4");
  await Promise.all([ping, shutdown]);
  // The place is free when the sidecar says so.
  assert.deepEqual(methods(), ["glob", "ping", "shutdown", "cancel"]);
  tell({ id: "1", ok: false, error: { code: "cancelled", message: "it was cancelled" } });
  assert.equal(methods().at(-1), "glob");
  answer("2");
  await second;
});

test("what the sidecar cancels because its process shall end is not taken for cancelled by the caller", async () => {
  const { client, tell } = conversation();
  tell(ready());
  const leaving = (id, code) => ({ id, ok: false, error: { code, message: "the sidecar is shutting down" } });
  const killed = [client.glob(GLOB), client.glob(GLOB)];
  tell(leaving("1", "cancelled"), leaving("2", "shutting_down"));
  for (const request of killed) await assert.rejects(request, failure("sidecar_crashed", /^glob: .* somebody else$/));
  const stopped = [client.glob(GLOB), client.glob(GLOB)];
  client.request("shutdown").catch(() => {});
  tell(leaving("3", "cancelled"), leaving("4", "shutting_down"));
  for (const request of stopped) await assert.rejects(request, failure("sidecar_stopped", /^glob: .* was stopped$/));
});

test("a `ready` with more room lets those go that wait", () => {
  const { client, written, tell } = conversation();
  for (let at = 0; at < 300; at++) client.glob(GLOB).catch(() => {});
  assert.equal(written.length, 256);
  tell(ready({ maxInFlight: 1_000 }));
  assert.equal(written.length, 300);
});

test("a request that is too long for the sidecar is refused here, to the byte", async () => {
  const { client, written, tell } = conversation();
  tell(ready({ maxRequestBytes: 200 }));
  const length = (pattern) => Buffer.byteLength(JSON.stringify({ id: "1", method: "search", params: { pattern } }));
  const fits = "é".repeat((200 - length("")) / 2) + "x".repeat((200 - length("")) % 2);
  assert.equal(length(fits), 200);
  client.search({ pattern: fits }).catch(() => {});
  assert.equal(written.length, 1);
  const message = /^search: the request is longer than 200 bytes, the most the sidecar takes$/;
  await assert.rejects(client.search({ pattern: `${fits}x` }), failure("request_too_large", message));
  assert.equal(written.length, 1);
});

const circular = {};
circular.self = circular;
const unwritable = {
  "a circle": circular,
  "a bigint": { limit: 1n },
  "a toJSON that throws": { toJSON: () => assert.fail("no") },
  "a getter that throws": Object.defineProperty({}, "include", { enumerable: true, get: () => assert.fail("no") }),
};
for (const [what, params] of Object.entries(unwritable)) {
  test(`params that cannot be JSON: ${what}`, async () => {
    const { client, written } = conversation();
    await assert.rejects(client.glob(params), failure("invalid_params", /^glob: params cannot be written as JSON \(/));
    assert.deepEqual([written.length, client.pending], [0, 0]);
  });
}

test("text that is no Unicode arrives as escapes", () => {
  const { client, written } = conversation();
  client.search({ pattern: "\ud83d" }).catch(() => {});
  assert.equal(written[0].params.pattern, "\ud83d");
});

test("a signal that is aborted before: nothing is written", async () => {
  const { client, written } = conversation();
  const reason = new Error("changed my mind");
  const expected = (error) => failure("cancelled", /^glob: cancelled$/)(error) && error.cause === reason;
  await assert.rejects(client.glob(GLOB, { signal: AbortSignal.abort(reason) }), expected);
  assert.deepEqual([written.length, client.pending], [0, 0]);
});

test("a signal that is aborted while the request waits: it is never written", async () => {
  const { client, written, tell, answer } = conversation();
  tell(ready({ maxInFlight: 1 }));
  const stop = new AbortController();
  client.glob({ include: ["first"] }).catch(() => {});
  const second = client.glob({ include: ["second"] }, { signal: stop.signal });
  const third = client.glob({ include: ["third"] });
  stop.abort();
  await assert.rejects(second, failure("cancelled"));
  answer("1");
  answer("3");
  await third;
  assert.deepEqual(written.map(({ params }) => params.include[0]), ["first", "third"]);
  assert.equal(client.pending, 0);
});

test("a signal that is aborted in flight: cancelled once, the answer is passed over", async () => {
  const { client, written, answer } = conversation();
  const stop = new AbortController();
  const request = client.glob(GLOB, { signal: stop.signal });
  stop.abort();
  await assert.rejects(request, failure("cancelled"));
  assert.deepEqual(written.slice(1), [{ id: "c1", method: "cancel", params: { id: "1" } }]);
  assert.equal(client.pending, 1);
  answer("c1", { cancelled: true });
  answer("1", { files: [] });
  assert.deepEqual([client.pending, written.length], [0, 2]);
});

test("a signal that is aborted after the answer: nothing is written", async () => {
  const { client, written, answer } = conversation();
  const stop = new AbortController();
  const request = client.glob(GLOB, { signal: stop.signal });
  answer("1", { files: [] });
  stop.abort();
  assert.deepEqual((await request).files, []);
  assert.equal(written.length, 1);
});

test("one signal for a thousand requests: no warning, no listener is left", async () => {
  const warnings = [];
  const warn = (warning) => warnings.push(warning.message);
  process.on("warning", warn);
  const { client, answer, tell } = conversation();
  tell(ready({ maxInFlight: 500 }));
  const stop = new AbortController();
  let listening = 0;
  const { signal } = stop;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args) => (listening++, add(...args));
  signal.removeEventListener = (...args) => (listening--, remove(...args));
  const requests = Array.from({ length: 1_000 }, () => client.glob(GLOB, { signal }));
  for (let id = 1; id <= 1_000; id++) answer(String(id));
  await Promise.all(requests);
  assert.equal(listening, 0);
  // And all of them at once.
  const more = Array.from({ length: 1_000 }, () => client.glob(GLOB, { signal }));
  stop.abort();
  const codes = await Promise.all(more.map((request) => request.catch(({ code }) => code)));
  assert.deepEqual(new Set(codes), new Set(["cancelled"]));
  await new Promise(setImmediate);
  process.off("warning", warn);
  assert.deepEqual(warnings, []);
});

test("a time-out rejects and cancels; one in the queue is taken back", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { client, written, tell, answer } = conversation();
  tell(ready({ maxInFlight: 1 }));
  const first = client.glob(GLOB, { timeoutMs: 50 });
  const queued = client.glob(GLOB, { timeoutMs: 20 });
  t.mock.timers.tick(49);
  await assert.rejects(queued, failure("timeout", /^glob: not answered within 20 ms$/));
  assert.equal(client.pending, 1);
  t.mock.timers.tick(1);
  await assert.rejects(first, failure("timeout", /^glob: not answered within 50 ms$/));
  assert.deepEqual(written.slice(1), [{ id: "c1", method: "cancel", params: { id: "1" } }]);
  answer("1");
  assert.equal(client.pending, 0);
});

test("a time-out that is no time is refused, and nothing is written", async () => {
  const { client, written } = conversation();
  const wrong = [[NaN, "NaN"], [-1, "-1"], [-Infinity, "-Infinity"], ["5", '"5"'], [null, "null"]];
  for (const [timeoutMs, got] of wrong) {
    const expected = failure("invalid_params", new RegExp(`^glob: \`timeoutMs\`: expected .* got ${got}$`));
    await assert.rejects(client.glob(GLOB, { timeoutMs }), expected);
  }
  assert.deepEqual([written.length, client.pending], [0, 0]);
});

test("a time-out longer than timers go, or none, is no time-out", async () => {
  const { client } = conversation();
  const requests = [2 ** 31, Infinity, 0, undefined].map((timeoutMs) => client.glob(GLOB, { timeoutMs }));
  await new Promise((resolve) => setTimeout(resolve, 20));
  for (const request of requests) assert.equal(await settled(request), false);
  client.close(new SidecarError("sidecar_stopped", "over"));
  await Promise.allSettled(requests);
});

test("closing rejects what is in flight, what waits, and what comes; the first reason counts", async () => {
  const { client, written, tell, answer, events } = conversation();
  tell(ready({ maxInFlight: 1 }));
  const requests = [client.glob(GLOB), client.glob(GLOB), client.ping()];
  const cause = new Error("the reason");
  client.close(new SidecarError("sidecar_crashed", "it is gone", { data: { kind: "exit" }, cause }));
  client.close(new SidecarError("sidecar_stopped", "late"));
  const errors = await Promise.all([...requests, client.glob(GLOB)].map((request) => request.catch((error) => error)));
  for (const [at, method] of ["glob", "glob", "ping", "glob"].entries()) {
    const { code, message, data, method: of, cause: why } = errors[at];
    assert.deepEqual([code, message, data, of], ["sidecar_crashed", `${method}: it is gone`, { kind: "exit" }, method]);
    assert.equal(why, cause);
  }
  assert.equal(new Set(errors).size, 4);
  assert.equal(written.length, 2);
  const told = events.length;
  answer("1");
  tell({ event: "indexed", data: {} });
  assert.equal(events.length, told);
});

test("after the input was ended, requests and cancels write nothing and break nothing", async () => {
  const { client, input, written } = conversation();
  const errors = [];
  input.on("error", (error) => errors.push(error.code));
  const stop = new AbortController();
  const request = client.glob(GLOB, { signal: stop.signal });
  input.end();
  stop.abort();
  client.ping().catch(() => {});
  await assert.rejects(request, failure("cancelled"));
  await new Promise(setImmediate);
  assert.deepEqual([written.length, errors], [1, []]);
});

test("a failure is the response's: code, message, data, method", async () => {
  const { client, tell } = conversation();
  const request = client.search({ pattern: "(", regex: true });
  tell({ id: "1", ok: false, error: { code: "invalid_pattern", message: "unclosed group", data: { at: 0 } } });
  const error = await request.catch((error) => error);
  assert.ok(failure("invalid_pattern", /^unclosed group$/)(error));
  assert.deepEqual([error.data, error.method], [{ at: 0 }, "search"]);
});
