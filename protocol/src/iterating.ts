// Loops over what arrives by itself, which can be left while they wait.

/**
 * What a loop is begun with: it goes through `values`, once. Leaving it (`return`) calls `leave` at once, also before
 * the loop has begun and while it waits; a generator alone does neither. `leave` has to make `values` end. The first
 * step of a second loop rejects with a `TypeError`, and leaving that one does nothing.
 */
export function once<T>(
  what: string,
  values: () => AsyncGenerator<T, void, undefined>,
  leave: () => void,
): () => AsyncIterableIterator<T> {
  let taken = false;
  return () => {
    if (taken) return refusal(what);
    taken = true;
    const steps = values();
    return {
      next: () => steps.next(),
      return: () => {
        leave();
        return steps.return();
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    };
  };
}

async function* refusal(what: string): AsyncGenerator<never, void> {
  throw new TypeError(`${what} can be gone through once`);
}
