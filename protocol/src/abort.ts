// Listening to AbortSignals, of which one may stop thousands of requests.

/** Who listens to a signal, and the listener that tells them. */
interface Listening {
  callbacks: Set<() => void>;
  heard: () => void;
}

const listenings = new WeakMap<AbortSignal, Listening>();

const nothing = () => {};

/**
 * Calls `callback` once `signal` is aborted, unless the function that is returned was called before. A signal has one
 * listener of this package, however many requests it stops: Node warns of a leak from eleven on.
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return nothing;
  const listening = listenings.get(signal) ?? listen(signal);
  const { callbacks, heard } = listening;
  // Its own function, so that the same callback can wait twice.
  const entry = () => callback();
  callbacks.add(entry);
  return () => {
    if (!callbacks.delete(entry) || callbacks.size > 0 || listenings.get(signal) !== listening) return;
    listenings.delete(signal);
    signal.removeEventListener("abort", heard);
  };
}

function listen(signal: AbortSignal): Listening {
  // `this` of a listener may be another object: one that the signal leaves its events to.
  const listening = { callbacks: new Set<() => void>(), heard: () => tell(signal) };
  listenings.set(signal, listening);
  signal.addEventListener("abort", listening.heard, { once: true });
  return listening;
}

function tell(signal: AbortSignal): void {
  const callbacks = listenings.get(signal)?.callbacks;
  listenings.delete(signal);
  for (const callback of [...(callbacks ?? [])]) if (callbacks?.delete(callback)) callback();
}
