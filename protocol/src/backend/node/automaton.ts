// Matching globs against paths in time linear in the path, whatever the glob: a regular expression would backtrack, and
// ignore files come with the workspace.

import type { Token } from "./glob-syntax.js";

/** A state of the nondeterministic automaton: what leads on from it. `to` of `byte` states is where one byte leads. */
type State = { kind: "split"; to: number[] } | { kind: "byte"; accepts: Uint8Array; to: number } | { kind: "match" };

/** A state of the deterministic one: a set of states, made when it is first entered. */
interface Known {
  states: number[];
  matches: boolean;
  /** By byte; -1 where it is not known yet. */
  next: Int32Array;
}

/** So many states are kept; then they are made anew. */
const MAX_KNOWN = 512;

const SLASH = 47;

/** Matches whole paths against any of some globs. */
export class Automaton {
  readonly #states: State[] = [];
  readonly #foldsCase: boolean;
  readonly #start: number;
  #known: Known[] = [];
  /** The number of the state in which a path begins; -1 where it is not known. */
  #first = -1;
  #numbers = new Map<string, number>();

  constructor(globs: Token[][], caseSensitive = true) {
    this.#foldsCase = !caseSensitive;
    const match = this.#add({ kind: "match" });
    this.#start = this.#add({ kind: "split", to: globs.map((tokens) => this.#whole(tokens, match)) });
  }

  /** Whether the bytes of `path` from `from` on match. */
  matches(path: Uint8Array, from = 0): boolean {
    if (this.#first < 0) this.#first = this.#number([this.#start]);
    let current = this.#first;
    for (let at = from; at < path.length; at++) {
      const known = this.#known[current];
      const byte = path[at];
      if (known === undefined || byte === undefined) return false;
      let next = known.next[byte] ?? -1;
      if (next < 0) {
        next = this.#number(this.#step(known.states, byte));
        // Making it may have dropped all others.
        if (this.#known[current] === known) known.next[byte] = next;
      }
      current = next;
    }
    return this.#known[current]?.matches ?? false;
  }

  #add(state: State): number {
    return this.#states.push(state) - 1;
  }

  #whole(tokens: Token[], then: number): number {
    if (tokens.length === 1 && tokens[0]?.kind === "prefix") return this.#repeat(ANY, then);
    return this.#sequence(tokens, then);
  }

  /** The state from which `tokens` lead to `then`. */
  #sequence(tokens: Token[], then: number): number {
    return tokens.reduceRight((next, token) => this.#token(token, next), then);
  }

  #token(token: Token, then: number): number {
    switch (token.kind) {
      case "bytes":
        return token.bytes.reduceRight((next, byte) => this.#byte(this.#class([[byte, byte]], false), next), then);
      case "any":
        return this.#byte(NO_SLASH, then);
      case "star":
        return this.#repeat(NO_SLASH, then);
      case "prefix": {
        const slash = this.#byte(ONLY_SLASH, then);
        return this.#add({ kind: "split", to: [then, slash, this.#repeat(ANY, slash)] });
      }
      case "suffix":
        return this.#byte(ONLY_SLASH, this.#repeat(ANY, then));
      case "between": {
        const slash = this.#byte(ONLY_SLASH, then);
        const deeper = this.#byte(ONLY_SLASH, this.#repeat(ANY, slash));
        return this.#add({ kind: "split", to: [slash, deeper] });
      }
      case "class":
        return this.#byte(this.#class(token.ranges, token.negated), then);
      case "alternates":
        return this.#add({ kind: "split", to: token.branches.map((branch) => this.#sequence(branch, then)) });
    }
  }

  #byte(accepts: Uint8Array, to: number): number {
    return this.#add({ kind: "byte", accepts, to });
  }

  #repeat(accepts: Uint8Array, then: number): number {
    const loop: { kind: "split"; to: number[] } = { kind: "split", to: [then] };
    const at = this.#add(loop);
    loop.to.push(this.#byte(accepts, at));
    return at;
  }

  #class(ranges: [from: number, to: number][], negated: boolean): Uint8Array {
    const accepts = new Uint8Array(256);
    for (const [from, to] of ranges) accepts.fill(1, from, to + 1);
    if (this.#foldsCase) {
      for (let small = 97; small <= 122; small++) {
        if (accepts[small] || accepts[small - 32]) accepts[small] = accepts[small - 32] = 1;
      }
    }
    return negated ? accepts.map((accepted) => 1 - accepted) : accepts;
  }

  #step(states: number[], byte: number): number[] {
    return states.flatMap((number) => {
      const state = this.#states[number];
      return state?.kind === "byte" && state.accepts[byte] ? [state.to] : [];
    });
  }

  /** The number of the set of all that is reached from `states` without a byte. */
  #number(states: number[]): number {
    const reached = new Set<number>();
    const open = [...states];
    for (let number = open.pop(); number !== undefined; number = open.pop()) {
      if (reached.has(number)) continue;
      reached.add(number);
      const state = this.#states[number];
      if (state?.kind === "split") open.push(...state.to);
    }
    const kept = [...reached].filter((number) => this.#states[number]?.kind !== "split").sort((a, b) => a - b);
    const name = kept.join();
    const existing = this.#numbers.get(name);
    if (existing !== undefined) return existing;
    if (this.#known.length >= MAX_KNOWN) {
      this.#known = [];
      this.#first = -1;
      this.#numbers = new Map();
    }
    const matches = kept.some((number) => this.#states[number]?.kind === "match");
    const number = this.#known.push({ states: kept, matches, next: new Int32Array(256).fill(-1) }) - 1;
    this.#numbers.set(name, number);
    return number;
  }
}

const ANY = new Uint8Array(256).fill(1);
const NO_SLASH = ANY.map((accepted, byte) => (byte === SLASH ? 0 : accepted));
const ONLY_SLASH = ANY.map((accepted, byte) => (byte === SLASH ? accepted : 0));
