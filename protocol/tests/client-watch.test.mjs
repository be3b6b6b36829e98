// Subscriptions of one conversation.

import assert from "node:assert/strict";
import { test } from "node:test";

import { conversation, ready } from "./support/conversation.mjs";
import { failure } from "./support/failure.mjs";

const answer = (id, subscription) => ({ id, ok: true, result: { subscription, clock: "1" } });
const changed = (subscription, path) => ({
  event: "changed",
  data: { subscription, clock: "2", fresh: false, changes: [{ path, kind: "modified" }] },
});

/** A client that watches; `paths` has what it was told. */
function watching(options) {
  const talk = conversation();
  const paths = [];
  const watched = talk.client.watch({}, ({ changes }) => paths.push(changes[0].path), options);
  return { ...talk, paths, watched };
}

test("an event in the same chunk as the answer is not lost", async () => {
  const { tell, paths, watched, events } = watching();
  tell(answer("1", "s"), changed("s", "a"), changed("another", "b"), changed("s", "c"));
  assert.deepEqual(paths, ["a", "c"]);
  assert.deepEqual(events.map(({ data }) => data.subscription), ["another"]);
  assert.deepEqual(await watched, { subscription: "s", clock: "1" });
});

test("after `unwatch` nothing is told, and it is asked for once", async () => {
  const { client, tell, paths, watched, methods } = watching();
  tell(answer("1", "s"), changed("s", "a"));
  await watched;
  const unwatched = client.unwatch("s");
  tell(changed("s", "late"));
  tell({ id: "2", ok: true, result: {} });
  await unwatched;
  await client.unwatch("s");
  assert.deepEqual([paths, methods()], [["a"], ["watch", "unwatch"]]);
});

test("cancelled in flight, but it was answered: unwatched, nothing is told", async () => {
  const stop = new AbortController();
  const { tell, paths, watched, written } = watching({ signal: stop.signal });
  stop.abort();
  await assert.rejects(watched, failure("cancelled", /^watch: cancelled$/));
  tell(answer("1", "s"), changed("s", "a"));
  assert.deepEqual(written.slice(1).map(({ method, params }) => [method, params]), [
    ["cancel", { id: "1" }],
    ["unwatch", { subscription: "s" }],
  ]);
  assert.deepEqual(paths, []);
});

test("cancelled in flight, and the sidecar heeds it: nothing to unwatch", async () => {
  const stop = new AbortController();
  const { client, tell, watched, methods } = watching({ signal: stop.signal });
  stop.abort();
  await assert.rejects(watched, failure("cancelled"));
  tell({ id: "1", ok: false, error: { code: "cancelled", message: "it was cancelled" } });
  assert.deepEqual([methods(), client.pending], [["watch", "cancel"], 0]);
});

test("cancelled while it waits: the sidecar never hears of it", async () => {
  const { client, tell, methods } = conversation();
  tell(ready({ maxInFlight: 1 }));
  client.glob({ include: ["a"] }).catch(() => {});
  const stop = new AbortController();
  const watched = client.watch({}, () => {}, { signal: stop.signal });
  stop.abort();
  await assert.rejects(watched, failure("cancelled"));
  tell({ id: "1", ok: true, result: {} });
  assert.deepEqual(methods(), ["glob"]);
});

test("a subscription that nobody takes is told as any event", async () => {
  const { client, tell, events } = conversation();
  const watched = client.request("watch", {});
  tell(answer("1", "s"), changed("s", "a"));
  await watched;
  assert.equal(events[0].data.changes[0].path, "a");
});
