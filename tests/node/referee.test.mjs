import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const workspace = (path) => here(`../../fixtures/workspace/${path}`);

function ask(...requests) {
  const input = requests.map((request) => (typeof request === "string" ? request : JSON.stringify(request))).join("\n");
  const { stdout, stderr, status } = spawnSync(process.execPath, [here("referee.mjs")], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

test("texts keep their byte-order mark, in every encoding", () => {
  const [utf8, le, be] = ask(
    { op: "readFile", path: workspace("src/legacy/allergens.ts") },
    { op: "readFile", path: workspace("src/legacy/flour-orders.csv"), encoding: "utf16le" },
    { op: "readFile", path: workspace("src/legacy/dairy-orders.csv"), encoding: "utf16be" },
  );
  assert.ok(utf8.text.startsWith("\ufeff// Saved by"));
  assert.ok(le.text.startsWith("\ufeffWare;Menge"));
  assert.ok(be.text.startsWith("\ufeffItem;Amount"));
  assert.equal(be.utf16Length, be.text.length);
});

test("matches count UTF-16 code units, and lines by \\n alone", () => {
  const path = workspace("src/legacy/receipt.txt");
  const [{ matches }] = ask({ op: "search", path, pattern: "LEAVEN", flags: "u" });
  assert.deepEqual(matches.map(({ line, column }) => [line, column]), [[1, 1], [1, 8], [6, 25]]);

  const [{ matches: [loaf] }, { matches: [across] }] = ask(
    { op: "search", path: workspace("src/data/motto.txt"), pattern: "🥖", flags: "u" },
    { op: "search", path, pattern: "LEAVEN\\n1", flags: "gu" },
  );
  assert.deepEqual(loaf, { start: 33, end: 35, line: 1, column: 34, endLine: 1, endColumn: 36 });
  assert.deepEqual(across, { start: 7, end: 15, line: 1, column: 8, endLine: 2, endColumn: 2 });
});

test("slices are what the offsets of a match say", () => {
  const path = workspace("src/ünïcode/𠮷.ts");
  const [{ matches }] = ask({ op: "search", path, pattern: "野家", flags: "u" });
  const [{ texts }] = ask({ op: "slice", path, ranges: matches });
  assert.deepEqual(texts, ["野家"]);
});

test("every request gets one line, whatever it holds", () => {
  const [encoded, unknown, broken, missing, pattern] = ask(
    '{"op": "encode", "text": "a\u2028😀"}',
    { op: "toString" },
    "{",
    { op: "readFile", path: workspace("no-such-loaf") },
    { op: "search", path: workspace("README.md"), pattern: "(" },
  );
  assert.deepEqual([encoded.utf8Length, encoded.utf16Length], [8, 4]);
  assert.equal(unknown.error, 'unknown op "toString"');
  for (const failed of [broken, missing, pattern]) assert.equal(typeof failed.error, "string");
});
