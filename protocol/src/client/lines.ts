// Lines out of chunks of bytes. A line is decoded once it is whole, so a character that two chunks share is no matter.

const NEWLINE = 0x0a;

/** Splits a stream of bytes into lines, in time and memory proportional to what it is given. */
export class LineSplitter {
  /** The beginning of a line whose end has not come. */
  #parts: Buffer[] = [];
  #length = 0;

  /** How many bytes of an unfinished line are held. */
  get held(): number {
    return this.#length;
  }

  /** Calls `take` with each line that ends in `chunk`, without its line end. */
  push(chunk: Buffer, take: (line: string) => void): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = this.#length === 0 ? chunk.toString("utf8", start, end) : this.#finish(chunk.subarray(start, end));
      start = end + 1;
      take(line);
    }
    if (start < chunk.length) {
      this.#parts.push(start === 0 ? chunk : chunk.subarray(start));
      this.#length += chunk.length - start;
    }
  }

  #finish(last: Buffer): string {
    this.#parts.push(last);
    const line = Buffer.concat(this.#parts, this.#length + last.length).toString("utf8");
    this.#parts = [];
    this.#length = 0;
    return line;
  }
}
