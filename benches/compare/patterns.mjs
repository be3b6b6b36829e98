// Picking what to search for from the texts of any tree, the same every time.
//
// 1. `sample` takes every n-th text file in path order; `Identifiers` knows in how many of these each identifier is.
//    That share is a guess at its share of all files.
// 2. Each row of `WANTED` says which share it wants, and makes patterns of the identifiers whose guess is nearest to it
//    (equals are scattered, so that neighbours do not come from one file).
// 3. ripgrep counts the files of one pattern after the other. The first that fits is the row's; where none of the first
//    `TRIES` fits, the tree has no such row.

import { random } from "../random.mjs";

const SAMPLE = 1000;
/** Beginnings are enough: the sample guesses, ripgrep counts. */
export const SAMPLE_BYTES = 64 * 1024;
const TRIES = 40;

/** Extensions that editors list, the most fitting first; the tree's most frequent one if it has few of these. */
const EXTENSIONS = ["tsx", "ts", "jsx", "js"];
const ENOUGH = 10;

/** At most `count` items, evenly spread. */
export function spread(items, count) {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, number) => items[Math.floor((number * items.length) / count)]);
}

export const sample = (paths) => spread(paths, SAMPLE);

/** A pattern, as the sidecar and as ripgrep are asked for it. */
const literal = (text) => ({ pattern: text, params: { pattern: text }, args: ["-F", "-e", text] });
const insensitive = (text) => ({
  pattern: text.toLowerCase(),
  params: { pattern: text.toLowerCase(), caseSensitive: false },
  args: ["-F", "-i", "-e", text.toLowerCase()],
});
const word = (text) => ({ pattern: text, params: { pattern: text, wholeWord: true }, args: ["-F", "-w", "-e", text] });
const regex = (pattern) => ({ pattern, params: { pattern, regex: true }, args: ["-e", pattern] });

function shuffled(items) {
  const next = random(1);
  return items.map((item) => ({ item, at: next() })).sort((a, b) => a.at - b.at).map(({ item }) => item);
}

/** In how many texts of a sample each identifier is. */
export class Identifiers {
  #counts = new Map();
  #names;
  #texts = [];

  constructor(texts) {
    for (const text of texts) {
      const own = [...new Set(text.match(/(?<!\w)[A-Za-z]\w{3,31}(?!\w)/g))];
      this.#texts.push(own.join(" "));
      for (const name of own) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    }
    this.#names = shuffled([...this.#counts.keys()]);
  }

  /** Those of at least `letters` letters that `choose` admits, by how near their share is to `share`. */
  near(share, { letters = 6, choose = () => true, shareOf = (name) => this.#share(this.#counts.get(name)) } = {}) {
    const far = (name) => Math.abs(Math.log(shareOf(name) / share));
    return this.#names
      .filter((name) => name.length >= letters && choose(name))
      .map((name) => ({ name, distance: far(name) }))
      .sort((a, b) => a.distance - b.distance)
      .map(({ name }) => name);
  }

  /** Words of about the share `asWord` whose letters are in about the share `asLetters`, inside other words too. */
  inside(asWord, asLetters) {
    const words = new Set(this.near(asWord, { letters: 4 }).slice(0, 1000));
    const shares = new Map();
    for (const name of words) shares.set(name, this.#share(this.#texts.filter((text) => text.includes(name)).length));
    return this.near(asLetters, { letters: 4, choose: (name) => words.has(name), shareOf: (name) => shares.get(name) });
  }

  #share(count) {
    return count / this.#texts.length;
  }
}

const mixedCase = (name) => /[a-z]/.test(name) && /.[A-Z]/.test(name);
const joined = (names) => names.slice(1).map((name, at) => names[at] + name[0].toUpperCase() + name.slice(1));
const groups = (names, size) => Array.from({ length: Math.floor(names.length / size) }, (_, at) => names.slice(at * size, (at + 1) * size));
const between = (least, most) => (share) => share >= least && share <= most;

/** What each row wants: the patterns to try, and whether one that is in `count` files, a `share` of all, will do. */
const WANTED = {
  // Two real identifiers, so that nearly all of its letters do occur side by side.
  "no-match": { patterns: (names) => joined(names.near(0.05)).map(literal), fits: (_, count) => count === 0 },
  rare: { patterns: (names) => names.near(Number.EPSILON, { letters: 8 }).map(literal), fits: (_, count) => count >= 1 && count <= 15 },
  insensitive: { patterns: (names) => names.near(0.015, { choose: mixedCase }).map(insensitive), fits: between(0.003, 0.03) },
  alternation: {
    patterns: (names) => groups(names.near(0.004, { letters: 8 }), 5).map((five) => regex(five.join("|"))),
    fits: between(0.003, 0.03),
  },
  regex: { patterns: (names) => names.near(0.02).map((name) => regex(`${name}\\w*\\s*[(:=]`)), fits: between(0.003, 0.03) },
  word: {
    patterns: (names) => names.inside(0.01, 0.05).map(word),
    fits: between(0.005, 0.015),
    letters: between(0.03, 0.08),
  },
  common: { patterns: (names) => names.near(0.6).map(literal), fits: (share) => share > 0.5 },
  "no-literal": {
    patterns: () => ["[0-9]{5}[a-f]", "[A-Z][a-z]{2}[0-9]", "[a-z]{3}[0-9]", "\\w{12}"].map(regex),
    fits: (_, count) => count > 0,
  },
};

/**
 * The pattern of each row of `rows` that the tree has. `countFiles` tells in how many of the tree's `total` files ripgrep,
 * called with such arguments, finds something.
 */
export async function pickPatterns(rows, names, total, countFiles) {
  const picked = new Map();
  for (const row of rows) {
    const { patterns, fits, letters } = WANTED[row];
    for (const candidate of patterns(names).slice(0, TRIES)) {
      const count = await countFiles(candidate.args);
      if (!fits(count / total, count)) continue;
      if (letters && !letters((await countFiles(literal(candidate.pattern).args)) / total)) continue;
      picked.set(row, candidate);
      break;
    }
  }
  return picked;
}

/** The glob of the rows, for the extension that a tree is best asked for. */
export function fittingGlob(paths) {
  const counts = new Map();
  for (const path of paths) {
    const extension = /[^/]\.(\w+)$/.exec(path)?.[1];
    if (extension) counts.set(extension, (counts.get(extension) ?? 0) + 1);
  }
  const fitting = EXTENSIONS.find((extension) => counts.get(extension) >= ENOUGH);
  const [[frequent] = ["txt"]] = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return `**/*.${fitting ?? frequent}`;
}
