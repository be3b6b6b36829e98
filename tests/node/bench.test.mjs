// The parts of scripts/bench that measure nothing: picking patterns, comparing answers, the table, the chart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { bars, chart } from "../../benches/compare/chart.mjs";
import { fittingGlob, Identifiers, pickPatterns, spread } from "../../benches/compare/patterns.mjs";
import { problemLines, resultsTable } from "../../benches/compare/report.mjs";
import { IDS, ROWS } from "../../benches/compare/rows.mjs";
import { cut, differences, patternsOf, SEARCHES } from "../../benches/compare/searches.mjs";

/** A thousand texts; each name stands in every so many of them. */
const every = { twentiethOne: 20, twentiethTwo: 20, mixedCase: 67, called: 50, word: 100, keyword: 25 };
const texts = Array.from({ length: 1000 }, (_, number) => {
  const names = Object.entries(every).filter(([, period], offset) => (number + 7 * offset) % period === 0);
  const fifths = Array.from({ length: 5 }, (_, at) => `alternative${at}`).filter((_, at) => (number + at) % 250 === 0);
  return [...names.map(([name]) => `${name}(12345a)`), ...fifths, number % 3 > 0 ? "function" : "", `single${number}`].join("\n");
});

/** What ripgrep would count, for the arguments that patterns have. */
function countIn(texts) {
  return (args) => {
    const pattern = args.at(-1);
    const source = args.includes("-w") ? `\\b${pattern}\\b` : pattern;
    const regex = new RegExp(source, args.includes("-i") ? "i" : "");
    return texts.filter((text) => regex.test(text)).length;
  };
}

const pick = (texts) => pickPatterns(patternsOf(SEARCHES), new Identifiers(texts), texts.length, countIn(texts));

test("each row gets a pattern that is in as many files as it wants, the same one every time", async () => {
  const count = countIn(texts);
  const picked = await pick(texts);
  assert.deepEqual([...picked.keys()], patternsOf(SEARCHES));
  const files = Object.fromEntries([...picked].map(([row, { args }]) => [row, count(args)]));
  assert.equal(files["no-match"], 0);
  assert.ok(files.rare >= 1 && files.rare <= 15);
  for (const row of ["insensitive", "alternation", "regex"]) assert.ok(files[row] >= 3 && files[row] <= 30, row);
  assert.equal(picked.get("alternation").pattern.split("|").length, 5);
  assert.equal(picked.get("insensitive").pattern, "mixedcase");
  assert.equal(picked.get("word").pattern, "word");
  assert.deepEqual([files.word, count(["-F", "-e", "word"])], [10, 50]);
  assert.equal(picked.get("common").pattern, "function");
  assert.deepEqual(await pick(texts), picked);
});

test("a tree that lacks what a row wants has no such row", async () => {
  const picked = await pick(["function firstly() {}", "function secondly() {}"]);
  assert.deepEqual([...picked.keys()], ["no-match", "rare", "common"]);
});

test("spreading takes the first of equal parts", () => {
  assert.deepEqual(spread([0, 1, 2, 3, 4, 5], 3), [0, 2, 4]);
  assert.deepEqual(spread([0, 1], 3), [0, 1]);
});

test("the glob is for an extension that editors list, or the most frequent one", () => {
  const many = (extension, count) => Array.from({ length: count }, (_, number) => `a/${number}.${extension}`);
  assert.equal(fittingGlob([...many("md", 50), ...many("tsx", 9), ...many("ts", 10)]), "**/*.ts");
  assert.equal(fittingGlob([...many("md", 50), ...many("tsx", 9), ".rs"]), "**/*.md");
});

test("a limit keeps the first matches by the bytes of the paths", () => {
  const perFile = new Map([["a/b", 3], ["a-b", 2], ["é", 1], ["z", 1]]);
  assert.deepEqual([...cut(perFile, 4)], [["a-b", 2], ["a/b", 2]]);
  assert.deepEqual([...cut(perFile, 5)], [["a-b", 2], ["a/b", 3]]);
  assert.deepEqual([...cut(perFile, Infinity).keys()], ["a-b", "a/b", "z", "é"]);
});

test("differences are told by file, those of only one side, too", () => {
  assert.deepEqual(differences(new Map([["a", 1]]), new Map([["a", 1]])), []);
  const ours = new Map([["a", 1], ["b", 2], ["c", 1], ["d", 1], ["e", 1]]);
  assert.deepEqual(differences(ours, new Map([["a", 1], ["b", 1], ["f", 4]])), [
    "b: 2 by the sidecar, 1 by rg",
    "c: 1 by the sidecar, 0 by rg",
    "d: 1 by the sidecar, 0 by rg",
    "and 2 more files",
  ]);
});

const results = new Map([
  ["alternation", { ours: 10, peer: 150, faster: 15, slower: 1 / 15, name: "rg --json", asked: "a|b", found: { files: 2, matches: 1234 } }],
  ["full-index", { ours: 12_500, peer: 1000, faster: 0.08, slower: 12.5, name: "b3sum", problems: ["one is missing"] }],
  ["index-bytes", { ours: 5e6, peer: 100e6, name: "the texts" }],
  ["read", { problems: ["no such file"] }],
]);

test("the table tells which target a row reaches, and what failed", () => {
  const lines = resultsTable(ROWS, results).split("\n").slice(2);
  assert.deepEqual(lines, [
    "| alternation of five `a\\|b` | 1,234 in 2 files | 10.0 ms | 150 ms (rg --json) | 15 × | ≥ 10 × | ≥ 20 × | required |",
    "| `readFiles` of 1,000 files |  | – | – | **failed** | – | – | – |",
    "| full index, from a cold start |  | 12.5 s | 1000 ms (b3sum) | 12.5 × | ≤ 6 × | ≤ 4 × | **missed** |",
    "| bytes of the index / of the texts |  | 5.0 MB | 100.0 MB (the texts) | 5 % | ≤ 15 % | ≤ 10 % | goal |",
  ]);
  const [, , bare] = resultsTable(ROWS, results, { targets: false }).split("\n");
  assert.equal(bare, lines[0].split(" | ").slice(0, 5).join(" | ") + " |");
  assert.deepEqual(problemLines(ROWS, results), [
    "`readFiles` of 1,000 files: no such file",
    "full index, from a cold start: one is missing",
  ]);
});

test("the chart has a bar for each row of times, on one logarithmic scale, where longer is better", () => {
  const drawn = bars(ROWS, results);
  assert.deepEqual(drawn, [
    { label: "alternation of five", peer: "rg --json", value: 15 },
    { label: "full index, from a cold start", peer: "b3sum", value: 1 / 12.5 },
  ]);
  const svg = chart("<&>", [...drawn, { label: "a hundred", peer: "one", value: 100 }]);
  assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" /);
  assert.ok(svg.includes(">&lt;&amp;&gt;</text>") && !svg.includes("<&>"));
  const rects = [...svg.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)];
  const [ahead, behind, hundred] = rects.map(([, how, x, width]) => ({ how, from: Number(x), width: Number(width) }));
  assert.deepEqual([ahead.how, behind.how], ["ahead", "behind"]);
  assert.equal(ahead.from, hundred.from);
  assert.ok(Math.abs(behind.from + behind.width - ahead.from) < 0.2, "bars start at 1");
  assert.ok(Math.abs(ahead.width / hundred.width - Math.log10(15) / 2) < 0.01, "bars are logarithmic");
});

test("rows have names of their own", () => assert.equal(new Set(IDS).size, ROWS.length));
