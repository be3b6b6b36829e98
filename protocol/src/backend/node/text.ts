// What a file's bytes are as text: which encoding, which line ends.

import { isUtf8 } from "node:buffer";

import type { Eol } from "../../protocol.js";

/** How far a NUL byte is looked for. */
export const BINARY_PROBE_BYTES = 64 * 1024;

/** What the bytes of a file are. `binary`: a NUL byte at the beginning, and no UTF-16 byte-order mark. */
export type TextClass = "text" | "utf8bom" | "utf16le" | "utf16be" | "binary";

/** Classifies a file by its first bytes; `BINARY_PROBE_BYTES` of them suffice. */
export function classOf(bytes: Buffer): TextClass {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf16be";
  if (bytes.subarray(0, BINARY_PROBE_BYTES).includes(0)) return "binary";
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? "utf8bom" : "text";
}

export function isUtf16(kind: TextClass): kind is "utf16le" | "utf16be" {
  return kind === "utf16le" || kind === "utf16be";
}

/** Whether a file of this kind starts with a byte-order mark. */
export function hasMark(kind: TextClass): boolean {
  return kind === "utf8bom" || isUtf16(kind);
}

/** The line ends of a file, piece by piece. Only `\n` and `\r\n` end a line. */
export class EolCounter {
  readonly #utf16: "utf16le" | "utf16be" | undefined;
  #before = 0;
  #half: number | undefined;
  #lf = false;
  #crlf = false;

  constructor(kind: TextClass) {
    this.#utf16 = isUtf16(kind) ? kind : undefined;
  }

  add(bytes: Buffer): void {
    if (this.#utf16 !== undefined) return this.#addUnits(bytes, this.#utf16);
    for (let at = bytes.indexOf(10); at >= 0 && !(this.#lf && this.#crlf); at = bytes.indexOf(10, at + 1)) {
      this.#end(at > 0 ? bytes[at - 1] === 13 : this.#before === 13);
    }
    this.#before = bytes[bytes.length - 1] ?? this.#before;
  }

  finish(): Eol {
    if (this.#lf && this.#crlf) return "mixed";
    return this.#lf ? "lf" : this.#crlf ? "crlf" : "none";
  }

  #addUnits(bytes: Buffer, kind: "utf16le" | "utf16be"): void {
    for (const byte of bytes) {
      if (this.#half === undefined) {
        this.#half = byte;
        continue;
      }
      const unit = kind === "utf16le" ? this.#half | (byte << 8) : (this.#half << 8) | byte;
      this.#half = undefined;
      if (unit === 10) this.#end(this.#before === 13);
      this.#before = unit;
    }
  }

  #end(crlf: boolean): void {
    if (crlf) this.#crlf = true;
    else this.#lf = true;
  }
}

/** Bytes as the text JavaScript holds, a byte-order mark kept; why they are none, as a half-sentence. */
export function decode(bytes: Buffer, kind: TextClass): { text: string } | { problem: string } {
  if (isUtf16(kind)) {
    const text = unitsOf(bytes, kind);
    if (bytes.length % 2 === 0 && text.isWellFormed()) return { text };
    return { problem: "it is not valid UTF-16 although it starts with a UTF-16 byte-order mark" };
  }
  return isUtf8(bytes) ? { text: bytes.toString("utf8") } : { problem: "it is not valid UTF-8" };
}

/** Stands for ill-formed bytes in text that is searched: shown, it is U+FFFD, but it is none. */
const ILL_FORMED = "\udc80";
const REPLACEMENT = "\ufffd";
const REPLACEMENT_BYTES = Buffer.from(REPLACEMENT);

/** UTF-8 with a lone surrogate in place of each maximal ill-formed sequence; `toWellFormed` gives what is shown. */
export function decodeUtf8(bytes: Buffer): string {
  // Between U+FFFD that are there by themselves, each that is read stands for something ill-formed.
  const parts: string[] = [];
  for (let start = 0; start <= bytes.length; ) {
    const found = bytes.indexOf(REPLACEMENT_BYTES, start);
    const end = found < 0 ? bytes.length : found;
    parts.push(bytes.toString("utf8", start, end).replaceAll(REPLACEMENT, ILL_FORMED));
    start = found < 0 ? bytes.length + 1 : end + REPLACEMENT_BYTES.length;
  }
  return parts.join(REPLACEMENT);
}

/** UTF-16 with lone surrogates as they are, and one in place of an odd last byte. */
export function decodeUtf16(bytes: Buffer, kind: "utf16le" | "utf16be"): string {
  const units = unitsOf(bytes, kind);
  if (bytes.length % 2 === 0) return units;
  // A lone high surrogate before an odd byte is one error together with it.
  return units.replace(/[\ud800-\udbff]$/, "") + ILL_FORMED;
}

function unitsOf(bytes: Buffer, kind: "utf16le" | "utf16be"): string {
  const even = bytes.subarray(0, bytes.length - (bytes.length % 2));
  return (kind === "utf16le" ? even : Buffer.from(even).swap16()).toString("utf16le");
}
