// Which versions a bundle's manifest names, and from where.

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { ROOT } from "./cargo.mjs";
import { runsHere } from "./targets.mjs";

/**
 * The lowest version of the npm package that speaks each version of the contract. A program that asks more of its host
 * than earlier ones with the same contract (a flag it must be given, an event it must understand) raises it here.
 */
const HOST_MIN_VERSIONS = new Map([[1, "0.1.0"]]);

const START_MS = 30_000;

/**
 * @typedef {object} Versions
 * @property {string} sidecarVersion of the program
 * @property {number} protocolVersion of the contract
 * @property {string} hostMinVersion the lowest version of the npm package that can talk to the program
 */

/**
 * What the binary itself says where it can be run here, and what the sources say elsewhere. Throws where the two
 * differ, and where the npm package has another version: the two are released as one.
 * @param {string} binary
 * @param {import("./targets.mjs").Target} target
 * @param {string} crateVersion that of Cargo.toml
 * @returns {Versions}
 */
export function versionsOf(binary, target, crateVersion) {
  const sources = { sidecarVersion: crateVersion, protocolVersion: contractVersion() };
  const npm = JSON.parse(readFileSync(join(ROOT, "protocol/package.json"), "utf8")).version;
  if (npm !== crateVersion) {
    throw new Error(`Cargo.toml says version ${crateVersion}, protocol/package.json ${npm}: they are released as one`);
  }
  const hostMinVersion = HOST_MIN_VERSIONS.get(sources.protocolVersion);
  if (!hostMinVersion) {
    const contract = `version ${sources.protocolVersion} of the contract`;
    throw new Error(`packaging/versions.mjs does not say which npm package speaks ${contract}`);
  }
  if (runsHere(target)) {
    const binaries = askBinary(binary);
    for (const [name, value] of Object.entries(binaries)) {
      if (value === sources[name]) continue;
      throw new Error(`${binary} says ${name} ${value}, and the sources ${sources[name]}: build it from these sources`);
    }
  }
  return { ...sources, hostMinVersion };
}

/** From the constant that is generated from the program's sources. */
function contractVersion() {
  const source = readFileSync(join(ROOT, "protocol/src/protocol.ts"), "utf8");
  return Number(/PROTOCOL_VERSION = (\d+)/.exec(source)[1]);
}

/** Starts the program in an empty workspace, and reads its first line. */
function askBinary(binary) {
  const workspace = mkdtempSync(join(tmpdir(), "workspace-sidecar-package-"));
  try {
    // At the end of its input, the program leaves.
    const options = { input: "", encoding: "utf8", timeout: START_MS };
    const { stdout, stderr, status, error } = spawnSync(binary, ["--root", workspace], options);
    if (error) throw new Error(`${binary} cannot be run: ${error.message}`);
    const ready = firstEvent(stdout);
    if (status !== 0 || ready?.event !== "ready") {
      throw new Error(`${binary} ended with exit status ${status} and was not ready; it said: ${stdout}${stderr}`);
    }
    return { sidecarVersion: ready.data.version, protocolVersion: ready.data.protocolVersion };
  } finally {
    rmSync(workspace, { recursive: true, force: true });
  }
}

function firstEvent(stdout) {
  try {
    return JSON.parse(stdout.split("\n", 1)[0]);
  } catch {
    return undefined;
  }
}
