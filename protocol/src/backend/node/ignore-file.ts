// One file of ignore rules (`.gitignore`, `.ignore`, `.git/info/exclude`), read as ripgrep's library `ignore` does.

import { isUtf8 } from "node:buffer";

import { Automaton } from "./automaton.js";
import { GlobProblem, parseGlob, type Token } from "./glob-syntax.js";

/** What rules say about a path: it is ignored, it is brought back, or nothing. */
export type Verdict = "ignore" | "keep" | undefined;

interface Rule {
  automaton: Automaton;
  keeps: boolean;
  directoriesOnly: boolean;
}

const SYNTAX = { emptyAlternates: false, unclosedClass: true };

/** What Rust, and so ripgrep, takes for white space; JavaScript's `trimEnd` differs in U+0085 and U+FEFF. */
const TRAILING_SPACE = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$/u;

/** The rules of one file. They are about paths relative to the directory that the file belongs to. */
export class IgnoreFile {
  /** The last one that matches counts, so the last one comes first. */
  readonly #rules: Rule[];

  constructor(bytes: Buffer) {
    try {
      this.#rules = linesOf(bytes).flatMap(ruleOf).reverse();
    } catch (error) {
      // A rule that cannot be compiled takes all others of the file with it.
      if (!(error instanceof GlobProblem)) throw error;
      this.#rules = [];
    }
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  /** What they say about the path that is in `path` from `from` on. */
  verdict(path: Uint8Array, from: number, isDirectory: boolean): Verdict {
    for (const rule of this.#rules) {
      if ((isDirectory || !rule.directoriesOnly) && rule.automaton.matches(path, from)) {
        return rule.keeps ? "keep" : "ignore";
      }
    }
    return undefined;
  }
}

/** The lines up to the first that is not UTF-8. */
function linesOf(bytes: Buffer): string[] {
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(10, start);
    const end = found < 0 ? bytes.length : found;
    const line = bytes.subarray(start, end);
    if (!isUtf8(line)) break;
    lines.push(start === 0 ? line.toString().replace(/^\ufeff+/, "") : line.toString());
    start = end + 1;
  }
  return lines;
}

function ruleOf(text: string): Rule[] {
  if (text.startsWith("#")) return [];
  // Of the end of a line, `\r` goes before a space that is escaped is looked for.
  let line = text.replace(/\r$/, "");
  if (!line.endsWith("\\ ")) line = line.replace(TRAILING_SPACE, "");
  if (line === "") return [];
  let [keeps, rooted, directoriesOnly] = [false, false, false];
  if (/^\\[!#]/.test(line)) {
    line = line.slice(1);
  } else {
    if (line.startsWith("!")) {
      keeps = true;
      line = line.slice(1);
    }
    if (line.startsWith("/")) {
      rooted = true;
      line = line.slice(1);
    }
  }
  if (line.endsWith("/")) {
    directoriesOnly = true;
    line = line.slice(0, -1).replace(/\\$/, "");
  }
  if (!rooted && !line.includes("/") && line !== "**") line = `**/${line}`;
  // `x/**` is what lies in `x`, not `x` itself.
  if (line.endsWith("/**")) line = `${line}/*`;
  let tokens: Token[];
  try {
    tokens = parseGlob(line, SYNTAX);
  } catch (error) {
    // A line that is no glob is passed over; one that only fails as bytes is not.
    if (error instanceof GlobProblem && !error.asBytes) return [];
    throw error;
  }
  return [{ automaton: new Automaton([tokens]), keeps, directoriesOnly }];
}
