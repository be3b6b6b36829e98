// Timers that take any delay.

/** The longest delay that Node takes; it makes 1 ms of a longer one. */
const LONGEST_MS = 2 ** 31 - 1;

/** Calls `callback` after `delayMs`; a delay of more than 24 days, `Infinity` included, is one of 24 days. */
export function after(delayMs: number, callback: () => void): NodeJS.Timeout {
  return setTimeout(callback, Math.min(delayMs, LONGEST_MS));
}

/**
 * Resolves once what is in the pipes now has been read. Timers come before what is read, so one that says that nothing
 * came is not to be believed before this: the process itself may have stood still.
 */
export async function pipesRead(): Promise<void> {
  await new Promise(setImmediate);
  await new Promise(setImmediate);
}
