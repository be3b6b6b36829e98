// A workspace that is read by a sidecar for as long as there is one, and by plain Node from then on.

import { SidecarError } from "../errors.js";
import type { SidecarManager } from "../manager/manager.js";
import type { WatchParams } from "../protocol.js";
import { invalidWatchOptions, type Method, type RequestOptions } from "../requests.js";
import { Deadline } from "./call.js";
import { PathFilter } from "./node/filter.js";
import { checkPath } from "./node/paths.js";
import { NodeWorkspace } from "./node/workspace.js";
import type { Tree } from "./node/walk.js";
import { checkedParams, checkedPaths } from "./params.js";
import { SidecarWorkspace } from "./sidecar.js";
import type {
  BackendKind,
  WorkspaceBackend,
  WorkspaceFile,
  WorkspaceGlobParams,
  WorkspaceGlobResult,
  WorkspaceReadParams,
  WorkspaceSearchParams,
  WorkspaceSearchResult,
  WorkspaceStatResult,
  WorkspaceWatch,
} from "./types.js";
import { LastingWatch } from "./watch.js";

/** Codes after which a sidecar answers nothing more. */
const GONE: ReadonlySet<string> = new Set([
  "sidecar_not_found",
  "sidecar_unusable",
  "start_failed",
  "start_timeout",
  "crash_loop",
  "sidecar_stopped",
]);

/** Whether an error says that a sidecar answers nothing more. */
export function isGone(error: unknown): error is SidecarError {
  return error instanceof SidecarError && GONE.has(error.code);
}

/** Whether an error says that a sidecar ended, and perhaps is started again. */
export function isCrash(error: unknown): error is SidecarError {
  return error instanceof SidecarError && error.code === "sidecar_crashed";
}

/** How a workspace is made. */
export interface WorkspaceOptions {
  tree: Tree;
  /** One that was started; without it, Node answers. */
  sidecar: SidecarManager | undefined;
  /** Whether Node takes over when the sidecar is gone. */
  fallsBack: boolean;
  /** For calls that say nothing else; 0 for never. */
  timeoutMs: number;
  /** Node took over. */
  onSwitch: (error: SidecarError) => void;
}

export class Workspace implements WorkspaceBackend {
  readonly #options: WorkspaceOptions;
  readonly #node: NodeWorkspace;
  /** Aborted by `dispose`. */
  readonly #life = new AbortController();
  /** Those that can be continued, with how to do it. */
  readonly #watches = new Map<LastingWatch, WatchParams>();
  #sidecar: SidecarWorkspace | undefined;
  #disposed: Promise<void> | undefined;

  constructor(options: WorkspaceOptions) {
    this.#options = options;
    this.#node = new NodeWorkspace(options.tree);
    if (options.sidecar === undefined) return;
    this.#sidecar = new SidecarWorkspace(options.sidecar);
    options.sidecar.on("failed", (error) => this.#lose(error));
  }

  get kind(): BackendKind {
    return this.#sidecar === undefined ? "node" : "sidecar";
  }

  async readFile(path: string, params: WorkspaceReadParams = {}, options?: RequestOptions): Promise<WorkspaceFile> {
    checkedPaths("readFile", path);
    checkPath(path);
    const checked = checkedParams("readFile", params);
    return this.#call(
      "readFile",
      options,
      (sidecar, asked) => sidecar.readFile(path, checked, asked),
      (signal) => this.#node.readFile(path, checked, signal),
    );
  }

