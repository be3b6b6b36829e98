// What the process logs, into the host's log.

import type { Readable } from "node:stream";

import { LineSplitter } from "../client/lines.js";
import type { Logger } from "../logger.js";

/** How many of the last lines are kept, for whoever asks why a process ended. */
const KEPT = 20;
/** The longest message that is passed on, in UTF-16 units. */
const MAX_MESSAGE = 8 * 1024;
/** Without a newline for so many bytes, what there is passes as a line. */
const MAX_HELD = 64 * 1024;

/** Passes each line of `stderr` on to `logger`: by its level where it is one of the sidecar's, else as a warning. */
export class StderrLog {
  readonly #logger: Logger;
  readonly #lines = new LineSplitter();
  readonly #last: string[] = [];

  constructor(stderr: Readable, logger: Logger) {
    this.#logger = logger;
    stderr.on("data", (chunk: Buffer) => {
      this.#lines.push(chunk, this.#take);
      if (this.#lines.held > MAX_HELD) this.flush();
    });
    stderr.on("end", () => this.flush());
    stderr.on("error", () => {});
  }

  /** What came without a newline passes as a line. */
  flush(): void {
    if (this.#lines.held > 0) this.#lines.push(Buffer.from("\n"), this.#take);
  }

  /** The last lines, the oldest first. */
  get last(): readonly string[] {
    return this.#last;
  }

  readonly #take = (line: string): void => {
    const text = line.trimEnd();
    if (text === "") return;
    const { level, message, fields } = read(text);
    const shown = message.slice(0, MAX_MESSAGE);
    this.#last.push(shown);
    if (this.#last.length > KEPT) this.#last.shift();
    this.#logger[level](`sidecar: ${shown}`, fields);
  };
}

type Level = keyof Logger;
const LEVELS: Record<string, Level> = { TRACE: "debug", DEBUG: "debug", INFO: "info", WARN: "warn", ERROR: "error" };

/** A line of `--log-format json`, or any other. */
function read(line: string): { level: Level; message: string; fields?: Record<string, unknown> } {
  try {
    const { timestamp: _, level, message, ...fields } = JSON.parse(line) as Record<string, unknown>;
    const known = typeof level === "string" ? LEVELS[level] : undefined;
    if (known !== undefined && typeof message === "string") return { level: known, message, fields };
  } catch {
    // A panic's message, or the loader's.
  }
  return { level: "warn", message: line };
}
