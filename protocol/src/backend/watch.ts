// A watch that goes on when another backend takes over.

import { onAbort } from "../abort.js";
import { SidecarError } from "../errors.js";
import { once } from "../iterating.js";
import type { WorkspaceChanges, WorkspaceWatch } from "./types.js";

/** How a watch is ended from outside. */
export interface LastingWatchOptions {
  signal: AbortSignal | undefined;
  /** The source failed; whoever can, continues the watch with another one before this returns. */
  onFailed: (error: unknown) => void;
  onClose: (watch: LastingWatch) => void;
}

/** Tells what its source tells, whichever that is at the time. */
export class LastingWatch implements WorkspaceWatch {
  readonly established: Promise<void>;
  readonly #options: LastingWatchOptions;
  readonly #unlisten: () => void;
  #source: WorkspaceWatch;
  #end: { error?: SidecarError } | undefined;

  readonly [Symbol.asyncIterator] = once(
    "the changes of a watch",
    () => this.#changes(),
    () => this.close(),
  );

  constructor(source: WorkspaceWatch, options: LastingWatchOptions) {
    this.#source = source;
    this.#options = options;
    this.established = this.#establish();
    // The loop tells of it, too.
    this.established.catch(() => {});
    this.#unlisten = onAbort(options.signal, () => this.#abort());
    if (options.signal?.aborted) this.#abort();
  }

  /** Goes on with another source, which begins with all there is. */
  continue(source: WorkspaceWatch): void {
    const before = this.#source;
    this.#source = source;
    before.close();
    if (this.#end !== undefined) source.close();
  }

  close(): void {
    this.#finish();
  }

  async *#changes(): AsyncGenerator<WorkspaceChanges, void, undefined> {
    try {
      while (this.#end === undefined) {
        const source = this.#source;
        try {
          yield* source;
        } catch (error) {
          if (this.#end === undefined) this.#failed(source, error);
          continue;
        }
        if (source === this.#source) break;
      }
      if (this.#end?.error !== undefined) throw this.#end.error;
    } finally {
      this.#finish();
    }
  }

  async #establish(): Promise<void> {
    for (;;) {
      const source = this.#source;
      try {
        return await source.established;
      } catch (error) {
        // Whatever word the source has for being closed.
        if (this.#end !== undefined) throw this.#end.error ?? closed();
        this.#failed(source, error);
      }
    }
  }

  /** Throws what a source failed with, unless there is another one by now. */
  #failed(source: WorkspaceWatch, error: unknown): void {
    if (source === this.#source) this.#options.onFailed(error);
    if (source === this.#source) throw error;
  }

  #finish(error?: SidecarError): void {
    if (this.#end !== undefined) return;
    this.#end = error === undefined ? {} : { error };
    this.#unlisten();
    this.#source.close();
    this.#options.onClose(this);
  }

  #abort(): void {
    const { signal } = this.#options;
    this.#finish(new SidecarError("cancelled", "watch: cancelled", { method: "watch", cause: signal?.reason }));
  }
}

function closed(): SidecarError {
  return new SidecarError("cancelled", "watch: it was closed", { method: "watch" });
}
