// Which files a workspace has: what `rg --files --hidden --no-require-git -g '!.git'` lists.

import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { SidecarError } from "../../errors.js";
import { describe, systemCode } from "./errors.js";
import { compareByBytes, isNameable } from "./paths.js";
import { rulesAbove, rulesIn, slashed, type Rules } from "./rules.js";
import { runBounded } from "./scheduling.js";

/** What is walked. */
export interface Tree {
  /** Absolute, links in it resolved. */
  root: string;
  /** Globs, as lines of `.gitignore`, of what is left out whatever other rules say. */
  exclude: readonly string[];
}

/** What a walk found, each in the order of the paths' bytes. */
export interface Listing {
  files: string[];
  /** The root is not among them. */
  directories: string[];
}

/** So many directories are listed at a time; the thread pool has four threads by default. */
const CONCURRENCY = 16;

interface Directory {
  /** Empty for the root. */
  path: string;
  /** Those that apply to what lies in it, its own not yet among them. */
  rules: Rules;
}

/** Walks a workspace. */
export async function walk({ root, exclude }: Tree, signal: AbortSignal): Promise<Listing> {
  const listing: Listing = { files: [], directories: [] };
  const list = async ({ path, rules }: Directory): Promise<Directory[]> => {
    const absolute = path === "" ? root : join(root, path);
    let entries: Dirent[];
    try {
      entries = await readNames(absolute);
    } catch (error) {
      // What vanished was never there, and what is denied has no files. Anything else (too many open files) is no
      // reason to take what lies beneath for gone.
      const system = systemCode(error) ?? "";
      if (path === "" || !["ENOENT", "ENOTDIR", "EACCES", "EPERM"].includes(system)) {
        throw describe(path === "" ? "the root" : path, error);
      }
      if (!system.startsWith("ENO")) listing.directories.push(path);
      return [];
    }
    const own = await rulesIn(absolute, entries.map((entry) => entry.name), rules);
    if (own === undefined) {
      if (path !== "") return [];
      throw new SidecarError("io_error", "an ignore file in the root is not a regular file of ordinary size");
    }
    if (path !== "") listing.directories.push(path);
    const [prefix, absolutePrefix] = [path === "" ? "" : `${path}/`, `${slashed(absolute).replace(/\/$/, "")}/`];
    const deeper: Directory[] = [];
    for (const entry of entries) {
      const isDirectory = entry.isDirectory();
      if (entry.name === ".git" || !(isDirectory || entry.isFile()) || !isNameable(prefix + entry.name)) continue;
      if (own.ignores(absolutePrefix + entry.name, isDirectory)) continue;
      if (isDirectory) deeper.push({ path: prefix + entry.name, rules: own });
      else listing.files.push(prefix + entry.name);
    }
    return deeper;
  };
  await runBounded([{ path: "", rules: await rulesAbove(root, exclude) }], CONCURRENCY, list, signal);
  listing.files.sort(compareByBytes);
  listing.directories.sort(compareByBytes);
  return listing;
}

/** What lies in a directory, but for names that are not UTF-8. */
async function readNames(path: string): Promise<Dirent[]> {
  const entries = await readdir(path, { withFileTypes: true });
  // Node puts U+FFFD in place of what is not UTF-8. It may also be there by name.
  if (process.platform === "win32" || !entries.some((entry) => entry.name.includes("\ufffd"))) return entries;
  const exact = new Set((await readdir(path, { encoding: "buffer" })).map((name) => name.toString("latin1")));
  return entries.filter((entry) => exact.has(Buffer.from(entry.name).toString("latin1")));
}
