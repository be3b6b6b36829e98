// The options of a request, in plain JavaScript: what is wrong with them is an error like any other, and is never thrown
// where a promise or a stream is expected.

import assert from "node:assert/strict";
import { test } from "node:test";

import { nodeBackend, sidecarBackend } from "./support/backends.mjs";
import { conversation } from "./support/conversation.mjs";
import { failure } from "./support/failure.mjs";
import { manageFake, within, workspace } from "./support/managers.mjs";

/** Whatever is asked. */
const WRONG_OF_ANY = [
  [null, /expected an object of options, got null$/],
  ["fast", /expected an object of options, got "fast"$/],
  [{ signal: null }, /`signal`: expected an AbortSignal \(an AbortController has it as `signal`\), got null$/],
  [{ signal: "x" }, /`signal`: expected an AbortSignal .*got "x"$/],
  [{ signal: new AbortController() }, /`signal`: expected an AbortSignal .*got an object$/],
  [{ signal: { aborted: false, addEventListener() {} } }, /`signal`: expected an AbortSignal .*got an object$/],
];
const WRONG = [
  ...WRONG_OF_ANY,
  [{ timeout: 5 }, /`timeout`: there is no such option; there are signal, timeoutMs$/],
  [{ timeoutMs: "5" }, /`timeoutMs`: expected milliseconds, from 0 \(never\) on, got "5"$/],
  [{ timeoutMs: NaN }, /`timeoutMs`: expected milliseconds, .*got NaN$/],
];
/** A lasting watch has no `timeoutMs`. */
const WRONG_OF_WATCH = [
  ...WRONG_OF_ANY,
  [{ timeout: 5 }, /`timeout`: there is no such option; there is signal$/],
  [{ timeoutMs: 5 }, /`timeoutMs`: there is no such option; there is signal$/],
];
const PARAMS = { pattern: "x" };

/** Goes through a stream or a subscription. */
async function loop(values) {
  for await (const _ of values);
}

/** A program that waits for what never comes would end without a word. */
async function refused(promise, message) {
  await assert.rejects(promise, failure("invalid_params", message));
}

test("a client and a manager, ready or not, refuse wrong options by their name", async () => {
  const sidecar = manageFake({});
  const started = sidecar.start();
  const { client, written } = conversation();
  for (const state of ["starting", "ready"]) {
    assert.equal(sidecar.state, state);
    for (const [options, message] of WRONG) {
      for (const asked of [sidecar, client]) {
        await refused(asked.search(PARAMS, options), message);
        const stream = asked.searchStream(PARAMS, options);
        await refused(stream.result, message);
        await refused(loop(stream), message);
      }
    }
    for (const [options, message] of WRONG_OF_WATCH) {
      const changes = sidecar.watch({}, options);
      await refused(changes.established, message);
      await refused(loop(changes), message);
    }
    await started;
  }
  assert.deepEqual([written, client.pending], [[], 0]);
});

test("so does a backend, whoever answers, and no timer is left behind", async () => {
  const root = workspace({ "a.ts": "x" });
  for (const open of [nodeBackend, sidecarBackend]) {
    const backend = await open(root);
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length;
    const before = timers();
    for (const [options, message] of WRONG) {
      await refused(backend.search(PARAMS, options), message);
      await refused(backend.readFile("a.ts", {}, options), message);
      await refused(backend.stat(["a.ts"], options), message);
      await refused(backend.glob({ include: ["*"] }, options), message);
    }
    for (const [options, message] of WRONG_OF_WATCH) {
      assert.throws(() => backend.watch({}, options), failure("invalid_params", message));
    }
    assert.ok(timers() <= before, `${before} timers, then ${timers()}`);
    await backend.dispose();
  }
});

test("a signal of another kind than Node's own is one", async () => {
  const controller = new AbortController();
  const { signal } = controller;
  // As a polyfill, or another realm, has it.
  const other = {
    aborted: false,
    addEventListener: (...args) => signal.addEventListener(...args),
    removeEventListener: (...args) => signal.removeEventListener(...args),
  };
  const sidecar = manageFake({ rules: [{ on: "request", method: "glob", do: [] }] });
  await sidecar.start();
  assert.equal((await sidecar.search(PARAMS, { signal: other, timeoutMs: undefined })).matchCount, 0);
  const listing = sidecar.glob({ include: ["*"] }, { signal: other });
  controller.abort();
  await assert.rejects(within(listing, "the end of it"), failure("cancelled"));
});
