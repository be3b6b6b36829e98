// What changes in the workspace, across the processes that tell of it.

import { onAbort } from "../abort.js";
import type { SidecarClient } from "../client/client.js";
import { SidecarError } from "../errors.js";
import { once } from "../iterating.js";
import type { ChangedData, WatchParams } from "../protocol.js";

/** What changed, as one process after the other tells it; their subscriptions are of no interest. */
export type Changes = Omit<ChangedData, "subscription">;

/**
 * What changes, in the order in which it is told. Leaving a loop over it ends it. It can be gone through once.
 *
 * Where some of it could not be told (another process was started, or so much came that was not taken that it was let
 * go), the next one makes up for it: with `fresh: true` it is all there is, and replaces what was told before.
 */
export interface Subscription extends AsyncIterable<Changes> {
  /** Resolves when changes are told from then on; rejects when they never will be. */
  readonly established: Promise<void>;
  /** Ends it: a loop over it is left. */
  close(): void;
}

/** More batches than this that nobody took are let go, and made up for by one question. */
const MAX_QUEUED = 256;
/** The same of more changes than this in several batches. A single one is held: one line bounds it. */
const MAX_QUEUED_CHANGES = 10_000;

/** A subscription that is carried from process to process. */
export class LastingSubscription implements Subscription {
  readonly established: Promise<void>;
  readonly #params: WatchParams;
  readonly #onClose: (subscription: LastingSubscription) => void;
  readonly #queue: Changes[] = [];
  /** How many changes are in what is queued. */
  #queued = 0;
  /** Aborted when it ends: nothing is asked for it any more. */
  readonly #life = new AbortController();
  readonly #unlisten: () => void;
  #settle: { resolve: () => void; reject: (error: SidecarError) => void } = { resolve() {}, reject() {} };
  #client: SidecarClient | undefined;
  #id: string | undefined;
  /** The state that the reader knows of. */
  #clock: string | undefined;
  /** There is more to know than what is queued. */
  #behind = false;
  #end: { error?: SidecarError } | undefined;
  #wake = () => {};

  readonly [Symbol.asyncIterator] = once(
    "the changes of a subscription",
    () => this.#changes(),
    () => this.close(),
  );

  constructor(
    params: WatchParams,
    signal: AbortSignal | undefined,
    onClose: (subscription: LastingSubscription) => void,
  ) {
    this.#params = params;
    this.#onClose = onClose;
    this.established = new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
    // The loop tells of it, too.
    this.established.catch(() => {});
    const abort = () =>
      this.finish(new SidecarError("cancelled", "watch: cancelled", { method: "watch", cause: signal?.reason }));
    this.#unlisten = onAbort(signal, abort);
    if (signal?.aborted) abort();
  }

  /** Goes on with another process. Never rejects: what fails is told to the reader. */
  async attach(client: SidecarClient): Promise<void> {
    if (this.#end !== undefined) return;
    this.#client = client;
    this.#id = undefined;
    const onChanged = ({ subscription: _, ...changes }: ChangedData) => {
      if (this.#client === client) this.#take(changes);
    };
    try {
      const { subscription, clock } = await client.watch(this.#params, onChanged);
      if (this.#end !== undefined) return void client.unwatch(subscription).catch(() => {});
      if (this.#client !== client) return;
      this.#id = subscription;
      this.#clock ??= clock;
      this.#settle.resolve();
      this.#wake();
    } catch (error) {
      // The next process will be asked, if there is one.
      if (this.#client === client && !wasLost(error)) this.finish(error as SidecarError);
    }
  }

  /** There is no process, for now. What was told but not taken is let go: there will be a full list. */
  detach(): void {
    this.#client = undefined;
    this.#id = undefined;
    if (this.#clock !== undefined) this.#fallBehind();
  }

  /** Ends it: with an error, a loop over it throws. */
  finish(error?: SidecarError): void {
    this.#finish(error === undefined ? {} : { error }, error ?? ended("sidecar_stopped", "the sidecar was stopped"));
  }

  close(): void {
    this.#finish({}, ended("cancelled", "it was closed"));
  }

  async *#changes(): AsyncGenerator<Changes, void, undefined> {
    while (this.#end === undefined) {
      const next = await this.#next();
      // It may have ended meanwhile.
      if (this.#end !== undefined) break;
      if (next === undefined) continue;
      this.#clock = next.clock;
      yield next;
    }
    if (this.#end.error !== undefined) throw this.#end.error;
  }

  /** The next changes; nothing where there was a reason to look again. */
  async #next(): Promise<Changes | undefined> {
    if (this.#behind) {
      if (this.#id !== undefined) return this.#catchUp();
    } else {
      const next = this.#queue.shift();
      if (next !== undefined) {
        this.#queued -= next.changes.length;
        return next;
      }
    }
    await new Promise<void>((resolve) => (this.#wake = resolve));
    return undefined;
  }

  #finish(end: { error?: SidecarError }, unestablished: SidecarError): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    this.#unlisten();
    this.#settle.reject(unestablished);
    if (this.#id !== undefined) this.#client?.unwatch(this.#id).catch(() => {});
    this.#life.abort();
    this.#queue.length = 0;
    this.#onClose(this);
    this.#wake();
  }

  #take(changes: Changes): void {
    if (this.#end !== undefined) return;
    const queued = this.#queued + changes.changes.length;
    const tooMany = this.#queue.length > 0 && queued > MAX_QUEUED_CHANGES;
    if (tooMany || this.#queue.length >= MAX_QUEUED) this.#fallBehind();
    // What comes while behind is queued as well: it may be later than what the question will be answered with, and
    // what it repeats is told again in the same words.
    this.#queue.push(changes);
    this.#queued += changes.changes.length;
    this.#wake();
  }

  #fallBehind(): void {
    this.#queue.length = 0;
    this.#queued = 0;
    this.#behind = true;
  }

  /** What changed since the reader last heard, from the process that knows; nothing if there is none now. */
  async #catchUp(): Promise<Changes | undefined> {
    const client = this.#client;
    if (client === undefined || this.#id === undefined || this.#clock === undefined) return undefined;
    this.#behind = false;
    const { include, exclude } = this.#params;
    const filter = { ...(include && { include }), ...(exclude && { exclude }) };
    try {
      const params = { since: this.#clock, ...filter };
      const { clock, fresh, changes } = await client.request("changes", params, { signal: this.#life.signal });
      return fresh || changes.length > 0 ? { clock, fresh, changes } : undefined;
    } catch (error) {
      if (wasLost(error)) {
        this.#behind = true;
        // Not asked again: there will be another.
        if (this.#client === client) this.detach();
      } else if (error instanceof SidecarError && error.code === "response_too_large") {
        return { clock: this.#clock, fresh: true, changes: [], limitHit: true };
      } else this.finish(error as SidecarError);
      return undefined;
    }
  }
}

function ended(code: "cancelled" | "sidecar_stopped", why: string): SidecarError {
  return new SidecarError(code, `watch: ${why}`, { method: "watch" });
}

/** Whether a request failed because its process is no more. */
function wasLost(error: unknown): boolean {
  return error instanceof SidecarError && (error.code === "sidecar_crashed" || error.code === "sidecar_stopped");
}
