// How a call ends early: cancelled, out of time, or because everything ends.

import { onAbort } from "../abort.js";
import { SidecarError } from "../errors.js";
import { invalidOptions, type Method, type RequestOptions } from "../requests.js";
import { after } from "../timers.js";

/** When a call ends, seen from its beginning; it may be tried more than once. */
export class Deadline {
  readonly #method: Method;
  readonly #signal: AbortSignal | undefined;
  readonly #timeoutMs: number;
  readonly #began = performance.now();

  /** Throws `invalid_params` for options that are none. */
  constructor(method: Method, options: RequestOptions, defaultTimeoutMs: number) {
    const invalid = invalidOptions(method, options);
    if (invalid !== undefined) throw invalid;
    const { signal, timeoutMs = defaultTimeoutMs } = options;
    this.#method = method;
    this.#signal = signal;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * Works until the deadline or until `life` is aborted, and rejects at once then, however long the work goes on. The
   * work is given a signal, and the milliseconds that are left (0 for no end).
   */
  async run<T>(life: AbortSignal, work: (signal: AbortSignal, leftMs: number) => Promise<T>): Promise<T> {
    life.throwIfAborted();
    if (this.#signal?.aborted) throw this.#cancelled();
    const leftMs = this.#timeoutMs === 0 ? 0 : Math.ceil(this.#began + this.#timeoutMs - performance.now());
    if (leftMs < 0 || (leftMs === 0 && this.#timeoutMs > 0)) throw this.#expired();
    const controller = new AbortController();
    const { signal } = controller;
    const timer = leftMs > 0 ? after(leftMs, () => controller.abort(this.#expired())) : undefined;
    const unlisten = [
      onAbort(this.#signal, () => controller.abort(this.#cancelled())),
      onAbort(life, () => controller.abort(life.reason)),
    ];
    try {
      return await new Promise<T>((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        work(signal, leftMs).then(resolve, reject);
      });
    } finally {
      clearTimeout(timer);
      for (const stop of unlisten) stop();
    }
  }

  #cancelled(): SidecarError {
    const message = `${this.#method}: the request was cancelled`;
    return new SidecarError("cancelled", message, { method: this.#method, cause: this.#signal?.reason });
  }

  #expired(): SidecarError {
    const message = `${this.#method}: not answered within ${this.#timeoutMs} ms`;
    return new SidecarError("timeout", message, { method: this.#method });
  }
}
