// `readFile` in plain Node.

import { createHash } from "node:crypto";

import { SidecarError } from "../../errors.js";
import type { WorkspaceFile, WorkspaceReadParams } from "../types.js";
import { tooLarge } from "./errors.js";
import { readThrough } from "./files.js";
import { checkPath } from "./paths.js";
import { BINARY_PROBE_BYTES, classOf, decode, EolCounter, hasMark, isUtf16, type TextClass } from "./text.js";

/** The sidecar's bound of a response; more would not be good for this process, either. */
const MAX_RESPONSE_BYTES = 64 << 20;

/** Reads a file: all of it for what is told of the whole, but only what is asked for is kept. */
export async function readFile(
  root: string,
  path: string,
  params: WorkspaceReadParams,
  signal: AbortSignal,
): Promise<WorkspaceFile> {
  checkPath(path);
  const reader = new Reader(path, params);
  const { stamp } = await readThrough(root, path, reader, signal);
  return reader.finish(stamp.mtimeMs);
}

class Reader {
  readonly #path: string;
  readonly #params: WorkspaceReadParams;
  #hash = createHash("sha256");
  #size = 0;
  #kept: Buffer[] = [];
  /** The beginning of the file, until there is enough of it to tell what it is. */
  #head: Buffer[] = [];
  #kind: TextClass | undefined;
  #eol = new EolCounter("text");

  constructor(path: string, params: WorkspaceReadParams) {
    this.#path = path;
    this.#params = params;
  }

  start({ size }: { size: number }): void {
    const { range, maxBytes } = this.#params;
    const wanted = range === undefined ? size : Math.max(0, Math.min(range.end, size) - range.start);
    if (maxBytes !== undefined && wanted > maxBytes) throw tooLarge(this.#path, wanted, maxBytes);
    if (wanted > MAX_RESPONSE_BYTES) {
      const problem = `the response would be longer than ${MAX_RESPONSE_BYTES} bytes; ask for a \`range\``;
      const message = `${this.#path}: ${problem}`;
      throw new SidecarError("response_too_large", message, { data: { maxResponseBytes: MAX_RESPONSE_BYTES } });
    }
    this.#hash = createHash("sha256");
    [this.#size, this.#kept, this.#head, this.#kind] = [0, [], [], undefined];
  }

  add(chunk: Buffer): void {
    this.#hash.update(chunk);
    const { start, end } = this.#params.range ?? { start: 0, end: Infinity };
    const [from, to] = [start - this.#size, end - this.#size];
    if (from < chunk.length && to > 0) this.#kept.push(chunk.subarray(Math.max(0, from), Math.min(to, chunk.length)));
    this.#size += chunk.length;
    if (this.#kind !== undefined) return this.#eol.add(chunk);
    this.#head.push(chunk);
    if (this.#size >= BINARY_PROBE_BYTES) this.#classify();
  }

  finish(mtimeMs: number): WorkspaceFile {
    const kind = this.#classify();
    const bytes = Buffer.concat(this.#kept);
    const whole = {
      size: this.#size,
      mtimeMs,
      sha256: this.#hash.digest("hex"),
      bom: hasMark(kind),
      eol: this.#eol.finish(),
    };
    if (this.#params.encoding === "base64") {
      return { path: this.#path, encoding: "base64", base64: bytes.toString("base64"), ...whole };
    }
    const decoded = decode(bytes, kind);
    if ("problem" in decoded) {
      const hint = this.#params.range === undefined ? "" : "; the range may cut a character";
      const message = `${this.#path}: ${decoded.problem}${hint}; ask for \`"encoding": "base64"\``;
      throw new SidecarError("not_utf8", message);
    }
    const source = isUtf16(kind) ? { sourceEncoding: kind } : {};
    return { path: this.#path, encoding: "utf8", text: decoded.text, ...source, ...whole };
  }

  #classify(): TextClass {
    if (this.#kind === undefined) {
      const head = Buffer.concat(this.#head);
      this.#kind = classOf(head);
      this.#eol = new EolCounter(this.#kind);
      this.#eol.add(head);
      this.#head = [];
    }
    return this.#kind;
  }
}
