// Plain Node: what a comparison with the sidecar does not show.

import assert from "node:assert/strict";
import { getEventListeners, getMaxListeners } from "node:events";
import {
  mkdirSync, mkdtempSync, readdirSync, realpathSync, renameSync, rmSync, statSync, symlinkSync, utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { SidecarError } from "workspace-sidecar";

import { nodeBackend, within } from "./support/backends.mjs";
import { standStill } from "./support/standing.mjs";

const WINDOWS = process.platform === "win32" && "links take rights";
const temp = realpathSync(mkdtempSync(join(tmpdir(), "backend-node-")));
after(() => rmSync(temp, { recursive: true, force: true }));

/** A backend for a directory of its own with these files. */
async function open(name, files) {
  const root = join(temp, name);
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) writeFileSync(join(root, path), content);
  return { root, backend: await nodeBackend(root) };
}

test("a regular expression that runs away is stopped", async () => {
  const { backend } = await open("runaway", { "a.txt": `${"a".repeat(50)}!\n`, "b.txt": "b" });
  let turns = 0;
  const ticker = setInterval(() => turns++, 1).unref();
  const search = backend.search({ pattern: "^(a+)+$", regex: true }, { timeoutMs: 0 });
  await within(assert.rejects(search, { code: "timeout", message: /a\.txt.*regular expression/ }), "runaway");
  assert.equal((await backend.search({ pattern: "^(b+)+$", regex: true, include: ["b.txt"] })).matchCount, 1);
  clearInterval(ticker);
  assert.ok(turns > 0);
  await backend.dispose();
});

test("a regular expression during which this process stood still is no runaway", async (t) => {
  const { backend } = await open("still", { "a.txt": "on one line\n".repeat(9), "b.txt": "one\n" });
  const { exec } = RegExp.prototype;
  let calls = 0;
  t.mock.method(RegExp.prototype, "exec", function (text) {
    // In the midst of a file, for longer than a regular expression may run.
    if (this.source.includes("on[e]") && ++calls === 5) standStill(2_000);
    return exec.call(this, text);
  });
  const { files } = await backend.search({ pattern: "on[e]", regex: true }, { timeoutMs: 0 });
  const told = files.map(({ path, lines }) => [path, ...lines.map(({ line, matches }) => [line, matches.length])]);
  const lines = Array.from({ length: 9 }, (_, at) => [at + 1, 1]);
  assert.deepEqual(told, [["a.txt", ...lines], ["b.txt", [1, 1]]]);
  assert.ok(calls > 10, `${calls} calls`);
  await backend.dispose();
});

test("globs and ignore rules take linear time", async () => {
  const hostile = `${"*a".repeat(60)}b`;
  const rules = `${hostile}\n${"**/a".repeat(30)}\n`;
  const { backend } = await open("globs", { ["a".repeat(240)]: "", ".gitignore": rules });
  const started = performance.now();
  const { files } = await backend.glob({ include: [hostile, "{a,aa}".repeat(12), "*"], exclude: [`**/${hostile}/**`] });
  assert.equal(files.length, 2);
  // Backtracking would take longer than the age of the universe.
  assert.ok(performance.now() - started < 20_000);
  await backend.dispose();
});

test("others get their turn while a large workspace is searched", async () => {
  const text = "const one = 1;\n".repeat(20_000);
  const files = Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`${at}.ts`, text]));
  const { backend } = await open("large", files);
  // What this process worked so far, in milliseconds: others may have the processor meanwhile.
  const worked = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  };
  let [last, longest] = [worked(), 0];
  const ticker = setInterval(() => {
    const now = worked();
    longest = Math.max(longest, now - last);
    last = now;
  }, 1).unref();
  const started = last;
  const all = { pattern: "on[e]", regex: true, maxMatches: 10_000_000 };
  const { matchCount } = await backend.search(all, { timeoutMs: 0 });
  const took = worked() - started;
  clearInterval(ticker);
  assert.equal(matchCount, 60 * 20_000);
  assert.ok(longest < Math.max(took / 4, 200), `${longest} ms of ${took} ms without a turn`);
  await backend.dispose();
});

