// What there is in a tree: the files that are listed, their sizes, which are text. Afterwards the page cache is warm.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { paths } from "../ripgrep.mjs";
import { SAMPLE_BYTES, Identifiers, sample } from "./patterns.mjs";

/** The part of a file that tells text from binary. */
const HEAD_BYTES = 64 * 1024;
const LARGE_BYTES = 1 << 20;

/** Reads all of a file; gives its size and whether its head holds no NUL byte. */
function look(path, buffer) {
  const file = openSync(path);
  try {
    const { size } = fstatSync(file);
    let [read, text] = [0, true];
    for (let got; (got = readSync(file, buffer)) > 0; read += got) {
      if (read === 0) text = !buffer.subarray(0, Math.min(got, HEAD_BYTES)).includes(0);
    }
    return { size, text };
  } finally {
    closeSync(file);
  }
}

export async function survey(tree) {
  const files = (await paths(tree, ["--files"])).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const buffer = Buffer.alloc(1 << 20);
  const found = { tree, files, texts: [], bytes: 0, textBytes: 0, large: 0 };
  for (const path of files) {
    const { size, text } = look(join(tree, path), buffer);
    found.bytes += size;
    if (size > LARGE_BYTES) found.large += 1;
    if (!text) continue;
    found.textBytes += size;
    found.texts.push({ path, size });
  }
  if (found.texts.length === 0) throw new Error(`there is no text in ${tree}`);
  return found;
}

/** The identifiers of a sample of the texts. */
export function identifiers({ tree, texts }) {
  const buffer = Buffer.alloc(SAMPLE_BYTES);
  const head = ({ path }) => {
    const file = openSync(join(tree, path));
    try {
      return buffer.toString("utf8", 0, readSync(file, buffer));
    } finally {
      closeSync(file);
    }
  };
  return new Identifiers(sample(texts).map(head));
}
