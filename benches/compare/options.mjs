// The command line of the benchmark.

import { statSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { base } from "./corpus.mjs";
import { IDS, isSmall } from "./rows.mjs";

function inLines(words, width) {
  const lines = [""];
  for (const word of words) {
    if (lines.at(-1).length + word.length < width) lines.push(`${lines.pop()} ${word}`.trimStart());
    else lines.push(word);
  }
  return lines;
}

export const USAGE = `usage: scripts/bench [DIR] [OPTIONS]

DIR          the tree to search [a corpus of public packages, made at the first run in ${base}
             (or where BENCH_CORPUS says) and kept there; it has a small tree, too, and targets for each row]
--runs N     how often each side of a row is measured [15]
--only LIST  rows, or what their names begin with [all]:
${inLines(IDS, 100).map((line) => `             ${line}`).join("\n")}
--svg FILE   where to draw the chart [benches/results.svg, if all rows of the corpus are measured]
--clean      remove the corpus and the tools beside it

SIDECAR names the binary to measure; without it, the release build is made and measured. What is not installed is left
out, but for b3sum, which is installed beside the corpus. The exit status is 1 if an answer differed from ripgrep's.`;

const DEFAULT_SVG = fileURLToPath(new URL("../results.svg", import.meta.url));

/** The options, checked; what is wrong with them is thrown. */
export function options() {
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
  if (directory && !statSync(directory).isDirectory()) throw new Error(`${directory} is no directory`);
  const svg = values.svg ?? (directory || values.only ? undefined : DEFAULT_SVG);
  const wanted = new Set(IDS.filter((id) => parts.some((part) => id.startsWith(part)) && !(directory && isSmall(id))));
  return { directory, runs, wanted, svg, clean: values.clean };
}
