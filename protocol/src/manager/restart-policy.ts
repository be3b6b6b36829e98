// When a process that crashed is started again, and when no more. Knows nothing of processes or timers.

/** How a process that crashed is started again. */
export interface RestartOptions {
  /** The delay after a first crash, in milliseconds. Default 100. */
  minDelayMs?: number;
  /** The longest delay, in milliseconds. Default 5000. */
  maxDelayMs?: number;
  /** How much longer each delay is than the one before. Default 2. */
  factor?: number;
  /** So many crashes within `windowMs` are a crash loop: then the process is not started again. Default 5. */
  maxCrashes?: number;
  /** For how long a crash counts, in milliseconds. Default 60000. */
  windowMs?: number;
}

/** Counts crashes: exponential back-off with jitter, and a breaker. */
export class RestartPolicy {
  readonly #options: Required<RestartOptions>;
  readonly #random: () => number;
  /** When each crash was that still counts. */
  #crashes: number[] = [];

  constructor(options: RestartOptions = {}, random: () => number = Math.random) {
    const { minDelayMs = 100, maxDelayMs = 5_000, factor = 2, maxCrashes = 5, windowMs = 60_000 } = options;
    this.#options = { minDelayMs, maxDelayMs, factor, maxCrashes, windowMs };
    this.#random = random;
  }

  /** How many crashes still count, as of the last one. */
  get crashes(): number {
    return this.#crashes.length;
  }

  /**
   * Takes note of a crash at `now` (milliseconds on a clock that only rises). Gives the delay until the next start in
   * whole milliseconds, or `undefined` when there shall be none.
   */
  crashed(now: number): number | undefined {
    const { minDelayMs, maxDelayMs, factor, maxCrashes, windowMs } = this.#options;
    this.#crashes = this.#crashes.filter((crash) => now - crash < windowMs);
    this.#crashes.push(now);
    if (this.#crashes.length >= maxCrashes) return undefined;
    const delay = Math.min(maxDelayMs, minDelayMs * factor ** (this.#crashes.length - 1));
    // Between half and all of it, so that windows that lost their sidecars together do not start them together.
    return Math.round(delay * (0.5 + this.#random() / 2));
  }

  /** Forgets all crashes: somebody decided to try again. */
  reset(): void {
    this.#crashes = [];
  }
}
