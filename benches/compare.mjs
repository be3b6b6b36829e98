// The sidecar and what programs use today, in turn, on one tree: a report in Markdown on stdout. See USAGE, scripts/bench.

import { availableParallelism, cpus, loadavg, release, type } from "node:os";
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { base, clean, corpus } from "./compare/corpus.mjs";
import { bars, chart } from "./compare/chart.mjs";
import { globRow, GLOBS, readRow } from "./compare/files.mjs";
import { MEMORY, memoryRows } from "./compare/memory.mjs";
import { pickPatterns } from "./compare/patterns.mjs";
import { b3sumProgram, versions } from "./compare/peers.mjs";
import { problemLines, resultsTable, treeLine } from "./compare/report.mjs";
import { IDS, ROWS } from "./compare/rows.mjs";
import { patternsOf, searchOf, searchRow, SEARCHES, SMALL_SEARCHES } from "./compare/searches.mjs";
import { fullIndexRow, restartRow, whileIndexingRow } from "./compare/starts.mjs";
import { identifiers, survey } from "./compare/survey.mjs";
import { paths } from "./ripgrep.mjs";
import { Sidecar } from "./sidecar.mjs";

const USAGE = `usage: scripts/bench [DIR] [OPTIONS]

DIR          the tree to search [a corpus of public packages, made at the first run in ${base}
             (or where BENCH_CORPUS says) and kept there; in it the rows of the small tree are measured, too]
--runs N     how often each side of a row is measured [15]
--only LIST  rows, or what their names begin with [all]: ${IDS.join(" ")}
--svg FILE   where to draw the chart [benches/results.svg, if all rows of the corpus are measured]
--clean      remove the corpus and the tools beside it

SIDECAR names the binary to measure; without it, the release build is made and measured. What is not installed is left
out, but for b3sum, which is installed beside the corpus. The exit status is 1 if an answer differed from ripgrep's.`;

const DEFAULT_SVG = fileURLToPath(new URL("results.svg", import.meta.url));

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      runs: { type: "string", default: "15" },
      only: { type: "string" },
      svg: { type: "string" },
      clean: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const parts = values.only?.split(/[\s,]+/) ?? [""];
  const unknown = parts.find((part) => !IDS.some((id) => id.startsWith(part)));
  if (unknown !== undefined) throw new Error(`no row begins with ${unknown}`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || positionals.length > 1) throw new Error("wrong arguments");
  const directory = positionals[0] && resolve(positionals[0]);
  const svg = values.svg ?? (directory || values.only ? undefined : DEFAULT_SVG);
  const wanted = new Set(IDS.filter((id) => parts.some((part) => id.startsWith(part))));
  return { directory, runs, wanted, svg, clean: values.clean };
}

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

/** Measures one row if it is wanted. What fails is told, and the other rows are measured. */
async function row(id, measure) {
  if (!wanted.has(id)) return;
  say(id);
  try {
    results.set(id, await measure());
  } catch (error) {
    results.set(id, { problems: [error.message] });
  }
  for (const problem of results.get(id).problems ?? []) console.error(`!!! ${id}: ${problem}`);
}

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

async function large(found, b3sum) {
  const needed = (name) => wanted.has("growth") || wanted.has(name) || (name === "rare" && wanted.has("while-indexing"));
  const patterns = await picked(found, SEARCHES.filter(needed));
  if (MEMORY.some((id) => wanted.has(id))) {
    say("memory");
    const rows = await memoryRows(binary, found, patterns, wanted.has("growth"));
    for (const [id, result] of rows) if (wanted.has(id)) results.set(id, result);
  }
  await row("full-index", () => fullIndexRow(binary, found, b3sum, threads, runs));
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
const b3sum = wanted.has("full-index") ? b3sumProgram(say) : undefined;
const lines = [];
const surveyed = async (name, tree) => {
  say(`reading ${tree}`);
  const found = await survey(tree);
  lines.push(treeLine(name, found));
  return found;
};
const isSmall = (id) => id.startsWith("small-");
if ([...wanted].some((id) => !isSmall(id))) await large(await surveyed(directory ? "The tree" : "The corpus (benches/corpus)", trees.large), b3sum);
if (trees.small && [...wanted].some(isSmall)) await small(await surveyed("The small tree, a part of it", trees.small));

const missing = ROWS.filter(({ id }) => wanted.has(id) && !results.has(id)).map(({ id }) => id);
const problems = problemLines(ROWS, results);
const title = "# The sidecar and others";
console.log(
  [
    title,
    "",
    `${threads} threads of ${cpus()[0]?.model.trim()}; ${type()} ${release()}, Node ${process.versions.node}; ${versions(b3sum).join(", ")}.`,
    ...lines,
    `Medians of ${runs} runs, in turn with the peer; ratios are medians of the ratios of pairs. The page cache is warm; the`,
    "sidecar's answers are synced, its times go from the request line to the parsed response.",
    `Load average ${load.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after.`,
    "",
    resultsTable(ROWS, results),
    ...(missing.length > 0 ? ["", `Not measured, as something is not there (a pattern that fits, a program, /proc, a tree): ${missing.join(", ")}.`] : []),
    ...(problems.length > 0 ? ["", "## **Answers differed, or failed**", "", ...problems.map((problem) => `- ${problem}`)] : []),
  ].join("\n"),
);
if (svg) {
  writeFileSync(svg, chart("Times as fast as the programs used today", bars(ROWS, results)));
  say(`the chart is in ${svg}`);
}
process.exitCode = problems.length > 0 ? 1 : 0;
