// How fresh answers are and what that costs: a report in Markdown on stdout. See USAGE below, and scripts/bench-freshness.

import { availableParallelism, cpus, loadavg, type } from "node:os";
import { parseArgs } from "node:util";
import { count, megabytes, seconds, sleep, table } from "./figures.mjs";
import { burstSection } from "./freshness/burst.mjs";
import { changedSection } from "./freshness/changed.mjs";
import { idleSection } from "./freshness/idle.mjs";
import { npmSection } from "./freshness/npm.mjs";
import { clean, Tree } from "./freshness/tree.mjs";
import { withUndo } from "./undo.mjs";
import { writeSection } from "./freshness/write.mjs";
import { Sidecar } from "./sidecar.mjs";

const USAGE = `usage: node benches/freshness.mjs SIDECAR [RUNS] [OPTIONS]
       node benches/freshness.mjs --clean

RUNS            writes in each row [200, in trees above 20,000 files 100]
--only LIST     of write,changed,idle,npm,burst [all]; idle and burst run on the largest tree
--files LIST    trees of so many files [5000,100000]; made in the system's directory for temporary files and kept there
--idle SECONDS  how long to look on while nothing is asked [60]
--watch MODE    the sidecar's own option
--clean         remove the trees`;

const SECTIONS = ["write", "changed", "idle", "npm", "burst"];

function options() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      only: { type: "string", default: SECTIONS.join() },
      files: { type: "string", default: "5000,100000" },
      idle: { type: "string", default: "60" },
      watch: { type: "string" },
      clean: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    process.exit(0);
  }
  const [binary, runs] = positionals;
  const only = values.only.split(",");
  const sizes = values.files.split(",").map(Number).sort((a, b) => a - b);
  const numbers = [...sizes, Number(values.idle), Number(runs ?? 1)];
  const known = only.every((name) => SECTIONS.includes(name)) && numbers.every((number) => number > 0) && positionals.length <= 2;
  if (!known || (!binary && !values.clean)) throw new Error("wrong arguments");
  return { binary, runs: runs && Number(runs), only, sizes, idleSeconds: Number(values.idle), watch: values.watch, clean: values.clean };
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

const { binary, only, idleSeconds } = asked;
const args = asked.watch ? ["--watch", asked.watch] : [];
const say = (what) => console.error(`… ${what}`);
const tell = (lines) => console.log(`${lines.join("\n")}\n`);

/** What an index holds and what it takes, once it is complete. */
async function indexed(sidecar, tree) {
  const { files, bytes, elapsedMs } = await sidecar.event("indexed");
  await sleep(1000);
  const { directories, watcher, memory } = await sidecar.request("status");
  const rows = [
    ["files, directories", `${count(files)}, ${count(directories)} (and ${count(tree.ignored)} ignored files)`],
    ["bytes", megabytes(bytes)],
    ["first index", seconds(elapsedMs)],
    ["memory: resident, index", `${megabytes(memory.rssBytes)}, ${megabytes(memory.indexBytes)}`],
    ["watcher", `${watcher.mode}, ${count(watcher.directories)} directories, ${count(watcher.events)} events`],
  ];
  return ["### The index", "", table(["what", "figure"], rows)];
}

async function onTree(tree, largest) {
  // What else the machine does tells how far the figures can be trusted.
  const [load] = loadavg();
  const sidecar = new Sidecar(binary, tree.root, ...args);
  const bench = { sidecar, tree, writes: asked.runs ?? (tree.files > 20_000 ? 100 : 200), idleSeconds, say };
  try {
    tell([`## ${count(tree.files)} files`]);
    tell(await indexed(sidecar, tree));
    if (only.includes("idle") && largest) tell(await idleSection(bench));
    if (only.includes("write")) tell(await writeSection(bench));
    if (only.includes("changed")) tell(await changedSection(bench));
    if (only.includes("burst") && largest) tell(await burstSection(bench));
    const { memory, watcher } = await sidecar.request("status");
    const troubles = `${count(watcher.overflows)} overflows, ${count(watcher.rescans)} rescans, last error: ${watcher.lastError ?? "none"}`;
    const loads = `load average ${load.toFixed(1)} before, ${loadavg()[0].toFixed(1)} after`;
    tell([`At the end: ${megabytes(memory.rssBytes)} resident; ${troubles}; ${loads}.`]);
  } finally {
    await sidecar.end();
  }
}

tell([
  "# Freshness",
  "",
  `${availableParallelism()} threads of ${cpus()[0]?.model.trim()}; ${type()}, Node ${process.versions.node}.`,
]);
const onTrees = only.some((name) => name !== "npm");
for (const size of onTrees ? asked.sizes : []) {
  const tree = new Tree(size);
  say(`the tree of ${size} files`);
  if (tree.make()) say("made");
  await withUndo(
    () => tree.restore(),
    () => onTree(tree, size === asked.sizes.at(-1)),
  );
}
if (only.includes("npm")) tell(await npmSection({ binary, args, say }));
