// The programs and libraries compared with, beside ripgrep, and which versions of them ran.

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { rgPath, run } from "../ripgrep.mjs";
import { base } from "./corpus.mjs";

const windows = process.platform === "win32";
const require = createRequire(import.meta.url);
const B3SUM_VERSION = "1.8.2";

/** The version a program tells, or undefined where there is no such program. */
function version(program) {
  const { status, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  return status === 0 ? /\d+\.\d+[\w.-]*/.exec(stdout)?.[0] : undefined;
}

/** Debian has another name for it. */
const fd = ["fd", "fdfind"].find(version);

/** The installed b3sum, or one of our own beside the corpus. */
export function b3sumProgram(say) {
  const own = join(base, "tools", "bin", windows ? "b3sum.exe" : "b3sum");
  const found = ["b3sum", own].find(version);
  if (found) return found;
  say("installing b3sum beside the corpus");
  const args = ["install", "--quiet", "--locked", "--root", join(base, "tools"), `b3sum@${B3SUM_VERSION}`];
  const { status, error } = spawnSync("cargo", args, { stdio: ["ignore", "ignore", "inherit"] });
  if (status !== 0 || !existsSync(own)) throw new Error(`b3sum could not be installed (${error?.message ?? `cargo ended with ${status}`})`);
  return own;
}

export function versions(b3sum) {
  const library = (name) => `${name} ${require(`${name}/package.json`).version}`;
  return [
    `ripgrep ${version(rgPath)}`,
    library("fast-glob"),
    library("tinyglobby"),
    fd ? `fd ${version(fd)}` : "fd is not installed",
    ...(b3sum ? [`b3sum ${version(b3sum)}`] : []),
  ];
}

/** Libraries that list what a glob matches; they know no ignore files, nor is that asked of them. */
const options = (tree) => ({ cwd: tree, dot: true, ignore: ["**/.git/**"], followSymbolicLinks: false });
export const fastGlob = (tree, glob) => require("fast-glob")(glob, options(tree));
export const tinyglobby = (tree, glob) => require("tinyglobby").glob(glob, { ...options(tree), expandDirectories: false });

/** Lists files by fd, which takes a glob without `/` for one of names; undefined where fd is not installed. */
export const fdGlob = fd && (async (tree, glob) => {
  let printed = "";
  const args = ["--hidden", "--exclude", ".git", "--type", "f", "--print0", "--glob", glob.replace("**/", "")];
  const code = await run(fd, args, tree, (chunk) => (printed += chunk));
  if (code !== 0) throw new Error(`${fd} ended with ${code}`);
  return printed.split("\0").slice(0, -1);
});

/** As Node programs read many files. */
export const readAll = (tree, paths) => Promise.all(paths.map((path) => readFile(join(tree, path), "utf8")));

/** As much as the command line of a system surely takes. */
const COMMAND_BYTES = windows ? 24 * 1024 : 512 * 1024;
/** Enough parts for all processes to end at about the same time. */
const PARTS = 8;

const length = (path) => Buffer.byteLength(path) + 3;

function batches(paths, processes) {
  const whole = paths.reduce((sum, path) => sum + length(path), 0);
  const most = Math.min(COMMAND_BYTES, whole / (processes * PARTS));
  const all = [];
  let room = 0;
  for (const path of paths) {
    if (room <= 0) {
      all.push([]);
      room = most;
    }
    all.at(-1).push(path);
    room -= length(path);
  }
  return all;
}

/** Hashes files by as many processes of one thread as there are threads: b3sum takes one file after the other. */
export async function hashAll(b3sum, tree, paths, threads) {
  const waiting = batches(paths, threads);
  const one = (batch) =>
    new Promise((resolve, reject) => {
      const child = spawn(b3sum, ["--num-threads", "1", "--", ...batch], { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
      child.on("error", reject).on("close", (code) => (code === 0 ? resolve() : reject(new Error(`b3sum ended with ${code}`))));
    });
  const worker = async () => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) await one(batch);
  };
  await Promise.all(Array.from({ length: threads }, worker));
}
