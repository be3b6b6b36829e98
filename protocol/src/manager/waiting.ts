// Those who wait for a process that is ready.

import type { SidecarClient } from "../client/client.js";
import { SidecarError } from "../errors.js";
import type { ReadyData } from "../protocol.js";
import type { Method, RequestOptions } from "../requests.js";

/** What they wait for. */
export interface Served {
  client: SidecarClient;
  ready: ReadyData;
}

interface Waiter {
  resolve: (served: Served) => void;
  reject: (error: SidecarError) => void;
}

/** Each waits for the next outcome, or until it is cancelled or out of time. */
export class Waiting {
  readonly #waiters = new Set<Waiter>();

  wait(method?: Method, { signal, timeoutMs = 0 }: RequestOptions = {}): Promise<Served> {
    return new Promise((resolve, reject) => {
      const details = method === undefined ? {} : { method };
      const cancelled = () => new SidecarError("cancelled", `${method}: cancelled`, { ...details, cause: signal?.reason });
      if (signal?.aborted) return reject(cancelled());
      let timer: NodeJS.Timeout | undefined;
      const leave = () => {
        this.#waiters.delete(waiter);
        clearTimeout(timer);
        signal?.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        resolve: (served) => {
          leave();
          resolve(served);
        },
        reject: ({ code, message, data, cause }) => {
          leave();
          reject(new SidecarError(code, message, { data, cause, ...details }));
        },
      };
      const abort = () => waiter.reject(cancelled());
      if (timeoutMs > 0) {
        const message = `${method}: the sidecar was not ready within ${timeoutMs} ms`;
        timer = setTimeout(() => waiter.reject(new SidecarError("timeout", message)), timeoutMs);
      }
      signal?.addEventListener("abort", abort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  resolve(served: Served): void {
    for (const waiter of [...this.#waiters]) waiter.resolve(served);
  }

  reject(error: SidecarError): void {
    for (const waiter of [...this.#waiters]) waiter.reject(error);
  }
}
