// What differs on Windows: paths with drives, backslashes and spaces, the name of the binary, how processes end.
//
// Elsewhere it needs Wine: WINE is its command, NODE_EXE a Node for Windows, SIDECAR_EXE the sidecar built for Windows.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { silentLogger, SidecarManager } from "workspace-sidecar";

const { WINE, NODE_EXE, SIDECAR_EXE } = process.env;

if (process.platform === "win32") await testHere();
else testUnderWine();

function testUnderWine() {
  const skip = !(WINE && NODE_EXE && SIDECAR_EXE) && "needs Windows, or Wine: set WINE, NODE_EXE and SIDECAR_EXE";
  test("the tests for Windows, under Wine", { skip, timeout: 300_000 }, async (t) => {
    const env = { ...process.env };
    // This is not one more file of a run of tests.
    delete env.NODE_TEST_CONTEXT;
    // Wine calls itself a Windows that Node does not support any more.
    env.NODE_SKIP_PLATFORM_CHECK = "1";
    // Into a file: Node's pipes are sockets, which Wine does not take for pipes.
    const log = join(mkdtempSync(join(tmpdir(), "sidecar-wine-")), "log");
    t.after(() => rmSync(dirname(log), { recursive: true, force: true }));
    const output = openSync(log, "w");
    const args = [NODE_EXE, "--test-reporter=spec", fileURLToPath(import.meta.url)];
    const wine = spawn(WINE, args, { env, stdio: ["ignore", output, output], timeout: 240_000 });
    const [status] = await once(wine, "exit");
    closeSync(output);
    const told = readFileSync(log, "utf8");
    for (const line of told.split(/\r?\n/)) t.diagnostic(line);
    assert.equal(status, 0);
    assert.match(told, /pass [1-9]/);
  });
}

