// Sends signals to the processes of a manager, at random moments of their lives, and knows which of them got what.

import { EventEmitter, once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";

/** The share of processes that are hit as soon as they are there, and of the others, about when they become ready. */
const AT_ONCE = 0.15;
const EARLY = 0.2;
/** The share that is stopped rather than killed: they hang, which takes a while to be noticed. */
const STOPPED = 0.05;
/** The latest moment to be hit, in milliseconds: after the start, or after `ready`. */
const EARLY_MS = 25;
const LATE_MS = 500;

export class Killer {
  /** Every process there was: whether it was ready, the signal that it was sent while it lived, and why it ended. */
  victims = [];
  #sidecar;
  #random;
  /** Tells what becomes of the last one: `starting`, `ready`, `ended`. */
  #news = new EventEmitter();

  /** To be made before the manager is started. */
  constructor(sidecar, random) {
    this.#sidecar = sidecar;
    this.#random = random;
    sidecar.on("starting", () => {
      this.victims.push({ pid: undefined, ready: false, signal: undefined, cause: undefined });
      this.#news.emit("starting");
    });
    sidecar.on("ready", () => {
      this.victims.at(-1).ready = true;
      this.#news.emit("ready");
    });
    sidecar.on("restarting", ({ cause }) => {
      this.victims.at(-1).cause = cause;
      this.#news.emit("ended");
    });
  }

  /** Hits one process after the other until `signal` is aborted. What was hit last has ended then. */
  async run(signal) {
    while (!signal.aborted) {
      try {
        if (this.victims.at(-1).cause !== undefined) await once(this.#news, "starting", { signal });
        await this.#wait(this.victims.at(-1), signal);
      } catch (error) {
        if (error.name === "AbortError") return;
        throw error;
      }
      await this.#hit(this.victims.at(-1));
    }
  }

  /** How many processes were sent this signal. */
  sent(signal) {
    return this.victims.filter((victim) => victim.signal === signal).length;
  }

  /** How many of them had not said that they are ready. */
  get early() {
    return this.victims.filter(({ signal, ready }) => signal !== undefined && !ready).length;
  }

  /** How often each signal, or none, led to each cause. */
  get ends() {
    const ends = {};
    for (const { signal = "nothing", cause } of this.victims) {
      if (cause === undefined) continue;
      const how = `${signal} → ${cause.kind}`;
      ends[how] = (ends[how] ?? 0) + 1;
    }
    return ends;
  }

  async #wait(victim, signal) {
    if (!this.#random.chance(AT_ONCE)) {
      const early = this.#random.chance(EARLY);
      if (!early && !victim.ready) await once(this.#news, "ready", { signal });
      await sleep(this.#random.below(early ? EARLY_MS : LATE_MS), undefined, { signal });
    }
    // `starting` is told before there is a process.
    while (victim.cause === undefined && this.#sidecar.pid === undefined) await new Promise(setImmediate);
  }

  async #hit(victim) {
    if (victim.cause !== undefined) return;
    victim.signal = this.#random.chance(STOPPED) ? "SIGSTOP" : "SIGKILL";
    victim.pid = this.#sidecar.pid;
    process.kill(victim.pid, victim.signal);
    await once(this.#news, "ended");
  }
}
