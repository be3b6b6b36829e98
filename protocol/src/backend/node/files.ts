// Opening files: beneath the root, read-only, regular files only. Containment is decided by where a path really leads
// and looked at once more when the file is open, so that a link swapped in between leads nowhere.

import { constants, type BigIntStats, type Stats } from "node:fs";
import { lstat, open, opendir, readlink, realpath, type FileHandle } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";

import { SidecarError } from "../../errors.js";
import type { EntryKind } from "../../protocol.js";
import type { WorkspaceStatEntry } from "../types.js";
import { describe, notAFile, outside, systemCode } from "./errors.js";
import { checkPath } from "./paths.js";

/** What tells that a file changed without reading it. */
export interface Stamp {
  /** Bytes. */
  size: number;
  /** Milliseconds since 1970, with a fraction. */
  mtimeMs: number;
  /** When the inode changed. */
  ctimeMs: number;
  ino: bigint;
}

/** Timestamps this close to the moment of looking may hide a later change: FAT counts in steps of two seconds. */
const RACY_MS = 2000;
/** How often a file that changes while it is read is read again before the last read is taken. */
const READ_ATTEMPTS = 4;
const CHUNK_BYTES = 1 << 20;
/** More links than any system follows for one path. */
const MAX_LINKS = 64;

// Without a writer, opening a FIFO would wait for ever; Windows has neither.
const FLAGS =
  constants.O_RDONLY | (constants.O_NONBLOCK ?? 0) | (constants.O_NOFOLLOW ?? 0) | (constants.O_NOCTTY ?? 0);

export function stampOf(stats: BigIntStats): Stamp {
  // As `Stats` has it, from which the sidecar does not differ.
  const ms = (ns: bigint) => Number(ns / 1_000_000_000n) * 1e3 + Number(ns % 1_000_000_000n) / 1e6;
  return { size: Number(stats.size), mtimeMs: ms(stats.mtimeNs), ctimeMs: ms(stats.ctimeNs), ino: stats.ino };
}

export function isSame(a: Stamp, b: Stamp): boolean {
  return a.size === b.size && a.mtimeMs === b.mtimeMs && a.ctimeMs === b.ctimeMs && a.ino === b.ino;
}

/** Whether a change right after a look at `lookedMs` could leave this very stamp. */
export function isRacy(stamp: Stamp, lookedMs: number): boolean {
  return Math.max(stamp.mtimeMs, stamp.ctimeMs) > lookedMs - RACY_MS;
}

/** Makes sure that there is a workspace at `root`; its path with links resolved. */
export async function openRoot(root: string): Promise<string> {
  try {
    const path = await realpath(root);
    // Listing may need more than opening does: ask for what is needed.
    await (await opendir(path)).close();
    return path;
  } catch (error) {
    const system = systemCode(error);
    if (system === "ENOENT") {
      throw new SidecarError("not_found", `the root ${root} does not exist`, { cause: error });
    }
    if (system === "ENOTDIR") {
      throw new SidecarError("not_a_file", `the root ${root} is not a directory`, { cause: error });
    }
    if (system === "EACCES" || system === "EPERM") {
      const message = `the root ${root} cannot be read: permission denied`;
      throw new SidecarError("permission_denied", message, { cause: error });
    }
    throw new SidecarError("io_error", `the root ${root} cannot be opened: ${system ?? error}`, { cause: error });
  }
}

/** What is at a path, a link at its end not followed. */
export async function statPath(root: string, path: string): Promise<WorkspaceStatEntry> {
  try {
    checkPath(path);
    const slash = path.lastIndexOf("/");
    const parent = slash < 0 ? root : await resolveInside(root, path.slice(0, slash), path);
    const stats = await lstat(join(parent, path.slice(slash + 1))).catch((error: unknown) => {
      throw describe(path, error);
    });
    return { path, kind: kindOf(path, stats), size: stats.size, mtimeMs: stats.mtimeMs };
  } catch (error) {
    const { code, message, data } = describe(path, error);
    // What is described has a code of the contract.
    return { path, error: { code, message, ...(data === undefined ? {} : { data }) } } as WorkspaceStatEntry;
  }
}

function kindOf(path: string, stats: Stats): EntryKind {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  throw new SidecarError("not_a_file", `${path}: it is a FIFO, a socket or a device`);
}

