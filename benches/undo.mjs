// Leaving nothing behind, also where the run is interrupted.

/** Does `work`, then `undo`, which must not be asynchronous: after an interrupt nothing else runs. */
export async function withUndo(undo, work) {
  const interrupted = () => {
    undo();
    process.exit(130);
  };
  process.on("SIGINT", interrupted).on("SIGTERM", interrupted);
  try {
    return await work();
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    undo();
  }
}
