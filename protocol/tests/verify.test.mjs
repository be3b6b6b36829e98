// Whether a binary is what its manifest says, and what is said where it is not.

import assert from "node:assert/strict";
import { appendFileSync, rmSync, truncateSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { SidecarError, resolveSidecarPath, verifyBinary } from "workspace-sidecar";

import { bundle, folder, linux, manifestOf, packageVersion, program, quoted, thrown, write } from "./bundles.mjs";
import { isBefore } from "../dist/esm/resolve/version.js";

// Larger than what is read at a time, and no multiple of it.
const CONTENT = Buffer.alloc(3_000_001, "the bytes of a program, ");

/** Finds the bundle in a packaged application's resources. */
function find(resourcesPath, target = linux) {
  return resolveSidecarPath({ ...target, env: {}, packaged: true, resourcesPath });
}

/** A bundle with these fields changed, found. */
function changed(t, changes, target = linux) {
  const dir = folder(t);
  bundle(join(dir, "workspace-sidecar"), changes, CONTENT);
  return find(dir, target);
}

async function refused(act) {
  const error = await thrown(act);
  assert.ok(error instanceof SidecarError, error.stack);
  assert.equal(error.code, "sidecar_unusable");
  return error;
}

test("a binary as its manifest says is fine, and so is one without a manifest", async (t) => {
  await verifyBinary(changed(t, {}), linux);
  await verifyBinary(changed(t, { sha256: manifestOf(CONTENT).sha256.toUpperCase() }), linux);
  const path = program(join(folder(t), "workspace-sidecar"));
  await verifyBinary(resolveSidecarPath({ env: { SCAFFA_SIDECAR_PATH: path } }));
});

test("one flipped bit is found, and both digests are told", async (t) => {
  for (const at of [0, 1_500_000, CONTENT.length - 1]) {
    const binary = changed(t, {});
    const flipped = Buffer.from(CONTENT);
    flipped[at] ^= 1;
    program(binary.path, undefined, flipped);
    const expected = manifestOf(CONTENT).sha256;
    const found = manifestOf(flipped).sha256;
    const error = await refused(() => verifyBinary(binary, linux));
    assert.deepEqual(error.data, { path: binary.path, expected, found });
    const told = [
      `${binary.path} is corrupted, or was changed after it was packaged (signing changes a file too):`,
      `its SHA-256 is ${found}, and ${binary.manifest.path} says ${expected}.`,
      "Install the application or the package again. If the binary was changed on purpose, seal the bundle anew:",
      `npx workspace-sidecar-seal ${quoted(dirname(binary.path))}`,
    ];
    assert.equal(error.message, told.join(" "));
  }
});

test("a file of another size is told by its size", async (t) => {
  for (const [change, size] of [
    [(path) => truncateSync(path, 1_048_576), 1_048_576],
    [(path) => truncateSync(path, 0), 0],
    [(path) => appendFileSync(path, "a signature"), CONTENT.length + 11],
  ]) {
    const binary = changed(t, {});
    change(binary.path);
    const { message } = await refused(() => verifyBinary(binary, linux));
    const told = `its size is ${size} bytes, and ${binary.manifest.path} says ${CONTENT.length} bytes.`;
    assert.ok(message.includes(told), message);
  }
});

test("a binary that is gone meanwhile is told", async (t) => {
  const binary = changed(t, {});
  rmSync(binary.path);
  const { message } = await refused(() => verifyBinary(binary, linux));
  assert.ok(message.startsWith(`${binary.path} cannot be read to be checked (ENOENT`), message);
});

test("a binary for another platform is refused by name", async (t) => {
  const musl = { platform: "linux-x64-musl", targetTriple: "x86_64-unknown-linux-musl" };
  const windows = { platform: "win32-x64", targetTriple: "x86_64-pc-windows-msvc" };
  const onMusl = { ...linux, libc: "musl" };
  await verifyBinary(changed(t, musl), linux);
  const cases = [
    [{}, onMusl, "is built for linux-x64-gnu (x86_64-unknown-linux-gnu), and this is linux-x64-musl."],
    [musl, { ...onMusl, arch: "arm64" }, "and this is linux-arm64-musl."],
    [windows, linux, "is built for win32-x64 (x86_64-pc-windows-msvc), and this is linux-x64-gnu."],
    [{ platform: "amiga" }, linux, "is built for amiga"],
    [{ targetTriple: "aarch64-unknown-linux-gnu" }, linux, "contradicts itself: aarch64-unknown-linux-gnu is no"],
  ];
  for (const [changes, target, told] of cases) {
    const { message } = await refused(() => verifyBinary(changed(t, changes), target));
    assert.ok(message.includes(told), message);
  }
});

test("a binary and this package must be able to talk to each other", async (t) => {
  const [major, minor, patch] = packageVersion.split(".").map(Number);
  for (const hostMinVersion of ["0.0.99", `${packageVersion}-rc.1`, packageVersion]) {
    await verifyBinary(changed(t, { hostMinVersion }), linux);
  }
  for (const hostMinVersion of [`${major}.${minor}.${patch + 1}`, `${major}.${minor + 1}.0`, `${major + 1}.0.0-rc.1`]) {
    const { message, data } = await refused(() => verifyBinary(changed(t, { hostMinVersion }), linux));
    const told = `is workspace-sidecar 0.1.0, which needs version ${hostMinVersion} or later of the npm package`;
    assert.ok(message.includes(told), message);
    assert.deepEqual([data.expected, data.found], [hostMinVersion, packageVersion]);
  }
  const { message } = await refused(() => verifyBinary(changed(t, { protocolVersion: 2 }), linux));
  assert.match(message, /speaks version 2 of the contract; the npm package workspace-sidecar \S+ speaks 1\./);
});

test("versions are in the order of semver.org", () => {
  const order = [
    "0.9.0", "0.10.0", "1.0.0-1", "1.0.0-2", "1.0.0-10", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta",
    "1.0.0-beta", "1.0.0-rc.1", "1.0.0-rc.2", "1.0.0-rc.11", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0",
  ];
  for (const [i, a] of order.entries()) {
    for (const [j, b] of order.entries()) assert.equal(isBefore(a, b), i < j, `${a} ${b}`);
  }
  assert.equal(isBefore("1.0.0+a", "1.0.0+b"), false);
});

test("a manifest of a later format says so, whatever else it has", async (t) => {
  const dir = folder(t);
  const path = write(join(dir, "workspace-sidecar/manifest.json"), '{ "formatVersion": 2, "files": [] }');
  const { message, data } = await refused(() => find(dir));
  assert.match(message, /manifest\.json is of format 2; the npm package workspace-sidecar \S+ reads 1\. Update/);
  assert.deepEqual(data, { path, field: "formatVersion" });
});

test("a manifest may begin with a byte-order mark and have more fields", async (t) => {
  const dir = folder(t);
  const path = bundle(join(dir, "workspace-sidecar"));
  const manifest = { ...manifestOf("a program"), builtBy: { name: "somebody" }, path: "nowhere" };
  write(join(dir, "workspace-sidecar/manifest.json"), `\uFEFF${JSON.stringify(manifest)}\r\n`);
  const binary = find(dir);
  assert.deepEqual([binary.path, binary.manifest.path], [path, join(dir, "workspace-sidecar/manifest.json")]);
  await verifyBinary(binary, linux);
});

test("what is wrong with a manifest is told by its field", async (t) => {
  const dir = folder(t);
  const path = join(dir, "workspace-sidecar/manifest.json");
  bundle(join(dir, "workspace-sidecar"));
  const told = async (content) => {
    write(path, content);
    const { message } = await refused(() => find(dir));
    assert.ok(message.startsWith(`${path} `) && message.endsWith("install it again, or copy the whole folder again."));
    return message.slice(path.length + 1);
  };
  for (const content of ["", "{", "<html>", '{"size": 1']) assert.match(await told(content), /^is not JSON \(/);
  for (const content of ["null", "[]", "1", '"text"']) assert.match(await told(content), /^is not a JSON object\./);
  for (const field of Object.keys(manifestOf(""))) {
    const missing = await told(JSON.stringify(manifestOf("", { [field]: undefined })));
    assert.ok(missing.startsWith(`has no field "${field}".`), missing);
    const wrong = await told(JSON.stringify(manifestOf("", { [field]: null })));
    assert.ok(wrong.startsWith(`has "${field}": null, which must be`), wrong);
  }
  const bad = [
    ["formatVersion", 0], ["formatVersion", "1"], ["platform", ""], ["targetTriple", 1],
    ["sidecarVersion", "1.0"], ["hostMinVersion", "^1.0.0"], ["protocolVersion", 1.5],
    ["size", -1], ["size", "12"], ["sha256", "abc"], ["sha256", "g".repeat(64)],
    ["entrypoint", "../workspace-sidecar"], ["entrypoint", "a/b"], ["entrypoint", "C:b"], ["entrypoint", ".."],
  ];
  for (const [field, value] of bad) {
    const message = await told(JSON.stringify(manifestOf("", { [field]: value })));
    assert.ok(message.startsWith(`has "${field}": ${JSON.stringify(value)}, which must be`), message);
  }
});
