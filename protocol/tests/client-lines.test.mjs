// What a client reads: lines in any pieces, and lines that no sidecar writes.

import assert from "node:assert/strict";
import { test } from "node:test";

import { conversation, ready } from "./support/conversation.mjs";
import { failure } from "./support/failure.mjs";
import { uncaughtDuring } from "./support/uncaught.mjs";

const TEXT = "ä€😀 \u2028 \0 end";

test("a line may come in two pieces, split at any byte", async () => {
  const line = Buffer.from(`${JSON.stringify({ id: "1", ok: true, result: { text: TEXT } })}\n`);
  for (let at = 0; at <= line.length; at++) {
    const { client, read } = conversation();
    const result = client.request("readFile", { path: "a" });
    read(line.subarray(0, at));
    read(line.subarray(at));
    assert.equal((await result).text, TEXT);
  }
});

test("a line may come byte by byte, with CRLF", async () => {
  const { client, read } = conversation();
  const result = client.request("readFile", { path: "a" });
  for (const byte of Buffer.from(`${JSON.stringify({ id: "1", ok: true, result: { text: TEXT } })}\r\n`)) read([byte]);
  assert.equal((await result).text, TEXT);
});

test("many lines may come in one chunk, the last of them unfinished", async () => {
  const { client, read } = conversation();
  const results = Array.from({ length: 2_001 }, () => client.request("ping"));
  const lines = results.map((_, at) => JSON.stringify({ id: String(at + 1), ok: true, result: { uptimeMs: at } }));
  const whole = `${lines.join("\n")}\n`;
  read(whole.slice(0, -5));
  assert.equal(client.pending, 1);
  read(whole.slice(-5));
  assert.deepEqual((await Promise.all(results)).map(({ uptimeMs }) => uptimeMs), results.map((_, at) => at));
});

test("a line of 50 MB is read in linear time", async () => {
  const reading = async (bytes) => {
    const { client, read } = conversation();
    const result = client.request("readFile", { path: "a" });
    const line = Buffer.from(`${JSON.stringify({ id: "1", ok: true, result: { text: "x".repeat(bytes) } })}\n`);
    const begun = process.cpuUsage();
    for (let at = 0; at < line.length; at += 65_536) read(line.subarray(at, at + 65_536));
    // What this process worked; others may have the processor meanwhile.
    const { user, system } = process.cpuUsage(begun);
    assert.equal((await result).text.length, bytes);
    return (user + system) / 1_000;
  };
  await reading(5e6);
  const small = await reading(5e6);
  const large = await reading(5e7);
  // Ten times as long; a quadratic reader would take a hundred times as long.
  assert.ok(large < 40 * Math.max(small, 10), `5 MB: ${small} ms, 50 MB: ${large} ms`);
});

const error = { code: "not_found", message: "no" };
const GARBAGE = {
  "no JSON": "panicked at 'oh no'",
  "half a line": '{"id":"1","ok":true,"resu',
  "an empty line": "",
  "a number": "1",
  "null": "null",
  "a list": "[1]",
  "an object of neither kind": '{"jsonrpc":"2.0"}',
  "an id that is no string": '{"id":1,"ok":true,"result":{}}',
  "no result": '{"id":"1","ok":true}',
  "a result that is null": '{"id":"1","ok":true,"result":null}',
  "a result that is a list": '{"id":"1","ok":true,"result":[]}',
  "no error": '{"id":"1","ok":false}',
  "an error that is a word": '{"id":"1","ok":false,"error":"no"}',
  "an error without a code": '{"id":"1","ok":false,"error":{"message":"no"}}',
  "an error whose message is no text": '{"id":"1","ok":false,"error":{"code":"internal","message":7}}',
  "ok that is no boolean": JSON.stringify({ id: "1", ok: "no", error }),
  "an event without data": '{"event":"indexed"}',
  "an event whose data are null": '{"event":"indexed","data":null}',
  "changes that are none": '{"event":"changed","data":{"subscription":"1","clock":"1"}}',
  "a part without files": '{"event":"partial","data":{"id":"1"}}',
  "fatal without a reason": '{"event":"fatal","data":{}}',
};
for (const [what, line] of Object.entries(GARBAGE)) {
  test(`garbage: ${what}`, async () => {
    const { client, read, broken, events } = conversation();
    const before = client.request("search", { pattern: "a" });
    read(`${line}\n${JSON.stringify({ id: "1", ok: true, result: {} })}\n`);
    await assert.rejects(before, failure("sidecar_crashed", /^search: the sidecar wrote a line that is/));
    await assert.rejects(client.request("ping"), failure("sidecar_crashed", /^ping: the sidecar wrote/));
    assert.deepEqual([broken.length, events.length, client.pending, client.closed], [1, 0, 0, true]);
    assert.ok(broken[0].message.includes(JSON.stringify(line).slice(1, 20)), broken[0].message);
  });
}

