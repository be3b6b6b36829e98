// Each failure of a start is visible once: thrown to whoever waits, or else in the log.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { fakeSidecar } from "workspace-sidecar/testing";

import { binary } from "./support/binary.mjs";
import { failure } from "./support/failure.mjs";
import { manage, manageFake, runsFile, temp } from "./support/managers.mjs";

const nowhere = join(temp, "nowhere");

/** What an application writes that is these lines, with a manager `sidecar` of `options`, and how it ends. */
function run(lines, options) {
  const script = `
    import { SidecarManager } from "workspace-sidecar";
    const sidecar = new SidecarManager(${JSON.stringify(options)});
    ${lines}`;
  const cwd = fileURLToPath(new URL("..", import.meta.url));
  const args = ["--input-type=module", "-e", script];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd, timeout: 30_000, encoding: "utf8" });
  return { status, stdout, stderr };
}

const times = (text, part) => text.split(part).length - 1;
const MISSING = `the root ${nowhere} does not exist`;

test("a start that nobody waits for ends no host: its failure is in the log, in `failed` and in requests", () => {
  const lines = `
    sidecar.on("failed", ({ code }) => console.log("failed", code));
    sidecar.start();
    await sidecar.ping().catch(({ code }) => console.log("ping", code));
    setTimeout(() => console.log("alive"), 50);`;
  const { status, stdout, stderr } = run(lines, { root: nowhere, binary });
  assert.deepEqual([status, stdout], [0, "failed start_failed\nping start_failed\nalive\n"]);
  assert.equal(stderr, `workspace-sidecar: the sidecar cannot serve the workspace: ${MISSING}\n`);
});

test("awaited and not caught: Node prints it, and nobody else", () => {
  const { status, stderr } = run("await sidecar.start();", { root: nowhere, binary });
  assert.equal(status, 1);
  assert.equal(times(stderr, `SidecarError: the sidecar cannot serve the workspace: ${MISSING}\n`), 1, stderr);
  assert.equal(times(stderr, "workspace-sidecar: "), 0, stderr);
  assert.equal(stderr.includes("undefined"), false, stderr);
});

const WAITS = ["sidecar.start()", "Promise.all([sidecar.start()])", "(async () => sidecar.start())()"];
for (const wait of WAITS) {
  test(`caught: nothing is printed: ${wait}`, () => {
    const lines = `try { await ${wait} } catch ({ message }) { console.log(message) }`;
    const { status, stdout, stderr } = run(lines, { root: nowhere, binary });
    assert.deepEqual([status, stderr], [0, ""]);
    assert.equal(stdout, `the sidecar cannot serve the workspace: ${MISSING}\n`);
  });
}

test("a failure that nobody waits for as it happens is in the log", () => {
  const script = { runs: runsFile(), rules: [{ on: "request", method: "glob", do: { crash: 4 } }] };
  const lines = `
    await sidecar.start();
    await sidecar.glob({ include: [] }).catch(({ code }) => console.log(code));`;
  const { status, stdout, stderr } = run(lines, { root: temp, binary: fakeSidecar(script), restart: false });
  assert.deepEqual([status, stdout], [0, "sidecar_crashed\n"]);
  assert.equal(stderr, "workspace-sidecar: the sidecar ended with exit status 4\n");
});

test("what a process says before it is ready is printed once it is, or when it is tried again", () => {
  const said = (word) => ({ stderr: { level: "WARN", message: word } });
  const rules = [
    { on: "start", run: 1, do: [said("first"), { crash: 1 }] },
    { on: "start", run: 2, do: [said("second"), "behave"] },
  ];
  const binary = fakeSidecar({ runs: runsFile(), rules });
  const lines = "await sidecar.start(); await sidecar.stop();";
  const { status, stderr } = run(lines, { root: temp, binary, restart: { minDelayMs: 1 } });
  assert.equal(status, 0);
  const printed = stderr.trimEnd().split("\n");
  assert.equal(printed[0], "workspace-sidecar: sidecar: first");
  assert.match(printed[1], /exit status 1 before it was ready: first; it is started again in \d+ ms$/);
  assert.deepEqual(printed.slice(2), ["workspace-sidecar: sidecar: second"]);
});

test("a logger of the application has every failure, awaited or not", async () => {
  for (const wait of [true, false]) {
    const sidecar = manage({ root: nowhere, binary });
    const failed = new Promise((resolve) => sidecar.once("failed", resolve));
    const started = sidecar.start();
    if (wait) await assert.rejects(started, failure("start_failed"));
    await failed;
    const errors = sidecar.logged.filter(({ level }) => level === "error").map(({ message }) => message);
    const what = ["sidecar: cannot start", "the sidecar cannot serve the workspace"];
    assert.deepEqual(errors, what.map((start) => `${start}: ${MISSING}`));
  }
});

test("`start` gives a promise like any other", async () => {
  const sidecar = manageFake();
  const started = sidecar.start();
  assert.ok(started instanceof Promise);
  assert.equal(started.then().constructor, Promise);
  let finished = false;
  const ready = await started.finally(() => (finished = true));
  assert.deepEqual([finished, ready], [true, sidecar.ready]);
});
