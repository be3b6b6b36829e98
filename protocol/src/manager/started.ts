// The promise of a start, for which nobody need wait.

/**
 * A promise whose rejection, where nobody asked for it, is told to `onUnheard` rather than ending the process as an
 * unhandled rejection does. It is told when Node would: `await`, `then` and `catch` count up to the next turn of the
 * event loop.
 */
export class Started<T> extends Promise<T> {
  #heard = false;

  // What `then` makes is the caller's: a promise like any other.
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(promise: Promise<T>, onUnheard: (error: unknown) => void): Promise<T> {
    const started = new Started<T>((resolve) => resolve(promise));
    const told = (error: unknown) => void setImmediate(() => started.#heard || onUnheard(error));
    Promise.prototype.then.call(started, undefined, told);
    return started;
  }

  // `await` comes here, too, as this is a class of its own.
  override then<A = T, B = never>(
    onResolved?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#heard = true;
    return super.then(onResolved, onRejected);
  }
}