test("a call ends when it is cancelled or out of time", async () => {
  const files = Object.fromEntries(Array.from({ length: 1500 }, (_, at) => [`${at}.ts`, "x\n".repeat(1000)]));
  const { backend } = await open("many", files);
  const search = { pattern: "x", regex: true };
  await assert.rejects(backend.search(search, { timeoutMs: 1 }), { code: "timeout", method: "search" });
  await assert.rejects(backend.glob({ include: [], fields: ["size"] }, { timeoutMs: 1 }), { code: "timeout" });
  const controller = new AbortController();
  const call = backend.search(search, { signal: controller.signal });
  setImmediate(() => controller.abort("why"));
  await assert.rejects(call, (error) => error.code === "cancelled" && error.cause === "why");
  await assert.rejects(backend.stat(["1.ts"], { signal: controller.signal }), { code: "cancelled" });
  const inFlight = backend.search(search);
  await Promise.all([assert.rejects(inFlight, { code: "sidecar_stopped" }), backend.dispose()]);
});

test("a time-out that is no time is refused", async () => {
  const { backend } = await open("timeless", { "a.ts": "a" });
  for (const timeoutMs of [NaN, -1]) {
    const wrong = { code: "invalid_params", method: "glob", message: /`timeoutMs`/ };
    await assert.rejects(backend.glob({ include: ["**"] }, { timeoutMs }), wrong);
  }
});

test("a time-out that is longer than Node's timers take is none of 1 ms", async () => {
  const { backend } = await open("patient", { "a.ts": "a" });
  for (const timeoutMs of [Infinity, 2 ** 31, Number.MAX_SAFE_INTEGER]) {
    const { files } = await backend.glob({ include: ["**"] }, { timeoutMs });
    assert.deepEqual(files, [{ path: "a.ts" }], `${timeoutMs}`);
  }
  await backend.dispose();
});

test("calls and watches that share a signal make no noise, and leave it as it was", async () => {
  const { backend } = await open("shared", { "a.ts": "a" });
  const noise = [];
  const note = (warning) => noise.push(warning);
  process.on("warning", note);
  const { signal } = new AbortController();
  const before = getMaxListeners(signal);
  const watches = Array.from({ length: 40 }, () => backend.watch({}, { signal }));
  const calls = Array.from({ length: 40 }, () => backend.readFile("a.ts", {}, { signal }));
  await within(Promise.all(calls), "calls");
  for (const watch of watches) watch.close();
  assert.equal(getMaxListeners(signal), before);
  assert.equal(getEventListeners(signal, "abort").length, 0);
  // Warnings come a turn later.
  await new Promise((resolve) => setImmediate(resolve));
  process.off("warning", note);
  assert.deepEqual(noise, []);
  await backend.dispose();
});

