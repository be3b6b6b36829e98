// Globs, parsed as ripgrep's library `globset` does, odd corners included: ignore files and requests mean the same on
// both sides. No package on npm reads them so: it matches bytes, `[!a]` matches `/`, `{` works in ignore files.

/** A part of a glob. Classes and literals are of bytes. */
export type Token =
  | { kind: "bytes"; bytes: Uint8Array }
  /** `?` */
  | { kind: "any" }
  /** `*` */
  | { kind: "star" }
  /** `**` and the slash behind it, at the beginning */
  | { kind: "prefix" }
  /** A slash and `**`, at the end */
  | { kind: "suffix" }
  /** A slash, `**` and a slash */
  | { kind: "between" }
  | { kind: "class"; negated: boolean; ranges: [from: number, to: number][] }
  | { kind: "alternates"; branches: Token[][] };

/** How globs are read; what differs between requests and ignore files. */
export interface GlobSyntax {
  /** Whether `{a,}` matches nothing, too; otherwise empty branches are left out. */
  emptyAlternates: boolean;
  /** Whether a `[` that is never closed is a plain one; otherwise it is an error. */
  unclosedClass: boolean;
}

/** Why a glob is none, as a half-sentence. */
export class GlobProblem extends Error {
  /** Whether it can be parsed, and only fails as a class of bytes. */
  readonly asBytes: boolean;

  constructor(message: string, asBytes = false) {
    super(message);
    this.asBytes = asBytes;
  }
}

/** Takes a glob apart. Throws a `GlobProblem`. */
export function parseGlob(glob: string, syntax: GlobSyntax): Token[] {
  return new Parser(glob, syntax).parse();
}

class Parser {
  readonly #syntax: GlobSyntax;
  readonly #chars: string[];
  #next = 0;
  /** The branches that are open, the whole glob first; a `{` opens one, a `,` in it another. */
  readonly #branches: Token[][] = [[]];
  /** For each `{` that is open: how many branches there were before. */
  readonly #opened: number[] = [];
  #ignoresClasses = false;

  constructor(glob: string, syntax: GlobSyntax) {
    this.#chars = Array.from(glob);
    this.#syntax = syntax;
  }

  parse(): Token[] {
    for (let char = this.#bump(); char !== undefined; char = this.#bump()) {
      if (char === "?") this.#push({ kind: "any" });
      else if (char === "*") this.#star();
      else if (char === "[" && !this.#ignoresClasses) this.#class();
      else if (char === "{") {
        this.#opened.push(this.#branches.length);
        this.#branches.push([]);
      } else if (char === "}") this.#close();
      else if (char === "," && this.#opened.length > 0) this.#branches.push([]);
      else if (char === "\\") this.#escape();
      else this.#literal(char);
    }
    if (this.#branches.length > 1) throw new GlobProblem("unclosed alternate group; missing '}'");
    return this.#branch();
  }

  #bump(): string | undefined {
    return this.#chars[this.#next++];
  }

  #peek(): string | undefined {
    return this.#chars[this.#next];
  }

  #branch(): Token[] {
    return this.#branches[this.#branches.length - 1] ?? [];
  }

  #push(token: Token): void {
    this.#branch().push(token);
  }

  #literal(char: string): void {
    this.#push({ kind: "bytes", bytes: Buffer.from(char) });
  }

  #escape(): void {
    const char = this.#bump();
    if (char === undefined) throw new GlobProblem("dangling '\\'");
    this.#literal(char);
  }

  #close(): void {
    const start = this.#opened.pop();
    if (start === undefined) throw new GlobProblem("unopened alternate group; missing '{'");
    let branches = this.#branches.splice(start);
    if (!this.#syntax.emptyAlternates) branches = branches.filter((branch) => !isEmpty(branch));
    if (branches.length > 0) this.#push({ kind: "alternates", branches });
    // Something stands here all the same: a `**` behind it is not at the beginning.
    else this.#push({ kind: "bytes", bytes: new Uint8Array() });
  }

  #star(): void {
    // The character before this `*`.
    const previous = this.#chars[this.#next - 2];
    if (this.#peek() !== "*") return this.#push({ kind: "star" });
    this.#bump();
    const stars = () => {
      this.#push({ kind: "star" });
      this.#push({ kind: "star" });
    };
    const branch = this.#branch();
    if (branch.length === 0) {
      if (this.#peek() !== undefined && this.#peek() !== "/") return stars();
      this.#push({ kind: "prefix" });
      this.#bump();
      return;
    }
    const inBraces = this.#branches.length > 1;
    if (previous !== "/" && !(inBraces && (previous === "," || previous === "{"))) return stars();
    const next = this.#peek();
    const ends = next === undefined || (inBraces && (next === "," || next === "}"));
    if (!ends && next !== "/") return stars();
    if (next === "/" || next === undefined) this.#bump();
    const last = branch.pop();
    if (last?.kind === "prefix" || last?.kind === "suffix") branch.push(last);
    else branch.push({ kind: ends ? "suffix" : "between" });
  }

  #class(): void {
    const start = this.#next;
    const negated = this.#peek() === "!" || this.#peek() === "^";
    if (negated) this.#bump();
    const ranges: [from: string, to: string][] = [];
    let inRange = false;
    for (let first = true; ; first = false) {
      const char = this.#bump();
      if (char === undefined) {
        if (!this.#syntax.unclosedClass) throw new GlobProblem("unclosed character class; missing ']'");
        this.#next = start;
        this.#ignoresClasses = true;
        return this.#literal("[");
      }
      if (char === "]" && !first) break;
      const range = ranges[ranges.length - 1];
      if (inRange && range !== undefined) {
        range[1] = char;
        if (Buffer.compare(Buffer.from(range[1]), Buffer.from(range[0])) < 0) {
          throw new GlobProblem(`invalid range; '${range[0]}' > '${range[1]}'`);
        }
        inRange = false;
      } else if (char === "-" && !first) {
        inRange = true;
      } else {
        ranges.push([char, char]);
      }
    }
    if (inRange) ranges.push(["-", "-"]);
    this.#push({ kind: "class", negated, ranges: ranges.flatMap(([from, to]) => byteRanges(from, to)) });
  }
}

/** Whether a branch matches nothing but the empty text by being written so. */
function isEmpty(branch: Token[]): boolean {
  return branch.every((token) => token.kind === "bytes" && token.bytes.length === 0);
}

/** A range of characters as a class of bytes: a character of several bytes gives each of them. */
function byteRanges(from: string, to: string): [number, number][] {
  const single = (byte: number): [number, number] => [byte, byte];
  const low = Array.from(Buffer.from(from));
  if (from === to) return low.map(single);
  const high = Array.from(Buffer.from(to));
  const [last, first] = [low.pop() ?? 0, high.shift() ?? 0];
  if (last > first) throw new GlobProblem("a range ends before it starts, as bytes", true);
  return [...low.map(single), [last, first], ...high.map(single)];
}
