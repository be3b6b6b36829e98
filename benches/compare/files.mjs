// Listing what a glob matches, and reading many files.

import { pairs, timeOf } from "./pairs.mjs";
import { fittingGlob, spread } from "./patterns.mjs";
import { fastGlob, fdGlob, readAll, tinyglobby } from "./peers.mjs";

const PATIENCE_MS = 120_000;
const READ_FILES = 1000;
/** What editors open. */
const READ_BYTES = 1 << 20;
/** Which peers list by a glob, by row; fd may be missing. */
const listers = {
  "glob-fast-glob": { name: "fast-glob", list: fastGlob },
  "glob-tinyglobby": { name: "tinyglobby", list: tinyglobby },
  "glob-fd": { name: "fd", list: fdGlob },
};
export const GLOBS = Object.keys(listers).filter((row) => listers[row].list);

export async function globRow(sidecar, { tree, files }, row, runs) {
  const glob = fittingGlob(files);
  const expected = files.filter((path) => path.endsWith(glob.slice("**/*".length)));
  const { name, list } = listers[row];
  const ours = async () => {
    const { files: found, limitHit, synced } = await sidecar.request("glob", { include: [glob], syncTimeoutMs: PATIENCE_MS });
    if (limitHit || !synced) throw new Error("the listing is cut, or not synced");
    return found;
  };
  const paths = new Set((await ours()).map(({ path }) => path));
  const problems = expected.filter((path) => !paths.has(path)).map((path) => `${path} is not listed`);
  if (paths.size !== expected.length) problems.push(`${paths.size} files by the sidecar, ${expected.length} by rg --files`);
  await list(tree, glob);
  const listed = [];
  const times = await pairs(runs, timeOf(ours), timeOf(() => list(tree, glob), (found) => listed.push(found.length)));
  // Libraries do not know ignore files: that they list more is no mistake, but it should be seen.
  const other = listed[0] === paths.size ? undefined : `${listed[0]} by ${name}`;
  return { ...times, name, asked: glob, found: { files: paths.size, note: other }, problems };
}

/** All of the files, however many responses that takes. */
async function readFiles(sidecar, paths) {
  const texts = [];
  while (texts.length < paths.length) {
    const { files } = await sidecar.request("readFiles", { paths: paths.slice(texts.length) });
    const failed = files.find(({ error }) => error);
    if (failed || files.length === 0) throw new Error(`not read: ${failed?.path ?? paths[texts.length]}`);
    for (const { text } of files) texts.push(text);
  }
  return texts;
}

export async function readRow(sidecar, { tree, texts }, runs) {
  const paths = spread(texts.filter(({ size }) => size <= READ_BYTES), READ_FILES).map(({ path }) => path);
  const theirs = await readAll(tree, paths);
  const utf8 = paths.filter((_, at) => !theirs[at].includes("\ufffd"));
  const [ours, again] = [await readFiles(sidecar, utf8), await readAll(tree, utf8)];
  const problems = utf8.filter((_, at) => ours[at] !== again[at]).map((path) => `${path} reads differently`);
  const times = await pairs(runs, timeOf(() => readFiles(sidecar, utf8)), timeOf(() => readAll(tree, utf8)));
  return { ...times, name: "fs.promises.readFile", found: { files: utf8.length }, problems };
}
