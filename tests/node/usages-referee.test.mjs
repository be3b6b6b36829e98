import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

function ask(...requests) {
  const input = requests.map((request) => JSON.stringify(request)).join("\n");
  const { stdout, stderr, status } = spawnSync(process.execPath, [here("usages-referee.mjs")], { input, encoding: "utf8" });
  assert.equal(stderr, "");
  assert.equal(status, 0);
  return stdout.split("\n").slice(0, -1).map((line) => JSON.parse(line));
}

test("elements of what is exported, by way of aliases and namespaces", () => {
  const root = here("../../fixtures/workspace");
  const files = ["src/App.tsx", "src/components/index.ts", "src/components/icons.tsx", "src/components/LoafCard.stories.tsx"];
  const [{ exports, unknown }] = ask({ root, files });
  assert.deepEqual(unknown, []);
  const of = (path, name) => exports.find((found) => found.path === path && found.name === name)?.found;
  const wheat = { "src/App.tsx": [6], "src/components/LoafCard.stories.tsx": [5] };
  assert.deepEqual(of("src/components/icons.tsx", "Wheat"), wheat);
  assert.deepEqual(of("src/components/index.ts", "Icon.Wheat"), wheat);
  assert.deepEqual(of("src/components/index.ts", "Toaster"), { "src/App.tsx": [3] });
});

test("every request gets one line, whatever it holds", () => {
  const [broken, healthy] = ask({ root: "/" }, { root: here("."), files: [] });
  assert.equal(typeof broken.error, "string");
  assert.deepEqual(healthy, { exports: [], unknown: [] });
});
