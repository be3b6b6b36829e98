// Processes from their start on: until the index is there, until it is there again, and a question meanwhile.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { paths, ripgrep } from "../ripgrep.mjs";
import { Sidecar } from "../sidecar.mjs";
import { withUndo } from "../undo.mjs";
import { pairs, timeOf } from "./pairs.mjs";
import { hashAll } from "./peers.mjs";
import { differences, search } from "./searches.mjs";

/** From the start of a process to its event `indexed`; its end is waited for, but not measured. */
async function start(binary, tree, ...args) {
  const sidecar = new Sidecar(binary, tree, ...args);
  const indexed = await sidecar.event("indexed");
  const time = performance.now() - sidecar.started;
  await sidecar.end();
  return { time, ...indexed };
}

const listed = ({ files }, expected) => (files === expected ? [] : [`${files} files in the index, ${expected} by rg --files`]);

export async function fullIndexRow(binary, { tree, files }, b3sum, threads, runs) {
  const problems = listed(await start(binary, tree), files.length);
  const hash = () => hashAll(b3sum, tree, files, threads);
  await hash();
  const ours = async () => (await start(binary, tree, "--threads", String(threads))).time;
  return { ...(await pairs(runs, ours, timeOf(hash))), name: "b3sum", found: { files: files.length }, problems };
}

export function restartRow(binary, { tree, files }, runs) {
  const cache = mkdtempSync(join(tmpdir(), "workspace-sidecar-cache-"));
  const again = () => start(binary, tree, "--cache-dir", cache);
  return withUndo(
    () => rmSync(cache, { recursive: true, force: true }),
    async () => {
      const problems = listed(await again(), files.length);
      const { fromCache } = await again();
      const times = await pairs(runs, async () => (await again()).time, timeOf(() => paths(tree, ["--files"])));
      const note = fromCache ? "from the cache" : "nothing was kept";
      return { ...times, name: "rg --files", found: { files: files.length, note }, problems };
    },
  );
}

/** A search is the first thing a new process is asked: from its start to the answer, which may come before `indexed`. */
export async function whileIndexingRow(binary, tree, { pattern, params, args }, runs) {
  const theirs = new Map();
  const found = await ripgrep(tree, args, { perFile: theirs });
  const problems = [];
  let early = 0;
  const ours = async () => {
    const sidecar = new Sidecar(binary, tree);
    let [indexed, perFile] = [false, new Map()];
    sidecar.on("indexed", () => (indexed = true));
    await search(sidecar, params, { perFile });
    const time = performance.now() - sidecar.started;
    if (!indexed) early += 1;
    problems.push(...differences(perFile, theirs));
    await sidecar.end();
    return time;
  };
  await ours();
  const times = await pairs(runs, ours, timeOf(() => ripgrep(tree, args)));
  const note = `${early} of ${runs + 1} before \`indexed\``;
  return { ...times, name: "rg --json", asked: pattern, found: { ...found, note }, problems };
}
