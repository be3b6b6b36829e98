// Sealing a bundle anew: what is changed, what is kept, and the command's messages and exit statuses.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { appendFileSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { SidecarError, resolveSidecarPath, sealBundle, verifyBinary } from "workspace-sidecar";

import { bundle, folder, linux, manifestOf, packageFolder, thrown, write } from "./bundles.mjs";

/** Runs the command of `kind`. */
function seal(args, kind = "esm") {
  const command = join(packageFolder, "dist", kind, "seal.js");
  const options = { timeout: 30_000, encoding: "utf8" };
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], options);
  return { status, stdout, stderr };
}

test("a bundle whose binary was signed is sealed, and fine again", async (t) => {
  const resourcesPath = folder(t);
  const dir = join(resourcesPath, "workspace-sidecar");
  const find = () => resolveSidecarPath({ ...linux, env: {}, packaged: true, resourcesPath });
  appendFileSync(bundle(dir), "a signature");
  await assert.rejects(verifyBinary(find(), linux), { code: "sidecar_unusable" });

  const { size, sha256 } = manifestOf("a programa signature");
  const path = join(dir, "manifest.json");
  assert.deepEqual(await sealBundle(dir), { path, size, sha256, changed: true });
  await verifyBinary(find(), linux);
  assert.deepEqual(await sealBundle(dir), { path, size, sha256, changed: false });
});

test("only size and digest change: other fields, their order and the file's mode stay", async (t) => {
  const dir = folder(t);
  const path = bundle(dir);
  const { sha256, size, ...others } = manifestOf("another program");
  const before = { sha256, notes: { z: 1, a: [null] }, ...others, size, last: "ü" };
  write(join(dir, "manifest.json"), `\uFEFF${JSON.stringify(before)}`, 0o640);
  const { mode } = statSync(join(dir, "manifest.json"));
  await sealBundle(dir);
  const text = readFileSync(join(dir, "manifest.json"), "utf8");
  const after = { ...before, ...manifestOf("a program") };
  assert.equal(text, `${JSON.stringify(after, null, 2)}\n`);
  assert.equal(statSync(join(dir, "manifest.json")).mode, mode);
  assert.deepEqual(readdirSync(dir).sort(), ["manifest.json", "workspace-sidecar"]);
  assert.equal(readFileSync(path, "utf8"), "a program");
});

test("a manifest that is true is not written", async (t) => {
  const dir = folder(t);
  bundle(dir);
  const before = statSync(join(dir, "manifest.json"));
  await sealBundle(dir);
  const after = statSync(join(dir, "manifest.json"));
  assert.deepEqual([after.ino, after.mtimeMs], [before.ino, before.mtimeMs]);
});

test("what is no sound bundle is refused, and left as it is", async (t) => {
  const dir = folder(t);
  const refused = async (message) => {
    const before = readdirSync(dir);
    const error = await thrown(() => sealBundle(dir));
    assert.ok(error instanceof SidecarError && error.code === "sidecar_unusable", error.stack);
    assert.match(error.message, message);
    assert.deepEqual(readdirSync(dir), before);
  };
  await refused(/manifest\.json cannot be read \(ENOENT.* Give the folder of a bundle\.$/);
  write(join(dir, "manifest.json"), "{}");
  await refused(/manifest\.json has no field "formatVersion"/);
  rmSync(bundle(dir));
  await refused(/workspace-sidecar cannot be read \(ENOENT.*, and is the manifest's "entrypoint"\.$/);
});

test("a manifest that cannot be replaced stays as it was, and so does what is in the way", async (t) => {
  const dir = folder(t);
  const path = join(dir, "manifest.json");
  appendFileSync(bundle(dir), "a signature");
  const before = readFileSync(path, "utf8");
  const inTheWay = write(`${path}.${process.pid}.tmp`, "somebody's");
  const error = await thrown(() => sealBundle(dir));
  assert.equal(error.code, "sidecar_unusable");
  assert.ok(error.message.startsWith(`${path} cannot be written (EEXIST: `), error.message);
  assert.ok(error.message.endsWith("). It is as it was."), error.message);
  assert.equal(readFileSync(path, "utf8"), before);
  assert.equal(readFileSync(inTheWay, "utf8"), "somebody's");
});

test("the command seals, says what it did, and exits with 0, 1 or 2", (t) => {
  for (const kind of ["esm", "cjs"]) {
    const dir = folder(t);
    appendFileSync(bundle(dir), "a signature");
    const { size, sha256 } = manifestOf("a programa signature");
    const told = `${size} bytes, SHA-256 ${sha256}\n`;
    const path = join(dir, "manifest.json");
    assert.deepEqual(seal([dir], kind), { status: 0, stdout: `${path}: sealed: ${told}`, stderr: "" });
    assert.deepEqual(seal([dir], kind), { status: 0, stdout: `${path}: is true already: ${told}`, stderr: "" });
  }
  const dir = folder(t);
  const failed = seal([dir]);
  assert.deepEqual([failed.status, failed.stdout], [1, ""]);
  assert.match(failed.stderr, /^workspace-sidecar-seal: .+manifest\.json cannot be read \(ENOENT.*\n$/);
  for (const args of [[], [""], ["--force"], ["a", "b"]]) {
    const { status, stdout, stderr } = seal(args);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, /^Usage: workspace-sidecar-seal DIR\n/);
  }
  assert.equal(seal(["--help"]).status, 0);
});
