// Listening to AbortSignals, of which one may stop thousands of requests.

/** Who listens to a signal. */
const listeners = new WeakMap<AbortSignal, Set<() => void>>();

const nothing = () => {};

/**
 * Calls `callback` once `signal` is aborted, unless the function that is returned was called before. A signal has one
 * listener of this package, however many requests it stops: Node warns of a leak from eleven on.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return nothing;
  const callbacks = listeners.get(signal) ?? listen(signal);
  // Its own function, so that the same callback can wait twice.
  const entry = () => callback();
  callbacks.add(entry);
  return () => {
    if (!callbacks.delete(entry) || callbacks.size > 0 || listeners.get(signal) !== callbacks) return;
    listeners.delete(signal);
    signal.removeEventListener("abort", tell);
  };
}

function listen(signal: AbortSignal): Set<() => void> {
  const callbacks = new Set<() => void>();
  listeners.set(signal, callbacks);
  signal.addEventListener("abort", tell, { once: true });
  return callbacks;
}

function tell(this: AbortSignal): void {
  const callbacks = listeners.get(this);
  listeners.delete(this);
  for (const callback of [...(callbacks ?? [])]) if (callbacks?.delete(callback)) callback();
}
