// Archives with the same bytes whenever they are made of the same files.

import { createHash } from "node:crypto";
import { createWriteStream, readFileSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { pipeline } from "node:stream/promises";

import * as tar from "tar";
import yazl from "yazl";

const EXECUTABLE = 0o755;
const PLAIN = 0o644;

/**
 * Packs a folder under its own name into a `.tar.gz` file.
 * @param {string} folder
 * @param {string} archive
 * @param {{ mtime: Date, executables: string[] }} options `executables`: paths in the folder that may be executed; not
 *   every file system could tell
 */
export async function packTar(folder, archive, { mtime, executables }) {
  const names = filesOf(folder).map((file) => `${basename(folder)}/${file}`);
  const mayRun = new Set(executables.map((file) => `${basename(folder)}/${file}`));
  // `portable` leaves out users, groups and devices.
  const options = { cwd: dirname(folder), gzip: { level: 9 }, portable: true, noPax: true, mtime, file: archive };
  await tar.create({
    ...options,
    filter: (path, stat) => {
      stat.mode = (stat.mode & ~0o777) | (mayRun.has(path) ? EXECUTABLE : PLAIN);
      return true;
    },
  }, names);
}

/**
 * The same as a `.zip` file, which has no right to execute: it is for Windows.
 * @param {string} folder
 * @param {string} archive
 * @param {{ mtime: Date }} options
 */
export async function packZip(folder, archive, { mtime }) {
  const zip = new yazl.ZipFile();
  // A zip file has the local time in it.
  const local = new Date(mtime.getTime() + mtime.getTimezoneOffset() * 60_000);
  for (const file of filesOf(folder)) {
    const options = { mtime: local, mode: 0o100000 | PLAIN, forceDosTimestamp: true };
    zip.addBuffer(readFileSync(join(folder, file)), `${basename(folder)}/${file}`, options);
  }
  zip.end();
  await pipeline(zip.outputStream, createWriteStream(archive));
}

/**
 * What is in a `.tar.gz` file: path and permission bits of each entry, in its order.
 * @param {string} archive
 * @returns {Promise<{ path: string, mode: number, size: number }[]>}
 */
export async function listTar(archive) {
  const entries = [];
  await tar.list({ file: archive, onReadEntry: ({ path, mode, size }) => void entries.push({ path, mode, size }) });
  return entries;
}

/**
 * The line of a SHA256SUMS file for each file, as `sha256sum --check` reads it.
 * @param {string} folder
 * @param {string[]} files paths in the folder
 */
export function checksums(folder, files) {
  return files.map((file) => `${sha256(readFileSync(join(folder, file)))}  ${file}\n`).join("");
}

/** @param {Buffer} bytes */
export function sha256(bytes) {
  return createHash("sha256").update(bytes).digest("hex");
}

/**
 * The files below a folder, sorted, with slashes.
 * @param {string} folder
 */
export function filesOf(folder) {
  return readdirSync(folder, { recursive: true })
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile())
    .map((path) => relative(folder, path).replaceAll("\\", "/"))
    .sort();
}
