// From what the operating system says to the codes of the contract.

import { SidecarError } from "../../errors.js";
import type { ErrorCode } from "../../protocol.js";

const CODES: Readonly<Record<string, [code: ErrorCode, what: string]>> = {
  ENOENT: ["not_found", "there is no such file"],
  ENOTDIR: ["not_found", "there is no such file"],
  ENAMETOOLONG: ["not_found", "there is no such file"],
  EACCES: ["permission_denied", "the operating system denies access"],
  EPERM: ["permission_denied", "the operating system denies access"],
  EISDIR: ["not_a_file", "it is a directory"],
};

/** The system's word for what went wrong, such as `ENOENT`. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** What the operating system said about `path`. The message holds no path outside the workspace. */
export function describe(path: string, error: unknown): SidecarError {
  if (error instanceof SidecarError) return error;
  const system = systemCode(error);
  const [code, what] = CODES[system ?? ""] ?? ["io_error", `it cannot be read (${system ?? "unknown error"})`];
  return new SidecarError(code, `${path}: ${what}`, { cause: error });
}

export function notAFile(path: string): SidecarError {
  return new SidecarError("not_a_file", `${path}: it is not a regular file`);
}

export function outside(path: string): SidecarError {
  return new SidecarError("path_outside_workspace", `${path}: it leads outside the workspace`);
}

export function tooLarge(path: string, size: number, maxBytes: number): SidecarError {
  return new SidecarError("file_too_large", `${path}: its ${size} bytes are more than the ${maxBytes} allowed`, {
    data: { size, maxBytes },
  });
}
