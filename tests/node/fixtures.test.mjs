// The odd files of fixtures/ are as odd as its README says. Where this fails, a checkout or an editor
// has changed bytes, and other tests would fail in less obvious ways.

import assert from "node:assert/strict";
import { lstatSync, readFileSync, readdirSync, readlinkSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const workspace = (path) => fileURLToPath(new URL(`../../fixtures/workspace/${path}`, import.meta.url));
const read = (path) => readFileSync(workspace(path));
const count = (text, pattern) => [...text.matchAll(pattern)].length;

function lineEnds(text) {
  return { crlf: count(text, /\r\n/g), lf: count(text, /(?<!\r)\n/g), cr: count(text, /\r(?!\n)/g) };
}

test("line ends", () => {
  const till = lineEnds(read("src/legacy/till.ts").toString());
  assert.ok(till.crlf > 0 && till.lf === 0 && till.cr === 0, JSON.stringify(till));

  const closing = lineEnds(read("src/legacy/closing.md").toString());
  assert.ok(closing.crlf > 0 && closing.lf > 0 && closing.cr === 0, JSON.stringify(closing));

  const receipt = read("src/legacy/receipt.txt").toString();
  assert.deepEqual(lineEnds(receipt), { crlf: 0, lf: 7, cr: 2 });
  assert.ok(receipt.includes("\f") && receipt.includes("\u2028"));

  const app = lineEnds(read("src/App.tsx").toString());
  assert.ok(app.lf > 0 && app.crlf === 0, "plain files end their lines in \\n");
});

test("encodings", () => {
  assert.deepEqual([...read("src/legacy/allergens.ts").subarray(0, 3)], [0xef, 0xbb, 0xbf]);
  assert.deepEqual([...read("src/legacy/flour-orders.csv").subarray(0, 2)], [0xff, 0xfe]);
  assert.deepEqual([...read("src/legacy/dairy-orders.csv").subarray(0, 2)], [0xfe, 0xff]);
  assert.ok(read("public/loaf.png").includes(0));
});

test("lengths and last lines", () => {
  assert.equal(read("src/data/returned-loaves.txt").length, 0);
  assert.ok(!read("src/data/motto.txt").includes("\n"));
  const minified = read("public/confetti.min.js").toString();
  assert.ok(minified.length > 1500 && !minified.includes("\n"));
});

test("characters", () => {
  const slugs = read("src/utils/slug.test.ts").toString();
  assert.ok(slugs.includes("Cr\u00e8me") && slugs.includes("Cre\u0300me"));
  assert.ok(read("docs/rye-1794.md").includes("\u212a"));
  assert.deepEqual(readdirSync(workspace("src/\u00fcn\u00efcode")).sort(), ["\u{1f600}.ts", "\u{20bb7}.ts"].sort());
});

test("symbolic links", (t) => {
  if (!lstatSync(workspace("links/slug.ts")).isSymbolicLink()) return t.skip("git made no symbolic links here");
  const target = (name) => readlinkSync(workspace(`links/${name}`)).replaceAll("\\", "/");
  assert.equal(target("slug.ts"), "../src/utils/slug.ts");
  assert.equal(target("components").replace(/\/$/, ""), "../src/components");
  assert.equal(target("outside").replace(/\/$/, ""), "../../outside");
  assert.equal(target("eaten.ts"), "../src/eaten.ts");
});
