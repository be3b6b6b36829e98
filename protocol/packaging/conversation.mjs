// A conversation with a program over its pipes, line by line. It knows nothing of the npm package: what is packed is to
// be tested by other means than what it is used with.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

/** A started program, and what it says. */
export class Conversation {
  #child;
  #lines;
  #stderr = "";
  #exited;
  #deadline;
  #timer;

  /**
   * @param {string[]} command the program and its arguments
   * @param {object} options
   * @param {number} options.timeoutMs for all of it; then the program is killed, and whoever waits for it is told
   * @param {(direction: "<" | ">", line: string) => void} [options.onLine] is told of each line
   */
  constructor([program, ...args], { timeoutMs, onLine = () => {} }) {
    this.onLine = onLine;
    this.#child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    this.#child.stderr.setEncoding("utf8").on("data", (text) => (this.#stderr += text));
    // A program that left does not read; that it left is told by its exit status.
    this.#child.stdin.on("error", () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#exited = new Promise((resolve, reject) => {
      this.#child.once("error", (error) => reject(new Error(`${program} cannot be started: ${error.message}`)));
      this.#child.once("close", (status, signal) => resolve(signal ?? status));
    });
    this.#deadline = new Promise((_, reject) => {
      this.#timer = setTimeout(() => {
        this.#child.kill("SIGKILL");
        reject(new Error(`no end after ${timeoutMs} ms`));
      }, timeoutMs);
    });
    for (const promise of [this.#exited, this.#deadline]) promise.catch(() => {});
  }

  /** What it wrote to stderr so far. */
  get stderr() {
    return this.#stderr;
  }

  /** @param {string} line */
  send(line) {
    this.onLine(">", line);
    this.#child.stdin.write(`${line}\n`);
  }

  /**
   * The next line that `wanted` takes; the others are passed over. Throws where the output ends before, or has what is
   * no JSON.
   * @param {(message: any) => boolean} wanted
   * @returns {Promise<any>}
   */
  async receive(wanted) {
    for (;;) {
      const { value: line, done } = await Promise.race([this.#lines.next(), this.#deadline]);
      if (done) throw new Error(`its output ended; exit status ${await this.exit()}`);
      this.onLine("<", line);
      let message;
      try {
        message = JSON.parse(line);
      } catch {
        throw new Error(`it wrote a line that is not JSON: ${line}`);
      }
      if (wanted(message)) return message;
    }
  }

  /** Its exit status, or the signal that ended it, once its output has ended. */
  async exit() {
    return Promise.race([this.#exited, this.#deadline]);
  }

  /** Ends it, if it has not ended. */
  async end() {
    this.#child.kill("SIGKILL");
    await this.exit().catch(() => {});
    clearTimeout(this.#timer);
  }
}
