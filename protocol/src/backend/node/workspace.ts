// A workspace read by plain Node: slower than a sidecar, with the same answers.

import type { WatchParams } from "../../protocol.js";
import type {
  WorkspaceFile,
  WorkspaceGlobParams,
  WorkspaceGlobResult,
  WorkspaceReadParams,
  WorkspaceSearchParams,
  WorkspaceSearchResult,
  WorkspaceStatResult,
  WorkspaceWatch,
} from "../types.js";
import { statPath } from "./files.js";
import { glob } from "./glob.js";
import { readFile } from "./read-file.js";
import { mapAhead } from "./scheduling.js";
import { search } from "./search.js";
import type { Tree } from "./walk.js";
import { Watcher } from "./watcher.js";

const STATS_AHEAD = 32;

/** Every call works until its signal is aborted, and rejects with the signal's reason then. */
export class NodeWorkspace {
  readonly #tree: Tree;
  readonly #watcher: Watcher;

  constructor(tree: Tree) {
    this.#tree = tree;
    this.#watcher = new Watcher(tree);
  }

  readFile(path: string, params: WorkspaceReadParams, signal: AbortSignal): Promise<WorkspaceFile> {
    return readFile(this.#tree.root, path, params, signal);
  }

  glob(params: WorkspaceGlobParams, signal: AbortSignal): Promise<WorkspaceGlobResult> {
    return glob(this.#tree, params, signal);
  }

  search(params: WorkspaceSearchParams, signal: AbortSignal): Promise<WorkspaceSearchResult> {
    return search(this.#tree, params, signal);
  }

  async stat(paths: string[], signal: AbortSignal): Promise<WorkspaceStatResult> {
    const entries: WorkspaceStatResult["entries"] = [];
    for await (const entry of mapAhead(paths, STATS_AHEAD, (path) => statPath(this.#tree.root, path))) {
      signal.throwIfAborted();
      entries.push(entry);
    }
    return { entries };
  }

  watch(params: WatchParams, fresh: boolean): WorkspaceWatch {
    return this.#watcher.watch(params, fresh);
  }
}
