// The rows of the report, in its order, with what is asked of each.

/**
 * How a row's ratio is told: `faster` is the peer's time by ours, at least so many times; `slower` is our time by the
 * peer's, at most so many; `share` is our bytes by the tree's, at most; `bytes` are ours alone, at most.
 */
const faster = (id, what, required, goal) => ({ id, what, kind: "faster", required, goal });
const slower = (id, what, required, goal) => ({ id, what, kind: "slower", required, goal });

export const ROWS = [
  faster("no-match", "no match", 300, 800),
  faster("rare", "rare literal", 200, 500),
  faster("insensitive", "case-insensitive literal", 10, 20),
  faster("alternation", "alternation of five", 10, 20),
  faster("regex", "regex with a literal", 10, 20),
  faster("word", "whole word", 6, 15),
  faster("common", "common literal, default limit", 20, 50),
  faster("common-stopped", "common literal, default limit, stopped there"),
  faster("common-all", "common literal, no limit", 1, 1.5),
  faster("no-literal", "regex without literals, no limit", 1, 1.3),
  faster("glob-fast-glob", "glob", 100, 300),
  faster("glob-tinyglobby", "glob", 40, 100),
  faster("glob-fd", "glob"),
  faster("read", "`readFiles` of 1,000 files", 3, 5),
  faster("while-indexing", "search while indexing", 0.8, 1),
  slower("full-index", "full index, from a cold start", 6, 4),
  slower("restart", "restart with a cache, nothing changed", 3, 1.5),
  { id: "index-bytes", what: "bytes of the index / of the texts", kind: "share", required: 0.15, goal: 0.1 },
  { id: "peak", what: "peak memory while indexing", kind: "bytes", required: 500e6, goal: 300e6 },
  { id: "growth", what: "growth after 200 mixed requests", kind: "bytes", required: 64e6, goal: 32e6 },
  faster("small-no-match", "small tree: no match", 15, 30),
  faster("small-rare", "small tree: rare literal", 15, 30),
  faster("small-insensitive", "small tree: case-insensitive literal", 15, 30),
  faster("small-alternation", "small tree: alternation of five", 15, 30),
];

export const IDS = ROWS.map(({ id }) => id);
/** Whether a row is about the small tree. */
export const isSmall = (id) => id.startsWith("small-");

/** Whether a row compares times. */
export const isTime = ({ kind }) => kind === "faster" || kind === "slower";
/** Whether more is better. */
export const rises = ({ kind }) => kind === "faster";

/** What is compared with a row's bounds. */
export function ratioOf({ kind }, { ours, peer, faster, slower }) {
  return { faster, slower, share: ours / peer, bytes: ours }[kind];
}

/** How far a ratio gets: `goal`, `required`, or neither (`missed`); undefined where nothing is asked. */
export function reached(row, ratio) {
  if (row.required === undefined || !Number.isFinite(ratio)) return undefined;
  const meets = (bound) => (rises(row) ? ratio >= bound : ratio <= bound);
  return meets(row.goal) ? "goal" : meets(row.required) ? "required" : "missed";
}
