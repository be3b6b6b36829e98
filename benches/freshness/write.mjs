// From the return of a write to the parsed answer that shows it.

import { randomBytes } from "node:crypto";
import { dirname } from "node:path/posix";
import { count, median, ms, percentile, sleep, table, timed } from "../figures.mjs";
import { ripgrep } from "../ripgrep.mjs";

/** Long enough for what a write sets off to be over. */
const REST_MS = 20;

export const newMarker = () => `zq${randomBytes(8).toString("hex")}`;
export const marked = (tree, path, marker) => `${tree.original(path) ?? "export {};\n"}// ${marker}\n`;

/** Ways to save a text near a file of the tree; each returns the path it is at. */
const saves = {
  rewrite(tree, path, marker) {
    tree.write(path, marked(tree, path, marker));
    return path;
  },
  rename(tree, path, marker) {
    tree.replace(path, marked(tree, path, marker));
    return path;
  },
  create(tree, path, marker) {
    const made = `${dirname(path)}/new-${marker}.ts`;
    tree.write(made, marked(tree, made, marker));
    return made;
  },
  createDirectories(tree, path, marker) {
    const outer = `${dirname(path)}/new-${marker}`;
    tree.makeDirectory(outer);
    tree.makeDirectory(`${outer}/inner`);
    tree.write(`${outer}/inner/made.ts`, marked(tree, path, marker));
    return `${outer}/inner/made.ts`;
  },
};

const holds = (found, path) => found.matchCount === 1 && found.files[0]?.path === path;

const searchIn = (where) => ({
  ask: (sidecar, path, marker, consistency) =>
    sidecar.request("search", { pattern: marker, consistency, ...(where && { include: [`${where(path)}/**`] }) }),
  holds,
  peer: async (tree, path, marker) => {
    const { matches } = await ripgrep(tree.root, ["-F", marker], { where: where?.(path) });
    if (matches !== 1) throw new Error(`ripgrep found ${matches} matches of what was written`);
  },
});

const hashed = {
  ask: (sidecar, path, _, consistency) => sidecar.request("glob", { include: [path], fields: ["hash"], consistency }),
  // `readFile` always looks at the disk: an answer with another hash is old.
  holds: async ({ files }, path, sidecar) => {
    const { hash } = await sidecar.request("readFile", { path });
    return files.length === 1 && files[0].path === path && files[0].hash === hash;
  },
};

/** `share`: the part of the writes that is enough for a row. */
const rows = [
  { what: "search in the directory written to", save: saves.rewrite, ...searchIn(dirname) },
  { what: "search in the whole workspace", save: saves.rewrite, ...searchIn() },
  { what: "`glob` of the file with its hash", save: saves.rewrite, ...hashed },
  { what: "search there: saved by a rename", save: saves.rename, ...searchIn(dirname), peer: undefined, share: 1 / 4 },
  { what: "search there: a new file", save: saves.create, ...searchIn(dirname), peer: undefined, share: 1 / 4 },
  { what: "search there: a new file in new directories", save: saves.createDirectories, ...searchIn(dirname), peer: undefined, share: 1 / 4 },
];

/** Alternates synced answer, eventual answer and peer behind every write; the first write only warms up. */
async function measure({ sidecar, tree }, row, writes) {
  const times = { synced: [], eventual: [], peer: [] };
  const failed = { "not synced": 0, wrong: 0, "eventual one old": 0 };
  const paths = tree.sample(40);
  for (let run = 0; run <= writes; run += 1) {
    const marker = newMarker();
    const path = row.save(tree, paths[run % paths.length], marker);
    const [synced, answer] = await timed(() => row.ask(sidecar, path, marker, "synced"));
    failed["not synced"] += Number(answer.synced !== true);
    failed.wrong += Number(!(await row.holds(answer, path, sidecar)));

    await sleep(REST_MS);
    const [eventual, held] = await timed(() => row.ask(sidecar, path, marker, "eventual"));
    failed["eventual one old"] += Number(!(await row.holds(held, path, sidecar)));

    let peer;
    if (row.peer) {
      await sleep(REST_MS);
      [peer] = await timed(() => row.peer(tree, path, marker));
    }
    await sleep(REST_MS);
    if (run === 0) continue;
    times.synced.push(synced);
    times.eventual.push(eventual);
    if (peer !== undefined) times.peer.push(peer);
  }
  return { times, failed };
}

const told = (failed) =>
  Object.entries(failed)
    .filter(([, times]) => times > 0)
    .map(([what, times]) => `**${times} ${what}**`)
    .join(", ") || "none";

export async function writeSection(bench) {
  const lines = [];
  for (const row of rows) {
    const writes = Math.ceil(bench.writes * (row.share ?? 1));
    bench.say(`${row.what}: ${writes} writes`);
    const { times, failed } = await measure(bench, row, writes);
    const [synced, eventual, peer] = [times.synced, times.eventual, times.peer].map((all) => (all.length ? median(all) : undefined));
    lines.push([
      row.what,
      count(writes),
      ms(synced),
      ms(percentile(times.synced, 0.99)),
      ms(eventual),
      ms(percentile(times.eventual, 0.99)),
      `${(synced / eventual).toFixed(2)} ×`,
      ms(synced - eventual),
      ms(peer),
      ms(percentile(times.peer, 0.99)),
      peer === undefined ? "–" : `${(peer / synced).toFixed(2)} ×`,
      told(failed),
    ]);
  }
  const head = [
    "from the write to the answer", "writes", "synced p50", "p99", "eventual p50", "p99", "synced / eventual", "difference",
    "`rg --json` p50", "p99", "rg / synced", "failures",
  ]; // prettier-ignore
  return [
    "### A write, then a synced answer",
    "",
    "From the return of the write to the parsed answer. The eventual answer is asked for when the write is long known;",
    "ratio and difference are of the p50s. ripgrep gets the directory as its argument, so it walks nothing else.",
    "Every answer is checked: `synced` is true, what was written is in it; times of failures are among the others.",
    "",
    table(head, lines),
  ];
}
