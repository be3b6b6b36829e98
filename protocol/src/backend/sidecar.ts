// A workspace behind a sidecar: what of its answers plain Node can give, too.

import { SidecarError } from "../errors.js";
import type { SidecarManager } from "../manager/manager.js";
import type { WatchParams } from "../protocol.js";
import type { RequestOptions } from "../requests.js";
import { failedPath } from "./node/paths.js";
import type {
  WorkspaceFile,
  WorkspaceGlobParams,
  WorkspaceGlobResult,
  WorkspaceReadParams,
  WorkspaceSearchParams,
  WorkspaceSearchResult,
  WorkspaceStatEntry,
  WorkspaceStatResult,
  WorkspaceWatch,
} from "./types.js";

/** Asks a sidecar. Rejects as it does. */
export class SidecarWorkspace {
  readonly #sidecar: SidecarManager;

  constructor(sidecar: SidecarManager) {
    this.#sidecar = sidecar;
  }

  async readFile(path: string, params: WorkspaceReadParams, options: RequestOptions): Promise<WorkspaceFile> {
    const result = await this.#sidecar.request("readFile", { ...params, path, sha256: true }, options);
    if ("notModified" in result || result.sha256 === undefined) {
      throw new SidecarError("internal", `${path}: the sidecar gave no SHA-256`, { method: "readFile" });
    }
    const { hash: _hash, clock: _clock, sha256, ...file } = result;
    return { ...file, sha256 };
  }

  async glob(params: WorkspaceGlobParams, options: RequestOptions): Promise<WorkspaceGlobResult> {
    const { files, limitHit } = await this.#sidecar.request("glob", params, options);
    return { files, limitHit };
  }

  async search(params: WorkspaceSearchParams, options: RequestOptions): Promise<WorkspaceSearchResult> {
    const { files, fileCount, matchCount, limitHit, stats } = await this.#sidecar.request("search", params, options);
    const { filesConsidered, binarySkipped, tooLargeSkipped, unreadableSkipped, elapsedMs } = stats;
    return {
      files: files.map(({ hash: _hash, lines = [], ...file }) => ({ ...file, lines })),
      fileCount,
      matchCount,
      limitHit,
      stats: {
        filesConsidered,
        binarySkipped,
        ...(tooLargeSkipped === undefined ? {} : { tooLargeSkipped }),
        ...(unreadableSkipped === undefined ? {} : { unreadableSkipped }),
        elapsedMs,
      },
    };
  }

  async stat(paths: string[], options: RequestOptions): Promise<WorkspaceStatResult> {
    // What is no valid Unicode cannot be written as JSON; it fails alone, as other wrong paths do.
    const asked = paths.filter((path) => path.isWellFormed());
    const told = await this.#sidecar.request("stat", { paths: asked }, options);
    const entries = told.entries.map((entry): WorkspaceStatEntry => {
      if ("error" in entry) return entry;
      const { path, kind, size, mtimeMs } = entry;
      return { path, kind, size, mtimeMs };
    });
    for (const [at, path] of paths.entries()) {
      if (!path.isWellFormed()) entries.splice(at, 0, failedPath(path));
    }
    return { entries };
  }

  watch(params: WatchParams): WorkspaceWatch {
    const subscription = this.#sidecar.watch(params);
    return {
      established: subscription.established,
      close: () => subscription.close(),
      async *[Symbol.asyncIterator]() {
        for await (const { fresh, limitHit, changes } of subscription) {
          const told = changes.map(({ hash: _hash, ...change }) => change);
          yield { fresh, changes: told, ...(limitHit === undefined ? {} : { limitHit }) };
        }
      },
    };
  }
}
