// Whether a process that says nothing still lives.

import type { SidecarClient } from "../client/client.js";
import { after, pipesRead } from "../timers.js";

/** How a hang is noticed. */
export interface HeartbeatOptions {
  /** After so long without a word from the sidecar it is pinged, in milliseconds. Default 5000. */
  intervalMs?: number;
  /** After so long without any word behind the ping it counts as hung, in milliseconds. Default 10000. */
  timeoutMs?: number;
}

/** So much later than asked for, a timer says that this process itself stood still, in milliseconds. */
const STALLED_MS = 1_000;

/** Pings a sidecar that is silent. What it says of any kind is a sign of life: a long answer may be in the pipe. */
export class Heartbeat {
  readonly #client: SidecarClient;
  readonly #intervalMs: number;
  readonly #timeoutMs: number;
  readonly #onHang: (silentMs: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(client: SidecarClient, options: HeartbeatOptions, onHang: (silentMs: number) => void) {
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
    if (silent < this.#intervalMs) return this.#rest(this.#intervalMs - silent);
    const answer = await this.#client.ping({}, { timeoutMs: this.#timeoutMs }).catch(() => undefined);
    if (answer !== undefined || this.#stopped) return this.#rest();
    // Where this process stood still, the answer is in the pipe.
    await pipesRead();
    const now = performance.now();
    const stalled = now - asked > this.#timeoutMs + STALLED_MS;
    if (this.#stopped || this.#client.closed || stalled || this.#client.lastHeard > asked) return this.#rest();
    this.#onHang(now - this.#client.lastHeard);
  }
}
