// What the index takes, and what a process keeps of many requests.

import { megabytes } from "../figures.mjs";
import { peakBytes } from "../process.mjs";
import { below, pick, random } from "../random.mjs";
import { Sidecar } from "../sidecar.mjs";
import { fittingGlob } from "./patterns.mjs";
import { search, SEARCHES, searchOf } from "./searches.mjs";

export const MEMORY = ["index-bytes", "peak", "growth"];
const REQUESTS = 200;
/** Each so many requests, one has no limit. */
const UNLIMITED_EVERY = 20;
const READ_AT_ONCE = 50;

/** Requests of all kinds, in the same order every time. */
async function mixed(sidecar, { files, texts }, patterns) {
  const next = random(REQUESTS);
  const [limited, unlimited] = [[], []];
  for (const row of SEARCHES) {
    const asked = searchOf(row, patterns);
    if (asked) (asked.stream ? unlimited : limited).push(asked);
  }
  const kinds = [
    () => search(sidecar, pick(next, limited).params),
    () => sidecar.request("glob", { include: [fittingGlob(files)], fields: ["size", "hash"] }),
    () => {
      const from = below(next, texts.length);
      return sidecar.request("readFiles", { paths: texts.slice(from, from + READ_AT_ONCE).map(({ path }) => path) });
    },
  ].slice(limited.length > 0 ? 0 : 1);
  for (let number = 1; number <= REQUESTS; number += 1) {
    if (number % UNLIMITED_EVERY > 0 || unlimited.length === 0) await pick(next, kinds)();
    else await search(sidecar, pick(next, unlimited).params, { stream: true });
  }
}

/** The rows about memory, of one process; `grow` says whether the requests are asked for, which take a while. */
export async function memoryRows(binary, found, patterns, grow) {
  const sidecar = new Sidecar(binary, found.tree);
  try {
    await sidecar.event("indexed");
    const { memory, textIndex } = await sidecar.request("status");
    const rows = new Map();
    rows.set("index-bytes", { ours: textIndex?.bytes ?? memory.indexBytes, peer: found.textBytes, name: "the texts" });
    rows.set("peak", { ours: peakBytes(sidecar.pid) });
    if (!grow) return rows;
    await mixed(sidecar, found, patterns);
    const after = (await sidecar.request("status")).memory;
    rows.set("growth", { ours: after.rssBytes - memory.rssBytes, note: `from ${megabytes(memory.rssBytes)}` });
    return rows;
  } finally {
    await sidecar.end();
  }
}
