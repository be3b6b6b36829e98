// The trees that are searched if none is named: public packages of pinned versions, unpacked once and kept.

import { createHash } from "node:crypto";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { spawn, spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the trees and the tools made for the benchmark are. */
export const base = process.env.BENCH_CORPUS ?? join(tmpdir(), "workspace-sidecar-corpus");
/** A corpus laid out by other rules than these is made again. */
const RULES = 1;
const DOWNLOADS_AT_ONCE = 4;

const listed = (name) => fileURLToPath(new URL(`../corpus/${name}`, import.meta.url));
const windows = process.platform === "win32";

function command(program, args, cwd) {
  return new Promise((resolve, reject) => {
    // npm is a script on Windows.
    const child = spawn(program, args, { cwd, shell: windows && program === "npm", stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", reject).on("close", (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`${program} ${args[0]} ended with ${signal ?? code}`));
    });
  });
}

/** Calls `work` with each item, a few at a time. */
async function each(items, atOnce, work) {
  const waiting = [...items];
  const worker = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

const packagesOf = ({ packages }) =>
  Object.entries(packages).flatMap(([name, versions]) => versions.map((version) => ({ name, version })));

/** `@scope/name`, `1.2.3` → `@scope/name-1.2.3`. */
const directory = ({ name, version }) => `${name}-${version}`;
/** The name that `npm pack` gives. */
const tarball = (each) => `${directory(each).replace(/^@/, "").replace("/", "-")}.tgz`;

async function unpackPackages(packages, work, tree) {
  await each(packages, DOWNLOADS_AT_ONCE, async (each) => {
    await command("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", work, `${each.name}@${each.version}`], work);
    const target = join(tree, directory(each));
    mkdirSync(target, { recursive: true });
    await command("tar", ["-xzf", join(work, tarball(each)), "--strip-components=1", "-C", target], work);
    rmSync(join(work, tarball(each)));
  });
}

async function unpackCrates(work, tree) {
  const project = join(work, "crates");
  mkdirSync(join(project, "src"), { recursive: true });
  for (const name of ["Cargo.toml", "Cargo.lock"]) cpSync(listed(`crates/${name}`), join(project, name));
  writeFileSync(join(project, "src", "lib.rs"), "");
  await command("cargo", ["vendor", "--quiet", "--locked", "--versioned-dirs", join(tree, "crates")], project);
}

/** The trees, made unless they are there: the large one, and a small one of some of its packages. */
export async function corpus(say) {
  const texts = ["packages.json", "crates/Cargo.lock"].map((name) => readFileSync(listed(name), "utf8"));
  const stamp = join(base, "corpus.txt");
  const digest = createHash("sha256").update([RULES, ...texts].join("\0")).digest("hex");
  const trees = { large: join(base, "large"), small: join(base, "small") };
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return trees;

  const list = JSON.parse(texts[0]);
  const packages = packagesOf(list);
  say(`the corpus: downloading ${packages.length} packages and some crates into ${base}`);
  const work = join(base, "work");
  for (const old of [stamp, work, trees.large, trees.small]) rmSync(old, { recursive: true, force: true });
  const unpacked = join(work, "tree");
  mkdirSync(unpacked, { recursive: true });
  await unpackPackages(packages, work, unpacked);
  await unpackCrates(work, unpacked);
  for (const part of list.small) cpSync(join(unpacked, part), join(trees.small, part), { recursive: true });
  renameSync(unpacked, trees.large);
  rmSync(work, { recursive: true });
  // What is still to be written to the disk must not run beside the measurements.
  if (!windows) spawnSync("sync");
  writeFileSync(stamp, digest);
  return trees;
}

/** A tree of packages with many `.tsx` sources, made unless it is there. */
export async function tsxCorpus(say) {
  const text = readFileSync(listed("tsx.json"), "utf8");
  const [stamp, tree, work] = [join(base, "tsx.txt"), join(base, "tsx"), join(base, "tsx-work")];
  const digest = createHash("sha256").update([RULES, text].join("\0")).digest("hex");
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === digest) return tree;
  for (const old of [stamp, tree, work]) rmSync(old, { recursive: true, force: true });
  const packages = packagesOf(JSON.parse(text));
  say(`the TSX corpus: downloading ${packages.length} packages into ${base}`);
  const unpacked = join(work, "tree");
  mkdirSync(unpacked, { recursive: true });
  await unpackPackages(packages, work, unpacked);
  renameSync(unpacked, tree);
  rmSync(work, { recursive: true });
  if (!windows) spawnSync("sync");
  writeFileSync(stamp, digest);
  return tree;
}

/** Removes the corpus and the tools beside it; of a directory that was named, nothing else. */
export function clean() {
  for (const part of ["corpus.txt", "large", "small", "work", "tools", "tsx.txt", "tsx", "tsx-work"]) rmSync(join(base, part), { recursive: true, force: true });
  if (existsSync(base) && readdirSync(base).length === 0) rmdirSync(base);
}
