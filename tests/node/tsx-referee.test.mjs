import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function ask(...requests) {
  const input = requests.map((request) => JSON.stringify(request)).join("\n");
  const { stdout, stderr, status } = spawnSync(process.execPath, [here("tsx-referee.mjs")], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

test("facts have the contract's shapes", () => {
  const text = "import a, { type B as C } from 'd';\nexport { a };\n<a b='&eacute;' c={-1} {...d} />;";
  const [{ errors, imports, exports, jsx }] = ask({ text, language: "tsx" });
  assert.equal(errors, 0);
  const range = (part) => ({ start: text.indexOf(part), end: text.indexOf(part) + part.length });
  assert.deepEqual(imports, [
    {
      source: "d",
      kind: "value",
      named: [{ imported: "B", local: "C", typeOnly: true, range: range("type B as C") }],
      range: range("import a, { type B as C } from 'd';"),
      default: { name: "a", range: { start: 7, end: 8 } },
    },
  ]);
  assert.deepEqual(exports.map(({ name, kind, local }) => [name, kind, local]), [["a", "named", "a"]]);
  assert.deepEqual(jsx[0].attributes.map(({ kind, value }) => [kind, value?.kind, value?.literal]), [
    ["attribute", "string", "é"],
    ["attribute", "number", -1],
    ["spread", undefined, undefined],
  ]);
  assert.deepEqual(jsx[0].start, { line: 3, column: 1 });
});

test("every request gets one line, whatever it holds", () => {
  const [healthy, broken, missing] = ask(
    { path: here("../../fixtures/workspace/src/App.tsx") },
    { text: "<a", language: "tsx" },
    { path: here("no-such-file.ts") },
  );
  assert.equal(healthy.errors, 0);
  assert.ok(broken.errors > 0);
  assert.equal(typeof missing.error, "string");
});
