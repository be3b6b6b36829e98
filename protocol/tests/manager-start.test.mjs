// The start of a sidecar: ready, or why not.

import assert from "node:assert/strict";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { test } from "node:test";

import { SidecarError } from "workspace-sidecar";

import { binary } from "./support/binary.mjs";
import { failure } from "./support/failure.mjs";
import { standStill } from "./support/standing.mjs";
import { uncaughtDuring } from "./support/uncaught.mjs";
import {
  alive,
  manage,
  manageFake,
  manageReal,
  next,
  runsFile,
  startedProcess,
  temp,
  within,
  workspace,
} from "./support/managers.mjs";

const FAST = { restart: { minDelayMs: 2, maxDelayMs: 4 } };

test("states and events, in their order, from nothing to the end", async () => {
  const sidecar = manageReal(workspace({ "a.ts": "" }));
  assert.deepEqual([sidecar.state, sidecar.pid, sidecar.ready, sidecar.restarts], ["idle", undefined, undefined, 0]);
  const ready = await sidecar.start();
  assert.deepEqual([sidecar.state, sidecar.pid, sidecar.ready], ["ready", ready.pid, ready]);
  assert.equal(await sidecar.start(), ready);
  const { pid } = sidecar;
  await sidecar.stop();
  assert.equal(alive(pid), false);
  assert.deepEqual([sidecar.state, sidecar.pid, sidecar.ready], ["stopped", undefined, undefined]);
  const START = ["starting", ["starting", undefined], "ready", ["ready", ready]];
  assert.deepEqual(sidecar.told, [...START, "stopping", "stopped", ["stopped", undefined]]);
  assert.deepEqual(sidecar.logged, []);
});

test("`start` many times at once starts one process", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs });
  const all = await Promise.all(Array.from({ length: 10 }, () => sidecar.start()));
  assert.equal(new Set(all).size, 1);
  assert.equal(readFileSync(runs, "utf8"), `${sidecar.pid}\n`);
  assert.deepEqual(sidecar.states(), ["starting", "ready"]);
});

test("`event` tells what the sidecar says of itself, not what belongs to requests", async () => {
  const sidecar = manageReal(workspace({ "a.ts": "" }));
  const events = [];
  sidecar.on("event", ({ event }) => events.push(event));
  const indexed = next(sidecar, "event", ({ event }) => event === "indexed");
  await sidecar.start();
  assert.equal((await indexed).data.files, 1);
  assert.deepEqual(events, ["indexed"]);
});

test("the workspace is what it was when the manager was made, and options become arguments", async () => {
  const root = workspace({ "a.ts": "", "b.log": "", "c.tmp": "" });
  const before = process.cwd();
  process.chdir(temp);
  const more = { exclude: ["*.log"], args: ["--exclude", "*.tmp"], watchMode: "off" };
  const sidecar = manage({ binary, root: relative(temp, root), ...more });
  process.chdir(before);
  assert.equal((await sidecar.start()).root, root);
  assert.deepEqual((await sidecar.glob({ include: ["**"] })).files, [{ path: "a.ts" }]);
  assert.equal((await sidecar.status()).watcher.mode, "off");
});

test("fatal: the root is not there", async () => {
  const sidecar = manageReal(join(temp, "nowhere"));
  const error = await sidecar.start().catch((error) => error);
  assert.ok(failure("start_failed", /^the sidecar cannot serve the workspace: .*nowhere/)(error));
  assert.deepEqual([error.data.kind, error.data.code], ["fatal", "not_found"]);
  assert.deepEqual(sidecar.told, ["starting", ["starting", undefined], "failed", ["failed", error]]);
  await assert.rejects(sidecar.glob({ include: ["**"] }), failure("start_failed", /^glob: the sidecar cannot serve/));
  // Once by the sidecar, once by the manager.
  const errors = sidecar.logged.filter(({ level }) => level === "error").map(({ message }) => message);
  assert.deepEqual(errors.map((message) => message.startsWith("sidecar: ")), [true, false]);
});

test("fatal, but it does not leave: it is made to", async () => {
  const fatal = { event: "fatal", data: { code: "io_error", message: "the disk is gone" } };
  const sidecar = manageFake({ rules: [{ on: "start", do: { send: fatal } }] });
  const started = sidecar.start();
  await assert.rejects(within(started, "the failure"), failure("start_failed", /the disk is gone$/));
  assert.equal(sidecar.pid, undefined);
});

test("a wrong command line is not tried again", async () => {
  const sidecar = manageReal(workspace(), { args: ["--no-such-option"] });
  const error = await sidecar.start().catch((error) => error);
  const message = /^the sidecar refused its arguments: unexpected argument '--no-such-option' found$/;
  assert.ok(failure("start_failed", message)(error));
  assert.ok(error.data.stderr.some((line) => line.includes("--no-such-option")), error.data.stderr);
  assert.deepEqual(sidecar.states(), ["starting", "failed"]);
});

