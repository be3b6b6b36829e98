// Two sides measured in turn, so that what else the machine does meets both.

import { median, timed } from "../figures.mjs";

/** Measures both sides `runs` times, the peer first; the ratios are of the pairs. */
export async function pairs(runs, ours, peer) {
  const all = { ours: [], peer: [] };
  for (let run = 0; run < runs; run += 1) {
    all.peer.push(await peer());
    all.ours.push(await ours());
  }
  const quotients = (above, below) => median(above.map((time, run) => time / below[run]));
  return { ours: median(all.ours), peer: median(all.peer), faster: quotients(all.peer, all.ours), slower: quotients(all.ours, all.peer) };
}

/** The time that `work` takes, once `check` has nothing against its value. */
export const timeOf = (work, check = () => {}) => async () => {
  const [time, value] = await timed(work);
  check(value);
  return time;
};
