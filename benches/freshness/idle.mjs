// What the sidecar does while nobody asks, and whether it notices its own reads as changes.

import { count, megabytes, seconds, sleep, table, timed, yes } from "../figures.mjs";
import { cpuOf } from "../process.mjs";

const READS = 20_000;
const BATCH = 250;
/** Events of the reads may still be on their way. */
const SETTLE_MS = 1000;

async function readMany({ sidecar, tree }) {
  let [files, bytes] = [0, 0];
  while (files < READS) {
    const start = files % tree.paths.length;
    const paths = tree.paths.slice(start, start + Math.min(BATCH, READS - files));
    const read = await sidecar.request("readFiles", { paths });
    const failed = read.files.find((file) => file.error);
    if (failed || read.files.length !== paths.length) throw new Error(`not read: ${failed?.path ?? "a part of the files"}`);
    files += paths.length;
    for (const { size } of read.files) bytes += size;
  }
  return { files, bytes };
}

export async function idleSection(bench) {
  const { sidecar, idleSeconds } = bench;
  bench.say(`idle for ${idleSeconds} s`);
  await sleep(3000);
  const first = await sidecar.request("status");
  const [idleCpu] = await cpuOf(sidecar.pid, () => sleep(idleSeconds * 1000));
  const before = await sidecar.request("status");

  bench.say(`reading ${READS} files`);
  const [readCpu, [time, { files, bytes }]] = await cpuOf(sidecar.pid, () => timed(() => readMany(bench)));
  await sleep(SETTLE_MS);
  const after = await sidecar.request("status");
  const events = (from, to) => (to.watcher.events === undefined ? "n/a" : count(to.watcher.events - (from.watcher.events ?? 0)));
  const rows = [
    [`nothing, ${idleSeconds} s`, idleCpu, events(first, before), yes(first.clock === before.clock)],
    [`\`readFiles\`: ${count(files)} files, ${megabytes(bytes)}, ${seconds(time)}`, readCpu, events(before, after), yes(before.clock === after.clock)],
  ];
  return ["### At rest", "", table(["what was asked", "processor time", "events noticed", "clock stood still"], rows)];
}
