// What would have ended the process.

/** Does something, and gives the messages of what was thrown meanwhile where nobody could catch it. */
export async function uncaughtDuring(act) {
  const thrown = [];
  // The test runner's own, which fails the test.
  const listeners = process.rawListeners("uncaughtException");
  process.removeAllListeners("uncaughtException");
  process.on("uncaughtException", (error) => thrown.push(error.message));
  try {
    await act();
    await new Promise(setImmediate);
  } finally {
    process.removeAllListeners("uncaughtException");
    for (const listener of listeners) process.on("uncaughtException", listener);
  }
  return thrown;
}
