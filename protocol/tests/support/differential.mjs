// Asks two backends the same, and compares what they say.

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";

import { random } from "./random.mjs";

const GLOBS = [
  "**", "*", "*.ts", "*.tsx", "**/*.ts", "src/**", "src/*", "src/", "/a.ts", "./a.ts", "**/a/**", "a/**/b.ts",
  "*.{ts,tsx}", "a{,.b}", "[a-c]*", "[!a]*", "[!a].ts", "?.ts", "??.ts", "é*", "{a,b}.ts", "\\*", "\\[a\\].ts", ".*",
  "**/.*", "foo", "**/foo/**", "dist", "*/*", "*a*a*", "𠮷/**", "**foo", "{src,lib}/**/*.{ts,js}", "a.b/",
  "{**/a,b}.ts", "{a/**,b}", "**/**/b.ts", "src/**/", "[é-ü]*", "*.TS", "😀.ts", "a,b", "{b}", "\\{b\\}/**", "x ",
  "[]x]*", "[x-]*", "{}", "a{}", "[[]x]/**",
];
const BAD_GLOBS = ["", "[", "a[z-a]", "{a", "a}", "a\0", "\\", "[a", "{".repeat(17) + "}".repeat(17), "x".repeat(5000)];
const LITERALS = [
  "foo", "Foo", "useState", "kelvin", "snow", "é", "e\u0301", "😀", "strasse", "straße", "x", "1,234", "a+b", "(x)",
  "$x", "foo.bar", ".", "foo_", "\u2028", "\f", "\r", "σίσυφος", "i\u0307", "İ", " ", "foo foo",
];
// Both engines read these alike.
const REGEXES = [
  "foo|bar", "fo+", "^foo", "foo$", "[a-z]+State", "(?:use)?[A-Z][a-z]+", "[0-9]+", "x{1,2}", "foo[ .-]bar",
  "kelvin|snow", "a\\+b", "(foo)(bar)?", "[^a-z \\n]oo", "\\u{1F600}?foo", "\\.", "\\r$",
];
const DOTTED = ["f.o", "^.", "foo.*", ".+$", "[^f]oo", "^[^ ]* "];
const BAD_PATTERNS = ["(", "[", "a{2,1}", "*", "x".repeat(17_000), "a\\nb"];
const PATHS = [
  "", "/", "a//b", "../x", "a/..", "./a", "a\\b", "C:/x", "nowhere", "nowhere/x", "a.ts/x", "x".repeat(300), "\0",
  "a\ud800",
];

/** Without what two answers may differ in. */
function comparable(outcome) {
  if (outcome.status === "rejected") {
    assert.equal(outcome.reason?.name, "SidecarError", String(outcome.reason?.stack));
    return { code: outcome.reason.code };
  }
  const { value } = outcome;
  if (value.stats) delete value.stats.elapsedMs;
  if (value.entries) {
    return value.entries.map((entry) => ("error" in entry ? { path: entry.path, code: entry.error.code } : entry));
  }
  return value;
}

/** What is asked of a workspace. `illFormed`: it holds bytes that are no text, of which `.` means different things. */
export function* questions(seed, paths, { illFormed, count = 60 }) {
  const { pick, chance, some, below } = random(seed * 7919 + 1);
  const globs = () => (chance(0.5) ? some(GLOBS, 3) : undefined);
  yield ["glob", { include: [], fields: ["size", "mtimeMs", "kind"], directories: true }];
  for (const glob of GLOBS) yield ["glob", { include: [glob], directories: true }];
  for (const glob of GLOBS) yield ["glob", { include: [], exclude: [glob] }];
  for (const glob of BAD_GLOBS) yield ["glob", { include: ["a", glob] }];
  for (const pattern of BAD_PATTERNS) yield ["search", { pattern, regex: true }];
  for (const path of PATHS) yield ["readFile", path];
  yield ["stat", [...PATHS, ...paths]];
  yield ["readFile", "a.ts", { range: { start: 0, end: 1, length: 1 } }];
  for (const path of paths) {
    yield ["readFile", path];
    yield ["readFile", path, { encoding: "base64" }];
    const start = below(6);
    yield ["readFile", path, { range: { start, end: start + below(20) }, maxBytes: 10 }];
  }
  for (let asked = 0; asked < count; asked++) {
    const after = chance(0.2) && paths.length > 0 ? pick(paths) : undefined;
    yield ["glob", {
      include: globs() ?? [], exclude: globs(), caseSensitive: chance(0.7), directories: chance(0.3),
      limit: chance(0.3) ? below(8) : undefined, after,
    }];
    const regex = chance(0.5);
    const pattern = pick(regex ? (illFormed ? REGEXES : [...REGEXES, ...DOTTED]) : LITERALS);
    yield ["search", {
      pattern, regex, caseSensitive: pick([true, false, "smart", undefined]), wholeWord: chance(0.3),
      include: globs(), exclude: globs(),
      maxMatches: chance(0.3) ? below(12) : undefined, maxMatchesPerFile: chance(0.2) ? below(4) : undefined,
      maxLineLength: chance(0.3) ? below(30) : undefined,
    }];
  }
}

/** The first place at which two values differ, and what they have there. */
function firstDifference(a, b, place) {
  const isNested = (value) => typeof value === "object" && value !== null;
  if (!isNested(a) || !isNested(b)) return [place, a, b];
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    if (!isDeepStrictEqual(a[key], b[key])) return firstDifference(a[key], b[key], `${place}/${key}`);
  }
  return [place, a, b];
}

const shown = (value) => (JSON.stringify(value) ?? "nothing").slice(0, 500);

/** Compares the answers to all questions; returns how many were asked of each kind. */
export async function compare(one, other, asked, name) {
  const counts = {};
  for (const [method, ...args] of asked) {
    const [want, got] = (await Promise.allSettled([one[method](...args), other[method](...args)])).map(comparable);
    if (!isDeepStrictEqual(got, want)) {
      // Answers may be long; what `assert` would print of them is longer.
      const [place, a, b] = firstDifference(got, want, "");
      const problem = `at ${place}, ${shown(a)} where ${shown(b)} was expected`;
      assert.fail(`${name}: ${method} ${JSON.stringify(args)}: ${problem}`);
    }
    counts[method] = (counts[method] ?? 0) + 1;
    if ("code" in want) counts.errors = (counts.errors ?? 0) + 1;
    counts.matches = (counts.matches ?? 0) + (want.matchCount ?? 0);
  }
  return counts;
}