test("a wrong option's value is in the message, with what is wrong with it", async () => {
  const REFUSED = [
    [{ exclude: ["a[b"] }, "invalid value 'a[b' for '--exclude <GLOB>': invalid glob \"a[b\": unclosed"],
    [{ args: ["--watch", "no"] }, "invalid value 'no' for '--watch <WATCH>' [possible values: native, poll, off]"],
  ];
  for (const [options, said] of REFUSED) {
    const error = await manageReal(workspace(), options).start().catch((error) => error);
    assert.ok(failure("start_failed")(error));
    assert.ok(error.message.startsWith(`the sidecar refused its arguments: ${said}`), error.message);
    assert.equal(error.message.includes("--help"), false);
  }
});

test("it ends before it is ready, whatever its status: tried again", async () => {
  for (const crash of [0, 101, "SIGSEGV"]) {
    const sidecar = manageFake({ runs: runsFile(), rules: [{ on: "start", run: 1, do: { crash } }] }, FAST);
    await sidecar.start();
    assert.deepEqual(sidecar.states(), ["starting", "restarting", "starting", "ready"]);
    assert.equal(sidecar.restarts, 1);
  }
});

test("not ready in time: killed, and not tried again", async () => {
  const script = { rules: [{ on: "start", do: [] }, { on: "sigterm", do: [] }] };
  const sidecar = manageFake(script, { startTimeoutMs: 100 });
  const started = sidecar.start();
  const pid = await startedProcess(sidecar);
  const message = /^the sidecar was not ready within 100 ms and was killed$/;
  await assert.rejects(started, failure("start_timeout", message));
  assert.equal(alive(pid), false);
  assert.deepEqual(sidecar.states(), ["starting", "failed"]);
});

test("ready while this process stood still is ready", async () => {
  const sidecar = manageReal(workspace(), { startTimeoutMs: 500 });
  const started = sidecar.start();
  await startedProcess(sidecar);
  // Long enough for the sidecar, and for the time-out to be over.
  standStill(4_000);
  await started;
  assert.deepEqual(sidecar.states(), ["starting", "ready"]);
});

const UNSTARTABLE = {
  "a command where nothing is": ["sidecar_not_found", /ENOENT/, () => ({ file: join(temp, "nothing") })],
  "a command that may not be executed": ["sidecar_unusable", /EACCES/, (dir) => {
    writeFileSync(join(dir, "plain"), "#!/bin/sh\n", { mode: 0o644 });
    return { file: join(dir, "plain") };
  }],
  "a command that is a directory": ["sidecar_unusable", /EACCES/, (dir) => ({ file: dir })],
  "a program without its loader": ["sidecar_unusable", /it is there, but what loads it is not/, (dir) => {
    writeFileSync(join(dir, "script"), "#!/no/such/interpreter\n", { mode: 0o755 });
    return join(dir, "script");
  }],
  "a command with a file for a directory": ["sidecar_unusable", /ENOTDIR/, (dir) => {
    writeFileSync(join(dir, "plain"), "");
    return { file: join(dir, "plain", "below") };
  }],
};
for (const [what, [code, message, make]] of Object.entries(UNSTARTABLE)) {
  test(`cannot be started: ${what}`, { skip: process.platform === "win32" }, async () => {
    const sidecar = manage({ binary: make(mkdtempSync(join(temp, "dir-"))) });
    const error = await sidecar.start().catch((error) => error);
    assert.ok(failure(code, message)(error));
    assert.match(error.message, /\(from the option binary\) cannot be started: /);
    assert.ok(error.data.file !== undefined);
    assert.deepEqual([sidecar.states(), sidecar.pid], [["starting", "failed"], undefined]);
    await sidecar.stop();
  });
}

// A path that an option names is looked at like one that the variable names.
const UNNAMABLE = {
  nothing: ["sidecar_not_found", () => {}, "there is no such file. Point it at the binary, or leave it out."],
  folder: ["sidecar_not_found", (path) => mkdirSync(path), "this is a directory, not a program. Point it at"],
  text: ["sidecar_unusable", (path) => writeFileSync(path, "text", { mode: 0o644 }), "is not executable: its"],
};
for (const [what, [code, make, said]] of Object.entries(UNNAMABLE)) {
  test(`the option \`binary\` names ${what}`, { skip: process.platform === "win32" }, async () => {
    const path = join(mkdtempSync(join(temp, "dir-")), what);
    make(path);
    for (const value of [path, relative(process.cwd(), path)]) {
      const sidecar = manage({ binary: value });
      const error = await sidecar.start().catch((error) => error);
      assert.ok(failure(code)(error));
      assert.ok(error.message.startsWith(`the option binary is ${JSON.stringify(value)}`), error.message);
      assert.ok(error.message.includes(path) && error.message.includes(said), error.message);
      assert.deepEqual([sidecar.states(), sidecar.pid], [["starting", "failed"], undefined]);
    }
  });
}

