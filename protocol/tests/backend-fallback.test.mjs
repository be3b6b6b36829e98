// When a sidecar is missing, broken or lost, plain Node goes on, and one warning says so.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, mock, test } from "node:test";

import { createWorkspaceBackend, silentLogger } from "workspace-sidecar";
import { fakeSidecar } from "workspace-sidecar/testing";

import { within } from "./support/backends.mjs";
import { binary } from "./support/binary.mjs";
import { uncaughtDuring } from "./support/uncaught.mjs";

const temp = realpathSync(mkdtempSync(join(tmpdir(), "backend-fallback-")));
after(() => rmSync(temp, { recursive: true, force: true }));
const root = join(temp, "ws");
mkdirSync(root);
writeFileSync(join(root, "a.ts"), "needle");
writeFileSync(join(root, "b.md"), "needle");
const plain = join(temp, "not-executable");
writeFileSync(plain, "#!/bin/sh\nexit 0\n", { mode: 0o644 });

const QUICK = { minDelayMs: 1, maxDelayMs: 5, maxCrashes: 3, windowMs: 60_000 };

/** A backend, with what it warned of and told of. */
async function open(options) {
  const told = { warnings: [], switches: [] };
  const backend = await createWorkspaceBackend({
    root,
    onWarning: (message, error) => told.warnings.push({ message, code: error.code }),
    onSwitch: (kind, error) => told.switches.push([kind, error.code]),
    ...options,
  });
  return Object.assign(told, { backend });
}

/** Everything can be asked. */
async function answers(backend) {
  assert.deepEqual((await backend.glob({ include: ["*.ts"] })).files, [{ path: "a.ts" }]);
  assert.equal((await backend.search({ pattern: "needle" })).matchCount, 2);
  assert.equal((await backend.readFile("a.ts")).text, "needle");
  assert.equal((await backend.stat(["a.ts"])).entries[0].kind, "file");
}

/** Writes at once: a file that is seen while it is written is told twice. */
function put(path, content) {
  const aside = join(temp, "aside");
  writeFileSync(aside, content);
  renameSync(aside, path);
}

