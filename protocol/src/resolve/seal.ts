// Makes a bundle's manifest true again, after the binary was changed on purpose: code signing adds bytes to it.

import { open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";

import { SidecarError } from "../errors.js";
import { sha256 } from "./digest.js";
import { MANIFEST_NAME, parseManifest } from "./manifest.js";

/** What a bundle was sealed with. */
export interface Seal {
  /** Of the manifest. */
  path: string;
  /** Of the binary, in bytes. */
  size: number;
  /** Of the binary, in hexadecimal digits. */
  sha256: string;
  /** Whether the manifest was another before. */
  changed: boolean;
}

/**
 * Writes the size and SHA-256 of a bundle's binary into its `manifest.json`, which keeps its other fields and their
 * order. The file is replaced as a whole. Rejects with `sidecar_unusable` where `dir` is no sound bundle.
 */
export async function sealBundle(dir: string): Promise<Seal> {
  const path = join(dir, MANIFEST_NAME);
  const manifest = parseManifest(await read(path), path);
  const binary = join(dir, manifest.entrypoint);
  const found = await measure(binary);
  const changed = found.size !== manifest.size || found.sha256 !== manifest.sha256;
  if (changed) await replace(path, `${JSON.stringify({ ...manifest, ...found }, null, 2)}\n`);
  return { path, ...found, changed };
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const message = `${path} cannot be read (${(cause as Error).message}). Give the folder of a bundle.`;
    throw new SidecarError("sidecar_unusable", message, { data: { path }, cause });
  }
}

async function measure(path: string): Promise<{ size: number; sha256: string }> {
  try {
    return { size: (await stat(path)).size, sha256: await sha256(path) };
  } catch (cause) {
    const message = `${path} cannot be read (${(cause as Error).message}), and is the manifest's "entrypoint".`;
    throw new SidecarError("sidecar_unusable", message, { data: { path }, cause });
  }
}

/** Writes beside the file, and puts that in its place: whoever reads it meanwhile reads one or the other. */
async function replace(path: string, content: string): Promise<void> {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    const { mode } = await stat(path);
    const file = await open(beside, "wx", mode & 0o777);
    try {
      await file.writeFile(content);
      await file.sync();
      await file.close();
      await rename(beside, path);
    } catch (error) {
      await file.close();
      await rm(beside, { force: true });
      throw error;
    }
  } catch (cause) {
    const message = `${path} cannot be written (${(cause as Error).message}). It is as it was.`;
    throw new SidecarError("sidecar_unusable", message, { data: { path }, cause });
  }
}
