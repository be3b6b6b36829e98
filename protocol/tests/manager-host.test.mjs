// What the application's own end does to the sidecar, and the sidecar's to the application's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { afterEach, test } from "node:test";
import { fileURLToPath } from "node:url";

import { binary } from "./support/binary.mjs";
import { alive, gone, within, workspace } from "./support/managers.mjs";

const program = fileURLToPath(new URL("support/host.mjs", import.meta.url));
const hosts = new Set();
const sidecars = new Set();

afterEach(() => {
  for (const host of hosts) host.kill("SIGKILL");
  for (const pid of sidecars) if (alive(pid)) process.kill(pid, "SIGKILL");
  sidecars.clear();
});

/** Starts a host: the first thing it tells, and how it ended. */
function start(scenario, root, limit) {
  const args = [program, scenario, binary, root];
  const options = { stdio: ["ignore", "pipe", "pipe"] };
  const host =
    limit === undefined
      ? spawn(process.execPath, args, options)
      : spawn("/bin/sh", ["-c", `ulimit -n ${limit} && exec "$@"`, "sh", process.execPath, ...args], options);
  hosts.add(host);
  let stderr = "";
  host.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  const ended = new Promise((resolve) => {
    host.once("close", (code, signal) => {
      hosts.delete(host);
      resolve({ code, signal, stderr });
    });
  });
  const told = new Promise((resolve, reject) => {
    createInterface(host.stdout).once("line", (line) => resolve(JSON.parse(line)));
    void ended.then(() => reject(new Error(`the host told nothing; stderr: ${stderr}`)));
  });
  return { host, ended: () => within(ended, "the host's end"), told: within(told, "what the host tells") };
}

const BUSY = { "while the index is built": "indexing", "while searches run": "searching" };
const FILES = {
  idle: { "a.ts": "a" },
  "while the index is built": Object.fromEntries(
    Array.from({ length: 1_000 }, (_, at) => [`${at % 50}/${at}.ts`, `let x${at};\n`.repeat(900)]),
  ),
  "while searches run": Object.fromEntries(
    Array.from({ length: 200 }, (_, at) => [`${at}.txt`, `${"x".repeat(500)}\n`.repeat(200)]),
  ),
};

for (const [what, files] of Object.entries(FILES)) {
  test(`a host that is killed leaves no sidecar behind after 2 s: ${what}`, async () => {
    const root = workspace(files);
    // An index may be ready before it is asked about; then another host is killed.
    for (let attempt = 1; ; attempt++) {
      const { host, told, ended } = start(BUSY[what] ?? what, root);
      const facts = await told;
      sidecars.add(facts.pid);
      assert.equal(alive(facts.pid), true);
      host.kill("SIGKILL");
      const killed = performance.now();
      assert.equal((await ended()).signal, "SIGKILL");
      await gone(facts.pid, 2_000 - (performance.now() - killed));
      if (facts.busy) break;
      assert.ok(attempt < 20, `${attempt} hosts, and none was killed ${what}`);
    }
  });
}

// What each tells; what it waits for lasts much longer than its end is waited for.
const ENDS = {
  stopped: (told) => assert.ok(["object", "string"].includes(told.last)),
  startedTwice: () => {},
  neverReady: (told) => assert.deepEqual(told, { code: "start_timeout", waits: "start_timeout" }),
  endsAtOnce: (told) => assert.deepEqual(told, { code: "start_failed", waits: "start_failed" }),
  stoppedInBackOff: (told) => assert.deepEqual(told, { code: "sidecar_stopped" }),
  ...(process.platform !== "win32" && { outlived: (told) => assert.deepEqual(told, { code: "start_failed" }) }),
  notFound: (told) => assert.deepEqual(told, { code: "sidecar_not_found" }),
};
for (const [scenario, check] of Object.entries(ENDS)) {
  test(`nothing keeps a host alive: ${scenario}`, async () => {
    const root = workspace({ "a.ts": "a" });
    const { told, ended } = start(scenario, root);
    check(await told);
    if (scenario === "outlived") sidecars.add(Number(readFileSync(`${root}.outlives`, "utf8")));
    // No heartbeat, start-up time-out, request's time-out, back-off or other process is waited for.
    assert.deepEqual(await ended(), { code: 0, signal: null, stderr: "" });
  });
}

const posix = { skip: process.platform === "win32" };
test("where the system has no descriptors left, the host survives, and later starts", posix, async () => {
  const { told, ended } = start("noDescriptors", workspace(), 64);
  const { code, message } = await told;
  assert.equal(code, "crash_loop");
  assert.match(message, /crashed 3 times .*cannot be started: spawn .*EMFILE/);
  assert.deepEqual(await ended(), { code: 0, signal: null, stderr: "" });
});
