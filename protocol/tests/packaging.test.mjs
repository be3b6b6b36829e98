// scripts/package: what it makes of a binary, twice the same, and what it refuses to pack.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import * as tar from "tar";

import { listTar } from "../packaging/archives.mjs";
import { buildEnvironment, hostTriple, machinePaths, targetDirectory } from "../packaging/cargo.mjs";
import { inspect, namedPaths } from "../packaging/executable.mjs";
import { TARGETS, targetOf } from "../packaging/targets.mjs";
// It is no entry point of the package: who is asked for a path need not know the names.
import { TARGET_TRIPLES } from "../dist/esm/resolve/platform.js";
import { executable } from "./executables.mjs";

const PACKAGE = fileURLToPath(new URL("../packaging/package.mjs", import.meta.url));
const SMOKE = fileURLToPath(new URL("../packaging/smoke.mjs", import.meta.url));
// One for each system that is not this one.
const FOREIGN = TARGETS.filter(({ os, cpu, libc, released }) => {
  return os !== process.platform && cpu === "x64" && libc !== "musl" && released;
});

const host = targetOf(hostTriple());
const debugBinary = process.env.SIDECAR ?? join(targetDirectory(), "debug", host.executable);
let scratch;
/** Where the debug binary of this machine is packed. */
let packed;
let transcript;

before(() => {
  scratch = mkdtempSync(join(tmpdir(), "workspace-sidecar-packaging-"));
  packed = join(scratch, "packed");
  transcript = pack("--binary", debugBinary, "--debug-build", "--out", packed);
  assert.equal(transcript.status, 0, transcript.stderr);
});

after(() => rmSync(scratch, { recursive: true, force: true }));

test("the manifest says what the binary is, and is printed", () => {
  const bundle = join(packed, `workspace-sidecar-${host.triple}`);
  const manifest = readJson(join(bundle, "manifest.json"));
  const bytes = readFileSync(debugBinary);
  assert.deepEqual(manifest, {
    formatVersion: 1,
    platform: host.platform,
    targetTriple: host.triple,
    sidecarVersion: spawnSync(debugBinary, ["--version"], { encoding: "utf8" }).stdout.trim().split(" ")[1],
    protocolVersion: 1,
    hostMinVersion: manifest.hostMinVersion,
    entrypoint: host.executable,
    size: bytes.length,
    sha256: sha256(bytes),
  });
  assert.match(manifest.hostMinVersion, /^\d+\.\d+\.\d+$/);
  assert.deepEqual(JSON.parse(transcript.stdout), manifest);
  const files = ["LICENSE", "THIRD-PARTY-LICENSES.txt", "manifest.json", host.executable];
  assert.deepEqual(readdirSync(bundle).sort(), files.sort());
  assert.equal(sha256(readFileSync(join(bundle, host.executable))), manifest.sha256);
});

test("in the archives, only the binary may be executed", { skip: process.platform === "win32" }, async () => {
  const name = `workspace-sidecar-${host.triple}`;
  const entries = await listTar(join(packed, `${name}.tar.gz`));
  const modes = Object.fromEntries(entries.map(({ path, mode }) => [path, mode.toString(8)]));
  assert.deepEqual(modes, {
    [`${name}/LICENSE`]: "644",
    [`${name}/THIRD-PARTY-LICENSES.txt`]: "644",
    [`${name}/manifest.json`]: "644",
    [`${name}/${host.executable}`]: "755",
  });
  const npm = await listTar(join(packed, tarballs(packed)[0]));
  const mayRun = npm.filter(({ mode }) => mode & 0o111).map(({ path }) => path);
  assert.deepEqual(mayRun, [`package/${host.executable}`]);
  assert.equal(statSync(join(packed, "tauri", name)).mode & 0o777, 0o755);
});

