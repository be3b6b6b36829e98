// The configurations of packagers in fixtures/hosts: that they take along what scripts/package makes, under the names
// that it is looked for, and leave it as it is.

import assert from "node:assert/strict";
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

import { PROTOCOL_VERSION, resolveSidecarPath, verifyBinary } from "workspace-sidecar";

import { sha256 } from "../packaging/archives.mjs";
import { hostTriple } from "../packaging/cargo.mjs";
import { PLATFORMS, TARGETS, targetOf } from "../packaging/targets.mjs";

const HOSTS = fileURLToPath(new URL("../../fixtures/hosts", import.meta.url));
const BUNDLE = ["LICENSE", "THIRD-PARTY-LICENSES.txt", "manifest.json"];
const DYNAMIC = PLATFORMS.filter((platform) => !platform.endsWith("-musl"));
const IN_APPLICATION = "/out/Host.app/Contents/Resources/workspace-sidecar/workspace-sidecar";

test("electron-builder takes the bundle of each platform along", () => {
  const config = parse(readFileSync(join(HOSTS, "electron/electron-builder.yml"), "utf8"));
  const sections = { darwin: "mac", win32: "win", linux: "linux" };
  for (const platform of DYNAMIC) {
    const [os, arch] = platform.split("-");
    const resources = config[sections[os]].extraResources;
    assert.equal(resources.length, 1);
    const [{ from, to, filter }] = resources;
    assert.equal(from.replace("${arch}", arch), `node_modules/@workspace-sidecar/${platform}`);
    assert.equal(to, "workspace-sidecar");
    const { executable } = TARGETS.find((target) => target.platform === platform);
    for (const file of [executable, ...BUNDLE]) assert.ok(filter.includes(file), file);
  }
});

test("electron-builder does not sign the program again, and nothing else is left out", () => {
  const { mac, win } = parse(readFileSync(join(HOSTS, "electron/electron-builder.yml"), "utf8"));
  const ignored = (path) => mac.signIgnore.some((pattern) => new RegExp(pattern).test(path));
  assert.ok(ignored(IN_APPLICATION));
  assert.ok(!ignored("/out/Host.app/Contents/MacOS/Host"));
  assert.deepEqual(win.signExts, ["!workspace-sidecar.exe"]);
});

test("Electron Forge takes the bundle of the platform that is packaged for along", async (t) => {
  const { project, config } = forge(t);
  const [extra] = config.packagerConfig.extraResource;
  assert.equal(basename(extra), "workspace-sidecar");
  for (const platform of DYNAMIC) {
    const [os, arch] = platform.split("-");
    const { executable } = TARGETS.find((target) => target.platform === platform);
    const source = join(project, "node_modules/@workspace-sidecar", platform);
    mkdirSync(source, { recursive: true });
    for (const file of ["package.json", executable, ...BUNDLE]) {
      writeFileSync(join(source, file), `${file} of ${platform}`);
    }
    chmodSync(join(source, executable), 0o755);
    await config.hooks.prePackage(config, os, arch);
    assert.deepEqual(readdirSync(extra).sort(), [...BUNDLE, executable].sort());
    assert.equal(readFileSync(join(extra, executable), "utf8"), `${executable} of ${platform}`);
    if (process.platform !== "win32") assert.equal(statSync(join(extra, executable)).mode & 0o111, 0o111);
  }
});

test("Electron Forge stops where the platform's package is not installed, and says how to get it", async (t) => {
  const { config } = forge(t);
  const packaging = config.hooks.prePackage(config, "linux", "arm64");
  await assert.rejects(packaging, /npm install .*@workspace-sidecar\/linux-arm64-gnu$/);
});

test("Electron Forge leaves the program as it is, and out of the archive", (t) => {
  const { osxSign, ignore } = forge(t).config.packagerConfig;
  const skipped = (file) => osxSign.ignore.some((rule) => rule(file));
  assert.ok(skipped(IN_APPLICATION));
  assert.ok(!skipped("/out/Host.app/Contents/MacOS/Host"));
  const left = (path) => ignore.some((pattern) => pattern.test(path));
  assert.ok(left("/node_modules/@workspace-sidecar/darwin-x64/workspace-sidecar"));
  assert.ok(!left("/node_modules/workspace-sidecar/package.json"));
});

