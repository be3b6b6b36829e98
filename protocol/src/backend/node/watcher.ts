// `watch` in plain Node: all that watch a workspace share the looks at it.

import { SidecarError } from "../../errors.js";
import type { WatchParams } from "../../protocol.js";
import type { WorkspaceChanges, WorkspaceWatch } from "../types.js";
import { PathFilter } from "./filter.js";
import { Following, MOST_MS } from "./following.js";
import { changesBetween, everything, type Snapshot } from "./snapshot.js";
import type { Tree } from "./walk.js";

const DEFAULT_SETTLE_MS = 50;

/** Follows a workspace for as long as somebody watches it. */
export class Watcher {
  readonly #tree: Tree;
  readonly #watches = new Set<NodeWatch>();
  #following: Following | undefined;

  constructor(tree: Tree) {
    this.#tree = tree;
  }

  /** Tells what changes from now on; `fresh`: beginning with all there is. Throws `invalid_glob`. */
  watch(params: WatchParams, fresh: boolean): WorkspaceWatch {
    const filter = new PathFilter(params.include, params.exclude);
    this.#following ??= new Following(this.#tree, {
      onLook: () => {
        for (const watch of this.#watches) watch.onLook();
      },
      settleMs: () => Math.min(...[...this.#watches].map((watch) => watch.settleMs)),
    });
    const watch = new NodeWatch(this.#following, filter, params.settleMs ?? DEFAULT_SETTLE_MS, fresh, () => {
      this.#watches.delete(watch);
      if (this.#watches.size > 0) return;
      this.#following?.stop();
      this.#following = undefined;
    });
    this.#watches.add(watch);
    watch.onLook();
    return watch;
  }
}

class NodeWatch implements WorkspaceWatch {
  readonly established: Promise<void>;
  readonly settleMs: number;
  readonly #following: Following;
  readonly #filter: PathFilter;
  readonly #onClose: () => void;
  #settle: { resolve: () => void; reject: (error: unknown) => void } = { resolve() {}, reject() {} };
  /** What the reader knows; from the first look on. */
  #told: Snapshot | undefined;
  /** The reader is to be told all there is. */
  #fresh: boolean;
  #closed = false;
  #wake = () => {};

  constructor(following: Following, filter: PathFilter, settleMs: number, fresh: boolean, onClose: () => void) {
    this.established = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // The loop tells of it, too.
    this.established.catch(() => {});
    this.settleMs = settleMs;
    this.#following = following;
    this.#filter = filter;
    this.#fresh = fresh;
    this.#onClose = onClose;
  }

  /** The workspace was looked at. */
  onLook(): void {
    const { current, failed } = this.#following;
    if (this.#told === undefined && current !== undefined) {
      this.#told = current;
      this.#settle.resolve();
    }
    if (failed !== undefined) this.#settle.reject(failed.error);
    this.#wake();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#settle.reject(new SidecarError("sidecar_stopped", "watch: it was closed"));
    this.#onClose();
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WorkspaceChanges, void, undefined> {
    const accepts = (path: string) => this.#filter.accepts(path);
    try {
      for (;;) {
        const seen = await this.#settled();
        if (seen === undefined) return;
        const told = this.#told ?? new Map();
        this.#told = seen;
        if (this.#fresh) {
          this.#fresh = false;
          yield { fresh: true, changes: everything(seen, accepts) };
          continue;
        }
        const changes = changesBetween(told, seen, accepts);
        if (changes.length > 0) yield { fresh: false, changes };
      }
    } finally {
      this.close();
    }
  }

  /** Waits for what is to be told, until it has settled; nothing at the end. */
  async #settled(): Promise<Snapshot | undefined> {
    let latest = Infinity;
    while (!this.#closed) {
      const { current, failed } = this.#following;
      if (failed !== undefined) throw failed.error;
      let wait: number | undefined;
      if (current !== undefined && this.#fresh) return current;
      if (current !== undefined && current !== this.#told) {
        const now = performance.now();
        latest = Math.min(latest, now + Math.max(MOST_MS, this.settleMs));
        wait = Math.min(this.#following.settledAt(this.settleMs), latest) - now;
        if (wait <= 0) return current;
      }
      await new Promise<void>((resolve) => {
        const timer = wait === undefined ? undefined : setTimeout(resolve, wait);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    return undefined;
  }
}
