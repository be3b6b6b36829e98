// The fake sidecar: that it behaves when it is told nothing, takes orders, and can be started in each way.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import Ajv from "ajv/dist/2020.js";
import { build } from "esbuild";
import { METHODS } from "workspace-sidecar";
import { control, fakeSidecar, writeFakeExecutable } from "workspace-sidecar/testing";

import { packageFolder } from "./bundles.mjs";
import { answered, ask, code, start, startFake, temp } from "./fake-driver.mjs";

/** Params with which each method can be asked. */
const PARAMS = {
  stat: { paths: ["a.ts"] },
  readFile: { path: "a.ts", sha256: true },
  readFiles: { paths: ["a.ts", "b.ts"], encoding: "base64" },
  glob: { include: [] },
  findFiles: { query: "a" },
  search: { pattern: "a" },
  parse: { path: "a.tsx" },
  usages: { name: "A" },
  planPropEdits: { edits: [] },
  query: { query: "(identifier) @a" },
  unwatch: { subscription: "subscription-1" },
  changes: { since: "another process" },
  cancel: { id: "nobody" },
};

test("without a script, what it writes is what the schema says: every method, and the events", async () => {
  const schema = createRequire(import.meta.url)("workspace-sidecar/schema.json");
  const ajv = new Ajv({ strict: false });
  ajv.addSchema(schema, "contract");
  const valid = (value, pointer) => {
    const validate = ajv.compile({ $ref: `contract#${pointer}` });
    assert.ok(validate(value), `${JSON.stringify(value)}: ${ajv.errorsText(validate.errors)}`);
  };
  const path = "a.ts";
  const file = { path, hash: "0".repeat(64), matchCount: 1 };
  const fake = startFake({ answers: { search: { result: { files: [file], fileCount: 1, matchCount: 1 } } } });

  for (const method of ["watch", ...METHODS.filter((name) => name !== "watch" && name !== "shutdown")]) {
    if (method === "unwatch") await control(fake, { do: { change: [{ path, kind: "deleted" }] } });
    const request = ask(method, PARAMS[method]);
    valid(request, "/$defs/Request");
    valid(await fake.request(method, request.params), schema["x-methods"][method].result.$ref.slice(1));
  }
  const streamed = await fake.request("search", { pattern: "a", stream: true });
  assert.deepEqual([streamed.files, streamed.matchCount], [[], 1]);
  valid(await fake.request("shutdown"), schema["x-methods"].shutdown.result.$ref.slice(1));
  assert.equal(await fake.ended(), 0);

  const messages = fake.messages();
  assert.equal(messages.length, fake.lines().length);
  const events = new Set();
  for (const message of messages) {
    valid(message, "event" in message ? "/$defs/Event" : "/$defs/Response");
    if ("event" in message) valid(message.data, schema["x-events"][message.event].data.$ref.slice(1));
    events.add(message.event);
  }
  assert.deepEqual([...events].filter(Boolean).sort(), ["changed", "indexed", "partial", "ready"]);
  assert.equal(messages[0].event, "ready");
  assert.deepEqual([...messages[0].data.methods].sort(), [...METHODS].sort());
  assert.equal(messages[0].data.pid, fake.child.pid);
});

test("lines that are no requests, unknown methods and ids in use have the contract's errors", async () => {
  const rules = [{ on: "request", method: "glob", do: [] }];
  const fake = startFake({ rules, ready: { limits: { maxRequestBytes: 999 } } });
  fake.child.stdin.write(`no JSON\n\r\n[1]\n{"id":"","method":"ping"}\n{"id":"m"}\n${"x".repeat(1000)}\n`);
  fake.send(ask("glob"), ask("glob"), { id: "p", method: "ping", params: 1 }, { id: "u", method: "format" });
  await fake.response("u");
  const codes = fake.messages().flatMap((message) => (message.ok === false ? [[message.id, message.error.code]] : []));
  assert.deepEqual(codes, [
    [null, "parse_error"],
    [null, "invalid_request"],
    [null, "invalid_request"],
    ["m", "invalid_request"],
    [null, "request_too_large"],
    ["glob", "duplicate_id"],
    ["p", "invalid_params"],
    ["u", "unknown_method"],
  ]);
  await assert.rejects(fake.request("unwatch", { subscription: "none" }), code("unknown_subscription"));
});

