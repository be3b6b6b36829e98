// The package as others load it: both kinds of module, and what they share.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";

import * as esm from "workspace-sidecar";

const cjs = createRequire(import.meta.url)("workspace-sidecar");

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
