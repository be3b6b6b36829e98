// The package as others load it: both kinds of module, and what they share.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import * as esm from "workspace-sidecar";

const require = createRequire(import.meta.url);
const cjs = require("workspace-sidecar");
const here = fileURLToPath(new URL("..", import.meta.url));

/** How applications are set up to find types: Electron Forge's templates, electron-vite's, Node's own way. */
const SETTINGS = {
  "node (10)": ["--module", "commonjs", "--moduleResolution", "node", "--esModuleInterop"],
  bundler: ["--module", "esnext", "--moduleResolution", "bundler"],
  nodenext: ["--module", "nodenext"],
};
const PROGRAM = `
  import { SidecarError, SidecarManager } from "workspace-sidecar";
  import { fakeSidecar } from "workspace-sidecar/testing";
  import { SearchParams } from "workspace-sidecar/zod";

  export async function countOf(params: unknown): Promise<number | string> {
    const sidecar = new SidecarManager({ root: ".", binary: fakeSidecar() });
    sidecar.on("failed", ({ code }) => console.log(code satisfies string));
    try {
      return (await sidecar.search(SearchParams.parse(params))).matchCount;
    } catch (error) {
      return error instanceof SidecarError ? error.code : "another";
    } finally {
      await sidecar.stop();
    }
  }
`;

test("a module and CommonJS export the same names", () => {
  assert.deepEqual(Object.keys(cjs).sort(), Object.keys(esm).sort());
});

test("an error of one kind of module is one to the other", () => {
  const error = new cjs.SidecarError("not_found", "a.ts: there is no such file");
  assert.ok(error instanceof esm.SidecarError);
  assert.ok(error instanceof Error);
  assert.equal(error.code, "not_found");
  assert.ok(!(new Error("another") instanceof esm.SidecarError));
  assert.ok(!(null instanceof esm.SidecarError));
});

test("an application's own kind of error is told from others", () => {
  class WorkspaceError extends esm.SidecarError {}
  const own = new WorkspaceError("internal", "a");
  assert.ok(own instanceof WorkspaceError && own instanceof esm.SidecarError && own instanceof cjs.SidecarError);
  assert.ok(!(new esm.SidecarError("internal", "a") instanceof WorkspaceError));
});

test("its types are understood by TypeScript from 5.0 on, where iterators take one type", () => {
  const declarations = readdirSync(join(here, "dist"), { recursive: true }).filter((file) => file.endsWith(".d.ts"));
  assert.ok(declarations.length > 100, `${declarations.length} declarations`);
  for (const file of declarations) {
    const text = readFileSync(join(here, "dist", file), "utf8");
    assert.doesNotMatch(text, /(?:Iterable|Iterator|IterableIterator)<[^<>]*,/, file);
  }
});

for (const [name, settings] of Object.entries(SETTINGS)) {
  test(`its types are found and sound, strictly checked: moduleResolution ${name}`, async (t) => {
    const project = mkdtempSync(join(realpathSync(tmpdir()), "workspace-sidecar-types-"));
    t.after(() => rmSync(project, { recursive: true, force: true }));
    mkdirSync(join(project, "node_modules/@types"), { recursive: true });
    symlinkSync(here, join(project, "node_modules/workspace-sidecar"), "junction");
    symlinkSync(join(here, "node_modules/@types/node"), join(project, "node_modules/@types/node"), "junction");
    writeFileSync(join(project, "program.ts"), PROGRAM);
    const strict = ["--strict", "--exactOptionalPropertyTypes", "--noUncheckedIndexedAccess", "--types", "node"];
    const tsc = [require.resolve("typescript/bin/tsc"), "--noEmit", "--target", "es2022", ...strict, ...settings];
    await promisify(execFile)(process.execPath, [...tsc, "program.ts"], { cwd: project })
      .catch(({ stdout, message }) => assert.fail(stdout || message));
  });
}
