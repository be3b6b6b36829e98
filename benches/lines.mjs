// Lines out of the chunks of a stream of text.

export class Lines {
  #pieces = [];

  /**
   * Calls `take` with each line that ends in `chunk`. The pieces of a long line are kept apart until it ends: joining
   * at every chunk would be quadratic.
   */
  read(chunk, take) {
    let start = 0;
    for (let end = chunk.indexOf("\n"); end >= 0; end = chunk.indexOf("\n", start)) {
      this.#pieces.push(chunk.slice(start, end));
      const line = this.#pieces.join("");
      this.#pieces = [];
      start = end + 1;
      take(line);
    }
    if (start < chunk.length) this.#pieces.push(chunk.slice(start));
  }
}
