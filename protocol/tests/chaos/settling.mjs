// Keeps account of promises: which have not settled, and how the others did.

/** The same promise, but that it rejects after a time, with what `complaint` gives then. */
export async function within(promise, timeoutMs, complaint) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${timeoutMs} ms: ${complaint()}`)), timeoutMs);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Settling {
  #open = new Map();
  /** How many settled: `ok`, or by the code of the error. */
  counts = {};
  total = 0;

  /** Takes note of a promise; gives the same. */
  track(promise, about) {
    this.total += 1;
    this.#open.set(promise, about);
    const settled = (how) => {
      this.#open.delete(promise);
      this.counts[how] = (this.counts[how] ?? 0) + 1;
    };
    promise.then(
      () => settled("ok"),
      (error) => settled(error?.code ?? String(error)),
    );
    return promise;
  }

  /** What the promises are about that have not settled. */
  get open() {
    return [...this.#open.values()];
  }
}
