// Calling what the application gave.

/**
 * Calls a function of the application. What it throws is an uncaught exception, as of any listener, but thrown where
 * nothing of this package is under way that it could break off.
 */
export function callOut<A extends unknown[]>(callback: (...args: A) => void, ...args: A): void {
  try {
    callback(...args);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