// What is started is a program, but not the sidecar: the path, who named it, and the question are in the message.
const OTHERS = {
  "a script that exits with 0": ["#!/bin/sh\n", /^ ended with exit status 0 before it was ready\. Is it/],
  "a script with another status": ["#!/bin/sh\necho a fault >&2; exit 2\n", /status 2 [^:]*: a fault\. Is it/],
  "a script that says something": ["#!/bin/sh\necho hello; exec sleep 30\n", /the sidecar wrote .*hello.* Is it/],
  // A shell may be given what has no known format; a system may refuse to start it.
  "a text": ["This is a text.\n", / Is it/],
  "a truncated program": [Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2, 3, 255, 254, 10]), / Is it/],
};
for (const [what, [content, said]] of Object.entries(OTHERS)) {
  test(`SCAFFA_SIDECAR_PATH names ${what}`, { skip: process.platform === "win32" }, async () => {
    const path = join(mkdtempSync(join(temp, "dir-")), "other");
    writeFileSync(path, content);
    chmodSync(path, 0o755);
    const sidecar = manage({ binary: { env: { SCAFFA_SIDECAR_PATH: path } }, ...FAST });
    const error = await within(sidecar.start().catch((error) => error), "the failure");
    assert.ok(error instanceof SidecarError && ["start_failed", "sidecar_unusable"].includes(error.code), error.stack);
    const start = `${path} (from SCAFFA_SIDECAR_PATH)`;
    assert.ok(error.message.startsWith(start), error.message);
    assert.match(error.message.slice(start.length), said);
    assert.ok(error.message.endsWith(" Is it a workspace-sidecar?"), error.message);
    // Twice is enough.
    assert.ok(sidecar.states().filter((state) => state === "starting").length <= 2, sidecar.states().join(", "));
    assert.equal(sidecar.state, "failed");
  });
}

test("a process that ends before any was ready is tried once more, at each `start`", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs, rules: [{ on: "start", do: { crash: 5 } }] }, FAST);
  for (const started of [2, 4]) {
    await assert.rejects(sidecar.start(), failure("start_failed", /exit status 5 before it was ready/));
    assert.equal(readFileSync(runs, "utf8").trim().split("\n").length, started);
  }
});

test("another version of the protocol: killed, not tried again", async () => {
  const runs = runsFile();
  const sidecar = manageFake({ runs, ready: { protocolVersion: 2, version: "9.9.9" } }, FAST);
  const message = /^sidecar 9\.9\.9 speaks protocol version 2, not 1$/;
  await assert.rejects(sidecar.start(), failure("sidecar_unusable", message));
  const pids = readFileSync(runs, "utf8").trim().split("\n");
  assert.deepEqual([pids.length, alive(Number(pids[0]))], [1, false]);
});

test("looking for the binary fails: as it says", async () => {
  // Nothing is looked for but what the options name.
  const missing = join(temp, "missing-binary");
  process.env.SCAFFA_SIDECAR_PATH = missing;
  try {
    const sidecar = manage({});
    const error = await sidecar.start().catch((error) => error);
    assert.equal(existsSync(missing), false);
    assert.ok(failure("sidecar_not_found", /missing-binary/)(error));
    assert.deepEqual(sidecar.states(), ["starting", "failed"]);
  } finally {
    delete process.env.SCAFFA_SIDECAR_PATH;
  }
});

test("after a failure `start` tries anew", async () => {
  const root = join(temp, "later");
  const sidecar = manageReal(root);
  await assert.rejects(sidecar.start(), failure("start_failed"));
  workspace({ "../later/a.ts": "" });
  await sidecar.start();
  assert.equal((await sidecar.glob({ include: ["**"] })).files.length, 1);
  assert.deepEqual(sidecar.states(), ["starting", "failed", "starting", "ready"]);
});

test("a listener of `failed` may start it again at once", async () => {
  const script = { runs: runsFile(), rules: [{ on: "start", run: 1, do: { crash: 1 } }] };
  const sidecar = manageFake(script, { restart: false });
  const again = new Promise((resolve) => sidecar.once("failed", () => resolve(sidecar.start())));
  await assert.rejects(sidecar.start(), failure("start_failed"));
  await within(again, "the second start");
  assert.deepEqual(sidecar.states(), ["starting", "failed", "starting", "ready"]);
});

test("a listener that throws, or a logger, stops nothing", async () => {
  const fail = (what) => () => {
    throw new Error(what);
  };
  const thrown = await uncaughtDuring(async () => {
    const logger = { debug: fail("log"), info: fail("log"), warn: fail("log"), error: fail("log") };
    const script = { runs: runsFile(), rules: [{ on: "start", run: 1, do: { crash: 1 } }] };
    const sidecar = manageFake(script, { logger, ...FAST });
    for (const event of ["state", "starting", "restarting", "ready", "stopped"]) sidecar.on(event, fail(event));
    await within(sidecar.start(), "the start");
    assert.equal((await sidecar.glob({ include: ["**"] })).files.length, 0);
    await sidecar.stop();
    assert.deepEqual(sidecar.states(), ["starting", "restarting", "starting", "ready", "stopping", "stopped"]);
  });
  assert.deepEqual([...new Set(thrown)].sort(), ["log", "ready", "restarting", "starting", "state", "stopped"]);
});
