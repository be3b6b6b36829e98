// Whether a path is a program that can be started. What is there but cannot be started is an error, and never passed
// over: another binary than the one that was put there would hide the fault.

import { accessSync, constants, existsSync, statSync } from "node:fs";

import { SidecarError } from "../errors.js";
import { isMissing } from "./manifest.js";
import type { Target } from "./platform.js";

/** A file, or why there is none at a path. */
export type Looked = { path: string; mode: number; modifiedMs: number } | { reason: string };

/** Looks at a path. Throws `sidecar_unusable` where there is a file, but only inside an archive. */
export function lookAt(path: string): Looked {
  const file = unpacked(path);
  let stat;
  try {
    stat = statSync(file);
  } catch (error) {
    if (!isMissing(error)) return { reason: `it cannot be looked at (${(error as Error).message})` };
    if (file !== path && existsSync(path)) throw onlyPacked(path);
    return { reason: "there is no such file" };
  }
  if (stat.isDirectory()) return { reason: "this is a directory, not a program" };
  if (!stat.isFile()) return { reason: "this is not a regular file" };
  return { path: file, mode: stat.mode, modifiedMs: stat.mtimeMs };
}

/** Throws `sidecar_unusable` where a file may not be executed. */
export function checkExecutable({ path, mode }: { path: string; mode: number }, target: Target): void {
  // Windows has no such permission, and a check for a Unix can be made there.
  if (target.platform === "win32" || process.platform === "win32") return;
  if ((mode & 0o111) === 0) {
    throw new SidecarError(
      "sidecar_unusable",
      `${path} is not executable: its permissions are ${(mode & 0o777).toString(8)}. Run: chmod +x ${quoted(path)}\n` +
        "Where an archive or a copy lost the permission, see that it keeps it.",
      { data: { path } },
    );
  }
  try {
    accessSync(path, constants.X_OK);
  } catch (cause) {
    throw new SidecarError(
      "sidecar_unusable",
      `${path} may not be executed by this user (${(cause as Error).message}). Run: chmod +x ${quoted(path)}\n` +
        "If that does not help, see who owns the file, and whether its file system is mounted with noexec.",
      { data: { path }, cause },
    );
  }
}

/**
 * The path as it is on disk. Electron shows an archive's files as if they were in a folder `app.asar`, but the
 * operating system starts no program from there; files that are kept out of the archive lie in `app.asar.unpacked`.
 * A universal application of macOS has an `app-x64.asar` and an `app-arm64.asar`.
 */
export function unpacked(path: string): string {
  return path.replace(/(?<=^|[\\/])(app(?:-x64|-arm64)?\.asar)(?=[\\/])/, "$1.unpacked");
}

function onlyPacked(path: string): SidecarError {
  return new SidecarError(
    "sidecar_unusable",
    `${path} is inside the archive app.asar, and no program can be started from there. Keep it out of the archive: ` +
      'electron-builder: "asarUnpack": ["**/node_modules/@workspace-sidecar/**"]; ' +
      'Electron Forge: packagerConfig.asar.unpackDir: "**/node_modules/@workspace-sidecar/**".',
    { data: { path } },
  );
}

/** A path as a shell takes it. */
export function quoted(path: string): string {
  if (process.platform === "win32") return `"${path}"`;
  return /^[\w./@+-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;
}
