// What is looked for: from the params of a search to the matches in a line.

import { createContext, Script } from "node:vm";

import { SidecarError } from "../../errors.js";
import type { WorkspaceSearchParams } from "../types.js";

/** Longer patterns are refused, as the sidecar does. */
const MAX_PATTERN_BYTES = 16 * 1024;
/** For how long a regular expression may run on one stretch of lines. It keeps the event loop meanwhile. */
const MAX_RUN_MS = 500;
/** So often, at most, it is run where this process hardly had the processor for that long: it stood still. */
const MAX_RUNS = 4;

/**
 * What makes no border of a word: word characters, as `\w` of Rust's `regex` crate has them, and what is ill-formed,
 * which is a lone surrogate here.
 */
const WORD = String.raw`[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{Cs}]`;
const ENDS_IN_WORD = new RegExp(`${WORD}$`, "u");
const STARTS_WITH_WORD = new RegExp(`^${WORD}`, "u");

/** A stretch of a line, in UTF-16 units. */
export interface Found {
  start: number;
  end: number;
}

/** A compiled pattern. */
export interface Pattern {
  /** The bytes that a file of UTF-8 must hold to match, if there are such. */
  readonly needle: Buffer | undefined;
  /** A text that a line must hold to match, if there is one. */
  readonly literal: string | undefined;
  /** The matches of one line, given without its `\n`; they do not overlap. */
  find(line: string): Found[];
  /**
   * Runs code that calls `find`, in bounded time: a regular expression may take exponential time on a short line.
   * Rejects with `timeout`. It may be broken off and run again, where this process stood still meanwhile.
   */
  guarded<T>(run: () => T): T;
}

/** Compiles a pattern. Throws `invalid_pattern`. */
export function compilePattern(params: WorkspaceSearchParams): Pattern {
  const { pattern, regex = false, wholeWord = false } = params;
  const bytes = Buffer.byteLength(pattern);
  if (bytes > MAX_PATTERN_BYTES) {
    throw invalid(`the pattern has ${bytes} bytes; at most ${MAX_PATTERN_BYTES} are taken`);
  }
  if (!pattern.isWellFormed()) throw invalid("the pattern is not valid Unicode");
  if (regex ? asksForLineEnd(pattern) : pattern.includes("\n")) {
    throw invalid("the pattern needs a line end (`\\n`) to match, and no match spans lines");
  }
  const caseSensitive = params.caseSensitive === "smart" ? isUpper(pattern, regex) : params.caseSensitive ?? true;
  if (!regex && caseSensitive && pattern !== "") return literalPattern(pattern, wholeWord);
  return regexPattern(regex ? pattern : escape(pattern), caseSensitive, wholeWord, regex);
}

function literalPattern(literal: string, wholeWord: boolean): Pattern {
  const find = (line: string): Found[] => {
    const found: Found[] = [];
    for (let at = line.indexOf(literal); at >= 0; ) {
      const end = at + literal.length;
      const matches = !wholeWord || isWhole(line, at, end);
      if (matches) found.push({ start: at, end });
      at = line.indexOf(literal, matches ? end : at + 1);
    }
    return found;
  };
  return { needle: Buffer.from(literal), literal, find, guarded: (run) => run() };
}

/** Whether no word character stands just before or just behind a stretch of a line. */
function isWhole(line: string, start: number, end: number): boolean {
  // Two units hold the character before; with the `u` flag, a pair is one.
  const [before, behind] = [line.slice(Math.max(0, start - 2), start), line.slice(end, end + 2)];
  return !ENDS_IN_WORD.test(before) && !STARTS_WITH_WORD.test(behind);
}

