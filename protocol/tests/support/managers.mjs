// Managers for tests: none leaves a process behind, and every wait has an end.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, afterEach } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

import { SidecarManager } from "workspace-sidecar";
import { fakeSidecar } from "workspace-sidecar/testing";

import { binary } from "./binary.mjs";

const PATIENCE_MS = 20_000;

/** A directory for this file's tests. */
export const temp = mkdtempSync(join(realpathSync(tmpdir()), "manager-"));
let made = 0;
const managers = new Set();

after(() => rmSync(temp, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }));
afterEach(() =>
  Promise.all(
    [...managers].map(async (manager) => {
      managers.delete(manager);
      if (manager.pid !== undefined && alive(manager.pid)) process.kill(manager.pid, "SIGKILL");
      await manager.stop();
    }),
  ),
);

/** A promise that fails when it takes too long. */
export async function within(promise, what, patienceMs = PATIENCE_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${patienceMs} ms`)), patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A new directory with these files. */
export function workspace(files = {}) {
  const root = join(temp, `root-${++made}`);
  mkdirSync(root);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** A manager. `logged` has what it logs; `told`, what it tells: states as words, other events with what they say. */
export function manage(options) {
  const logged = [];
  const level = (name) => (message, fields) => logged.push({ level: name, message, fields });
  const logger = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
  const manager = new SidecarManager({ root: temp, logger, ...options });
  managers.add(manager);
  const told = [];
  manager.on("state", (state) => told.push(state));
  for (const event of ["starting", "ready", "restarting", "failed", "stopped"]) {
    manager.on(event, (argument) => told.push([event, argument]));
  }
  const states = () => told.filter((entry) => typeof entry === "string");
  return Object.assign(manager, { logged, told, states });
}

/** A manager of a fake sidecar. */
export const manageFake = (script, options) => manage({ binary: fakeSidecar(script), ...options });
/** A manager of the real one. */
export const manageReal = (root, options) => manage({ binary, root, ...options });

/** The process of a manager that was just told to start, before anything can have been heard of it. */
export async function startedProcess(manager) {
  for (let turn = 0; manager.pid === undefined && turn < 100; turn++) await Promise.resolve();
  assert.ok(alive(manager.pid), "it is there");
  return manager.pid;
}

/** A file in which the processes of a fake sidecar are counted. */
export const runsFile = () => join(temp, `runs-${++made}`);

/** Resolves with what the next such event says. */
export function next(manager, event, accepts = () => true) {
  const told = new Promise((resolve) => {
    const listener = (argument) => {
      if (!accepts(argument)) return;
      manager.off(event, listener);
      resolve(argument);
    };
    manager.on(event, listener);
  });
  return within(told, `the event ${event}`);
}

/** Whether there is such a process. */
export function alive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    if (error.code === "ESRCH") return false;
    throw error;
  }
}

/** Whether a process has ended, and only its new parent did not ask how: some containers have none that does. */
function isZombie(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
  } catch {
    return false;
  }
}

/**
 * Waits until a process is gone that is no child of this one, and so tells it nothing. Only one that is seen later than
 * `patienceMs` from now is there too long: this process may have stood still just before it looked.
 */
export async function gone(pid, patienceMs = PATIENCE_MS) {
  const asked = performance.now();
  for (;;) {
    const waitedMs = performance.now() - asked;
    if (!alive(pid) || isZombie(pid)) return;
    assert.ok(waitedMs < patienceMs, `process ${pid} is still there after ${patienceMs} ms`);
    await delay(10);
  }
}
