// What a workspace can be asked, whoever answers: the part of the contract that plain Node can keep, too.

import type {
  Change,
  ChangedData,
  FailedPath,
  FileContent,
  FoundPath,
  GlobField,
  GlobFile,
  GlobParams,
  GlobResult,
  ReadFileParams,
  SearchFile,
  SearchParams,
  SearchResult,
  SearchStats,
  StatParams,
  WatchParams,
} from "../protocol.js";
import type { RequestOptions } from "../requests.js";

/** Who answers: a sidecar, or code in this process. */
export type BackendKind = "sidecar" | "node";

/** The params of `readFile`. */
export type WorkspaceReadParams = Omit<Pick<ReadFileParams, "path" | "encoding" | "range" | "maxBytes">, "path">;

/** A file's content; `sha256` is that of the whole file's bytes, 64 lower-case hex digits. */
export type WorkspaceFile = Omit<FileContent, "hash" | "clock" | "sha256"> & { sha256: string };

/** The params of `glob`. */
export type WorkspaceGlobParams = Pick<
  GlobParams,
  "include" | "exclude" | "caseSensitive" | "directories" | "sort" | "limit" | "after"
> & {
  /** What to tell of each file beside its path. */
  fields?: Exclude<GlobField, "hash">[];
};

/** The result of `glob`: files in the order of their paths' UTF-8 bytes, or the newest first. */
export type WorkspaceGlobResult = Pick<GlobResult, "limitHit"> & { files: Omit<GlobFile, "hash">[] };

/**
 * The params of `search`. With `regex`, the backends differ: a sidecar takes the syntax of the `regex` crate, plain
 * Node that of JavaScript's `RegExp` with the flags `u` and `s`. There, `\w`, `\d` and `\b` know ASCII alone, `.` matches
 * what is ill-formed, too, a match without length is told once for a character rather than once for each of its bytes,
 * and a search that takes too long rejects with `timeout`.
 */
export type WorkspaceSearchParams = Pick<
  SearchParams,
  | "pattern"
  | "regex"
  | "caseSensitive"
  | "wholeWord"
  | "include"
  | "exclude"
  | "maxMatches"
  | "maxMatchesPerFile"
  | "maxLineLength"
>;

/** A file with matches, and the lines they are in. */
export type WorkspaceSearchFile = Omit<SearchFile, "hash" | "lines"> & Required<Pick<SearchFile, "lines">>;

/** The result of `search`. */
export type WorkspaceSearchResult = Pick<SearchResult, "fileCount" | "matchCount" | "limitHit"> & {
  /** The files with matches, by path. */
  files: WorkspaceSearchFile[];
  /** What it took. */
  stats: Pick<SearchStats, "filesConsidered" | "binarySkipped" | "tooLargeSkipped" | "unreadableSkipped" | "elapsedMs">;
};

/** What is at a path. */
export type WorkspaceStatEntry = Omit<FoundPath, "hash" | "indexed"> | FailedPath;

/** The result of `stat`. */
export interface WorkspaceStatResult {
  /** One for every path, in the same order. */
  entries: WorkspaceStatEntry[];
}

/** A file that is not what it was. A rename is a deletion and a creation. */
export type WorkspaceChange = Omit<Change, "hash">;

/**
 * What happened. `fresh`: `changes` is the full list of what there is, all of it `created`; it replaces what was told
 * before. `limitHit`: that list was too long and was left out; `glob` has it.
 */
export type WorkspaceChanges = Pick<ChangedData, "fresh" | "limitHit"> & { changes: WorkspaceChange[] };

/** What changes, in the order in which it is told. Leaving a loop over it ends it. It can be gone through once. */
export interface WorkspaceWatch extends AsyncIterable<WorkspaceChanges> {
  /** Resolves when changes are told from then on; rejects when they never will be. */
  readonly established: Promise<void>;
  /** Ends it: a loop over it is left. */
  close(): void;
}

/**
 * A workspace, read-only. Every call rejects with a `SidecarError` that has a code of the contract: `invalid_params`,
 * `invalid_path`, `path_outside_workspace`, `not_found`, `not_a_file`, `permission_denied`, `not_utf8`,
 * `file_too_large`, `response_too_large`, `invalid_glob`, `invalid_pattern`, `io_error`; `cancelled` and `timeout` as
 * the options ask; `sidecar_stopped` after `dispose`.
 */
export interface WorkspaceBackend {
  /** Who answers now. It changes at most once, from `"sidecar"` to `"node"`, which `onSwitch` tells. */
  readonly kind: BackendKind;
  /** Reads a file, as it is on disk now; ignored ones, too, and links whose target lies in the workspace. */
  readFile(path: string, params?: WorkspaceReadParams, options?: RequestOptions): Promise<WorkspaceFile>;
  /** Lists the files that are not ignored. */
  glob(params: WorkspaceGlobParams, options?: RequestOptions): Promise<WorkspaceGlobResult>;
  /** Searches the files that are not ignored, line by line. */
  search(params: WorkspaceSearchParams, options?: RequestOptions): Promise<WorkspaceSearchResult>;
  /** Looks at paths, ignored ones, too. A path that fails does not fail the others. */
  stat(paths: StatParams["paths"], options?: RequestOptions): Promise<WorkspaceStatResult>;
  /**
   * Tells what changes from now on in files that are not ignored. It ends with `dispose` and `close`; a loop over it
   * throws `cancelled` when `signal` is aborted. After a switch of backends, the next is `fresh`. Throws
   * `invalid_params`, `invalid_glob` and, after `dispose`, `sidecar_stopped`.
   */
  watch(params?: WatchParams, options?: Pick<RequestOptions, "signal">): WorkspaceWatch;
  /** Calls in flight reject with `sidecar_stopped`, watches end, the process is gone. May be called again. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
