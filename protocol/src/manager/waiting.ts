// Those who wait for a process that is ready.

import { onAbort } from "../abort.js";
import { SidecarError } from "../errors.js";
import type { ReadyData } from "../protocol.js";
import type { Method, RequestOptions } from "../requests.js";
import { after } from "../timers.js";

interface Waiter {
  resolve: (ready: ReadyData) => void;
  reject: (error: SidecarError) => void;
  method: Method | undefined;
}

/** Each waits for the next outcome, or until it is cancelled or out of time. */
export class Waiting {
  readonly #waiters = new Set<Waiter>();

  /** Waits as part of a request for `method`, or for the process alone. */
  wait(method?: Method, { signal, timeoutMs = 0 }: RequestOptions = {}): Promise<ReadyData> {
    return new Promise((resolve, reject) => {
      const what = method ?? "start";
      const cancelled = () => new SidecarError("cancelled", `${what}: cancelled`, { method, cause: signal?.reason });
      if (signal?.aborted) return reject(cancelled());
      let timer: NodeJS.Timeout | undefined;
      const unlisten = onAbort(signal, () => waiter.reject(cancelled()));
      const leave = () => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        unlisten();
      };
      const waiter: Waiter = {
        resolve: (ready) => {
          leave();
          resolve(ready);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
        method,
      };
      if (timeoutMs > 0) {
        const message = `${what}: the sidecar was not ready within ${timeoutMs} ms`;
        timer = after(timeoutMs, () => waiter.reject(new SidecarError("timeout", message, { method })));
      }
      this.#waiters.add(waiter);
    });
  }

  resolve(ready: ReadyData): void {
    for (const waiter of [...this.#waiters]) waiter.resolve(ready);
  }

  /** Gives whether one of them waited for the process alone. */
  reject(error: SidecarError): boolean {
    const waiters = [...this.#waiters];
    for (const waiter of waiters) {
      waiter.reject(waiter.method === undefined ? error : error.about(waiter.method));
    }
    return waiters.some(({ method }) => method === undefined);
  }
}
