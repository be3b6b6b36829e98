// The sidecar and what programs use today, in turn, on one tree: a report in Markdown on stdout. See scripts/bench.

import { availableParallelism, cpus, loadavg, release, type } from "node:os";
import { writeFileSync } from "node:fs";
import { clean, corpus } from "./compare/corpus.mjs";
import { bars, chart } from "./compare/chart.mjs";
import { globRow, GLOBS, readRow } from "./compare/files.mjs";
import { MEMORY, memoryRows } from "./compare/memory.mjs";
import { options, USAGE } from "./compare/options.mjs";
import { pickPatterns } from "./compare/patterns.mjs";
import { b3sumProgram, versions } from "./compare/peers.mjs";
import { problemLines, resultsTable, treeLine } from "./compare/report.mjs";
import { isSmall, ROWS } from "./compare/rows.mjs";
import { patternsOf, searchOf, searchRow, SEARCHES, SMALL_SEARCHES } from "./compare/searches.mjs";
import { fullIndexRow, restartRow, whileIndexingRow } from "./compare/starts.mjs";
import { identifiers, survey } from "./compare/survey.mjs";
import { paths } from "./ripgrep.mjs";
import { Sidecar } from "./sidecar.mjs";

let asked;
try {
  asked = options();
} catch (error) {
  console.error(`${error.message}\n\n${USAGE}`);
  process.exit(2);
}
if (asked.clean) {
  clean();
  process.exit(0);
}

const { directory, runs, wanted, svg } = asked;
const binary = process.env.SIDECAR;
if (!binary) {
  console.error("SIDECAR is not set: scripts/bench sets it");
  process.exit(2);
}
const threads = availableParallelism();
const say = (what) => console.error(`… ${what}`);
const results = new Map();

/**
 * Measures rows together, as far as they are wanted: `measure` gives their results by id. What fails is told, and the
 * other rows are measured.
 */
async function rows(ids, measure) {
  const asked = ids.filter((id) => wanted.has(id));
  if (asked.length === 0) return;
  say(asked.join(", "));
  let measured;
  try {
    measured = await measure();
  } catch (error) {
    measured = new Map(asked.map((id) => [id, { problems: [error.message] }]));
  }
  for (const id of asked) {
    const result = measured.get(id);
    if (result) results.set(id, result);
    for (const problem of result?.problems ?? []) console.error(`!!! ${id}: ${problem}`);
  }
}

const row = (id, measure) => rows([id], async () => new Map([[id, await measure()]]));

async function picked(found, searches) {
  if (searches.length === 0) return new Map();
  say(`picking patterns in ${found.tree}`);
  const countFiles = async (args) => (await paths(found.tree, ["-l", ...args])).length;
  return pickPatterns(patternsOf(searches), identifiers(found), found.files.length, countFiles);
}

/** The rows of searches in a tree; `prefix` tells those of the small one. */
async function searchRows(sidecar, tree, searches, patterns, prefix = "") {
  for (const name of searches) {
    const search = searchOf(name, patterns);
    if (search) await row(prefix + name, () => searchRow(sidecar, tree, search, runs));
  }
}

/** What a tree is asked once its index is there. */
async function ready(found, measure) {
  const sidecar = new Sidecar(binary, found.tree);
  try {
    await sidecar.event("indexed");
    await measure(sidecar);
  } finally {
    await sidecar.end();
  }
}

let b3sum;

async function large(found) {
  const needed = (name) => wanted.has("growth") || wanted.has(name) || (name === "rare" && wanted.has("while-indexing"));
  const patterns = await picked(found, SEARCHES.filter(needed));
  await rows(MEMORY, () => memoryRows(binary, found, patterns, wanted.has("growth")));
  await row("full-index", () => {
    b3sum = b3sumProgram(say);
    return fullIndexRow(binary, found, b3sum, threads, runs);
  });
  await row("restart", () => restartRow(binary, found, runs));
  const rare = searchOf("rare", patterns);
  if (rare) await row("while-indexing", () => whileIndexingRow(binary, found.tree, rare, runs));
  await ready(found, async (sidecar) => {
    await searchRows(sidecar, found.tree, SEARCHES, patterns);
    for (const id of GLOBS) await row(id, () => globRow(sidecar, found, id, runs));
    await row("read", () => readRow(sidecar, found, runs));
  });
}

async function small(found) {
  const patterns = await picked(found, SMALL_SEARCHES);
  await ready(found, (sidecar) => searchRows(sidecar, found.tree, SMALL_SEARCHES, patterns, "small-"));
}

const trees = directory ? { large: directory } : await corpus(say);
const [load] = loadavg();
const lines = [];
const surveyed = async (name, tree) => {
  say(`reading ${tree}`);
  const found = await survey(tree);
  lines.push(treeLine(name, found));
  return found;
};
const rowsOf = { large: [...wanted].filter((id) => !isSmall(id)), small: [...wanted].filter(isSmall) };
if (rowsOf.large.length > 0) await large(await surveyed(directory ? "The tree" : "The corpus (benches/corpus)", trees.large));
if (rowsOf.small.length > 0) await small(await surveyed("The small tree, a part of it", trees.small));

const missing = ROWS.filter(({ id }) => wanted.has(id) && !results.has(id)).map(({ id }) => id);
const problems = problemLines(ROWS, results);
const machine = `${threads} threads of ${cpus()[0]?.model.trim()}; ${type()} ${release()}, Node ${process.versions.node}`;
console.log(
  [
    "# The sidecar and others",
    "",
    `${machine}; ${versions(b3sum).join(", ")}.`,
    ...lines,
    `Medians of ${runs} runs, in turn with the peer; ratios are medians of the ratios of pairs. The page cache is warm; the`,
    "sidecar's answers are synced, its times go from the request line to the parsed response.",
    `Load average ${load.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after.`,
    "",
    resultsTable(ROWS, results, { targets: !directory }),
    ...(missing.length > 0 ? ["", `Not measured, as no pattern fits or no such program is installed: ${missing.join(", ")}.`] : []),
    ...(problems.length > 0 ? ["", "## **Answers differed, or failed**", "", ...problems.map((problem) => `- ${problem}`)] : []),
  ].join("\n"),
);
if (svg) {
  writeFileSync(svg, chart("Times as fast as the programs used today", bars(ROWS, results)));
  say(`the chart is in ${svg}`);
}
process.exitCode = problems.length > 0 ? 1 : 0;
