// The globs of a request: which paths to take.

import { SidecarError } from "../../errors.js";
import { Automaton } from "./automaton.js";
import { GlobProblem, parseGlob, type Token } from "./glob-syntax.js";

/** Longer globs are refused, more of them, and deeper `{…{…}…}`: as the sidecar does. */
const MAX_GLOB_BYTES = 4096;
const MAX_GLOBS = 2000;
const MAX_GLOBS_BYTES = 64 * 1024;
const MAX_BRACE_DEPTH = 16;
const SHOWN = 200;

const SYNTAX = { emptyAlternates: true, unclosedClass: false };

/** Takes the paths that match one of `include` (all, if there is none) and none of `exclude`. */
export class PathFilter {
  readonly #include: Automaton | undefined;
  readonly #exclude: Automaton | undefined;

  /** Throws `invalid_glob`, naming the glob. */
  constructor(include: string[] = [], exclude: string[] = [], caseSensitive = true) {
    this.#include = compile(include, caseSensitive, (glob) => [glob]);
    // Excluding a directory excludes what lies beneath it, as a line of `.gitignore` does.
    this.#exclude = compile(exclude, caseSensitive, (glob) => (glob.endsWith("/**") ? [glob] : [`${glob}/**`, glob]));
  }

  accepts(path: string): boolean {
    if (this.#include === undefined && this.#exclude === undefined) return true;
    const bytes = Buffer.from(path);
    return (this.#include?.matches(bytes) ?? true) && !(this.#exclude?.matches(bytes) ?? false);
  }
}

function compile(globs: string[], caseSensitive: boolean, forms: (glob: string) => string[]): Automaton | undefined {
  if (globs.length === 0) return undefined;
  const bytes = globs.reduce((sum, glob) => sum + Buffer.byteLength(glob), 0);
  if (globs.length > MAX_GLOBS || bytes > MAX_GLOBS_BYTES) {
    const problem = `invalid globs: more than ${MAX_GLOBS}, or ${MAX_GLOBS_BYTES} bytes of them, in one list`;
    throw new SidecarError("invalid_glob", problem);
  }
  const parse = (glob: string): Token[][] => {
    try {
      return forms(anchored(glob)).map((form) => parseGlob(form, SYNTAX));
    } catch (error) {
      if (!(error instanceof GlobProblem)) throw error;
      const shown = Array.from(glob.slice(0, 2 * SHOWN)).slice(0, SHOWN).join("");
      const message = `invalid glob ${JSON.stringify(shown)}: ${error.message}`;
      throw new SidecarError("invalid_glob", message, { data: { glob: shown } });
    }
  };
  return new Automaton(globs.flatMap(parse), caseSensitive);
}

/**
 * A glob in the form that is matched against whole paths: `/x` and `./x` are `x` at the root, `x` is at any depth, `x/`
 * is everything beneath `x`.
 */
function anchored(glob: string): string {
  if (Buffer.byteLength(glob) > MAX_GLOB_BYTES) throw new GlobProblem(`it is longer than ${MAX_GLOB_BYTES} bytes`);
  if (glob === "") throw new GlobProblem("it is empty");
  if (!glob.isWellFormed()) throw new GlobProblem("it is not valid Unicode");
  if (glob.includes("\0")) throw new GlobProblem("it contains NUL");
  if (braceDepth(glob) > MAX_BRACE_DEPTH) throw new GlobProblem(`braces are nested deeper than ${MAX_BRACE_DEPTH}`);
  const rooted = /^(\.\/|\/)/.exec(glob)?.[0];
  const body = rooted === undefined ? glob : glob.slice(rooted.length);
  const anywhere = rooted === undefined && !glob.replace(/\/+$/, "").includes("/") && body !== "**";
  return `${anywhere ? "**/" : ""}${body}${body.endsWith("/") ? "**" : ""}`;
}

/** How deep `{` are nested at most, escapes and classes not looked into: too many is safe. */
function braceDepth(glob: string): number {
  let [depth, deepest] = [0, 0];
  for (const char of glob) {
    if (char === "{") deepest = Math.max(deepest, ++depth);
    else if (char === "}") depth = Math.max(0, depth - 1);
  }
  return deepest;
}
