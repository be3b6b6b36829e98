// Trees of files in a folder of their own, and bundles in them.

import { createHash } from "node:crypto";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const { version: packageVersion } = createRequire(import.meta.url)("workspace-sidecar/package.json");
export const packageFolder = fileURLToPath(new URL("..", import.meta.url));

/** The target most tests are about, whatever they run on. */
export const linux = { platform: "linux", arch: "x64", libc: "gnu" };

/** A folder that is removed after the test. */
export function folder(t) {
  const path = realpathSync(mkdtempSync(join(tmpdir(), "workspace-sidecar-")));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Writes a file and the folders above it. */
export function write(path, content, mode = 0o644) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  chmodSync(path, mode);
  return path;
}

/** A file that may be executed; `builtAt` in seconds. */
export function program(path, builtAt, content = "a program") {
  write(path, content, 0o755);
  if (builtAt !== undefined) utimesSync(path, builtAt, builtAt);
  return path;
}

/** The manifest of a binary with this content; `changes` replaces fields, `undefined` removes them. */
export function manifestOf(content, changes = {}) {
  return {
    formatVersion: 1,
    platform: "linux-x64-gnu",
    targetTriple: "x86_64-unknown-linux-gnu",
    sidecarVersion: "0.1.0",
    protocolVersion: 1,
    hostMinVersion: "0.1.0",
    entrypoint: "workspace-sidecar",
    size: Buffer.byteLength(content),
    sha256: createHash("sha256").update(content).digest("hex"),
    ...changes,
  };
}

/** A bundle's folder; its binary's path is given. */
export function bundle(dir, changes = {}, content = "a program") {
  const manifest = manifestOf(content, changes);
  write(join(dir, "manifest.json"), JSON.stringify(manifest, null, 2));
  return program(join(dir, manifest.entrypoint), undefined, content);
}

/** A platform package, installed in the project at `dir`; its binary's path is given. */
export function installed(dir, platform, changes = {}) {
  const folder = join(dir, "node_modules/@workspace-sidecar", platform);
  write(join(folder, "package.json"), JSON.stringify({ name: `@workspace-sidecar/${platform}`, version: "0.1.0" }));
  return bundle(folder, changes);
}

/** A copy of this package, as npm would install it. */
export function copyOfPackage(dir) {
  cpSync(join(packageFolder, "dist"), join(dir, "dist"), { recursive: true });
  cpSync(join(packageFolder, "package.json"), join(dir, "package.json"));
  return dir;
}

/** The error that a function throws, or rejects with. */
export async function thrown(act) {
  try {
    await act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

/** A path as messages quote it for a shell, where it has nothing that a Unix shell would take apart. */
export function quoted(path) {
  return process.platform === "win32" ? `"${path}"` : path;
}
