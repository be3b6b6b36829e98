// Paths as the contract has them: their form, and their order.

import { SidecarError } from "../../errors.js";
import type { FailedPath } from "../../protocol.js";

/** Longer than what any supported system opens. */
const MAX_BYTES = 32 * 1024;
const SHOWN = 200;
const NOT_UNICODE = "it is not valid Unicode";

/** Makes sure that a path has the form of the contract. */
export function checkPath(path: string): void {
  const problem = problemOf(path);
  if (problem !== undefined) throw invalidPath(path, problem);
}

/** What `stat` says of a path that is not valid Unicode. */
export function failedPath(path: string): FailedPath {
  const { message } = invalidPath(path, NOT_UNICODE);
  return { path, error: { code: "invalid_path", message } };
}

function invalidPath(path: string, problem: string): SidecarError {
  const shown = JSON.stringify(Array.from(path.slice(0, 2 * SHOWN)).slice(0, SHOWN).join(""));
  return new SidecarError("invalid_path", `invalid path ${shown}: ${problem}`);
}

/** Whether something found on disk can be named as a path of the contract. */
export function isNameable(path: string): boolean {
  return problemOf(path) === undefined;
}

/** What is wrong with a path, if anything is. */
function problemOf(path: string): string | undefined {
  if (path === "") return "it is empty";
  if (path.length > MAX_BYTES || Buffer.byteLength(path) > MAX_BYTES) return "it is too long";
  if (!path.isWellFormed()) return NOT_UNICODE;
  if (path.includes("\0")) return "it contains NUL";
  if (path.includes("\\")) return "it contains a backslash; parts are separated by `/` on every platform";
  if (path.startsWith("/")) return "it is absolute; paths are relative to the workspace root";
  if (/^[a-z]:/i.test(path)) return "it names a drive; paths are relative to the workspace root";
  for (const part of path.split("/")) {
    if (part === "") return "it has an empty part (`//`, or `/` at the end)";
    if (part === ".") return "it has a `.` part";
    if (part === "..") return "it has a `..` part";
    const problem = process.platform === "win32" ? windowsProblem(part) : undefined;
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** What Windows would take for something else than a file of this very name. */
function windowsProblem(part: string): string | undefined {
  if (part.includes(":")) return "it names an alternate data stream";
  if (/[ .]$/.test(part)) return "a part ends with a dot or a space, which Windows drops";
  const stem = (part.split(".", 1)[0] ?? "").trimEnd();
  const device = /^(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])$/i;
  return device.test(stem) ? "it names a device" : undefined;
}

/** Orders texts by their UTF-8 bytes, which is by code points; JavaScript's own order is by UTF-16 units. */
export function compareByBytes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for what comes behind all other units. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
