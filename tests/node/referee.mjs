// What Node makes of a file: the referee for texts, offsets, lines and columns.
//
// One JSON object per line on stdin, one JSON object per line on stdout, in the same order.
// A request that fails is answered `{"error": message}`.
//
//   {"op": "readFile", "path", "encoding"?}
//     -> {"text", "utf16Length", "sha256"}
//   {"op": "search", "path", "pattern", "flags"?, "encoding"?}
//     -> {"matches": [{"start", "end", "line", "column", "endLine", "endColumn"}]}
//   {"op": "slice", "path", "ranges": [{"start", "end"}], "encoding"?}
//     -> {"texts": [string]}
//   {"op": "encode", "text"}
//     -> {"utf8Length", "utf16Length", "sha256"}
//
// `path` is absolute or relative to the working directory. `encoding` is "utf8" (the default),
// "utf16le" or "utf16be"; a byte-order mark stays in the text as U+FEFF. `sha256` is of the bytes.
//
// Offsets and columns count UTF-16 code units. Lines and columns are 1-based, ends half-open, and
// only "\n" ends a line. `search` runs one JavaScript RegExp over the whole text ("g" is added), so
// choose patterns on which JavaScript and Rust agree: pass "u", and "m" only without CR or U+2028,
// which JavaScript takes for line ends too.
//
// JSON that holds half a surrogate pair (a slice through an emoji, say) has it as a \u escape.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { answerLines } from "./answers.mjs";

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function decode(bytes, encoding = "utf8") {
  switch (encoding) {
    case "utf8":
    case "utf16le":
      return bytes.toString(encoding);
    case "utf16be":
      return Buffer.from(bytes).swap16().toString("utf16le");
    default:
      throw new Error(`unknown encoding ${JSON.stringify(encoding)}`);
  }
}

const readText = ({ path, encoding }) => decode(readFileSync(path), encoding);

/** A function from an offset to its line and column. */
function positions(text) {
  const lineStarts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) lineStarts.push(at + 1);
  return (offset) => {
    let [low, high] = [0, lineStarts.length]; // the line lies in [low, high)
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (lineStarts[middle] <= offset) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: offset - lineStarts[low] + 1 };
  };
}

const operations = {
  readFile({ path, encoding }) {
    const bytes = readFileSync(path);
    const text = decode(bytes, encoding);
    return { text, utf16Length: text.length, sha256: sha256(bytes) };
  },

  search({ pattern, flags = "", ...file }) {
    const text = readText(file);
    const at = positions(text);
    const regex = new RegExp(pattern, flags.includes("g") ? flags : `${flags}g`);
    const matches = Array.from(text.matchAll(regex), ({ 0: found, index: start }) => {
      const end = start + found.length;
      const last = at(end);
      return { start, end, ...at(start), endLine: last.line, endColumn: last.column };
    });
    return { matches };
  },

  slice({ ranges, ...file }) {
    const text = readText(file);
    return { texts: ranges.map(({ start, end }) => text.slice(start, end)) };
  },

  encode({ text }) {
    const bytes = Buffer.from(text, "utf8");
    return { utf8Length: bytes.length, utf16Length: text.length, sha256: sha256(bytes) };
  },
};

function answer({ op, ...request }) {
  if (!Object.hasOwn(operations, op)) throw new Error(`unknown op ${JSON.stringify(op)}`);
  return operations[op](request);
}

await answerLines(answer);
