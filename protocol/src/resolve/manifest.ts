// `manifest.json`: what a bundle's binary is, for whom, and how its bytes are known.

import { readFileSync } from "node:fs";

import { SidecarError } from "../errors.js";
import { HOST_VERSION, isVersion } from "./version.js";

/** The file's name, beside the binary. */
export const MANIFEST_NAME = "manifest.json";

/** The one form of the file that this package reads. */
const FORMAT_VERSION = 1;

/** What `manifest.json` says of the binary beside it. */
export interface BundleManifest {
  /** The form of the file: 1. */
  formatVersion: number;
  /** As in the name of the platform's package: `linux-x64-gnu`. */
  platform: string;
  /** Rust's name of the platform: `x86_64-unknown-linux-gnu`. */
  targetTriple: string;
  /** The version of the program: `0.1.0`. */
  sidecarVersion: string;
  /** The version of the contract that the program speaks. */
  protocolVersion: number;
  /** The lowest version of the npm package `workspace-sidecar` that can talk to the program. */
  hostMinVersion: string;
  /** The file name of the binary. */
  entrypoint: string;
  /** Of the binary, in bytes. */
  size: number;
  /** Of the binary: 64 hexadecimal digits. */
  sha256: string;
}

/** A manifest, and where it was read. */
export interface LoadedManifest extends BundleManifest {
  /** Of the `manifest.json`. */
  path: string;
}

interface Rule {
  holds(value: unknown): boolean;
  must: string;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isCount = (value: unknown): boolean => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const text: Rule = { holds: isText, must: "be a text" };
const version: Rule = { holds: (value) => isText(value) && isVersion(value), must: "be a version like 1.2.3" };

// In the order of the file: what is wrong is told of the first field.
const RULES: Readonly<Record<keyof BundleManifest, Rule>> = {
  formatVersion: { holds: (value) => value === FORMAT_VERSION, must: `be ${FORMAT_VERSION}` },
  platform: text,
  targetTriple: text,
  sidecarVersion: version,
  protocolVersion: { holds: isCount, must: "be an integer" },
  hostMinVersion: version,
  entrypoint: {
    // A name alone: a manifest leads to no other folder.
    holds: (value) => isText(value) && /^[\w-][\w.-]*$/.test(value),
    must: "be the name of a file in the same folder",
  },
  size: { holds: isCount, must: "be a number of bytes" },
  sha256: { holds: (value) => isText(value) && /^[0-9a-f]{64}$/i.test(value), must: "be 64 hexadecimal digits" },
};

/** Reads a manifest; `undefined` where there is no such file. Throws `sidecar_unusable`, which names file and field. */
export function readManifest(path: string): LoadedManifest | undefined {
  let content: string;
  try {
    content = readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw unusable(path, `cannot be read (${(error as Error).message})`, error);
  }
  return { ...parseManifest(content, path), path };
}

/** Checks a manifest's text. `path` is for the errors, as with `readManifest`. Fields it does not know stay. */
export function parseManifest(content: string, path: string): BundleManifest {
  let value: unknown;
  try {
    value = JSON.parse(content.replace(/^\uFEFF/, ""));
  } catch (error) {
    throw unusable(path, `is not JSON (${(error as Error).message})`, error);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unusable(path, "is not a JSON object");
  const fields = value as Record<string, unknown>;
  const format = fields.formatVersion;
  // A later form may have other fields: that it is a later one is what there is to tell.
  if (typeof format === "number" && Number.isSafeInteger(format) && format > FORMAT_VERSION) {
    const what = `${path} is of format ${format}; the npm package workspace-sidecar ${HOST_VERSION} reads`;
    const message = `${what} ${FORMAT_VERSION}. Update the npm package, or use the bundle of its own version.`;
    throw new SidecarError("sidecar_unusable", message, { data: { path, field: "formatVersion" } });
  }
  for (const [field, { holds, must }] of Object.entries(RULES)) {
    if (!Object.hasOwn(fields, field)) throw unusable(path, `has no field "${field}"`, undefined, field);
    const found = fields[field];
    if (!holds(found)) {
      throw unusable(path, `has "${field}": ${shorten(JSON.stringify(found))}, which must ${must}`, undefined, field);
    }
  }
  return value as BundleManifest;
}

/** Whether a file is not there; it may be that what should be its folder is a file. */
export function isMissing(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === "ENOENT" || code === "ENOTDIR";
}

function unusable(path: string, what: string, cause?: unknown, field?: string): SidecarError {
  const message = `${path} ${what}. The bundle is damaged: install it again, or copy the whole folder again.`;
  return new SidecarError("sidecar_unusable", message, { data: { path, ...(field && { field }) }, cause });
}

function shorten(json: string): string {
  return json.length > 80 ? `${json.slice(0, 80)}…` : json;
}
