// Many files rewritten at once, then one synced answer about all files.

import { count, ms, seconds, table, timed, yes } from "../figures.mjs";
import { cpuOf } from "../process.mjs";
import { marked, newMarker } from "./write.mjs";

const REWRITTEN = 10_000;
const CHECKED = 200;
const PATIENCE_MS = 120_000;

const listing = async (sidecar, params = {}) => {
  const answer = await sidecar.request("glob", { include: [], fields: ["hash"], ...params });
  if (answer.limitHit) throw new Error("the listing was cut");
  return { synced: answer.synced, hashes: new Map(answer.files.map(({ path, hash }) => [path, hash])) };
};

/** How many rewritten files the listing has with their old hash, with another than their bytes have, or not at all. */
async function wrong(sidecar, before, after, rewritten) {
  const old = rewritten.filter((path) => !after.has(path) || after.get(path) === before.get(path)).length;
  const step = Math.max(1, Math.floor(rewritten.length / CHECKED));
  const sample = rewritten.filter((_, number) => number % step === 0);
  const { files } = await sidecar.request("readFiles", { paths: sample });
  const differ = files.filter(({ path, hash }) => after.get(path) !== hash).length;
  return { old, differ, missing: before.size - after.size };
}

export async function burstSection(bench) {
  const { sidecar, tree } = bench;
  const before = (await listing(sidecar, { syncTimeoutMs: PATIENCE_MS })).hashes;
  const paths = tree.paths.slice(0, REWRITTEN);
  bench.say(`rewriting ${paths.length} files`);
  const marker = newMarker();
  const texts = paths.map((path) => marked(tree, path, marker));
  const was = await sidecar.request("status");

  const [cpu, [[writing], [time, first], [patient, last]]] = await cpuOf(sidecar.pid, async () => {
    const write = await timed(() => paths.forEach((path, number) => tree.write(path, texts[number])));
    const answered = performance.now();
    const answer = await timed(() => listing(sidecar));
    const again = answer[1].synced ? answer[1] : await listing(sidecar, { syncTimeoutMs: PATIENCE_MS });
    return [write, answer, [performance.now() - answered, again]];
  });
  const { old, differ, missing } = await wrong(sidecar, before, last.hashes, paths);
  const now = await sidecar.request("status");
  const rows = [
    ["files rewritten", `${count(paths.length)} in ${seconds(writing)}`],
    ["the synced listing of all hashes", `${ms(time)}, ${count(first.hashes.size)} files`],
    ["synced within `syncTimeoutMs`", yes(first.synced)],
    ["until an answer was synced", last.synced ? ms(patient) : `not within ${seconds(PATIENCE_MS)}`],
    ["hashes of rewritten files that were old", count(old)],
    [`hashes unlike those of \`readFiles\`, of ${CHECKED}`, count(differ)],
    ["files missing", count(missing)],
    ["processor time", cpu],
    ["events", now.watcher.events === undefined ? "n/a" : count(now.watcher.events - (was.watcher.events ?? 0))],
    ["overflows, rescans", `${count(now.watcher.overflows - was.watcher.overflows)}, ${count(now.watcher.rescans - was.watcher.rescans)}`],
  ];
  return ["### A burst", "", table(["what", "figure"], rows)];
}