async function testHere() {
  // Long names: what is in the environment may be a short one (RUNNER~1).
  const base = realpathSync.native(mkdtempSync(join(tmpdir(), "a host, ünï ")));
  after(() => rmSync(base, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }));
  // As Cargo's output: the name is found with its `.exe`.
  const buildDir = join(base, "build output");
  const binary = join(buildDir, "debug", "workspace-sidecar.exe");
  mkdirSync(join(buildDir, "debug"), { recursive: true });
  copyFileSync(SIDECAR_EXE || (await import("./support/binary.mjs")).binary, binary);

  /** A manager of a workspace of its own. */
  const managed = (t, name, options) => {
    const root = join(base, name);
    mkdirSync(join(root, "src", "deep er"), { recursive: true });
    writeFileSync(join(root, "src", "a b.ts"), "const needle = 1;\r\n");
    writeFileSync(join(root, "src", "deep er", "ü.ts"), "needle();\n");
    const sidecar = new SidecarManager({ root, binary, logger: silentLogger, ...options });
    t.after(() => sidecar.stop());
    return { root, sidecar };
  };
  const limited = (name, body) => test(name, { timeout: 60_000 }, body);

  limited("the binary is found with its .exe, and serves a workspace with a drive, spaces and more", async (t) => {
    const found = { buildDirs: [buildDir], env: {}, packaged: false };
    const { root, sidecar } = managed(t, "the workspace", { binary: found });
    assert.match(root, /^[A-Z]:\\.* .*\\the workspace$/);
    const ready = await sidecar.start();
    t.diagnostic(`${root}: sidecar ${ready.version}, process ${ready.pid}, root ${ready.root}`);
    assert.equal(ready.root, root);
    assert.equal(ready.pid, sidecar.pid);

    const { files } = await sidecar.glob({ include: ["**/*.ts"] });
    assert.deepEqual(files.map(({ path }) => path), ["src/a b.ts", "src/deep er/ü.ts"]);
    const matches = await sidecar.search({ pattern: "needle" });
    const counts = matches.files.map(({ path, matchCount }) => [path, matchCount]);
    assert.deepEqual(counts, files.map(({ path }) => [path, 1]));
    const { text, eol } = await sidecar.readFile({ path: "src/a b.ts" });
    assert.deepEqual([text, eol], ["const needle = 1;\r\n", "crlf"]);
    const streamed = [];
    for await (const { path } of sidecar.searchStream({ pattern: "needle" })) streamed.push(path);
    assert.deepEqual(streamed, files.map(({ path }) => path));
    for (const path of ["src\\a b.ts", join(root, "src/a b.ts"), "C:a"]) {
      await assert.rejects(sidecar.readFile({ path }), { name: "SidecarError", code: "invalid_path" });
    }
  });

  limited("a change is told; a killed process is replaced, and then everything is told anew", async (t) => {
    const { root, sidecar } = managed(t, "watched");
    const first = await sidecar.start();
    const watch = sidecar.watch({ include: ["src/**"] });
    await watch.established;
    const told = watch[Symbol.asyncIterator]();

    // At once: a file that is seen while it is written is told twice.
    const aside = join(base, "new.ts");
    writeFileSync(aside, "needle\n");
    renameSync(aside, join(root, "src", "deep er", "new.ts"));
    const change = (await told.next()).value;
    t.diagnostic(`told: ${JSON.stringify(change.changes)}`);
    assert.deepEqual(change.changes.map(({ path, kind }) => [path, kind]), [["src/deep er/new.ts", "created"]]);

    const lost = once(sidecar, "restarting");
    const inFlight = sidecar.sync({ timeoutMs: 20_000 }).then(() => "ok", ({ code }) => code);
    process.kill(first.pid, "SIGKILL");
    const [{ cause }] = await lost;
    t.diagnostic(`killed: ${JSON.stringify(cause)}; what was in flight: ${await inFlight}`);
    assert.ok(["ok", "sidecar_crashed"].includes(await inFlight));
    const anew = (await told.next()).value;
    assert.equal(anew.fresh, true);
    const paths = anew.changes.map(({ path }) => path);
    assert.deepEqual(paths, ["src/a b.ts", "src/deep er/new.ts", "src/deep er/ü.ts"]);
    assert.equal(sidecar.restarts, 1);
    assert.notEqual(sidecar.pid, first.pid);
    await gone(first.pid);
  });

  limited("stopping ends the process, in good time", async (t) => {
    const { sidecar } = managed(t, "stopped", { stop: { graceMs: 20_000 } });
    const { pid } = await sidecar.start();
    assert.ok(lives(pid));
    const began = performance.now();
    await sidecar.stop();
    t.diagnostic(`stopped in ${(performance.now() - began).toFixed(0)} ms`);
    assert.ok(performance.now() - began < 19_000, "it did not have to be terminated");
    await gone(pid);
  });

  limited("a host that is killed leaves no sidecar behind", async (t) => {
    const { root } = managed(t, "orphan");
    const script = fileURLToPath(new URL("windows/host.mjs", import.meta.url));
    const host = spawn(process.execPath, [script, binary, root], { stdio: ["ignore", "pipe", "inherit"] });
    t.after(() => host.kill());
    const [line] = await once(host.stdout.setEncoding("utf8"), "data");
    const pid = Number(line);
    assert.ok(lives(pid));
    host.kill("SIGKILL");
    await once(host, "exit");
    const began = performance.now();
    await gone(pid, 2_000);
    t.diagnostic(`gone ${(performance.now() - began).toFixed(0)} ms after its host`);
  });
}

function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
    return false;
  }
}

/** Nothing tells of the end of a process that is not one's own. It is too late where it is seen after that time. */
async function gone(pid, withinMs = 20_000) {
  const began = performance.now();
  for (;;) {
    const waitedMs = performance.now() - began;
    if (!lives(pid)) return;
    assert.ok(waitedMs < withinMs, `process ${pid} still lives after ${withinMs} ms`);
    await sleep(20);
  }
}