test("the npm package is for its platform alone", () => {
  const description = readJson(join(packed, "npm", host.platform, "package.json"));
  assert.equal(description.name, `@workspace-sidecar/${host.platform}`);
  assert.equal(description.version, readJson(join(packed, "npm", host.platform, "manifest.json")).sidecarVersion);
  assert.deepEqual(description.os, [process.platform]);
  assert.deepEqual(description.cpu, [process.arch]);
  assert.deepEqual(description.libc, host.libc && [host.libc]);
  assert.deepEqual(description.bin, { "workspace-sidecar": host.executable });
});

test("SHA256SUMS covers all artefacts, and is true", () => {
  const name = `workspace-sidecar-${host.triple}`;
  const sums = readSums(packed);
  const tauri = host.executable.replace("workspace-sidecar", name);
  const zip = host.os === "win32" ? [`${name}.zip`] : [];
  assert.deepEqual([...sums.keys()].sort(), [...tarballs(packed), `${name}.tar.gz`, `tauri/${tauri}`, ...zip].sort());
  for (const [file, sum] of sums) assert.equal(sha256(readFileSync(join(packed, file))), sum, file);
});

test("the packaged binary answers, from the archive too", () => {
  const archive = join(packed, `workspace-sidecar-${host.triple}.tar.gz`);
  const { status, stdout, stderr } = node(SMOKE, archive);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^exit status 0$/m);
});