/** The real binary, which writes the pid of each process into a file. */
function witnessed(name) {
  const pids = join(temp, `${name}.pids`);
  const command = { file: "/bin/sh", args: ["-c", 'echo $$ >> "$0"; exec "$@"', pids, binary] };
  return { command, pids: () => readFileSync(pids, "utf8").trim().split("\n").map(Number) };
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const FATAL = { event: "fatal", data: { code: "io_error", message: "no room" } };
const UNUSABLE = {
  "there is no binary": [{ binary: join(temp, "nowhere") }, /nowhere/],
  "the binary is not found": [
    { binary: { env: {}, cwd: temp, buildDirs: [], packaged: false, from: join(temp, "x.js") } },
    /install/,
  ],
  "the binary may not be executed": [{ binary: plain }, /not-executable/],
  "the binary is no program": [{ binary: join(root, "a.ts") }, /a\.ts/],
  "it dies at once": [{ binary: fakeSidecar({ rules: [{ on: "start", do: { crash: 101 } }] }), restart: QUICK }, /101/],
  "it says fatal": [
    {
      binary: fakeSidecar({
        rules: [{ on: "start", do: [{ send: FATAL }, { crash: 3 }] }],
      }),
    },
    /no room/,
  ],
  "it is never ready": [{ binary: fakeSidecar({ rules: [{ on: "start", do: [] }] }), startTimeoutMs: 300 }, /300/],
  "it speaks another version": [{ binary: fakeSidecar({ ready: { protocolVersion: 99 } }) }, /99/],
};

for (const [name, [sidecar, why]] of Object.entries(UNUSABLE)) {
  test(`${name}: plain Node answers, with one warning`, async () => {
    const spied = ["log", "warn", "error"].map((level) => mock.method(console, level, () => {}));
    try {
      const { backend, warnings, switches } = await within(open({ sidecar }), name);
      assert.equal(backend.kind, "node");
      await answers(backend);
      await backend.dispose();
      assert.equal(warnings.length, 1, JSON.stringify(warnings));
      assert.match(warnings[0].message, why);
      assert.ok(warnings[0].message.includes(root) && warnings[0].message.includes(warnings[0].code));
      assert.deepEqual(switches, [], "the backend never was another one");
      assert.deepEqual(spied.map((spy) => spy.mock.callCount()), [0, 0, 0]);
    } finally {
      mock.restoreAll();
    }
  });

  test(`${name}: required, it rejects`, async () => {
    const warnings = [];
    const onWarning = (message) => warnings.push(message);
    const opened = createWorkspaceBackend({ root, mode: "required", sidecar, onWarning });
    await within(assert.rejects(opened, { name: "SidecarError", message: why }), name);
    assert.deepEqual(warnings, []);
  });
}

test("without a place for warnings, the console has the one", async () => {
  const warn = mock.method(console, "warn", () => {});
  const error = mock.method(console, "error", () => {});
  try {
    const backend = await createWorkspaceBackend({ root, sidecar: { binary: join(temp, "nowhere") } });
    await backend.dispose();
    assert.deepEqual([warn.mock.callCount(), error.mock.callCount()], [1, 0]);
    assert.match(warn.mock.calls[0].arguments[0], /^workspace-sidecar: .*plain Node/);
  } finally {
    mock.restoreAll();
  }
});

test("an application whose `onWarning`, logger or `onSwitch` throws gets its backend, and its answers", async () => {
  const fail = (what) => () => {
    throw new Error(what);
  };
  const thrown = await uncaughtDuring(async () => {
    const missing = { binary: join(temp, "nowhere") };
    const logger = { debug() {}, info() {}, warn: fail("logger"), error() {} };
    for (const options of [{ sidecar: missing, onWarning: fail("onWarning") }, { sidecar: { ...missing, logger } }]) {
      const backend = await createWorkspaceBackend({ root, ...options });
      await answers(backend);
      await backend.dispose();
    }
    const sidecar = { binary: fakeSidecar({ rules: [{ on: "request", do: { crash: 9 } }] }), restart: false };
    const backend = await createWorkspaceBackend({
      root,
      sidecar,
      onWarning: fail("onWarning on the way"),
      onSwitch: fail("onSwitch"),
    });
    assert.equal(backend.kind, "sidecar");
    await answers(backend);
    assert.equal(backend.kind, "node");
    await backend.dispose();
  });
  assert.deepEqual(thrown, ["onWarning", "logger", "onWarning on the way", "onSwitch"]);
});

test("off: plain Node, and nothing to warn of", async () => {
  const { backend, warnings } = await open({ mode: "off", sidecar: { binary: join(temp, "nowhere") } });
  assert.equal(backend.kind, "node");
  await answers(backend);
  await backend.dispose();
  assert.deepEqual(warnings, []);
});

for (const mode of ["on", "off", "required"]) {
  test(`${mode}: a root that cannot be opened is the caller's error`, async () => {
    const warnings = [];
    const onWarning = (message) => warnings.push(message);
    const create = (at, exclude = []) =>
      createWorkspaceBackend({ root: at, mode, onWarning, sidecar: { binary, exclude, logLevel: "off" } });
    await assert.rejects(create(join(temp, "nowhere")), { code: "not_found", message: /nowhere/ });
    await assert.rejects(create(join(root, "a.ts")), { code: "not_a_file" });
    await assert.rejects(create(root, ["["]), { code: "invalid_glob" });
    await assert.rejects(createWorkspaceBackend({ root, mode: "maybe" }), { code: "invalid_params" });
    assert.deepEqual(warnings, []);
  });
}

test("a root that goes while the sidecar starts is the caller's error, too", async () => {
  const going = join(temp, "going");
  mkdirSync(going);
  const script = 'rmdir "$0"; exec "$@"';
  const command = { file: "/bin/sh", args: ["-c", script, going, binary] };
  const warnings = [];
  const opened = createWorkspaceBackend({
    root: going, sidecar: { binary: command, logLevel: "off" }, onWarning: (message) => warnings.push(message),
  });
  await within(assert.rejects(opened, { code: "not_found" }), "going");
  assert.deepEqual(warnings, []);
});

test("a crash is made up for by the next process", async () => {
  const runs = join(temp, "crash-once.runs");
  const answer = { files: [{ path: "from-the-fake.ts" }] };
  const binary = fakeSidecar({
    runs, answers: { glob: { result: answer } }, rules: [{ on: "request", method: "glob", run: 1, do: { crash: 101 } }],
  });
  const { backend, warnings } = await open({ sidecar: { binary, restart: QUICK } });
  const calls = Array.from({ length: 50 }, () => backend.glob({ include: [] }));
  for (const { files } of await within(Promise.all(calls), "calls")) assert.deepEqual(files, answer.files);
  assert.equal(backend.kind, "sidecar");
  await backend.dispose();
  assert.deepEqual(warnings, []);
});

test("a request that takes down each process is answered by plain Node", async () => {
  const binary = fakeSidecar({ rules: [{ on: "request", method: "search", do: { crash: 101 } }] });
  const { backend, warnings } = await open({ sidecar: { binary, restart: { ...QUICK, maxCrashes: 5 } } });
  assert.equal((await within(backend.search({ pattern: "needle" }), "search")).matchCount, 2);
  assert.equal(backend.kind, "sidecar", "others may still be served");
  await within(backend.readFile("a.ts"), "another call");
  await backend.dispose();
  assert.deepEqual(warnings, []);
});

test("a crash loop under load: every call is answered, with one warning", async () => {
  const binary = fakeSidecar({ rules: [{ on: "request", do: { crash: 101 } }] });
  const { backend, warnings, switches } = await open({ sidecar: { binary, restart: QUICK } });
  assert.equal(backend.kind, "sidecar");
  for (let round = 0; round < 5; round++) {
    await within(Promise.all(Array.from({ length: 40 }, () => answers(backend))), `round ${round}`);
  }
  assert.equal(backend.kind, "node");
  await backend.dispose();
  assert.deepEqual(warnings.map(({ code }) => code), ["crash_loop"]);
  assert.deepEqual(switches, [["node", "crash_loop"]]);
});

const NO_SHELL = process.platform === "win32" && "it takes a shell script";

test("the real one killed: calls go on, watches are told anew", { skip: NO_SHELL }, async () => {
  const watched = join(temp, "watched");
  mkdirSync(watched);
  writeFileSync(join(watched, "a.ts"), "a");
  const { command, pids } = witnessed("killed");
  const { backend, warnings, switches } = await open({
    root: watched, sidecar: { binary: command, restart: false, logLevel: "off" },
  });
  const watch = backend.watch({ include: ["*.ts"], settleMs: 20 });
  const later = backend.watch({ include: ["*.md"] });
  await within(watch.established, "established");
  const events = watch[Symbol.asyncIterator]();
  put(join(watched, "b.ts"), "b");
  const first = (await within(events.next(), "from the sidecar")).value;
  assert.deepEqual([first.fresh, first.changes.map(({ path }) => path)], [false, ["b.ts"]]);

  const waiting = events.next();
  process.kill(pids()[0], "SIGKILL");
  const { value } = await within(waiting, "from Node");
  assert.equal(value.fresh, true);
  const told = value.changes.map(({ path, kind, size }) => [path, kind, size]);
  assert.deepEqual(told, [["a.ts", "created", 1], ["b.ts", "created", 1]]);
  assert.equal(backend.kind, "node");
  await within(later.established, "another one");
  put(join(watched, "b.ts"), "B");
  const next = (await within(events.next(), "a change")).value;
  assert.deepEqual([next.fresh, next.changes.map(({ path, kind }) => [path, kind])], [false, [["b.ts", "modified"]]]);
  assert.equal((await backend.readFile("b.ts")).text, "B");
  await backend.dispose();
  assert.equal((await within(events.next(), "the end")).done, true);
  assert.equal(warnings.length, 1);
  assert.equal(switches.length, 1);
});

test("required: after the loss, calls and watches fail with its code", { skip: NO_SHELL }, async () => {
  const { command, pids } = witnessed("required");
  const sidecar = { binary: command, restart: false, logLevel: "off" };
  const { backend, warnings, switches } = await open({ mode: "required", sidecar });
  const events = backend.watch()[Symbol.asyncIterator]();
  const waiting = events.next();
  process.kill(pids()[0], "SIGKILL");
  await within(assert.rejects(waiting, { code: "sidecar_crashed" }), "the watch");
  await assert.rejects(backend.readFile("a.ts"), { code: "sidecar_crashed" });
  assert.equal(backend.kind, "sidecar");
  await backend.dispose();
  assert.deepEqual([warnings, switches], [[], []]);
});

test("dispose, twice: what is in flight is rejected, and the process is gone", { skip: NO_SHELL }, async () => {
  const { command, pids } = witnessed("disposed");
  const { backend, warnings } = await open({ sidecar: { binary: command, logLevel: "off" } });
  await answers(backend);
  const calls = [backend.glob({ include: [] }), backend.search({ pattern: "x" }), backend.readFile("a.ts")];
  const settled = Promise.allSettled(calls);
  await within(Promise.all([backend.dispose(), backend.dispose()]), "dispose");
  for (const { reason } of await settled) assert.equal(reason?.code, "sidecar_stopped");
  assert.ok(!pids().some(isAlive));
  await assert.rejects(backend.glob({ include: [] }), { code: "sidecar_stopped" });
  await backend.dispose();
  assert.deepEqual(warnings, []);
});

test("what is out of time or cancelled is not asked again", async () => {
  const binary = fakeSidecar({ rules: [{ on: "request", method: "search", do: { stderr: "asked" } }] });
  let asked = 0;
  let thirdAsked;
  const third = new Promise((resolve) => (thirdAsked = resolve));
  const logger = { ...silentLogger, warn: () => ++asked === 3 && thirdAsked() };
  const { backend, warnings } = await open({ sidecar: { binary, requestTimeoutMs: 200, logger } });
  await assert.rejects(backend.search({ pattern: "x" }), { code: "timeout" });
  await assert.rejects(backend.search({ pattern: "x" }, { timeoutMs: 50 }), { code: "timeout" });
  const controller = new AbortController();
  const call = backend.search({ pattern: "x" }, { signal: controller.signal, timeoutMs: 0 });
  await within(third, "the third search");
  controller.abort();
  await assert.rejects(call, { code: "cancelled" });
  await assert.rejects(backend.search({ pattern: "x" }, { signal: AbortSignal.abort() }), { code: "cancelled" });
  await backend.dispose();
  assert.deepEqual(warnings, []);
});
