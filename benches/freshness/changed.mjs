// From the return of a write to the `changed` event that tells of it.

import { count, median, ms, percentile, sleep, table } from "../figures.mjs";
import { marked, newMarker } from "./write.mjs";

const GIVE_UP_MS = 5000;
const REST_MS = 20;

/** Collects what the events of one subscription say, with the time at which each was read. */
class Arrivals {
  seen = [];
  events = 0;
  fresh = 0;
  #wake = () => {};

  constructor(sidecar) {
    this.off = sidecar.on("changed", ({ subscription, fresh, changes }) => {
      const at = performance.now();
      if (subscription !== this.subscription) return;
      this.events += 1;
      // A full list tells that something was lost, not that this file changed.
      if (fresh) this.fresh += 1;
      else this.seen.push(...changes.map((change) => ({ ...change, at })));
      this.#wake();
    });
  }

  /** The first change that fits, waited for until `deadline`. */
  async first(fits, deadline) {
    for (;;) {
      const found = this.seen.find(fits);
      const left = deadline - performance.now();
      if (found || left <= 0) return found;
      let timer;
      await new Promise((resolve) => {
        this.#wake = resolve;
        timer = setTimeout(resolve, left);
      });
      clearTimeout(timer);
    }
  }
}

async function measure({ sidecar, tree, writes }, settleMs) {
  const arrivals = new Arrivals(sidecar);
  ({ subscription: arrivals.subscription } = await sidecar.request("watch", { settleMs }));
  const paths = tree.sample(40);
  const times = [];
  const failed = { missing: 0, "of another kind": 0 };
  for (let run = 0; run <= writes; run += 1) {
    const path = paths[run % paths.length];
    arrivals.seen = [];
    tree.write(path, marked(tree, path, newMarker()));
    const start = performance.now();
    const ofPath = (change) => change.path === path;
    const any = await arrivals.first(ofPath, start + GIVE_UP_MS);
    // Without a pause to settle, a truncated file may be told of first: what counts is the event with the final bytes.
    const { hash } = await sidecar.request("readFile", { path });
    const told =
      any?.hash === undefined ? any : await arrivals.first((change) => ofPath(change) && change.hash === hash, start + GIVE_UP_MS);
    await sleep(REST_MS + settleMs);
    if (run === 0) continue;
    if (!told) failed.missing += 1;
    else if (told.kind !== "modified") failed["of another kind"] += 1;
    if (told) times.push(told.at - start - settleMs);
  }
  arrivals.off();
  if (sidecar.ready.methods.includes("unwatch")) await sidecar.request("unwatch", { subscription: arrivals.subscription });
  const failures = Object.entries(failed).filter(([, number]) => number > 0).map(([what, number]) => `**${number} ${what}**`);
  return [
    String(settleMs),
    count(writes),
    times.length ? ms(median(times)) : "–",
    ms(percentile(times, 0.99)),
    count(arrivals.events),
    count(arrivals.fresh),
    failures.join(", ") || "none",
  ];
}

export async function changedSection(bench) {
  const title = ["### A write, then its `changed` event", ""];
  if (!bench.sidecar.ready.methods.includes("watch")) return [...title, "Skipped: this sidecar has no method `watch`."];
  const rows = [];
  for (const settleMs of [50, 0]) {
    bench.say(`changed events, settleMs ${settleMs}: ${bench.writes} writes`);
    rows.push(await measure(bench, settleMs));
  }
  return [
    ...title,
    "From the return of the write to the event that holds the path with its final hash, less `settleMs`; the pause may",
    "begin before the write returns, so that a time below zero is possible.",
    "",
    table(["settleMs", "writes", "p50", "p99", "events", "of these `fresh`", "failures"], rows),
  ];
}
