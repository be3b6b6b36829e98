// Ratios between the sidecar and its peers on one tree, alternating within one run.
// usage: node benches/compare.mjs SIDECAR TREE [RUNS]   (see scripts/bench)

import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { median, ms, timed } from "./figures.mjs";
import { ripgrep } from "./ripgrep.mjs";
import { Sidecar } from "./sidecar.mjs";

const [sidecarPath, tree, runs = "20"] = process.argv.slice(2);
if (!tree) {
  console.error("usage: node benches/compare.mjs SIDECAR TREE [RUNS]");
  process.exit(2);
}
const require = createRequire(new URL("../tests/node/package.json", import.meta.url));
const fastGlob = require("fast-glob");
const rows = [];

/** Alternates both sides, once each for warming up, then as often as asked for. */
async function compare(what, peer, ours, theirs, count = Number(runs)) {
  const times = [[], []];
  let [mine, other] = [];
  for (let run = 0; run <= count; run += 1) {
    let time;
    [time, other] = await timed(theirs);
    if (run > 0) times[1].push(time);
    [time, mine] = await timed(ours);
    if (run > 0) times[0].push(time);
  }
  const [a, b] = times.map(median);
  rows.push(`| ${what} | ${ms(a)} | ${ms(b)} (${peer}) | ${(b / a).toFixed(2)} × | ${mine ?? ""} | ${other ?? ""} |`);
}

const sidecar = new Sidecar(sidecarPath, tree);
const { files, bytes } = await sidecar.event("indexed");

const queries = [
  ["no match", { pattern: "zq9XvKw_no_such_thing" }, ["-F", "zq9XvKw_no_such_thing"]],
  ["a literal", { pattern: "useState" }, ["-F", "useState"]],
  ["case-insensitive", { pattern: "usestate", caseSensitive: false }, ["-F", "-i", "usestate"]],
  ["whole word", { pattern: "Provider", wholeWord: true }, ["-F", "-w", "Provider"]],
  ["a regex", { pattern: "use[A-Z]\\w+\\(", regex: true }, ["-e", "use[A-Z]\\w+\\("]],
  ["a regex without literals", { pattern: "[0-9]{5}[a-f]", regex: true }, ["-e", "[0-9]{5}[a-f]"]],
];
const told = ({ files, matches }) => `${matches} in ${files}`;
for (const [what, params, args] of queries) {
  await compare(
    `search: ${what}`,
    "rg --json",
    async () => {
      const found = await sidecar.request("search", { ...params, maxMatches: 2 ** 40 });
      if (found.limitHit || !found.synced) throw new Error("the answer is cut or not synced");
      return told({ files: found.fileCount, matches: found.matchCount });
    },
    async () => told(await ripgrep(tree, args)),
  );
}
await compare(
  "glob `**/*.tsx`",
  "fast-glob",
  async () => (await sidecar.request("glob", { include: ["**/*.tsx"] })).files.length,
  async () => (await fastGlob("**/*.tsx", { cwd: tree, dot: true, ignore: ["**/.git/**"], followSymbolicLinks: false })).length,
);
await sidecar.end();

const threads = availableParallelism();
if (spawnSync("b3sum", ["--version"]).status === 0) {
  await compare(
    "first index",
    "b3sum",
    async () => {
      const own = new Sidecar(sidecarPath, tree, "--threads", String(threads));
      const { files } = await own.event("indexed");
      own.end();
      return files;
    },
    async () => {
      const script = `find . -name .git -prune -o -type f -print0 | xargs -0 b3sum --num-threads ${threads}`;
      spawnSync("sh", ["-c", script], { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
    },
    Math.min(Number(runs), 7),
  );
}

console.log(`${files} files, ${(bytes / 1e6).toFixed(0)} MB; ${threads} threads of ${cpus()[0]?.model.trim()}; medians of ${runs} runs.`);
console.log("Synced answers, from the request line to the parsed response.\n");
console.log("| what | sidecar | peer | faster by | found | peer found |");
console.log("| --- | --- | --- | --- | --- | --- |");
console.log(rows.join("\n"));
