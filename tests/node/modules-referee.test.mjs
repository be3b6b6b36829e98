import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function ask(...requests) {
  const input = requests.map((request) => JSON.stringify(request)).join("\n");
  const { stdout, stderr, status } = spawnSync(process.execPath, [here("modules-referee.mjs")], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

test("specifiers of a text", () => {
  const text = "import a from 'b'; export * as c from 'd'; import('e'); require('f'); declare module 'g' {}";
  const [{ sources }] = ask({ text, language: "ts" });
  assert.deepEqual([...new Set(sources)].sort(), ["b", "d", "e", "f"]);
});

test("where specifiers lead to", () => {
  const root = here("../../fixtures/workspace");
  const to = (source) => ({ root, from: "src/App.tsx", source, require: false });
  const answers = ask(to("@/components"), to("@leaven/starter"), to("./main"), to("./nowhere"), to("absent"));
  const wanted = ["src/components/index.ts", "packages/starter/src/index.ts", "src/main.tsx", null, null];
  assert.deepEqual(answers.map(({ path }) => path), wanted);
});

test("every request gets one line, whatever it holds", () => {
  const [broken, healthy] = ask({ source: "a" }, { text: "", language: "ts" });
  assert.equal(typeof broken.error, "string");
  assert.deepEqual(healthy.sources, []);
});
