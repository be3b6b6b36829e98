// The fake sidecar's program: `node program.js SCRIPT [--root DIR] …`, with the script as JSON, or as `@FILE`.

import { appendFileSync, readFileSync, realpathSync } from "node:fs";

import { FakeProcess } from "./fake-process.js";
import { RequestLines } from "./requests.js";
import type { FakeScript } from "./script.js";

/** Exit status of a process that outlived its `lifetimeMs`. */
const OUTLIVED = 70;
const DEFAULT_LIFETIME_MS = 5 * 60_000;

const [given = "{}", ...args] = process.argv.slice(2);
const script = JSON.parse(given.startsWith("@") ? readFileSync(given.slice(1), "utf8") : given) as FakeScript;

let run = 1;
if (script.runs !== undefined) {
  appendFileSync(script.runs, `${process.pid}\n`);
  run = readFileSync(script.runs, "utf8").split("\n").lastIndexOf(String(process.pid)) + 1;
}

// A test that fails may forget the process, and its script may keep it from leaving.
const lifetimeMs = script.lifetimeMs ?? DEFAULT_LIFETIME_MS;
setTimeout(() => {
  process.stderr.write(`fake sidecar: ended after ${lifetimeMs} ms, its \`lifetimeMs\`\n`);
  process.exit(OUTLIVED);
}, lifetimeMs);

const fake = new FakeProcess(script, rootOf(args), run);
const lines = new RequestLines();
process.stdout.on("error", () => process.exit(0)); // nobody reads any more
process.stderr.on("error", () => {});
process.on("SIGTERM", () => fake.terminated());
process.stdin.on("data", (bytes: Buffer) => {
  for (const line of lines.push(bytes)) fake.line(line);
});
process.stdin.on("end", () => fake.stdinEnded());
process.stdin.on("error", () => fake.stdinEnded());
fake.start();

function rootOf(args: string[]): string {
  const at = args.findIndex((arg) => arg === "--root" || arg.startsWith("--root="));
  const root = args[at] === "--root" ? args[at + 1] : args[at]?.slice("--root=".length);
  try {
    return realpathSync(root ?? process.cwd());
  } catch {
    return root ?? process.cwd(); // the fake serves a root that is not there, too
  }
}