  async glob(params: WorkspaceGlobParams, options?: RequestOptions): Promise<WorkspaceGlobResult> {
    const checked = wellFormed("glob", checkedParams("glob", params));
    return this.#call(
      "glob",
      options,
      (sidecar, asked) => sidecar.glob(checked, asked),
      (signal) => this.#node.glob(checked, signal),
    );
  }

  async search(params: WorkspaceSearchParams, options?: RequestOptions): Promise<WorkspaceSearchResult> {
    const checked = wellFormed("search", checkedParams("search", params));
    return this.#call(
      "search",
      options,
      (sidecar, asked) => sidecar.search(checked, asked),
      (signal) => this.#node.search(checked, signal),
    );
  }

  async stat(paths: string[], options?: RequestOptions): Promise<WorkspaceStatResult> {
    checkedPaths("stat", paths);
    return this.#call(
      "stat",
      options,
      (sidecar, asked) => sidecar.stat(paths, asked),
      (signal) => this.#node.stat(paths, signal),
    );
  }

  watch(params: WatchParams = {}, options: Pick<RequestOptions, "signal"> = {}): WorkspaceWatch {
    const checked = wellFormed("watch", checkedParams("watch", params));
    const invalid = invalidWatchOptions(options);
    if (invalid !== undefined) throw invalid;
    // Globs that are none are told at once, whoever answers.
    new PathFilter(checked.include, checked.exclude);
    this.#life.signal.throwIfAborted();
    const watch = new LastingWatch(this.#sidecar?.watch(checked) ?? this.#node.watch(checked, false), {
      signal: options.signal,
      onFailed: (error) => {
        if (isGone(error)) this.#lose(error);
      },
      onClose: (closed) => this.#watches.delete(closed),
    });
    if (!options.signal?.aborted) this.#watches.set(watch, checked);
    return watch;
  }

  dispose(): Promise<void> {
    this.#disposed ??= (async () => {
      this.#life.abort(new SidecarError("sidecar_stopped", "the workspace backend was disposed of"));
      for (const watch of [...this.#watches.keys()]) watch.close();
      await this.#options.sidecar?.stop();
    })();
    return this.#disposed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Asks the sidecar; if that is lost over it, Node. All calls read, so they may be made twice. */
  async #call<T>(
    method: Method,
    options: RequestOptions = {},
    onSidecar: (sidecar: SidecarWorkspace, options: RequestOptions) => Promise<T>,
    onNode: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = new Deadline(method, options, this.#options.timeoutMs);
    // A request that takes the sidecar down each time is not asked for ever.
    for (let attempt = 1; attempt <= 2 && this.#sidecar !== undefined; attempt++) {
      const sidecar = this.#sidecar;
      try {
        return await deadline.run(this.#life.signal, (signal, timeoutMs) => onSidecar(sidecar, { signal, timeoutMs }));
      } catch (error) {
        this.#life.signal.throwIfAborted();
        if (!this.#options.fallsBack || !(isCrash(error) || isGone(error))) throw error;
        if (isGone(error)) this.#lose(error);
      }
    }
    return deadline.run(this.#life.signal, onNode);
  }

  /** The sidecar is gone for good. */
  #lose(error: SidecarError): void {
    if (!this.#options.fallsBack || this.#sidecar === undefined || this.#life.signal.aborted) return;
    this.#sidecar = undefined;
    for (const [watch, params] of this.#watches) watch.continue(this.#node.watch(params, true));
    // Nobody waits for what is left of it, and what it says then is no news.
    this.#options.sidecar?.stop().catch(() => {});
    this.#options.onSwitch(error);
  }
}

/** Makes sure that texts can be written as JSON: a lone surrogate cannot. */
function wellFormed<P extends WorkspaceGlobParams | WorkspaceSearchParams | WatchParams>(method: string, params: P): P {
  for (const glob of [...(params.include ?? []), ...(params.exclude ?? [])]) {
    if (!glob.isWellFormed()) {
      const message = `invalid glob ${JSON.stringify(glob)}: it is not valid Unicode`;
      throw new SidecarError("invalid_glob", message, { method });
    }
  }
  if ("pattern" in params && !params.pattern.isWellFormed()) {
    throw new SidecarError("invalid_pattern", "the pattern is not valid Unicode", { method });
  }
  if ("after" in params && params.after !== undefined) checkPath(params.after);
  return params;
}
