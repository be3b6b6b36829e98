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

test("edits are judged by what compiled code gets", () => {
  const before = "<a b='1' {...c} d={e} />";
  const set = (prop, value) => ({ index: 0, prop, value: JSON.stringify(value) });
  const judged = (cases) => ask(...cases.map(([after, ...edits]) => ({ before, after, language: "tsx", edits })));

  const right = [
    [before],
    ["<a {...c} d={e} />", set("b", undefined)],
    ["<a b='1' {...c} d={e} f='&amp;' />", set("f", "&")],
    [
      `<a b='1' {...c} d={e} f={["\\ud83d&amp;\\n", { z: -1, a: null, ["__proto__"]: 2 }]} />`,
      set("f", ["\ud83d&amp;\n", { z: -1, a: null, ["__proto__"]: 2 }]),
    ],
  ];
  for (const [at, { errors, wrong }] of judged(right).entries()) assert.deepEqual([errors, wrong], [0, []], right[at][0]);

  const wrong = [
    ["<a b='1' {...c} d={e} f={0} />", { index: 0, prop: "f", value: "-0" }],
    ["<a b='1' {...c} d={e} f={{ a: 1, z: 2 }} />", set("f", { z: 2, a: 1 })],
    ["<a b='1' {...c} d={e} f='&amp;' />", set("f", "&amp;")],
    ["<a b='1' {...c} d={e} />", set("f", 1)],
    ["<a b='2' {...c} d={e} />", set("b", "2")],
    ["<a b='1' {...c} d={e} />", set("b", undefined)],
    ["<a b='1' {...c} d={f} g />", set("g", true)],
    ["<a b='1' {...f} d={e} g />", set("g", true)],
    ["<a b='1' {...c} d={e} g></a>", set("g", true)],
  ];
  for (const [at, { wrong: found }] of judged(wrong).entries()) assert.equal(found.length, 1, wrong[at][0]);
  assert.ok(judged([["<a b='1' {...c} d={e} />; ("]])[0].errors > 0);
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