function regexPattern(source: string, caseSensitive: boolean, wholeWord: boolean, isRegex: boolean): Pattern {
  let compiled: RegExp;
  try {
    // Checked by itself: `)(` must not become right by what is put around it.
    const flags = `gus${caseSensitive ? "" : "i"}`;
    compiled = new RegExp(source, flags);
    if (wholeWord) compiled = new RegExp(`(?<!${WORD})(?:${source})(?!${WORD})`, flags);
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error), error);
  }
  const find = (line: string): Found[] => {
    const found: Found[] = [];
    let last = -1;
    compiled.lastIndex = 0;
    for (let match = compiled.exec(line); match !== null; match = compiled.exec(line)) {
      const [start, end] = [match.index, match.index + match[0].length];
      if (start === end) {
        // Behind a match there is no empty one.
        if (start !== last) found.push({ start, end });
        compiled.lastIndex = start + ((line.codePointAt(start) ?? 0) > 0xffff ? 2 : 1);
      } else {
        found.push({ start, end });
      }
      last = end;
      if (compiled.lastIndex > line.length) break;
    }
    return found;
  };
  return { needle: undefined, literal: undefined, find, guarded: isRegex ? watched : (run) => run() };
}

// Only V8's own watchdog stops a regular expression. It watches scripts, and what they call.
const context: { run?: () => unknown } = {};
let script: Script | undefined;

function watched<T>(run: () => T): T {
  if (script === undefined) {
    createContext(context);
    script = new Script("run()");
  }
  let result: { value: T } | undefined;
  context.run = () => {
    result = { value: run() };
  };
  try {
    for (let runs = 1; ; runs++) {
      const before = process.cpuUsage();
      try {
        script.runInContext(context, { timeout: MAX_RUN_MS });
        break;
      } catch (error) {
        if (!isTimeout(error) || runs === MAX_RUNS || workedMs(before) > MAX_RUN_MS / 2) throw error;
      }
    }
  } catch (error) {
    if (isTimeout(error)) {
      const message = `the regular expression took more than ${MAX_RUN_MS} ms for a few lines; make it simpler`;
      throw new SidecarError("timeout", message, { cause: error });
    }
    throw error;
  } finally {
    delete context.run;
  }
  if (result === undefined) throw new SidecarError("internal", "the search did not run");
  return result.value;
}

/** Whether it is the watchdog's error. That is one of the context's realm, so not an `Error` of this one. */
function isTimeout(error: unknown): boolean {
  return Object(error).code === "ERR_SCRIPT_EXECUTION_TIMEOUT";
}

/** For how long this process had the processor. */
function workedMs(since: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1_000;
}

function invalid(message: string, cause?: unknown): SidecarError {
  return new SidecarError("invalid_pattern", message, { cause });
}

function escape(literal: string): string {
  return literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}

/** Whether a regular expression has a `\n` outside of classes. In a class, it only never matches. */
function asksForLineEnd(source: string): boolean {
  let inClass = false;
  for (let at = 0; at < source.length; at++) {
    const char = source[at];
    if (char === "\\") {
      at++;
      if (source[at] === "n" && !inClass) return true;
    } else if (char === "[") inClass = true;
    else if (char === "]") inClass = false;
    else if (char === "\n" && !inClass) return true;
  }
  return false;
}

/** What a regular expression is made of: what stands for no letter, codes of characters, what stands for itself. */
const PARTS = new RegExp(
  [
    String.raw`\\[pP]\{[^}]*\}|\\k<[^>]*>|\(\?<[\p{ID_Start}$_][^>]*>|\(\?(?:<?[=!]|:)|\{\d+(?:,\d*)?\}|\\[bBdDsSwW]`,
    String.raw`\\u\{([0-9a-fA-F]+)\}|\\u([0-9a-fA-F]{4})|\\x([0-9a-fA-F]{2})`,
    String.raw`\\?([^])`,
  ].join("|"),
  "gu",
);

/** Whether a pattern tells case by `smart`: it has an upper-case letter, or no literal character at all. */
function isUpper(pattern: string, regex: boolean): boolean {
  let written = pattern;
  if (regex) {
    written = "";
    for (const [part, braced, four, two, char] of pattern.matchAll(PARTS)) {
      const code = braced ?? four ?? two;
      if (code !== undefined) written += String.fromCodePoint(Math.min(Number.parseInt(code, 16), 0x10ffff));
      else if (char !== undefined && (part.length > char.length || !/[\^$.*+?()[\]{}|]/.test(char))) written += char;
    }
  }
  return written === "" || /\p{Uppercase}/u.test(written);
}
