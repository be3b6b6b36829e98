// `npm ci` of well-known packages beside a sidecar that ought not to care: `node_modules` is ignored.

import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { count, ms, seconds, table, timed, yes } from "../figures.mjs";
import { Sidecar } from "../sidecar.mjs";
import { cpuOf } from "../process.mjs";
import { Tree } from "./tree.mjs";
import { withUndo } from "../undo.mjs";

const FILES = 500;
const GIVE_UP_MS = 300_000;
/** No rollup 4: where a registry lacks one of its optional packages for other platforms, `npm ci` refuses the lock file. */
const devDependencies = {
  "@babel/core": "7.26.0",
  "@types/node": "20.17.10",
  "date-fns": "3.6.0",
  eslint: "9.17.0",
  jest: "29.7.0",
  lodash: "4.17.21",
  prettier: "3.4.2",
  react: "18.3.1",
  "react-dom": "18.3.1",
  rxjs: "7.8.1",
  typescript: "5.7.2",
  vite: "4.5.5",
  webpack: "5.97.1",
  "webpack-cli": "5.1.4",
};

/** Packages' own scripts do not run: they would measure something else. */
function npm(cwd, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn("npm", [...args, "--ignore-scripts", "--no-audit", "--no-fund"], {
      cwd,
      shell: process.platform === "win32", // npm is a script there
      stdio: ["ignore", "ignore", "pipe"],
      timeout: GIVE_UP_MS,
    });
    let errors = "";
    child.stderr.setEncoding("utf8").on("data", (chunk) => (errors += chunk));
    child.on("error", reject).on("close", (code, signal) => {
      if (code === 0) return resolve();
      reject(new Error(/npm error code (\S+)/.exec(errors)?.[1] ?? `ended with ${signal ?? code}`));
    });
  });
}

/** Directories and files beneath a directory. */
function inside(directory) {
  const found = { directories: 0, files: 0 };
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    found[entry.isDirectory() ? "directories" : "files"] += 1;
  }
  return found;
}

async function measure(bench, project) {
  const sidecar = new Sidecar(bench.binary, project.root, ...bench.args);
  try {
    await sidecar.event("indexed");
    const before = (await sidecar.request("status")).watcher;
    bench.say("npm ci, watched");
    const [cpu, [installing]] = await cpuOf(sidecar.pid, () => timed(() => npm(project.root, "ci")));
    const [time, answer] = await timed(() => sidecar.request("glob", { include: [] }));
    const after = (await sidecar.request("status")).watcher;
    const held = inside(join(project.root, "node_modules"));
    const listed = answer.files.filter(({ path }) => path.startsWith("node_modules/")).length;
    const events = after.events === undefined ? "n/a" : count(after.events - (before.events ?? 0));
    return [
      ["`npm ci`", seconds(installing)],
      ["in `node_modules`", `${count(held.files)} files, ${count(held.directories)} directories`],
      ["directories watched before, after", `${count(before.directories)}, ${count(after.directories)}`],
      ["events handled", events],
      ["overflows, rescans", `${count(after.overflows - before.overflows)}, ${count(after.rescans - before.rescans)}`],
      ["processor time of the sidecar meanwhile", cpu],
      ["a synced `glob` of everything right after", ms(time)],
      ["it was synced", yes(answer.synced)],
      ["it has the project's files, and none of `node_modules`", yes(answer.files.length === project.files + 2 && listed === 0)],
    ];
  } finally {
    await sidecar.end();
  }
}

async function inProject(bench, root) {
  const project = new Tree(FILES, root);
  project.ignored = 0;
  project.make();
  writeFileSync(join(root, "package.json"), JSON.stringify({ name: "bench", private: true, devDependencies }));
  try {
    bench.say("npm install --package-lock-only");
    await npm(root, "install", "--package-lock-only");
    // Once without being watched, so that npm's cache holds the packages: its fastest run is the hardest to follow.
    bench.say("npm ci, to fill npm's cache");
    await npm(root, "ci");
  } catch (error) {
    return [`Skipped: npm could not install the packages (${error.code ?? error.message}).`];
  }
  rmSync(join(root, "node_modules"), { recursive: true });
  return [table(["what", "figure"], await measure(bench, project))];
}

export async function npmSection(bench) {
  const title = `## \`npm ci\` of ${Object.keys(devDependencies).length} packages, in a project of ${FILES} files`;
  const parent = mkdtempSync(join(tmpdir(), "workspace-sidecar-npm-"));
  const lines = await withUndo(
    () => rmSync(parent, { recursive: true, force: true, maxRetries: 3 }),
    () => inProject(bench, join(parent, "project")),
  );
  return [title, "", ...lines];
}
