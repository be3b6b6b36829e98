// `search` in plain Node: reads every file that the globs leave.

import { SidecarError } from "../../errors.js";
import type { WorkspaceSearchFile, WorkspaceSearchParams, WorkspaceSearchResult } from "../types.js";
import { tooLarge } from "./errors.js";
import { readWhole } from "./files.js";
import { PathFilter } from "./filter.js";
import { compilePattern } from "./pattern.js";
import { Courtesy, mapAhead } from "./scheduling.js";
import { searchFile, type FileMatches, type FileOptions } from "./search-file.js";
import { classOf } from "./text.js";
import { walk, type Tree } from "./walk.js";

/** The largest file that is searched, as the sidecar has it. */
const MAX_FILE_BYTES = 512 << 20;
/** Files above this are read one at a time. */
const LARGE_BYTES = 8 << 20;
const AHEAD = 8;

const DEFAULT_MAX_MATCHES = 10_000;
const DEFAULT_MAX_LINE_LENGTH = 1000;

type Searched = FileMatches | "nothing" | "binary" | "tooLarge" | "unreadable" | "gone";

/** Searches a workspace. */
export async function search(
  tree: Tree,
  params: WorkspaceSearchParams,
  signal: AbortSignal,
): Promise<WorkspaceSearchResult> {
  const began = performance.now();
  const { maxMatches = DEFAULT_MAX_MATCHES, maxMatchesPerFile = Infinity } = params;
  const perFile = Math.min(maxMatches, maxMatchesPerFile);
  const pattern = compilePattern(params);
  const filter = new PathFilter(params.include, params.exclude);
  const considered = (await walk(tree, signal)).files.filter((path) => filter.accepts(path));

  const files: WorkspaceSearchFile[] = [];
  const skipped = { binary: 0, tooLarge: 0, unreadable: 0 };
  let [matchCount, limitHit] = [0, false];
  const done = new AbortController();
  const options = { pattern, maxMatches: perFile, maxLineLength: params.maxLineLength ?? DEFAULT_MAX_LINE_LENGTH };
  const searcher = new Searcher(tree.root, options, AbortSignal.any([signal, done.signal]));
  try {
    for await (const { path, searched } of mapAhead(considered, AHEAD, (path) => searcher.search(path))) {
      signal.throwIfAborted();
      if (searched === "binary" || searched === "tooLarge" || searched === "unreadable") skipped[searched]++;
      if (typeof searched === "string") continue;
      const left = maxMatches - matchCount;
      if (left === 0) {
        limitHit = true;
        break;
      }
      const cut = searched.matchCount > left;
      const found = cut ? truncate(searched, left) : searched;
      limitHit ||= found.limitHit;
      if (found.matchCount > 0) {
        const { limitHit: isCut, ...rest } = found;
        files.push({ path, ...rest, ...(isCut ? { limitHit: true } : {}) });
        matchCount += found.matchCount;
      }
      if (cut) break;
    }
  } finally {
    done.abort();
  }
  const stats: WorkspaceSearchResult["stats"] = {
    filesConsidered: considered.length,
    binarySkipped: skipped.binary,
    ...(skipped.tooLarge > 0 ? { tooLargeSkipped: skipped.tooLarge } : {}),
    ...(skipped.unreadable > 0 ? { unreadableSkipped: skipped.unreadable } : {}),
    elapsedMs: Math.round(performance.now() - began),
  };
  return { files, fileCount: files.length, matchCount, limitHit, stats };
}

/** Cuts to the first so many matches. */
function truncate({ lines }: FileMatches, most: number): FileMatches {
  const kept: FileMatches = { matchCount: 0, limitHit: true, lines: [] };
  for (const line of lines) {
    const matches = line.matches.slice(0, most - kept.matchCount);
    if (matches.length === 0) break;
    kept.lines.push({ ...line, matches });
    kept.matchCount += matches.length;
  }
  return kept;
}

/** Searches single files. */
class Searcher {
  readonly #root: string;
  readonly #options: FileOptions;
  readonly #signal: AbortSignal;
  readonly #courtesy = new Courtesy();
  /** Whoever reads a large file waits for the one before. */
  #large: Promise<unknown> = Promise.resolve();

  constructor(root: string, options: FileOptions, signal: AbortSignal) {
    this.#root = root;
    this.#options = options;
    this.#signal = signal;
  }

  async search(path: string): Promise<{ path: string; searched: Searched }> {
    const small = await this.#read(path, LARGE_BYTES);
    if (small !== "tooLarge") return { path, searched: small };
    const before = this.#large;
    const searched = before.then(() => this.#read(path, MAX_FILE_BYTES));
    this.#large = searched.catch(() => {});
    return { path, searched: await searched };
  }

  async #read(path: string, maxBytes: number): Promise<Searched> {
    let bytes: Buffer;
    try {
      const refuse = ({ size }: { size: number }) => (size > maxBytes ? tooLarge(path, size, maxBytes) : undefined);
      ({ bytes } = await readWhole(this.#root, path, refuse, this.#signal));
    } catch (error) {
      if (this.#signal.aborted || !(error instanceof SidecarError)) throw error;
      if (error.code === "file_too_large") return "tooLarge";
      return ["not_found", "not_a_file", "path_outside_workspace"].includes(error.code) ? "gone" : "unreadable";
    }
    const kind = classOf(bytes);
    if (kind === "binary") return "binary";
    try {
      return (await searchFile(bytes, kind, this.#options, this.#courtesy, this.#signal)) ?? "nothing";
    } catch (error) {
      if (!(error instanceof SidecarError) || this.#signal.aborted) throw error;
      throw new SidecarError(error.code, `${path}: ${error.message}`, { cause: error });
    }
  }
}
