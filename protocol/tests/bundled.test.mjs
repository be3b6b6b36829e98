// Bundled with an application, this code lies elsewhere than it was installed.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { build } from "esbuild";

import { folder, installed, linux, packageFolder } from "./bundles.mjs";

/** Where this package lay on the machine that the bundler ran on, as webpack writes it into `import.meta.url`. */
const ELSEWHERE = "file:///C:/builder/node_modules/workspace-sidecar/dist/esm/here.js";
const dist = join(packageFolder, "dist/esm");

/** Bundles a program that looks for the binary, and runs it in a project that has the platform package. */
async function found(t, { format, options = {}, define = {} }) {
  const project = folder(t);
  const path = installed(project, "linux-x64-gnu");
  const outfile = join(project, "out", format === "cjs" ? "main.cjs" : "main.mjs");
  const contents = `
    import { resolveSidecarPath } from "./index.js";
    try {
      const options = ${JSON.stringify({ ...linux, env: {}, packaged: false, ...options })};
      if (options.from) options.from = ${JSON.stringify(join(project, "package.json"))};
      console.log(JSON.stringify({ path: resolveSidecarPath(options).path }));
    } catch ({ code, message }) {
      console.log(JSON.stringify({ code, message }));
    }`;
  const stdin = { contents, resolveDir: dist };
  const logOverride = { "empty-import-meta": "silent" };
  await build({ stdin, bundle: true, platform: "node", format, outfile, define, logOverride });
  return { expected: path, ...JSON.parse(execFileSync(process.execPath, [outfile], { encoding: "utf8" })) };
}

const webpack = { "import.meta.url": JSON.stringify(ELSEWHERE) };
for (const [name, how] of [
  ["an ES module", { format: "esm" }],
  ["CommonJS", { format: "cjs" }],
  ["CommonJS, with where the bundler had it", { format: "cjs", define: webpack }],
  ["an ES module, with where the bundler had it, and `from`", { format: "esm", define: webpack, options: { from: true } }],
]) {
  test(`the platform package is found from a bundle: ${name}`, async (t) => {
    const { path, expected, message } = await found(t, how);
    assert.equal(path, expected, message);
  });
}

test("where a bundle knows only a file of another machine, nothing is looked for from there, and it says so", async (t) => {
  const { code, message } = await found(t, { format: "esm", define: webpack });
  assert.equal(code, "sidecar_not_found");
  assert.ok(message.includes(`platform package: not looked for: a bundler took this code, and ${ELSEWHERE}`), message);
  assert.match(message, /give the option binary: \{ from: … \}/);
});

test("nothing imports `createRequire` by its name: webpack makes `undefined` of calls that it cannot follow", () => {
  let files = 0;
  for (const file of readdirSync(dist, { recursive: true }).filter((file) => file.endsWith(".js"))) {
    assert.doesNotMatch(readFileSync(join(dist, file), "utf8"), /import[^;]*\bcreateRequire\b/, file);
    files += 1;
  }
  assert.ok(files > 50, `${files} files`);
});
