// What a fake sidecar writes: in order, in pieces where it is told to.

import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

const CHUNK_BYTES = 64 * 1024;

/** The process's stdout. Every method resolves when all of it was handed to the operating system. */
export class Output {
  #last: Promise<void> = Promise.resolve();
  #pieceBytes = 0;
  #pauseMs = 0;

  /** A value as a line of JSON. */
  line(value: unknown): Promise<void> {
    return this.write(Buffer.from(`${JSON.stringify(value)}\n`), 1);
  }

  /** Bytes, a number of times; nothing else comes between them. */
  write(bytes: Buffer, times: number): Promise<void> {
    return this.#next(async () => {
      // Repeated in chunks, so that a line without end takes no memory.
      const perChunk = Math.max(1, Math.floor(CHUNK_BYTES / Math.max(1, bytes.length)));
      for (let left = times; left > 0; left -= perChunk) {
        await this.#pieces(Buffer.concat(Array<Buffer>(Math.min(left, perChunk)).fill(bytes)));
      }
    });
  }

  /** Writes in pieces from now on; 0 for whole lines. */
  split(pieceBytes: number, pauseMs: number): Promise<void> {
    return this.#next(async () => {
      this.#pieceBytes = pieceBytes;
      this.#pauseMs = pauseMs;
    });
  }

  /** Closes stdout for whoever reads it; what is written later goes nowhere. */
  close(): Promise<void> {
    return this.#next(async () => discard(1, "w"));
  }

  /** Waits for what was written so far. */
  flush(): Promise<void> {
    return this.#last;
  }

  #next(step: () => Promise<void>): Promise<void> {
    this.#last = this.#last.then(step);
    return this.#last;
  }

  async #pieces(bytes: Buffer): Promise<void> {
    const size = this.#pieceBytes === 0 ? bytes.length : this.#pieceBytes;
    for (let at = 0; at < bytes.length; at += size) {
      await written(process.stdout, bytes.subarray(at, at + size));
      if (this.#pieceBytes !== 0) await delay(this.#pauseMs);
    }
  }
}

/** Writes, and waits until the operating system has it. */
export function written(stream: NodeJS.WritableStream, bytes: Uint8Array | string): Promise<void> {
  return new Promise((resolve) => {
    stream.write(bytes, () => resolve());
  });
}

/** Closes a standard descriptor; Node's own streams never do. */
export function discard(descriptor: number, flags: "r" | "w"): void {
  closeSync(descriptor);
  // Takes the number that was just freed, which no other file may have: Node still writes to it.
  openSync(devNull, flags);
}
