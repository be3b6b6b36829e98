// What of a manager's options becomes part of the sidecar's command line and environment.

import assert from "node:assert/strict";
import { test } from "node:test";

import { createWorkspaceBackend, SidecarManager } from "workspace-sidecar";

import { failure } from "./support/failure.mjs";
import { manageReal, temp, workspace } from "./support/managers.mjs";

test("a glob of `exclude` may look like an option", async () => {
  const files = { "-x/a.ts": "", "--help": "", "b.ts": "", "a=b": "" };
  const sidecar = manageReal(workspace(files), { exclude: ["-x", "--help", "a=b"] });
  await sidecar.start();
  assert.deepEqual((await sidecar.glob({ include: ["**"] })).files, [{ path: "b.ts" }]);
});

test("a NUL is refused where it is given, rather than taken for a binary that cannot be started", async () => {
  const WRONG = [
    [{ exclude: ["a\0b"] }, /exclude: expected no NUL in it/],
    [{ args: ["--x=\0"] }, /args: expected no NUL in it/],
    [{ cacheDir: "a\0b" }, /cacheDir: expected no NUL in it/],
    [{ env: { A: "a\0" } }, /env: expected no NUL in it/],
    [{ env: { "A\0": "a" } }, /env: expected no NUL in it/],
    [{ binary: "a\0" }, /binary: expected no NUL in it/],
    [{ binary: { file: "a\0" } }, /binary\.file: expected no NUL in it/],
    [{ binary: { file: "a", args: ["\0"] } }, /binary\.args: expected no NUL in it/],
    [{ binary: { file: "a", env: { A: "\0" } } }, /binary\.env: expected no NUL in it/],
    [{ binary: { path: "a\0", source: "option" } }, /binary\.path: expected no NUL in it/],
  ];
  for (const [options, message] of WRONG) {
    assert.throws(() => new SidecarManager({ root: temp, ...options }), failure("invalid_params", message));
    await assert.rejects(createWorkspaceBackend({ root: temp, sidecar: options }), failure("invalid_params", message));
  }
  const root = { root: "a\0b" };
  assert.throws(() => new SidecarManager(root), failure("invalid_params", /^root: expected no NUL in it/));
  await assert.rejects(createWorkspaceBackend(root), failure("invalid_params", /^root: expected no NUL in it/));
});