test("clocks rise with changes, which subscriptions are told and `changes` has", async () => {
  const fake = startFake();
  const { subscription, clock } = await fake.request("watch");
  const change = (path, kind) => control(fake, { do: { change: [{ path, kind }] } });
  await change("b.ts", "created");
  await change("a.ts", "created");
  await change("b.ts", "deleted");
  const told = fake.messages().flatMap((message) => (message.event === "changed" ? [message.data] : []));
  assert.deepEqual(told.map((data) => [data.subscription, data.fresh, data.changes[0].path]), [
    [subscription, false, "b.ts"],
    [subscription, false, "a.ts"],
    [subscription, false, "b.ts"],
  ]);
  assert.equal(new Set([clock, ...told.map((data) => data.clock)]).size, 4);

  const kinds = async (since) => {
    const { fresh, changes, clock: now } = await fake.request("changes", { since });
    assert.equal(now, told[2].clock);
    return [fresh, ...changes.map(({ path, kind }) => `${path} ${kind}`)];
  };
  assert.deepEqual(await kinds(clock), [false, "a.ts created", "b.ts deleted"]);
  assert.deepEqual(await kinds(told[1].clock), [false, "b.ts deleted"]);
  assert.deepEqual(await kinds(told[2].clock), [false]);
  assert.deepEqual(await kinds("of another process"), [true, "a.ts created"]);

  await fake.request("unwatch", { subscription });
  await change("c.ts", "created");
  assert.equal(fake.messages().filter((message) => message.event === "changed").length, 3);
});

test("a request in flight can be cancelled, or times out", async () => {
  const fake = startFake({ rules: [{ on: "request", method: "glob", do: [{ wait: 60_000 }, "behave"] }] });
  const cancelled = assert.rejects(fake.request("glob"), code("cancelled"));
  assert.deepEqual(await fake.request("cancel", { id: "glob-1" }), { cancelled: true });
  await cancelled;
  assert.deepEqual(await fake.request("cancel", { id: "glob-1" }), { cancelled: false });
  await assert.rejects(fake.request("glob", {}, { timeoutMs: 5 }), code("timeout"));
  assert.equal((await fake.request("status")).inFlight, 1);
});

test("a request that timed out is not answered once more", async () => {
  const late = (method, ms) => ({ on: "request", method, do: [{ wait: ms }, "behave"] });
  const fake = startFake({ rules: [late("glob", 40), late("search", 60)] });
  const glob = assert.rejects(fake.request("glob", {}, { timeoutMs: 1 }), code("timeout"));
  await fake.request("search"); // takes longer than the `glob` would have
  await glob;
  assert.equal(answered(fake, "glob-1"), 1);
});

test("what is in flight is answered before it leaves, at `shutdown` and at the end of stdin", async () => {
  const script = { rules: [{ on: "request", method: "glob", do: [{ wait: 50 }, "behave"] }] };
  const shut = startFake(script);
  shut.send(ask("glob"), ask("shutdown"), ask("search"), ask("ping"));
  assert.equal(await shut.ended(), 0);
  assert.deepEqual(
    shut.messages().flatMap(({ id, error }) => (id === undefined ? [] : [[id, error?.code]])),
    [["search", "shutting_down"], ["ping", undefined], ["glob", undefined], ["shutdown", undefined]],
  );
  const ended = startFake(script);
  ended.send(ask("glob"));
  ended.end();
  assert.equal(await ended.ended(), 0);
  assert.ok((await ended.response("glob")).ok);
});

test("orders at run time: actions, answers, rules", async () => {
  const fake = startFake();
  await control(fake, {
    do: { stderr: "now" },
    answers: { glob: { result: { files: [{ path: "a".repeat(1_000_000) }] } } },
    rules: [{ on: "request", method: "ping", nth: 2, do: { crash: 7 } }],
  });
  await fake.log("now");
  const { files, synced } = await fake.request("glob");
  assert.deepEqual([files[0].path.length, synced], [1_000_000, true]);
  await fake.request("ping");
  fake.send(ask("ping"));
  assert.equal(await fake.ended(), 7);

  const other = startFake();
  other.send({ id: "x", method: "fake", params: { do: { crash: 8 } } });
  assert.equal(await other.ended(), 8);
  assert.equal(answered(other, "x"), 0);
});

test("a rule for one process of several", async () => {
  const runs = join(temp, "runs");
  const command = fakeSidecar({ runs, rules: [{ on: "start", run: 2, do: { crash: 9 } }] });
  const pids = [];
  for (const expected of [0, 9, 0]) {
    const fake = start(command);
    pids.push(fake.child.pid);
    fake.end();
    assert.equal(await fake.ended(), expected);
  }
  assert.deepEqual(readFileSync(runs, "utf8").trim().split("\n").map(Number), pids);
});

test("`ready` as the script has it, with the root of the command line", async () => {
  const fake = startFake({ ready: { protocolVersion: 2, limits: { maxInFlight: 3 } } });
  const { data } = await fake.event("ready");
  assert.deepEqual([data.protocolVersion, data.limits.maxInFlight, data.limits.syncTimeoutMs], [2, 3, 2000]);
  assert.equal(data.root, realpathSync(temp));
});

test("it leaves when nobody reads its stdout, and when its lifetime is over", async () => {
  const unread = startFake({ rules: [{ on: "stdin-end", do: [] }] });
  await unread.event("indexed");
  unread.child.stdout.destroy();
  unread.send(ask("ping"));
  assert.equal(await unread.ended(), 0);

  const forgotten = startFake({ lifetimeMs: 50, rules: [{ on: "start", do: "hang" }, { on: "stdin-end", do: [] }] });
  assert.equal(await forgotten.ended(), 70);
});

