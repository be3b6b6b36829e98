// ripgrep, run as programs run it today: a process for every question, what it prints parsed.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { Lines } from "./lines.mjs";

const suffix = process.platform === "win32" ? ".exe" : "";
export const rgPath = fileURLToPath(
  new URL(`../tests/node/node_modules/@vscode/ripgrep-${process.platform}-${process.arch}/bin/rg${suffix}`, import.meta.url),
);
/** The sidecar's rules of what is listed and searched. */
const RULES = ["--hidden", "--no-require-git", "-g", "!.git"];

/** Runs a program in `tree`; `read` gets its output in chunks of text, and the child, to stop it when that is enough. */
export function run(program, args, tree, read) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd: tree, stdio: ["ignore", "pipe", "inherit"] });
    child.stdout.setEncoding("utf8").on("data", (chunk) => read(chunk, child));
    child.on("error", reject).on("close", (code) => resolve(code));
  });
}

/** ripgrep's exit status is 1 where nothing is found; it has none where it was stopped. */
function expectEnd(code, args) {
  if (code > 1) throw new Error(`rg ${args.join(" ")} ended with ${code}`);
}

/**
 * Searches `where` in `tree` and counts what is printed: files, matches, and the matches of each file into `perFile`.
 * A search that found `limit` matches is stopped, as nothing more would be shown.
 */
export async function ripgrep(tree, args, { where = ".", limit = Infinity, perFile } = {}) {
  const lines = new Lines();
  const found = { files: 0, matches: 0 };
  const take = (line, child) => {
    if (found.matches >= limit) return;
    const { type, data } = JSON.parse(line);
    if (type === "begin") found.files += 1;
    else if (type === "match") {
      found.matches += data.submatches.length;
      if (perFile) {
        const path = data.path.text?.replace(/^\.\//, "");
        perFile.set(path, (perFile.get(path) ?? 0) + data.submatches.length);
      }
      if (found.matches < limit) return;
      found.matches = limit;
      child.kill();
    }
  };
  const read = (chunk, child) => lines.read(chunk, (line) => take(line, child));
  expectEnd(await run(rgPath, ["--json", ...RULES, ...args, where], tree, read), args);
  return found;
}

/** Runs ripgrep for paths alone: with `--files` all it lists, with `-l` and a pattern those of the files that match. */
export async function paths(tree, args) {
  let printed = "";
  expectEnd(await run(rgPath, [...RULES, "--null", ...args], tree, (chunk) => (printed += chunk)), args);
  return printed.split("\0").slice(0, -1);
}