/** Where `path` really lies. `asked` is the path that messages name. */
async function resolveInside(root: string, path: string, asked: string): Promise<string> {
  let real: string;
  try {
    real = await realpath(join(root, path));
  } catch (error) {
    throw (await leadsOutside(root, path)) ? outside(asked) : describe(asked, error);
  }
  if (!isInside(root, real)) throw outside(asked);
  return real;
}

function isInside(root: string, real: string): boolean {
  const way = relative(root, real);
  // On Windows, a path on another drive stays absolute.
  return !(way === ".." || way.startsWith(`..${sep}`) || isAbsolute(way));
}

/** Whether links, followed one by one as far as there is something, leave the root: dangling ones do, too. */
async function leadsOutside(root: string, path: string): Promise<boolean> {
  const parts = path.split("/").reverse();
  const way: string[] = [];
  for (let links = 0; links < MAX_LINKS; ) {
    const part = parts.pop();
    if (part === undefined) return false;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (way.pop() === undefined) return true;
      continue;
    }
    const at = join(root, ...way, part);
    try {
      if (!(await lstat(at)).isSymbolicLink()) {
        way.push(part);
        continue;
      }
      const target = await readlink(at);
      if (isAbsolute(target)) return true;
      parts.push(...target.split(sep).reverse());
      links++;
    } catch {
      return false;
    }
  }
  return false;
}

/**
 * Opens a regular file of the workspace; links are followed as long as they stay inside. Nothing, if somebody replaced
 * it, or what leads to it, in this moment.
 */
async function openFile(root: string, path: string): Promise<{ file: FileHandle; stamp: Stamp } | undefined> {
  const real = await resolveInside(root, path, path);
  let file: FileHandle | undefined;
  try {
    // Opening a device may do something, and a socket refuses in its own words.
    if (!(await lstat(real)).isFile()) throw notAFile(path);
    file = await open(real, FLAGS);
    const opened = await file.stat({ bigint: true });
    if (!opened.isFile()) throw notAFile(path);
    const [again, found] = await Promise.all([realpath(real), lstat(real, { bigint: true })]);
    if (again !== real || found.ino !== opened.ino || found.dev !== opened.dev) {
      await file.close();
      return undefined;
    }
    return { file, stamp: stampOf(opened) };
  } catch (error) {
    await file?.close();
    throw describe(path, error);
  }
}

/** Receives a file, piece by piece. */
export interface Consumer {
  /** The file was opened (again). May throw what the reading rejects with. */
  start(stamp: Stamp): void;
  add(chunk: Buffer): void;
}

/**
 * Feeds a file to a consumer. The bytes and the stamp belong together: the file is looked at before and after, and read
 * again if it moved. One that never holds still is given as last read, `stable: false`.
 */
export async function readThrough(
  root: string,
  path: string,
  consumer: Consumer,
  signal: AbortSignal,
): Promise<{ stamp: Stamp; stable: boolean }> {
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    const opened = await openFile(root, path);
    if (opened === undefined) {
      if (attempt < READ_ATTEMPTS) continue;
      throw new SidecarError("io_error", `${path}: it was replaced each time it was opened`);
    }
    const { file, stamp } = opened;
    try {
      consumer.start(stamp);
      let length = 0;
      for (;;) {
        const buffer = Buffer.allocUnsafe(Math.min(Math.max(stamp.size - length, 0) + 1, CHUNK_BYTES));
        const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
        signal.throwIfAborted();
        if (bytesRead === 0) break;
        consumer.add(buffer.subarray(0, bytesRead));
        length += bytesRead;
      }
      const after = stampOf(await file.stat({ bigint: true }));
      const stable = isSame(stamp, after) && length === stamp.size;
      if (stable || attempt === READ_ATTEMPTS) return { stamp, stable };
    } catch (error) {
      throw signal.aborted ? error : describe(path, error);
    } finally {
      await file.close();
    }
  }
}

/** Reads a whole file of at most `maxBytes`; `refuse` says what a larger one is answered with. */
export async function readWhole(
  root: string,
  path: string,
  refuse: (stamp: Stamp) => SidecarError | undefined,
  signal: AbortSignal,
): Promise<{ bytes: Buffer; stamp: Stamp; stable: boolean }> {
  let chunks: Buffer[] = [];
  const consumer: Consumer = {
    start(stamp) {
      chunks = [];
      const refused = refuse(stamp);
      if (refused !== undefined) throw refused;
    },
    add: (chunk) => chunks.push(chunk),
  };
  const { stamp, stable } = await readThrough(root, path, consumer, signal);
  const [only] = chunks;
  return { bytes: chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks), stamp, stable };
}