test("what the packagers put into the resources is found there, and is known", async (t) => {
  const target = targetOf(hostTriple());
  const content = Buffer.from("a program");
  const manifest = {
    formatVersion: 1,
    platform: target.platform,
    targetTriple: target.triple,
    sidecarVersion: "0.1.0",
    protocolVersion: PROTOCOL_VERSION,
    hostMinVersion: "0.1.0",
    entrypoint: target.executable,
    size: content.length,
    sha256: sha256(content),
  };
  const { linux } = parse(readFileSync(join(HOSTS, "electron/electron-builder.yml"), "utf8"));
  const [extra] = forge(t).config.packagerConfig.extraResource;
  for (const name of [linux.extraResources[0].to, basename(extra)]) {
    const resourcesPath = mkdtempSync(join(tmpdir(), "workspace-sidecar-resources-"));
    t.after(() => rmSync(resourcesPath, { recursive: true, force: true }));
    mkdirSync(join(resourcesPath, name));
    const path = join(resourcesPath, name, target.executable);
    writeFileSync(path, content, { mode: 0o755 });
    writeFileSync(join(resourcesPath, name, "manifest.json"), JSON.stringify(manifest));
    const found = resolveSidecarPath({ packaged: true, resourcesPath, env: {}, buildDirs: [] });
    assert.deepEqual({ path: found.path, source: found.source }, { path, source: "resources" });
    await verifyBinary(found);
  }
});

test("Tauri finds the program under the name that it is packed with", () => {
  const { bundle } = readJson("tauri/tauri.conf.json");
  assert.equal(bundle.externalBin.length, 1);
  assert.equal(basename(bundle.externalBin[0]), "workspace-sidecar");
  assert.ok(Object.values(bundle.resources).some((path) => path.endsWith("THIRD-PARTY-LICENSES.txt")));
});

test("in Tauri, the window may start the program with one absolute folder, and talk to it; nothing else", () => {
  const { permissions, windows } = readJson("tauri/capabilities/default.json");
  assert.deepEqual(windows, readJson("tauri/tauri.conf.json").app.windows.map(({ label }) => label));
  const named = permissions.filter((permission) => typeof permission === "string");
  assert.deepEqual(named, ["core:default", "shell:allow-stdin-write", "shell:allow-kill"]);
  const [{ identifier, allow }] = permissions.filter((permission) => typeof permission !== "string");
  assert.equal(identifier, "shell:allow-spawn");
  const [{ name, sidecar, args }] = allow;
  assert.deepEqual([name], readJson("tauri/tauri.conf.json").bundle.externalBin);
  assert.equal(sidecar, true);
  const [flag, { validator }, ...more] = args;
  assert.equal(flag, "--root");
  assert.deepEqual(more, []);
  // Tauri puts the expression between these itself.
  const allowed = new RegExp(`^${validator}$`);
  const absolute = ["/", "/home/ada/a project", "C:\\Users\\ada", "D:/work", "\\\\server\\share"];
  for (const root of absolute) assert.match(root, allowed);
  for (const root of ["", ".", "src", "--cache-dir", "-/", "C:relative", "/a\n/b"]) assert.doesNotMatch(root, allowed);
});

/** The configuration in an application's folder of its own. */
function forge(t) {
  const project = mkdtempSync(join(tmpdir(), "workspace-sidecar-forge-"));
  t.after(() => rmSync(project, { recursive: true, force: true }));
  const file = join(project, "forge.config.cjs");
  copyFileSync(join(HOSTS, "electron/forge.config.cjs"), file);
  return { project, config: createRequire(file)(file) };
}

function readJson(path) {
  return JSON.parse(readFileSync(join(HOSTS, path), "utf8"));
}
