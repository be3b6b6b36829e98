// Searching the bytes of one file, line by line.

import { isUtf8 } from "node:buffer";

import type { SearchLine } from "../../protocol.js";
import type { Found, Pattern } from "./pattern.js";
import type { Courtesy } from "./scheduling.js";
import { decodeUtf16, decodeUtf8, isUtf16, type TextClass } from "./text.js";
import { cutLine } from "./window.js";

/** About so many bytes are searched between two pauses. */
const CHUNK_BYTES = 64 * 1024;
const LINE_FEED = 10;

/** How a file is searched. */
export interface FileOptions {
  pattern: Pattern;
  maxMatches: number;
  maxLineLength: number;
}

/** What a file has; `limitHit`: more than that. */
export interface FileMatches {
  matchCount: number;
  limitHit: boolean;
  lines: SearchLine[];
}

/**
 * A stretch of whole lines: `text` is what is matched, `units` has a lone surrogate for each ill-formed sequence. Both
 * have the same length.
 */
interface Stretch {
  text: string;
  units: string;
}

/** Searches a whole file; nothing if nothing matches. */
export async function searchFile(
  bytes: Buffer,
  kind: TextClass,
  options: FileOptions,
  courtesy: Courtesy,
  signal: AbortSignal,
): Promise<FileMatches | undefined> {
  const { pattern } = options;
  if (pattern.needle !== undefined && !isUtf16(kind) && !bytes.includes(pattern.needle)) return undefined;
  const search = new FileSearch(options);
  for (const stretch of isUtf16(kind) ? utf16Stretches(bytes, kind) : utf8Stretches(bytes)) {
    const back = search.mark();
    const take = () => {
      back();
      return search.take(stretch);
    };
    if (!pattern.guarded(take)) break;
    await courtesy.pause(signal);
  }
  return search.finish();
}

function* utf8Stretches(bytes: Buffer): Generator<Stretch> {
  const valid = isUtf8(bytes);
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(LINE_FEED, start + CHUNK_BYTES);
    const end = found < 0 ? bytes.length : found + 1;
    const part = bytes.subarray(start, end);
    // Ill-formed bytes match no character, U+FFFD neither.
    const units = valid ? part.toString("utf8") : decodeUtf8(part);
    yield { text: units, units };
    start = end;
  }
}

function* utf16Stretches(bytes: Buffer, kind: "utf16le" | "utf16be"): Generator<Stretch> {
  const all = decodeUtf16(bytes, kind);
  for (let start = 0; start < all.length; ) {
    const end = nextLine(all, start + CHUNK_BYTES);
    const units = all.slice(start, end);
    yield { text: units.toWellFormed(), units };
    start = end;
  }
}

/** Where the line that holds `at` ends, its `\n` included. */
function nextLine(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}

/** A line without the `\n` or `\r\n` at its end. */
function withoutEnd(line: string): string {
  return line.replace(/\r?\n$/, "");
}

/** Takes a file, stretch by stretch. */
class FileSearch {
  readonly #options: FileOptions;
  readonly #found: FileMatches = { matchCount: 0, limitHit: false, lines: [] };
  /** Units and line ends before the stretch at hand. */
  #units = 0;
  #line = 1;

  constructor(options: FileOptions) {
    this.#options = options;
  }

  finish(): FileMatches | undefined {
    return this.#found.matchCount > 0 || this.#found.limitHit ? this.#found : undefined;
  }

  /** Gives what takes it back to where it is now, whatever it was broken off at since. */
  mark(): () => void {
    const [units, line, found, lines] = [this.#units, this.#line, { ...this.#found }, this.#found.lines.length];
    return () => {
      [this.#units, this.#line] = [units, line];
      Object.assign(this.#found, found).lines.length = lines;
    };
  }

  /** Searches the next stretch. False if there is enough. */
  take(stretch: Stretch): boolean {
    const { pattern } = this.#options;
    const { text } = stretch;
    let start = 0;
    while (start < text.length) {
      if (pattern.literal !== undefined) {
        const at = text.indexOf(pattern.literal, start);
        if (at < 0) break;
        // Goes to the line that has it.
        for (let end = nextLine(text, start); end <= at; end = nextLine(text, start)) {
          start = end;
          this.#line++;
        }
      }
      const end = nextLine(text, start);
      if (!this.#takeLine(stretch, start, end)) return false;
      start = end;
      if (text.charCodeAt(end - 1) === LINE_FEED) this.#line++;
    }
    for (let end = text.indexOf("\n", start); end >= 0; end = text.indexOf("\n", end + 1)) this.#line++;
    this.#units += text.length;
    return true;
  }

  #takeLine({ text, units }: Stretch, start: number, end: number): boolean {
    const { pattern, maxMatches } = this.#options;
    // The byte-order mark is no part of what is matched, but counts in every position.
    const mark = this.#units + start === 0 && text.startsWith("\ufeff") ? 1 : 0;
    const ended = text.charCodeAt(end - 1) === LINE_FEED;
    const content = text.slice(start + mark, ended ? end - 1 : end);
    const found = pattern.find(content).filter((match) => ended || match.start < content.length);
    if (found.length === 0) return true;
    const room = maxMatches - this.#found.matchCount;
    if (room > 0) {
      const kept = found.slice(0, room).map((match) => ({ start: match.start + mark, end: match.end + mark }));
      this.#found.lines.push(this.#describe(units.slice(start, end), start, kept));
      this.#found.matchCount += kept.length;
    }
    if (found.length > room) this.#found.limitHit = true;
    return !this.#found.limitHit;
  }

  #describe(units: string, start: number, found: Found[]): SearchLine {
    const line = this.#line;
    const lossy = !units.isWellFormed();
    const shown = withoutEnd(lossy ? units.toWellFormed() : units);
    const cut = cutLine(shown, found[0]?.start ?? 0, this.#options.maxLineLength);
    const before = this.#units + start;
    const matches = found.map((match) => ({
      start: { line, column: match.start + 1 },
      end: { line, column: match.end + 1 },
      range: { start: before + match.start, end: before + match.end },
    }));
    return { line, text: cut.text, textColumn: cut.start + 1, matches, ...(lossy ? { lossy } : {}) };
  }
}
