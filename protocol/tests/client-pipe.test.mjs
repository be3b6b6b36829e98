// A sidecar that does not read: what is asked of it waits where it can be let go, not in the pipe.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { Writable } from "node:stream";
import { test } from "node:test";

import { SidecarClient, SidecarError } from "workspace-sidecar";
import { control, fakeSidecar } from "workspace-sidecar/testing";

import { conversation } from "./support/conversation.mjs";
import { failure } from "./support/failure.mjs";
import { within } from "./support/managers.mjs";

const LONG = "x".repeat(1 << 20);

/** A pipe that holds a kilobyte; `read` takes all there is in it. */
function smallPipe() {
  const written = [];
  let taken = () => {};
  const input = new Writable({
    decodeStrings: false,
    highWaterMark: 1_024,
    write(line, _encoding, done) {
      written.push(JSON.parse(line));
      taken = done;
    },
  });
  const read = async () => {
    while (input.writableLength > 0) {
      taken();
      await new Promise(setImmediate);
    }
  };
  return { input, read, asked: () => written.map(({ method, params }) => params?.pattern?.[0] ?? method) };
}

const search = (client, letter, options) => client.search({ pattern: letter.repeat(600) }, options);

test("a full pipe gets no further requests; when it is read they follow, in order", async () => {
  const { input, read, asked } = smallPipe();
  const { client, answer } = conversation(input);
  const requests = [..."abcd"].map((letter) => search(client, letter));
  assert.ok(input.writableLength < 2_000, `${input.writableLength} bytes are in the pipe`);
  await read();
  assert.deepEqual(asked(), ["a", "b", "c", "d"]);
  // Answers make no room in a pipe that is full.
  requests.push(...[..."efgh"].map((letter) => search(client, letter)));
  answer("1");
  assert.ok(input.writableLength < 2_000, `${input.writableLength} bytes are in the pipe`);
  await read();
  assert.deepEqual(asked(), [..."abcdefgh"]);
  for (let id = 2; id <= 8; id++) answer(String(id));
  await Promise.all(requests);
});

test("`ping`, `cancel` and `shutdown` go into a full pipe; what waits for it can be taken back", async () => {
  const { input, read, asked } = smallPipe();
  const { client, answer } = conversation(input);
  const stop = new AbortController();
  const { signal } = stop;
  const requests = [..."abcd"].map((letter) => search(client, letter, "bc".includes(letter) ? { signal } : {}));
  client.ping().catch(() => {});
  stop.abort();
  client.request("shutdown").catch(() => {});
  for (const at of [1, 2]) await assert.rejects(requests[at], failure("cancelled"));
  await read();
  // Two of the letters fill the pipe: one of those that are cancelled is in it.
  assert.deepEqual(asked(), ["a", "b", "ping", "cancel", "shutdown", "d"]);
  answer("1");
  answer("4");
  await Promise.all([requests[0], requests[3]]);
});

test("closed while requests wait for the pipe: they are rejected, and never written", async () => {
  const { input, read, asked } = smallPipe();
  const { client } = conversation(input);
  const requests = [..."abcd"].map((letter) => search(client, letter));
  client.close(new SidecarError("sidecar_stopped", "over"));
  for (const request of requests) await assert.rejects(request, failure("sidecar_stopped"));
  await read();
  assert.deepEqual([asked(), client.pending], [["a", "b"], 0]);
});

test("a process that does not read: its pipe does not fill this one's memory", async (t) => {
  const { file, args, env } = fakeSidecar();
  const stdio = ["pipe", "pipe", "inherit"];
  const child = spawn(file, [...args, "--root", "."], { env: { ...process.env, ...env }, stdio });
  const exited = new Promise((resolve) => child.once("exit", resolve));
  t.after(async () => {
    child.kill("SIGKILL");
    await exited;
  });
  child.stdin.on("error", () => {});
  let client;
  const ready = new Promise((resolve) => {
    const onEvent = ({ event }) => event === "ready" && resolve();
    client = new SidecarClient({ input: child.stdin, output: child.stdout }, { onEvent });
  });
  await within(ready, "ready");
  await control(client, { do: "stopReading" });
  const stop = new AbortController();
  const { signal } = stop;
  const ask = () => client.search({ pattern: LONG }, { signal }).catch(({ code }) => code);
  const outcomes = Array.from({ length: 100 }, ask);
  assert.ok(child.stdin.writableLength < 2 * LONG.length, `${child.stdin.writableLength} bytes are in the pipe`);
  stop.abort();
  assert.deepEqual(new Set(await Promise.all(outcomes)), new Set(["cancelled"]));
  // The one that was written, and its `cancel`.
  assert.equal(client.pending, 1);
  assert.ok(child.stdin.writableLength < 2 * LONG.length, `${child.stdin.writableLength} bytes are in the pipe`);
});
