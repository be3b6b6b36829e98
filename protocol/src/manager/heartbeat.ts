// Whether a process that says nothing still lives.

import type { SidecarClient } from "../client/client.js";
import { after, pipesRead } from "../timers.js";
import type { EndCause } from "./end-cause.js";

/** How a hang is noticed. */
export interface HeartbeatOptions {
  /** After so long without a word from the sidecar it is pinged, in milliseconds. Default 5000. */
  intervalMs?: number;
  /**
   * After so long without any word behind the ping it counts as hung, in milliseconds. Default 10000. So it does if, for
   * as long, it answers none of so many cancelled requests that nothing more can be asked.
   */
  timeoutMs?: number;
}

/** So much later than asked for, a timer says that this process itself stood still, in milliseconds. */
const STALLED_MS = 1_000;

/** Pings a sidecar that is silent. What it says of any kind is a sign of life: a long answer may be in the pipe. */
export class Heartbeat {
  readonly #client: SidecarClient;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #onHang: (cause: EndCause) => void;
  #timer: NodeJS.Timeout | undefined;
  /** The `blockedSince` with which a ping was answered before. */
  #suspect: number | undefined;
  #stopped = false;

  constructor(client: SidecarClient, options: HeartbeatOptions, onHang: (cause: EndCause) => void) {
    this.#client = client;
    this.#intervalMs = options.intervalMs ?? 5_000;
    this.#timeoutMs = options.timeoutMs ?? 10_000;
    this.#onHang = onHang;
    this.#rest();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #rest(delayMs = this.#intervalMs): void {
    if (this.#stopped) return;
    // It keeps no host alive that has nothing else to do.
    this.#timer = after(delayMs, () => void this.#beat()).unref();
  }

  async #beat(): Promise<void> {
    const asked = performance.now();
    const silent = asked - this.#client.lastHeard;
    const { blockedSince } = this.#client;
    const blocked = blockedSince !== undefined && asked - blockedSince >= this.#timeoutMs;
    if (silent < this.#intervalMs && !blocked) return this.#rest(this.#intervalMs - silent);
    const answer = await this.#client.ping({}, { timeoutMs: this.#timeoutMs }).catch(() => undefined);
    if (this.#stopped) return;
    if (answer !== undefined) {
      // It has read what was sent before the ping, and it does not stand still.
      if (!blocked || this.#client.blockedSince !== blockedSince) {
        this.#suspect = undefined;
        return this.#rest();
      }
      // It has read the cancellations by now; what stood still gets time to answer them.
      if (this.#suspect !== blockedSince) {
        this.#suspect = blockedSince;
        return this.#rest();
      }
      const message = "the sidecar did not answer requests that were cancelled, and takes no others";
      return this.#onHang({ kind: "protocol", message });
    }
    // Where this process stood still, the answer is in the pipe.
    await pipesRead();
    const now = performance.now();
    const stalled = now - asked > this.#timeoutMs + STALLED_MS;
    if (this.#stopped || this.#client.closed || stalled || this.#client.lastHeard > asked) return this.#rest();
    this.#onHang({ kind: "hang", silentMs: now - this.#client.lastHeard });
  }
}
