// A process that stands still, as one does on a machine that is busy or asleep.

const nobody = new Int32Array(new SharedArrayBuffer(4));

/** Does nothing for so long, and lets nothing happen in this process; the others have the processor meanwhile. */
export function standStill(ms) {
  Atomics.wait(nobody, 0, 0, ms);
}