test("params are checked, and named", async () => {
  const { backend } = await open("params", { "a.ts": "a" });
  for (const [call, code, named] of [
    [() => backend.glob({}), "invalid_params", "include"],
    [() => backend.glob({ include: "*.ts" }), "invalid_params", "include"],
    [() => backend.glob({ include: [1] }), "invalid_params", "include"],
    [() => backend.glob({ include: [], limit: -1 }), "invalid_params", "limit"],
    [() => backend.glob({ include: [], limit: 1.5 }), "invalid_params", "limit"],
    [() => backend.glob({ include: [], fields: ["hash"] }), "invalid_params", "fields"],
    [() => backend.glob({ include: [], sort: "size" }), "invalid_params", "sort"],
    [() => backend.glob({ include: [], after: "/x" }), "invalid_path", "/x"],
    [() => backend.glob({ include: ["\ud800"] }), "invalid_glob", "ud800"],
    [() => backend.search({}), "invalid_params", "pattern"],
    [() => backend.search({ pattern: /x/ }), "invalid_params", "pattern"],
    [() => backend.search({ pattern: "x", multiline: true }), "invalid_params", "multiline"],
    [() => backend.search({ pattern: "x", constructor: 1 }), "invalid_params", "constructor"],
    [() => backend.search({ pattern: "\ud800" }), "invalid_pattern", "Unicode"],
    [() => backend.search({ pattern: "a\nb" }), "invalid_pattern", "line end"],
    [() => backend.search({ pattern: ")(", regex: true }), "invalid_pattern", ""],
    [() => backend.search({ pattern: "a)(b", regex: true, wholeWord: true }), "invalid_pattern", ""],
    [() => backend.readFile(1), "invalid_params", "path"],
    [() => backend.readFile("\ud800"), "invalid_path", "Unicode"],
    [() => backend.readFile("a.ts", { encoding: "latin1" }), "invalid_params", "encoding"],
    [() => backend.readFile("a.ts", { range: { start: 2, end: 1 } }), "invalid_params", "range"],
    [() => backend.readFile("a.ts", { range: [1, 2] }), "invalid_params", "range"],
    [() => backend.stat("a.ts"), "invalid_params", "paths"],
  ]) {
    await assert.rejects(call, (error) => {
      assert.ok(error instanceof SidecarError, String(error?.stack));
      assert.equal(error.code, code, error.message);
      return error.message.includes(named);
    });
  }
  assert.deepEqual((await backend.glob({ include: [], limit: undefined })).files, [{ path: "a.ts" }]);
  await backend.dispose();
});

test("a link that is swapped while it is read never leads outside", { skip: WINDOWS }, async () => {
  const { root, backend } = await open("swapped", { "inside.txt": "inside" });
  const outside = join(temp, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "inside.txt"), "SECRET");
  mkdirSync(join(root, "real"));
  writeFileSync(join(root, "real/inside.txt"), "inside");
  let stop = false;
  let swaps = 0;
  const swap = () => {
    if (stop) return;
    const aside = join(root, "aside");
    symlinkSync(swaps++ % 2 ? outside : "real", aside);
    renameSync(aside, join(root, "way"));
    setImmediate(swap);
  };
  swap();
  const seen = {};
  const enough = () => seen.inside > 0 && seen.path_outside_workspace > 0;
  try {
    // Which of the two a reading meets is chance.
    for (let round = 0; round < 400 || (!enough() && round < 20_000); round++) {
      const outcome = await backend.readFile("way/inside.txt").then(({ text }) => text, ({ code }) => code);
      seen[outcome] = (seen[outcome] ?? 0) + 1;
    }
  } finally {
    stop = true;
  }
  assert.equal(seen.SECRET, undefined, JSON.stringify(seen));
  assert.ok(enough(), JSON.stringify(seen));
  await backend.dispose();
});

test("nothing is written", async () => {
  const { root, backend } = await open("untouched", { "a.ts": "needle", ".gitignore": "b" });
  const state = () => readdirSync(root).map((name) => [name, statSync(join(root, name)).ctimeMs]);
  const before = [state(), statSync(root).mtimeMs];
  const watch = backend.watch();
  await watch.established;
  await backend.glob({ include: [] });
  await backend.search({ pattern: "needle" });
  await backend.readFile("a.ts");
  await backend.stat(["a.ts"]);
  await backend.dispose();
  assert.deepEqual([state(), statSync(root).mtimeMs], before);
});

test("files are listed newest first, with a way to go on", async () => {
  const { backend, root } = await open("newest", { a: "1", b: "22", c: "333" });
  for (const [name, at] of [["a", 3], ["b", 1], ["c", 2]]) utimesSync(join(root, name), at, at);
  const first = await backend.glob({ include: [], sort: "mtime", limit: 2, fields: ["size"] });
  assert.deepEqual(first, { files: [{ path: "a", size: 1 }, { path: "c", size: 3 }], limitHit: true });
  const rest = await backend.glob({ include: [], sort: "mtime", after: "c" });
  assert.deepEqual(rest, { files: [{ path: "b" }], limitHit: false });
  await assert.rejects(backend.glob({ include: [], sort: "mtime", after: "d" }), { code: "invalid_params" });
  await backend.dispose();
});
