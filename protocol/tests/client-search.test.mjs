// A search whose files arrive while it runs.

import assert from "node:assert/strict";
import { after, test } from "node:test";

import { conversation, ready } from "./support/conversation.mjs";
import { failure } from "./support/failure.mjs";
import { manageFake, manageReal, within, workspace } from "./support/managers.mjs";

const file = (path) => ({ path, hash: "0".repeat(64), matchCount: 1 });
const partial = (id, ...paths) => ({ event: "partial", data: { id, files: paths.map(file) } });
const TOTALS = { files: [], fileCount: 3, matchCount: 3, limitHit: false };

async function pathsOf(stream) {
  const paths = [];
  for await (const { path } of stream) paths.push(path);
  return paths;
}

test("files come in order, before and after the loop begins, and belong to their own search", async () => {
  const { client, written, tell, answer, events } = conversation();
  const one = client.searchStream({ pattern: "a" });
  const two = client.searchStream({ pattern: "b" });
  assert.deepEqual(written.map(({ params }) => params), ["a", "b"].map((pattern) => ({ pattern, stream: true })));
  tell(partial("1", "a", "b"), partial("2", "x"), partial("1", "c"), partial("nobody", "y"));
  const all = pathsOf(one);
  await new Promise(setImmediate);
  tell(partial("1", "d"), partial("1"));
  answer("1", TOTALS);
  answer("2", TOTALS);
  assert.deepEqual(await all, ["a", "b", "c", "d"]);
  assert.deepEqual(await one.result, TOTALS);
  assert.deepEqual(await pathsOf(two), ["x"]);
  assert.equal(events.length, 0);
});

test("a search that is asked to stream, but with nobody to take its files, is refused", async () => {
  const { client, written } = conversation();
  const asked = [client.search({ pattern: "a", stream: true }), client.request("search", { pattern: "a", stream: true })];
  for (const request of asked) await assert.rejects(request, failure("invalid_params", /^search: .*`searchStream`/));
  assert.equal(written.length, 0);
  client.search({ pattern: "a", stream: false }).catch(() => {});
  assert.equal(written.length, 1);
});

test("a slow consumer gets every file", async () => {
  const { client, tell, answer } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  const expected = Array.from({ length: 100 }, (_, at) => String(at));
  const taken = [];
  for (const path of expected.slice(0, 50)) tell(partial("1", path));
  const loop = (async () => {
    for await (const { path } of stream) {
      taken.push(path);
      await new Promise(setImmediate);
      const more = expected[49 + taken.length];
      if (more !== undefined) tell(partial("1", more));
      else answer("1", TOTALS);
    }
  })();
  await within(loop, "the loop");
  assert.deepEqual(taken, expected);
});

test("leaving the loop cancels the search", async () => {
  const { client, written, tell } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  tell(partial("1", "a", "b"));
  for await (const { path } of stream) {
    assert.equal(path, "a");
    break;
  }
  assert.deepEqual(written.at(-1), { id: "c1", method: "cancel", params: { id: "1" } });
  await assert.rejects(stream.result, failure("cancelled"));
});

test("leaving the loop after the answer cancels nothing", async () => {
  const { client, written, tell, answer } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  tell(partial("1", "a", "b"));
  answer("1", TOTALS);
  await stream.result;
  for await (const _ of stream) break;
  assert.equal(written.length, 1);
});

const ENDS = {
  "an error": ["io_error", ({ tell }) => tell({ id: "1", ok: false, error: { code: "io_error", message: "no" } })],
  "a signal": ["cancelled", ({ stop }) => stop.abort()],
  "`cancel`": ["cancelled", ({ stream }) => stream.cancel()],
  garbage: ["sidecar_crashed", ({ read }) => read("oh no\n")],
};
for (const [what, [code, end]] of Object.entries(ENDS)) {
  test(`what has arrived is given, then ${what} is thrown, by the loop and by the result`, async () => {
    const talk = conversation();
    const stop = new AbortController();
    const stream = talk.client.searchStream({ pattern: "a" }, { signal: stop.signal });
    talk.tell(partial("1", "a", "b"));
    end({ ...talk, stop, stream });
    // What comes behind the end is nobody's.
    talk.tell(partial("1", "late"));
    const paths = [];
    const loop = (async () => {
      for await (const { path } of stream) paths.push(path);
    })();
    await assert.rejects(within(loop, "the loop"), failure(code));
    assert.deepEqual(paths, ["a", "b"]);
    await assert.rejects(stream.result, failure(code));
  });
}

test("a failure that nobody looks at is no unhandled rejection", async () => {
  const { client, tell } = conversation();
  client.searchStream({ pattern: "(" });
  tell({ id: "1", ok: false, error: { code: "invalid_pattern", message: "no" } });
  // The test runner fails a test during which there is one.
  await new Promise(setImmediate);
});

test("it can be gone through once; a second loop does not steal from the first", async () => {
  const { client, tell, answer } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  const first = pathsOf(stream);
  await assert.rejects(pathsOf(stream), TypeError);
  tell(partial("1", "a"));
  answer("1", TOTALS);
  assert.deepEqual(await within(first, "the first loop"), ["a"]);
});

