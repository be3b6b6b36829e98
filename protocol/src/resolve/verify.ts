// Whether a binary is the one that was packaged, and one that this package can talk to.

import { stat } from "node:fs/promises";
import { dirname } from "node:path";

import { SidecarError } from "../errors.js";
import { PROTOCOL_VERSION } from "../protocol.js";
import { sha256 } from "./digest.js";
import { quoted } from "./executable.js";
import type { LoadedManifest } from "./manifest.js";
import type { SidecarBinary } from "./places.js";
import { nameOf, platformsFor, TARGET_TRIPLES, targetOf, type Target, type TargetOptions } from "./platform.js";
import { HOST_VERSION, isBefore } from "./version.js";

/**
 * Compares a binary with its manifest: platform, versions, size and SHA-256. Without a manifest there is nothing to
 * compare. Rejects with `sidecar_unusable`, whose message says what does not fit and what to do; `data` has `path`,
 * `expected` and `found`.
 *
 * It reads the whole file, a few tens of milliseconds, without blocking the event loop.
 */
export async function verifyBinary(binary: SidecarBinary, options: TargetOptions = {}): Promise<void> {
  const { path, manifest } = binary;
  if (manifest === undefined) return;
  checkPlatform(path, manifest, targetOf(options));
  checkVersions(path, manifest);
  await checkBytes(path, manifest);
}

function checkPlatform(path: string, manifest: LoadedManifest, target: Target): void {
  const { platform, targetTriple } = manifest;
  const fitting = platformsFor(target);
  const fits = fitting.find((name) => name === platform);
  if (fits === undefined) {
    const what = `${path} is built for ${platform} (${targetTriple}), and this is ${nameOf(target)}.`;
    const advice = "Package the application with the bundle of its own platform, or install the dependencies on it.";
    throw unusable(`${what} ${advice}`, path, nameOf(target), platform);
  }
  if (!TARGET_TRIPLES[fits].includes(targetTriple)) {
    const what = `${manifest.path} contradicts itself: ${targetTriple} is no target of ${platform}.`;
    throw unusable(`${what} Install the bundle again.`, path, TARGET_TRIPLES[fits].join(" or "), targetTriple);
  }
}

function checkVersions(path: string, manifest: LoadedManifest): void {
  const { sidecarVersion, hostMinVersion, protocolVersion } = manifest;
  const told = `${path} is workspace-sidecar ${sidecarVersion}`;
  if (isBefore(HOST_VERSION, hostMinVersion)) {
    const what = `${told}, which needs version ${hostMinVersion} or later of the npm package workspace-sidecar; `;
    const advice = `this is ${HOST_VERSION}. Update the npm package, or use the binary of its own version.`;
    throw unusable(what + advice, path, hostMinVersion, HOST_VERSION);
  }
  if (protocolVersion !== PROTOCOL_VERSION) {
    const what = `${told} and speaks version ${protocolVersion} of the contract; the npm package workspace-sidecar `;
    const advice = `${HOST_VERSION} speaks ${PROTOCOL_VERSION}. Use the npm package and the binary of one version.`;
    throw unusable(what + advice, path, PROTOCOL_VERSION, protocolVersion);
  }
}

async function checkBytes(path: string, manifest: LoadedManifest): Promise<void> {
  let size: number;
  let digest: string | undefined;
  try {
    ({ size } = await stat(path));
    // A truncated file is told by its size, which takes no time.
    if (size === manifest.size) digest = await sha256(path);
  } catch (cause) {
    const message = `${path} cannot be read to be checked (${(cause as Error).message}).`;
    throw new SidecarError("sidecar_unusable", message, { data: { path }, cause });
  }
  if (digest === undefined) {
    throw corrupted(path, manifest, "size", `${manifest.size} bytes`, `${size} bytes`);
  }
  const expected = manifest.sha256.toLowerCase();
  if (digest !== expected) throw corrupted(path, manifest, "SHA-256", expected, digest);
}

function corrupted(
  path: string,
  manifest: LoadedManifest,
  what: string,
  expected: string,
  found: string,
): SidecarError {
  const message = [
    `${path} is corrupted, or was changed after it was packaged (signing changes a file too):`,
    `its ${what} is ${found}, and ${manifest.path} says ${expected}.`,
    "Install the application or the package again. If the binary was changed on purpose, seal the bundle anew:",
    `npx workspace-sidecar-seal ${quoted(dirname(manifest.path))}`,
  ];
  return unusable(message.join(" "), path, expected, found);
}

function unusable(message: string, path: string, expected: string | number, found: string | number): SidecarError {
  return new SidecarError("sidecar_unusable", message, { data: { path, expected, found } });
}