test("garbage: of a long line, a message shows the beginning", () => {
  const { read, broken } = conversation();
  read(`${"x".repeat(100_000)}\n`);
  assert.match(broken[0].message, /not JSON: "x{120}…"$/);
});

test("a failure without an id is one of the conversation", async () => {
  const { client, tell, broken } = conversation();
  const request = client.request("glob", { include: ["**"] });
  tell({ id: null, ok: false, error: { code: "parse_error", message: "the line is not JSON" } });
  const expected = failure("sidecar_crashed", /could not read a request \(parse_error: the line is not JSON\)$/);
  await assert.rejects(request, expected);
  assert.equal(broken.length, 1);
});

test("a line longer than the sidecar may write breaks the conversation before it ends", async () => {
  const { client, tell, read, broken } = conversation();
  tell(ready({ maxResponseBytes: 100 }));
  const request = client.request("ping");
  read("x".repeat(103));
  assert.equal(broken.length, 0);
  read("x");
  await assert.rejects(request, failure("sidecar_crashed", /a line of more than 100 bytes$/));
  assert.equal(broken.length, 1);
});

test("answers to what was never asked, and second answers, are passed over", async () => {
  const { client, tell, answer, broken } = conversation();
  tell({ id: "nobody", ok: true, result: {} }, { id: "1", ok: false, error });
  const first = client.request("glob", { include: ["a"] });
  const second = client.request("glob", { include: ["b"] });
  answer("1", { files: [] });
  answer("1", { files: [{ path: "again" }] });
  tell({ id: "1", ok: false, error });
  answer("2", { files: [{ path: "b" }] });
  assert.deepEqual([(await first).files, (await second).files], [[], [{ path: "b" }]]);
  assert.deepEqual([client.pending, broken.length], [0, 0]);
});

test("events that are not known yet, and fields that are not, are taken", () => {
  const { tell, events, broken } = conversation();
  tell({ event: "weather", data: { sky: "blue" } }, { event: "indexed", data: { clock: "1" }, more: 1 });
  assert.deepEqual(events.map(({ event }) => event), ["weather", "indexed"]);
  assert.equal(broken.length, 0);
});

test("a `ready` without usable bounds leaves the usual ones", async () => {
  const strange = [undefined, null, {}, { maxInFlight: "many", maxRequestBytes: -1, maxResponseBytes: null }];
  for (const limits of strange) {
    const { client, tell, answer } = conversation();
    tell({ event: "ready", data: { protocolVersion: 1, ...(limits === undefined ? {} : { limits }) } });
    const request = client.request("glob", { include: ["a"] });
    answer("1", { files: [] });
    assert.deepEqual((await request).files, []);
  }
});

test("a callback that throws costs nobody an answer", async () => {
  const { client, tell } = conversation();
  const thrown = await uncaughtDuring(async () => {
    const watched = client.watch({}, () => {
      throw new Error("of the application");
    });
    const answered = client.request("ping");
    tell(
      { id: "1", ok: true, result: { subscription: "s", clock: "1" } },
      { event: "changed", data: { subscription: "s", clock: "2", fresh: false, changes: [] } },
      { id: "2", ok: true, result: {} },
    );
    await Promise.all([watched, answered]);
  });
  assert.deepEqual(thrown, ["of the application"]);
});
