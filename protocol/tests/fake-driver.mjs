// Drives a process that speaks the contract, for the tests of the fake sidecar.

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach } from "node:test";

import { SidecarError } from "workspace-sidecar";
import { fakeSidecar } from "workspace-sidecar/testing";

const TIMEOUT_MS = 20_000;
/** A directory for this file's tests. */
export const temp = mkdtempSync(join(tmpdir(), "fake-sidecar-"));
const running = new Set();

after(() => rmSync(temp, { recursive: true, force: true }));
// No test leaves a process behind.
afterEach(async () => {
  for (const child of running) child.kill("SIGKILL");
  await Promise.all([...running].map((child) => child.ended));
});

/** A promise that fails when it takes too long. */
export async function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Starts a command over pipes of its own, and keeps what it writes. */
export function start(command) {
  const { file, args = [], env = {} } = command;
  const child = spawn(file, [...args, "--root", temp, "--progress"], { env });
  running.add(child);
  const chunks = [];
  const waiting = new Set();
  let [stdout, stderr, outEnded, errEnded] = [Buffer.alloc(0), "", false, false];
  const check = () => waiting.forEach((look) => look());
  child.stdin.on("error", () => {});
  child.stdout.on("data", (chunk) => {
    chunks.push(chunk);
    stdout = Buffer.concat([stdout, chunk]);
    check();
  });
  child.stdout.on("end", () => {
    outEnded = true;
    check();
  });
  child.stderr.setEncoding("utf8").on("data", (text) => {
    stderr += text;
    check();
  });
  child.stderr.on("end", () => {
    errEnded = true;
    check();
  });
  child.ended = new Promise((resolve) => {
    child.on("close", (code, signal) => {
      running.delete(child);
      resolve(signal ?? code);
    });
  });
  const until = (what, look, isOver) =>
    within(
      new Promise((resolve, reject) => {
        const attempt = () => {
          const found = look();
          if (found === undefined && !isOver()) return;
          waiting.delete(attempt);
          if (found === undefined) reject(new Error(`the fake ended without ${what}; stderr: ${stderr}`));
          else resolve(found);
        };
        waiting.add(attempt);
        attempt();
      }),
      what,
    );
  const fake = {
    child,
    chunks,
    ended: () => within(child.ended, "the end of the process"),
    send: (...messages) => child.stdin.write(messages.map((message) => `${JSON.stringify(message)}\n`).join("")),
    end: () => child.stdin.end(),
    lines: () => stdout.toString().split("\n").slice(0, -1),
    stdout: () => stdout,
    /** All messages so far; lines that are no JSON are left out. */
    messages: () =>
      fake.lines().flatMap((line) => {
        try {
          return [JSON.parse(line)];
        } catch {
          return [];
        }
      }),
    /** The first message that a predicate accepts. */
    message: (accepts, what = String(accepts)) => until(what, () => fake.messages().find(accepts), () => outEnded),
    response: (id) => fake.message((message) => message?.id === id, `a response to ${id}`),
    event: (name) => fake.message((message) => message?.event === name, `the event ${name}`),
    /** Waits until stdout holds something. */
    output: (accepts, what) => until(what, () => accepts(stdout) || undefined, () => outEnded),
    log: (part) => until(`"${part}" on stderr`, () => stderr.includes(part) || undefined, () => errEnded),
    async request(method, params = {}, more = {}) {
      const id = `${method}-${++fake.last}`;
      fake.send({ id, method, params, ...more });
      const response = await fake.response(id);
      if (response.ok) return response.result;
      throw new SidecarError(response.error.code, response.error.message, { method });
    },
    last: 0,
  };
  return fake;
}

/** Starts a fake sidecar. */
export const startFake = (script) => start(fakeSidecar(script));
/** Accepts an error of a code. */
export const code = (expected) => (error) => error.code === expected;
/** A request whose id is its method. */
export const ask = (method, params) => ({ id: method, method, params });
/** How many responses there are to an id. */
export const answered = (fake, id) => fake.messages().filter((message) => message?.id === id).length;
