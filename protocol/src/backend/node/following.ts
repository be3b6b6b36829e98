// Looks at a workspace again and again: when the system hints at something, and now and then anyway.

import { stat } from "node:fs/promises";

import { Hints } from "./hints.js";
import { takeSnapshot, type Snapshot } from "./snapshot.js";
import { walk, type Tree } from "./walk.js";

/** While changes go on, they are told after this, or after `settleMs` if that is longer. */
export const MOST_MS = 1000;
/** How often is looked without a hint where all directories are watched. */
const SAFETY_NET_MS = 30_000;
/** The same where some are not: so many times as long as a look takes, within bounds. */
const POLL = { factor: 20, leastMs: 1000, mostMs: 30_000 };

/** How a workspace is followed. */
export interface FollowingOptions {
  /** Called after each look, and when there will be no other. */
  onLook: () => void;
  /** For how long nothing must have changed before a look, in milliseconds. */
  settleMs: () => number;
}

/** Follows one workspace until it is stopped. */
export class Following {
  /** What was seen last. */
  current: Snapshot | undefined;
  /** Why the first look failed. */
  failed: { error: unknown } | undefined;
  readonly #options: FollowingOptions;
  readonly #hints: Hints;
  readonly #stopped = new AbortController();
  /** When the first hint since the last look came, and the last one ever, on the clock of `performance.now()`. */
  #firstHint: number | undefined;
  #lastHint = -Infinity;
  /** The root's inode. */
  #root: bigint | undefined;
  #arm = () => {};

  constructor(tree: Tree, options: FollowingOptions) {
    this.#options = options;
    this.#hints = new Hints(tree.root, () => this.#hint());
    void this.#run(tree);
  }

  stop(): void {
    this.#stopped.abort();
    this.#hints.close();
    this.#arm();
  }

  /** When nothing will have been hinted at for `settleMs`, unless it is by then. */
  settledAt(settleMs: number): number {
    return this.#lastHint + settleMs;
  }

  async #run(tree: Tree): Promise<void> {
    const { signal } = this.#stopped;
    try {
      // Watched first, then looked at: what happens in between is hinted at.
      this.#hints.follow((await walk(tree, signal)).directories);
    } catch (error) {
      this.failed = { error };
    }
    while (!signal.aborted && this.failed === undefined) {
      const began = performance.now();
      this.#firstHint = undefined;
      try {
        const { snapshot, directories } = await takeSnapshot(tree, this.current, signal);
        // A root that was replaced takes its watchers along.
        const { ino } = await stat(tree.root, { bigint: true });
        if (ino !== this.#root) this.#hints.close();
        this.#root = ino;
        this.current = snapshot;
        // What came into a new directory before it was watched was not hinted at.
        if (!signal.aborted && this.#hints.follow(directories)) this.#hint();
      } catch (error) {
        // Later, what cannot be seen (no root, too many open files) is not taken for gone.
        if (this.current === undefined && !signal.aborted) this.failed = { error };
        // Then nothing but looking tells when it can be seen again.
        this.#hints.close();
      }
      this.#options.onLook();
      await this.#due(performance.now() - began);
    }
    this.#options.onLook();
  }

  #hint(): void {
    this.#lastHint = performance.now();
    this.#firstHint ??= this.#lastHint;
    this.#arm();
  }

  /** Resolves when it is time for the next look; the last one took so many milliseconds. */
  #due(tookMs: number): Promise<void> {
    const ended = performance.now();
    const pollMs = Math.min(Math.max(POLL.factor * tookMs, POLL.leastMs), POLL.mostMs);
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      this.#arm = () => {
        clearTimeout(timer);
        if (this.#stopped.signal.aborted || this.failed !== undefined) return resolve();
        let at = ended + (this.#hints.areComplete ? SAFETY_NET_MS : pollMs);
        if (this.#firstHint !== undefined) {
          const settleMs = this.#options.settleMs();
          const settled = Math.min(this.#lastHint + settleMs, this.#firstHint + Math.max(MOST_MS, settleMs));
          // At least as much time goes to others as to looking.
          at = Math.min(at, Math.max(settled, ended + tookMs));
        }
        timer = setTimeout(resolve, Math.max(0, at - performance.now()));
      };
      this.#arm();
    });
  }
}
