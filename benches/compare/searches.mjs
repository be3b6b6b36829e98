// Searches: the same question to the sidecar and to ripgrep, the answers compared file by file before anything is timed.

import { ripgrep } from "../ripgrep.mjs";
import { pairs, timeOf } from "./pairs.mjs";

/** What the sidecar reports at most unless it is asked for more. */
const DEFAULT_LIMIT = 10_000;
const UNLIMITED = 2 ** 40;
const PATIENCE_MS = 120_000;

/**
 * Rows with a pattern, in order. Answers that may be larger than a response are streamed. ripgrep has no limit: to know
 * the first matches in path order, as the sidecar gives them, it must find all. Programs that are content with any
 * matches stop it (`stop`).
 */
const rows = {
  "no-match": {},
  rare: {},
  insensitive: {},
  alternation: {},
  regex: {},
  word: {},
  common: { limit: DEFAULT_LIMIT },
  "common-stopped": { pattern: "common", limit: DEFAULT_LIMIT, stop: true },
  "common-all": { pattern: "common", stream: true },
  "no-literal": { stream: true },
};
export const SEARCHES = Object.keys(rows);
export const SMALL_SEARCHES = SEARCHES.slice(0, 4);

/** The rows of patterns that rows of searches need. */
export const patternsOf = (searches) => [...new Set(searches.map((row) => rows[row].pattern ?? row))];

/** How a row searches for the pattern that was picked for it; undefined where there is none. */
export function searchOf(row, patterns) {
  const { pattern = row, limit = Infinity, stream = false, stop = false } = rows[row];
  const picked = patterns.get(pattern);
  if (!picked) return undefined;
  const params = limit === Infinity ? { ...picked.params, maxMatches: UNLIMITED } : picked.params;
  return { ...picked, params, limit, stream, stop };
}

/** Asks the sidecar; counts the files and matches that were given, and the matches of each file into `perFile`. */
export async function search(sidecar, params, { stream = false, perFile } = {}) {
  const found = { files: 0, matches: 0 };
  const take = (files) => {
    for (const { path, lines } of files) {
      let matches = 0;
      for (const line of lines) matches += line.matches.length;
      found.files += 1;
      found.matches += matches;
      perFile?.set(path, matches);
    }
  };
  const off = sidecar.on("partial", ({ files }) => take(files));
  const answer = await sidecar.request("search", { ...params, stream, syncTimeoutMs: PATIENCE_MS });
  off();
  take(answer.files);
  if (!answer.synced) throw new Error("the answer is not synced");
  return found;
}

/** What is left of matches by file if the first `limit` in path order are given. */
export function cut(perFile, limit) {
  const order = [...perFile].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const kept = new Map();
  let room = limit;
  for (const [path, matches] of order) {
    if (room <= 0) break;
    kept.set(path, Math.min(matches, room));
    room -= matches;
  }
  return kept;
}

/** In which files two searches differ, told for at most three. */
export function differences(ours, theirs) {
  const paths = [...new Set([...ours.keys(), ...theirs.keys()])].filter((path) => ours.get(path) !== theirs.get(path));
  const told = paths.slice(0, 3).map((path) => `${path}: ${ours.get(path) ?? 0} by the sidecar, ${theirs.get(path) ?? 0} by rg`);
  return paths.length > 3 ? [...told, `and ${paths.length - 3} more files`] : told;
}

const totals = (perFile) => ({ files: perFile.size, matches: [...perFile.values()].reduce((sum, matches) => sum + matches, 0) });
const same = (a, b) => a.files === b.files && a.matches === b.matches;
const told = ({ files, matches }) => `${matches} matches in ${files} files`;

/** Compares, then measures, one search in a tree, as `searchOf` gives it. */
export async function searchRow(sidecar, tree, { pattern, params, args, limit, stream, stop }, runs) {
  const all = { ours: new Map(), theirs: new Map() };
  await ripgrep(tree, args, { perFile: all.theirs });
  await search(sidecar, params, { stream, perFile: all.ours });
  const expected = cut(all.theirs, limit);
  const problems = differences(all.ours, expected);
  const [ours, theirs] = [totals(all.ours), totals(stop ? expected : all.theirs)];

  // ripgrep has no order: where it is stopped, only the number of matches is sure.
  const check = (whole, sure) => (found) => {
    if (sure ? same(found, whole) : found.matches === whole.matches) return;
    problems.push(`another time ${told(found)} instead of ${told(whole)}`);
  };
  const times = await pairs(
    runs,
    timeOf(() => search(sidecar, params, { stream }), check(ours, true)),
    timeOf(() => ripgrep(tree, args, stop ? { limit } : {}), check(theirs, !stop)),
  );
  return { ...times, name: "rg --json", asked: pattern, found: ours, problems };
}
