// Imports go one way: what a folder is about does not know who uses it.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const sources = join(dirname(fileURLToPath(import.meta.url)), "../src");

/** Each may import what stands before it; those in one place may import each other. */
const LAYERS = [
  ["protocol", "zod"],
  ["errors", "requests", "abort", "timers", "callbacks", "checks", "here", "iterating", "logger"],
  ["client"],
  ["resolve"],
  ["manager"],
  ["backend"],
  ["testing"],
  ["index", "seal"],
];
const layerOf = (file) => LAYERS.findIndex((names) => names.includes(file.split("/")[0].replace(/\.ts$/, "")));

test("imports go up the list of layers only", () => {
  const files = readdirSync(sources, { recursive: true }).map((file) => file.replaceAll("\\", "/"));
  let imports = 0;
  for (const file of files.filter((file) => file.endsWith(".ts"))) {
    assert.notEqual(layerOf(file), -1, `${file} is in no layer`);
    for (const [, target] of readFileSync(join(sources, file), "utf8").matchAll(/from "(\.[^"]+)\.js"/g)) {
      const imported = `${posix.join(posix.dirname(file), target)}.ts`;
      assert.ok(files.includes(imported), `${file} imports ${imported}, which the test cannot find`);
      assert.ok(layerOf(imported) <= layerOf(file), `${file} imports ${imported}`);
      imports += 1;
    }
  }
  assert.ok(imports > 200, `${imports} imports: they are not read`);
});
