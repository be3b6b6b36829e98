// Doing much without keeping the event loop: bounded numbers of things at a time, and pauses.

import { setImmediate as nextTurn } from "node:timers/promises";

/** For how many milliseconds code may run before it lets others go first. */
const SLICE_MS = 8;

/** Lets the event loop turn, but only if this was not done for a while. */
export class Courtesy {
  #since = performance.now();

  async pause(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (performance.now() - this.#since < SLICE_MS) return;
    await nextTurn();
    this.#since = performance.now();
    signal.throwIfAborted();
  }
}

/** Runs `work` on all items and on those it returns, at most `most` at a time, in no order. */
export function runBounded<T>(
  items: T[],
  most: number,
  work: (item: T) => Promise<T[]>,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const waiting = [...items];
    let running = 0;
    let failed = false;
    const fail = (error: unknown) => {
      failed = true;
      reject(error);
    };
    const start = () => {
      if (failed) return;
      if (signal.aborted) return fail(signal.reason);
      if (running === 0 && waiting.length === 0) return resolve();
      while (running < most) {
        const item = waiting.pop();
        if (item === undefined) return;
        running++;
        work(item).then((more) => {
          running--;
          for (const next of more) waiting.push(next);
          start();
        }, fail);
      }
    };
    start();
  });
}

/** Maps items in order, working on up to `most` ahead of the one that is given. */
export async function* mapAhead<T, R>(items: T[], most: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const ahead: Promise<R>[] = [];
  let next = 0;
  const start = () => {
    for (const item of items.slice(next, next + most - ahead.length)) {
      const result = work(item);
      // It is awaited in its turn, perhaps never.
      result.catch(() => {});
      ahead.push(result);
      next++;
    }
  };
  start();
  for (let first = ahead.shift(); first !== undefined; first = ahead.shift()) {
    const result = await first;
    start();
    yield result;
  }
}