test("the smoke test tells of a binary that is not the manifest's", () => {
  const damaged = join(scratch, "damaged");
  const [target] = FOREIGN;
  assert.equal(pack(...foreign(target.os, damaged)).status, 0);
  const bundle = join(damaged, `workspace-sidecar-${target.triple}`);
  writeFileSync(join(bundle, target.executable), executable(target.os, target.cpu, { content: "damaged" }));
  const { status, stderr } = node(SMOKE, bundle);
  assert.equal(status, 1);
  assert.match(stderr, /its SHA-256 is not the manifest's/);
});

test("the smoke test tells of a program that is no sidecar", { skip: process.platform === "win32" }, () => {
  const { status, stderr } = node(SMOKE, "/bin/sh");
  assert.equal(status, 1);
  assert.match(stderr, /its output ended; exit status [^0]/);
});

for (const target of FOREIGN) {
  test(`packed twice, all artefacts for ${target.triple} are the same to the byte`, async () => {
    const binary = join(scratch, target.triple);
    writeFileSync(binary, executable(target.os, target.cpu), { mode: 0o600 });
    const [first, second] = [`${binary}-1`, `${binary}-2`];
    for (const [out, umask, TZ] of [[first, 0o022, "UTC"], [second, 0o077, "Asia/Tokyo"]]) {
      const before = process.umask(umask);
      const { status, stderr } = pack(target.triple, "--binary", binary, "--out", out, { env: { TZ } });
      process.umask(before);
      assert.equal(status, 0, stderr);
    }
    const sums = readSums(first);
    assert.deepEqual(readSums(second), sums);
    assert.equal([...sums.keys()].some((file) => file.endsWith(".zip")), target.os === "win32");
    const manifest = readJson(join(first, `workspace-sidecar-${target.triple}`, "manifest.json"));
    assert.equal(manifest.platform, target.platform);
    assert.equal(manifest.entrypoint, target.os === "win32" ? "workspace-sidecar.exe" : "workspace-sidecar");
    await tar.list({ file: join(second, `workspace-sidecar-${target.triple}.tar.gz`), strict: true });
  });
}

test("several targets share a folder; a new version takes the place of an old one", () => {
  const out = join(scratch, "several");
  mkdirSync(out);
  for (const { os, platform } of FOREIGN) {
    writeFileSync(join(out, `workspace-sidecar-${platform}-0.0.1.tgz`), "");
    assert.equal(pack(...foreign(os, out)).status, 0);
  }
  const sums = readSums(out);
  assert.equal(tarballs(out).length, FOREIGN.length);
  for (const file of tarballs(out)) assert.ok(sums.has(file) && !file.includes("0.0.1"), file);
});

test("a binary is refused that has symbols, names folders of this machine, or is for another system", () => {
  const [target] = FOREIGN;
  const refusal = (content) => {
    const binary = join(scratch, "refused");
    writeFileSync(binary, content);
    const out = join(scratch, "refused-out");
    const { status, stderr } = pack(target.triple, "--binary", binary, "--out", out);
    assert.equal(status, 1);
    assert.ok(stderr.includes(binary), stderr);
    return stderr;
  };
  assert.match(refusal(executable(target.os, target.cpu, { symbols: true })), /has symbols/);
  const [{ path }] = machinePaths();
  const named = refusal(executable(target.os, target.cpu, { content: `panicked at ${path}/src/main.rs` }));
  assert.ok(named.includes(`names ${path}`), named);
  assert.match(refusal(executable(target.os, target.cpu === "x64" ? "arm64" : "x64")), /not for/);
  assert.match(refusal("#!/bin/sh\n"), /neither an ELF, a PE nor/);
  assert.match(refusal(executable("linux", "x64").subarray(0, 70)), /cut off|not for/);
});

test("every package is one that is looked for, and for the same systems", () => {
  const released = TARGETS.filter((target) => target.released);
  assert.deepEqual(released.map(({ platform }) => platform).sort(), Object.keys(TARGET_TRIPLES).sort());
  for (const { platform, triple, released: first } of TARGETS) {
    assert.ok(TARGET_TRIPLES[platform].includes(triple), triple);
    if (first) assert.equal(TARGET_TRIPLES[platform][0], triple);
  }
});

test("a target without a package and wrong usage are told", () => {
  const unknown = pack("riscv64gc-unknown-linux-gnu");
  assert.equal(unknown.status, 1);
  assert.match(unknown.stderr, /no package for riscv64gc-unknown-linux-gnu; known: x86_64-unknown-linux-gnu/);
  assert.equal(pack("--nonsense").status, 2);
  assert.match(pack("--help").stdout, /^usage: scripts\/package/);
});

test("symbols are seen in programs of each system", () => {
  for (const { os, cpu } of TARGETS) {
    assert.deepEqual(inspect(executable(os, cpu)), { os, cpu, stripped: true });
    assert.deepEqual(inspect(executable(os, cpu, { symbols: true })), { os, cpu, stripped: false });
  }
  assert.equal(inspect(readFileSync(debugBinary)).os, process.platform);
});

test("paths are seen with either slash, and in UTF-16", () => {
  const folder = "C:\\Users\\ada\\.cargo";
  const texts = [Buffer.from(`at ${folder}\\x`), Buffer.from("C:/Users/ada/.cargo/x"), Buffer.from(folder, "utf16le")];
  for (const bytes of texts) {
    assert.deepEqual(namedPaths(bytes, ["C:\\Users\\bo", folder]), [folder]);
  }
});

test("the build's environment renames every folder of this machine, for Rust and for C", () => {
  for (const { triple } of TARGETS) {
    const environment = buildEnvironment(triple);
    const cflags = environment[`CFLAGS_${triple.replaceAll("-", "_")}`];
    for (const { path } of machinePaths()) {
      assert.ok(environment.CARGO_ENCODED_RUSTFLAGS.includes(`--remap-path-prefix=${path}=/`));
      assert.ok(cflags.includes(path), cflags);
    }
  }
});

/** Arguments that pack a stand-in for a system that is not this one. */
function foreign(os, out) {
  const target = FOREIGN.find((candidate) => candidate.os === os);
  const binary = join(scratch, `stand-in-${os}`);
  writeFileSync(binary, executable(os, target.cpu));
  return [target.triple, "--binary", binary, "--out", out];
}

function pack(...args) {
  return node(PACKAGE, ...args);
}

function node(...args) {
  const { env } = typeof args.at(-1) === "object" ? args.pop() : {};
  return spawnSync(process.execPath, args, { encoding: "utf8", env: { ...process.env, ...env } });
}

function tarballs(out) {
  return readdirSync(out).filter((name) => name.endsWith(".tgz"));
}

function readSums(out) {
  const lines = readFileSync(join(out, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  return new Map(lines.map((line) => line.split("  ").reverse()));
}

function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

function readJson(path) {
  return JSON.parse(readFileSync(path, "utf8"));
}
