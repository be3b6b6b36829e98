// The configurations of packagers in fixtures/hosts: that they take along what scripts/package makes, under the names
// that it is looked for, and leave it as it is.

import assert from "node:assert/strict";
import {
  chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync,
  writeFileSync,
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
const MAC = TARGETS.filter(({ os }) => os === "darwin");
const RESOURCES = "/work/workspace-sidecar/out/Host.app/Contents/Resources";
/** Where a program is that was signed before, in each way that it is packaged. */
const SEALED = [
  "workspace-sidecar",
  "workspace-sidecar-aarch64-apple-darwin",
  "app.asar.unpacked/node_modules/@workspace-sidecar/darwin-arm64",
  "app.asar.unpacked/node_modules/.pnpm/x/node_modules/@workspace-sidecar/darwin-x64",
].map((folder) => `${RESOURCES}/${folder}/workspace-sidecar`);
/** What is not sealed: it has to be signed with the application. */
const UNSEALED = [
  "/work/workspace-sidecar/workspace-sidecar",
  `${RESOURCES}/../MacOS/Host`,
  `${RESOURCES}/../MacOS/workspace-sidecar`,
  `${RESOURCES}/workspace-sidecar`,
  `${RESOURCES}/workspace-sidecar/workspace-sidecar/other`,
  `${RESOURCES}/my-workspace-sidecar/workspace-sidecar`,
  `${RESOURCES}/app.asar.unpacked/node_modules/workspace-sidecar/dist/workspace-sidecar`,
];

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
  for (const path of SEALED) assert.ok(ignored(path), path);
  for (const path of UNSEALED) assert.ok(!ignored(path), path);
  assert.deepEqual(win.signExts, ["!workspace-sidecar.exe"]);
});

test("the document has electron-builder's expression, and both bundles in a universal application", () => {
  const document = readFileSync(fileURLToPath(new URL("../docs/packaging.md", import.meta.url)), "utf8");
  const [all, universal] = [...document.matchAll(/^```yaml\n([^]*?)^```$/gm)].map(([, yaml]) => parse(yaml).mac);
  const config = parse(readFileSync(join(HOSTS, "electron/electron-builder.yml"), "utf8"));
  assert.deepEqual(all.signIgnore, config.mac.signIgnore);
  assert.deepEqual(universal.extraResources, MAC.map(({ platform, triple }) => ({
    from: `node_modules/@workspace-sidecar/${platform}`,
    to: `workspace-sidecar-${triple}`,
  })));
  for (const { to } of universal.extraResources) {
    assert.ok(covers(universal.x64ArchFiles, `Contents/Resources/${to}/workspace-sidecar`), to);
  }
  assert.ok(!covers(universal.x64ArchFiles, "Contents/MacOS/Host"));
});

test("Electron Forge takes the bundle of each platform that is packaged for along", async (t) => {
  const { project, config } = forge(t);
  const targets = DYNAMIC.map((platform) => platform.split("-").slice(0, 2));
  for (const platform of DYNAMIC) install(project, platform);
  await config.hooks.prePackage(config, "linux", "x64,arm64");
  // Several are packaged for at a time.
  await Promise.all([...targets, ["mas", "arm64"]].map(async ([os, arch]) => {
    const resources = await afterCopy(t, config, os, arch);
    const platform = DYNAMIC.find((name) => name.startsWith(`${os.replace("mas", "darwin")}-${arch}`));
    const { executable } = TARGETS.find((target) => target.platform === platform);
    assert.deepEqual(readdirSync(resources).sort(), ["app", "workspace-sidecar"]);
    const bundle = join(resources, "workspace-sidecar");
    assert.deepEqual(readdirSync(bundle).sort(), [...BUNDLE, executable].sort());
    assert.equal(readFileSync(join(bundle, executable), "utf8"), `${executable} of ${platform}`);
    if (process.platform !== "win32") assert.equal(statSync(join(bundle, executable)).mode & 0o111, 0o111);
  }));
});

test("both halves of Electron Forge's universal application have the same files", async (t) => {
  const { project, config } = forge(t);
  for (const { platform } of MAC) install(project, platform);
  for (const [os, arch] of [["darwin", "universal"], ["mas", "x64,universal"], ["darwin", "all"]]) {
    await config.hooks.prePackage(config, os, arch);
    for (const half of ["x64", "arm64"]) {
      const resources = await afterCopy(t, config, os, half);
      const names = MAC.map(({ triple }) => `workspace-sidecar-${triple}`);
      assert.deepEqual(readdirSync(resources).sort(), ["app", ...names].sort());
      for (const { platform, triple } of MAC) {
        const path = join(resources, `workspace-sidecar-${triple}`, "workspace-sidecar");
        assert.equal(readFileSync(path, "utf8"), `workspace-sidecar of ${platform}`);
        const { x64ArchFiles } = config.packagerConfig.osxUniversal;
        assert.ok(covers(x64ArchFiles, `Contents/Resources/workspace-sidecar-${triple}/workspace-sidecar`));
      }
    }
  }
});

test("Electron Forge stops where the platform's package is not installed, and says how to get it", async (t) => {
  const { config } = forge(t);
  await assert.rejects(afterCopy(t, config, "linux", "arm64"), /npm install .*@workspace-sidecar\/linux-arm64-gnu$/);
});

test("Electron Forge leaves the program as it is, and out of the archive", (t) => {
  const { osxSign, ignore } = forge(t).config.packagerConfig;
  for (const path of SEALED) assert.ok(osxSign.ignore(path), path);
  for (const path of UNSEALED) assert.ok(!osxSign.ignore(path), path);
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
  // The last one is that of a universal application.
  for (const name of [linux.extraResources[0].to, `workspace-sidecar-${target.triple}`]) {
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

/** A stand-in for a platform package in an application's folder. */
function install(project, platform) {
  const { executable } = TARGETS.find((target) => target.platform === platform);
  const folder = join(project, "node_modules/@workspace-sidecar", platform);
  mkdirSync(folder, { recursive: true });
  for (const file of ["package.json", executable, ...BUNDLE]) {
    writeFileSync(join(folder, file), `${file} of ${platform}`);
  }
  chmodSync(join(folder, executable), 0o755);
}

/** Calls the hook as Forge does, once the application is copied; it returns the folder of the resources. */
async function afterCopy(t, config, platform, arch) {
  const resources = mkdtempSync(join(tmpdir(), "workspace-sidecar-resources-"));
  t.after(() => rmSync(resources, { recursive: true, force: true }));
  const buildPath = join(resources, "app");
  mkdirSync(buildPath);
  await config.hooks.packageAfterCopy(config, buildPath, "45.0.0", platform, arch);
  return resources;
}

/** Whether a pattern of paths covers one; of its syntax, it knows `*`. */
function covers(pattern, path) {
  const literal = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${literal.join("[^/]*")}$`).test(path);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(HOSTS, path), "utf8"));
}
