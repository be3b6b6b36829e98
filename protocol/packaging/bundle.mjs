// The folder that applications take along: the binary, its manifest, and the licences.

import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { sha256 } from "./archives.mjs";
import { ROOT, machinePaths, metadata } from "./cargo.mjs";
import { inspect, namedPaths } from "./executable.mjs";
import { notices } from "./licences.mjs";
import { versionsOf } from "./versions.mjs";

const FORMAT_VERSION = 1;

/**
 * Throws where a binary is not for the target; and, unless it is a debug build, where it has symbols or names folders
 * of this machine.
 * @param {string} binary
 * @param {import("./targets.mjs").Target} target
 * @param {{ debugBuild: boolean }} options
 */
export function checkBinary(binary, target, { debugBuild }) {
  const bytes = readFileSync(binary);
  let found;
  try {
    found = inspect(bytes);
  } catch (error) {
    throw new Error(`${binary} ${error.message}`);
  }
  if (found.os !== target.os || found.cpu !== target.cpu) {
    throw new Error(`${binary} is a program for ${found.os} on ${found.cpu}, not for ${target.triple}`);
  }
  if (debugBuild) return;
  if (!found.stripped) {
    throw new Error(`${binary} has symbols: build it with the release profile (or say --debug-build)`);
  }
  const named = namedPaths(bytes, machinePaths().map(({ path }) => path));
  if (named.length > 0) {
    const remedy = "build it by scripts/package, or in the environment that --build-env prints";
    throw new Error(`${binary} names ${named.join(", ")}, folders of this machine: ${remedy}`);
  }
}

/**
 * Makes the folder anew.
 * @param {string} folder
 * @param {string} binary
 * @param {import("./targets.mjs").Target} target
 * @returns {object} the manifest
 */
export function writeBundle(folder, binary, target) {
  const known = metadata(target.triple);
  const { version } = known.packages.find(({ id }) => id === known.resolve.root);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });

  const entrypoint = join(folder, target.executable);
  copyFileSync(binary, entrypoint);
  chmodSync(entrypoint, 0o755);
  const bytes = readFileSync(entrypoint);
  const manifest = {
    formatVersion: FORMAT_VERSION,
    platform: target.platform,
    targetTriple: target.triple,
    ...versionsOf(entrypoint, target, version),
    entrypoint: target.executable,
    size: bytes.length,
    sha256: sha256(bytes),
  };
  writePlain(join(folder, "manifest.json"), `${JSON.stringify(manifest, null, 2)}\n`);
  writePlain(join(folder, "LICENSE"), readFileSync(join(ROOT, "LICENSE"), "utf8").replaceAll("\r\n", "\n"));
  writePlain(join(folder, "THIRD-PARTY-LICENSES.txt"), notices(target, known));
  return manifest;
}

/**
 * Writes a file that everybody may read, whatever the umask is.
 * @param {string} path
 * @param {string} content
 */
export function writePlain(path, content) {
  writeFileSync(path, content);
  chmodSync(path, 0o644);
}