test("left before the loop has begun, the search is cancelled", async () => {
  const { client, methods } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  const files = stream[Symbol.asyncIterator]();
  assert.deepEqual(await within(files.return(), "leaving"), { value: undefined, done: true });
  assert.deepEqual(methods(), ["search", "cancel"]);
  await assert.rejects(stream.result, failure("cancelled"));
  assert.deepEqual(await files.next(), { value: undefined, done: true });
});

test("left while it waits for a file, the search is cancelled, and the one who waits is let go", async () => {
  const { client, methods, tell } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  const files = stream[Symbol.asyncIterator]();
  tell(partial("1", "a"));
  assert.equal((await files.next()).value.path, "a");
  const waiting = files.next();
  const left = files.return();
  assert.deepEqual(methods(), ["search", "cancel"]);
  const over = { value: undefined, done: true };
  assert.deepEqual(await within(Promise.all([waiting, left]), "leaving"), [over, over]);
  await assert.rejects(stream.result, failure("cancelled"));
});

test("leaving a second loop does not end the first", async () => {
  const { client, tell, answer } = conversation();
  const stream = client.searchStream({ pattern: "a" });
  const first = stream[Symbol.asyncIterator]();
  await stream[Symbol.asyncIterator]().return();
  tell(partial("1", "a"));
  answer("1", TOTALS);
  assert.equal((await first.next()).value.path, "a");
  assert.deepEqual(await stream.result, TOTALS);
});

test("a signal that lives on keeps nothing of searches that are over", async () => {
  const { client, answer, tell } = conversation();
  tell(ready());
  const { signal } = new AbortController();
  let listening = 0;
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)];
  signal.addEventListener = (...args) => (listening++, add(...args));
  signal.removeEventListener = (...args) => (listening--, remove(...args));
  const streams = Array.from({ length: 20 }, () => client.searchStream({ pattern: "a" }, { signal }));
  assert.equal(listening, 1);
  for (let id = 1; id <= 20; id++) answer(String(id), TOTALS);
  await Promise.all(streams.map(({ result }) => result));
  assert.equal(listening, 0);
});

test("the real sidecar: streamed files are those of the whole answer, in its order", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 300 }, (_, at) => [`src/${at % 7}/${at}.ts`, `const needle${at % 3} = ${at};\n`.repeat(5)]),
  );
  const sidecar = manageReal(workspace(files));
  await sidecar.start();
  for (const params of [{ pattern: "needle1" }, { pattern: "needle", maxMatches: 777 }, { pattern: "no such" }]) {
    const whole = await sidecar.search(params);
    const stream = sidecar.searchStream(params);
    const streamed = [];
    for await (const found of stream) streamed.push(found);
    assert.deepEqual(streamed, whole.files);
    const { files, fileCount, matchCount, limitHit } = await stream.result;
    assert.deepEqual([files, fileCount, matchCount, limitHit], [[], whole.fileCount, whole.matchCount, whole.limitHit]);
  }
});

test("the real sidecar: a search that is left early, or out of time, occupies it no longer", async () => {
  const text = `${"abcdefghij ".repeat(200)}\n`.repeat(5);
  const files = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [`${at}.txt`, text]));
  const sidecar = manageReal(workspace(files));
  await sidecar.start();
  for await (const _ of sidecar.searchStream({ pattern: "abc", maxMatchesPerFile: 1, useIndex: false })) break;
  // More at once than can be done in the time.
  const slow = { pattern: "[a-j ]{50}[k-y]", regex: true, useIndex: false };
  const outcome = (search) => search.then(() => "done", ({ code }) => code);
  const hurried = () => Array.from({ length: 100 }, () => outcome(sidecar.search(slow, { timeoutMs: 10 })));
  const late = hurried();
  const stop = new AbortController();
  const aborted = Array.from({ length: 20 }, () => outcome(sidecar.search(slow, { signal: stop.signal })));
  stop.abort();
  assert.deepEqual(new Set(await Promise.all(aborted)), new Set(["cancelled"]));
  // Where this process stood still meanwhile, all may be done in time.
  for (let attempt = 1, outcomes = await Promise.all(late); !outcomes.includes("timeout"); attempt++) {
    assert.ok(attempt < 20, `none is out of time in ${attempt} attempts`);
    outcomes = await Promise.all(hurried());
  }
  // `status` itself is in flight.
  let inFlight;
  const begun = performance.now();
  do ({ inFlight } = await sidecar.status());
  while (inFlight > 1 && performance.now() - begun < 20_000);
  assert.equal(inFlight, 1);
});

test("a fake with two places: never more than two are in flight", async () => {
  const sidecar = manageFake({
    ready: { limits: { maxInFlight: 2 } },
    rules: [
      // Long enough for the status that is asked behind it.
      { on: "request", method: "glob", nth: 1, do: [{ wait: 1_000 }, "behave"] },
      { on: "request", method: "glob", do: [{ wait: 5 }, "behave"] },
    ],
  });
  await sidecar.start();
  const seen = [];
  const status = () => sidecar.status().then(({ inFlight }) => seen.push(inFlight));
  const globs = Array.from({ length: 10 }, () => [sidecar.glob({ include: ["*"] }), status()]).flat();
  await Promise.all(globs);
  assert.equal(Math.max(...seen), 2);
});