const skip = process.platform === "win32";
test("an executable, which takes what a shell would read otherwise", { skip }, async () => {
  const dir = mkdtempSync(join(temp, "it's $HOME "));
  const rules = [{ on: "start", do: [{ stderr: "it's $HOME" }, "behave"] }];
  const fake = start({ file: writeFakeExecutable(dir, { rules }) });
  await fake.log("it's $HOME\n");
  assert.equal((await fake.event("ready")).data.pid, fake.child.pid);
  await fake.request("shutdown");
  assert.equal(await fake.ended(), 0);
});

test("the CommonJS build starts its own program", async () => {
  const cjs = createRequire(import.meta.url)("workspace-sidecar/testing");
  const command = cjs.fakeSidecar();
  assert.notEqual(command.args[0], fakeSidecar().args[0]);
  const fake = start(command);
  await fake.request("ping");
  fake.end();
  assert.equal(await fake.ended(), 0);
});

test("scripts that cannot work are refused: when they are made, or by the process, which says why", async () => {
  assert.throws(() => fakeSidecar({ runs: "runs" }), /absolute/);
  assert.throws(() => fakeSidecar({ rules: [{ on: "start", run: 2, do: [] }] }), /needs the script's `runs`/);
  assert.throws(() => fakeSidecar({ rules: [{ on: "start", do: { write: "x".repeat(20_000) } }] }), RangeError);
  for (const action of ["explode", { explode: 1 }, { answer: { result: {} } }]) {
    // As another language would start it.
    const { file, args, env } = fakeSidecar();
    const script = JSON.stringify({ rules: [{ on: "start", do: action }] });
    const fake = start({ file, args: [args[0], script], env });
    await fake.log("its script is wrong");
    assert.equal(await fake.ended(), 2);
  }
});

test("taken into a bundle, it does no harm until it is asked for, and then says what to do", async () => {
  const contents = `
    import { fakeSidecar } from "workspace-sidecar/testing";
    export const loaded = true;
    export const fake = () => fakeSidecar();`;
  const stdin = { contents, resolveDir: packageFolder };
  const logOverride = { "empty-import-meta": "silent" };
  for (const [format, name] of [["cjs", "bundle.cjs"], ["esm", "bundle.mjs"]]) {
    const outfile = join(temp, name);
    await build({ stdin, bundle: true, platform: "node", format, outfile, logOverride });
    const bundle = await import(pathToFileURL(outfile));
    assert.equal(bundle.loaded, true);
    assert.throws(bundle.fake, /bundler.*keep `workspace-sidecar` out of the bundle/);
  }
});

test("names that the fake does not know are refused, with those that there are", async () => {
  const glob = { on: "request", method: "glob", do: [] };
  const REFUSED = [
    [{ answer: {} }, /^script\.answer: there is no such option; there are answers, rules, ready, runs, lifetimeMs$/],
    [{ answers: { gloob: { result: {} } } }, /^answers\.gloob: there is no such method; there are .*\bglob\b/],
    [{ answers: { glob: { files: [] } } }, /^answers\.glob\.files: there is no such option; there are result, error$/],
    [{ rules: glob }, /^script\.rules: expected a list, got an object$/],
    [{ rules: [glob, { ...glob, nht: 2 }] }, /^rules\[1\]\.nht: .* there are on, method, nth, run, do$/],
    [{ rules: [{ ...glob, on: "reqest" }] }, /^rules\[0\]\.on: expected one of "start", "request", .*, got "reqest"$/],
    [{ rules: [{ ...glob, method: "gloob" }] }, /^rules\[0\]\.method: expected one of .*"glob".*, got "gloob"$/],
    [{ rules: [{ method: "glob", do: [] }] }, /^rules\[0\]: expected `on` and `do`$/],
    [{ rules: [{ ...glob, do: "explode" }] }, /^rules\[0\]\.do: there is no action "explode"; .*"behave", .*crash$/],
    [{ rules: [{ ...glob, do: [{ explode: 1 }] }] }, /^rules\[0\]\.do: there is no action \{ explode \}; there are/],
    [{ rules: [{ ...glob, do: { write: "x", time: 2 } }] }, /^rules\[0\]\.do\.time: .* write, encoding, times$/],
  ];
  for (const [script, message] of REFUSED) {
    assert.throws(() => fakeSidecar(script), { name: "SidecarError", code: "invalid_params", message });
  }
  const nobody = { request: () => assert.fail("it was sent") };
  const orders = control(nobody, { doo: "hang" });
  await assert.rejects(orders, { code: "invalid_params", message: /^orders\.doo: .* there are do, answers, rules$/ });
  const hangs = control(nobody, { do: "hangs" });
  await assert.rejects(hangs, { code: "invalid_params", message: /^do: there is no action "hangs"/ });
});
