// What a workspace looked like at some time, and what changed between two such times.

import { createHash } from "node:crypto";
import { lstat } from "node:fs/promises";
import { join } from "node:path";

import { SidecarError } from "../../errors.js";
import type { WorkspaceChange } from "../types.js";
import { describe } from "./errors.js";
import { isRacy, isSame, readThrough, stampOf, type Stamp } from "./files.js";
import { compareByBytes } from "./paths.js";
import { Courtesy, mapAhead } from "./scheduling.js";
import { walk, type Tree } from "./walk.js";

interface Entry {
  stamp: Stamp;
  /** Nothing for a file that cannot be read. */
  sha256: string | undefined;
  /** Whether a change right after the look could have left the same stamp: then the next look reads it again. */
  racy: boolean;
}

/** Files that are not ignored, by path. */
export type Snapshot = ReadonlyMap<string, Entry>;

const AHEAD = 8;

/** Looks at everything. Files that look as in `before` are not read again. */
export async function takeSnapshot(
  tree: Tree,
  before: Snapshot | undefined,
  signal: AbortSignal,
): Promise<{ snapshot: Snapshot; directories: string[] }> {
  const { files, directories } = await walk(tree, signal);
  const snapshot = new Map<string, Entry>();
  const courtesy = new Courtesy();
  const look = async (path: string) => ({ path, entry: await lookAt(tree.root, path, before?.get(path), signal) });
  for await (const { path, entry } of mapAhead(files, AHEAD, look)) {
    if (entry !== undefined) snapshot.set(path, entry);
    await courtesy.pause(signal);
  }
  return { snapshot, directories };
}

async function lookAt(
  root: string,
  path: string,
  known: Entry | undefined,
  signal: AbortSignal,
): Promise<Entry | undefined> {
  const looked = Date.now();
  let seen: Stamp | undefined;
  try {
    const stats = await lstat(join(root, path), { bigint: true });
    if (!stats.isFile()) return undefined;
    seen = stampOf(stats);
    if (known !== undefined && !known.racy && isSame(known.stamp, seen)) return known;
    let hash = createHash("sha256");
    const consumer = {
      start: () => {
        hash = createHash("sha256");
      },
      add: (chunk: Buffer) => {
        hash.update(chunk);
      },
    };
    const { stamp, stable } = await readThrough(root, path, consumer, signal);
    return { stamp, sha256: hash.digest("hex"), racy: !stable || isRacy(stamp, looked) };
  } catch (error) {
    if (signal.aborted) throw error;
    const { code } = error instanceof SidecarError ? error : describe(path, error);
    if (code === "not_found" || code === "not_a_file" || code === "path_outside_workspace") return undefined;
    return seen && { stamp: seen, sha256: undefined, racy: true };
  }
}

/** What is there, as if all of it were new. */
export function everything(snapshot: Snapshot, accepts: (path: string) => boolean): WorkspaceChange[] {
  return changesBetween(new Map(), snapshot, accepts);
}

/** What changed, by path. A file whose bytes are what they were is not among it. */
export function changesBetween(
  before: Snapshot,
  after: Snapshot,
  accepts: (path: string) => boolean,
): WorkspaceChange[] {
  const changes: WorkspaceChange[] = [];
  for (const [path, entry] of after) {
    const old = before.get(path);
    if (old === entry || (old !== undefined && hasSameBytes(old, entry)) || !accepts(path)) continue;
    const { size, mtimeMs } = entry.stamp;
    changes.push({ path, kind: old === undefined ? "created" : "modified", size, mtimeMs });
  }
  for (const path of before.keys()) {
    if (!after.has(path) && accepts(path)) changes.push({ path, kind: "deleted" });
  }
  return changes.sort((a, b) => compareByBytes(a.path, b.path));
}

function hasSameBytes(a: Entry, b: Entry): boolean {
  if (a.sha256 === undefined && b.sha256 === undefined) return isSame(a.stamp, b.stamp);
  return a.sha256 === b.sha256;
}
