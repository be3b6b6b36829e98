// The lines that a fake sidecar reads: what is a request, and what is wrong with others.

import type { ErrorBody, ErrorCode } from "../protocol.js";

/** A request that can be answered. */
export interface FakeRequest {
  id: string;
  method: string;
  params: Record<string, unknown>;
  timeoutMs?: number;
}

/** A line that is no request, and the id to answer it with. */
export interface Unusable {
  id: string | null;
  error: ErrorBody;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Reads a line, without its end. */
export function readRequest(line: Uint8Array, maxBytes: number): FakeRequest | Unusable {
  if (line.length > maxBytes) return unusable(null, "request_too_large", `a line is at most ${maxBytes} bytes long`);
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch {
    return unusable(null, "parse_error", "the line is not JSON");
  }
  if (!isObject(value)) return unusable(null, "invalid_request", "the line is JSON but not an object");
  const { id, method, params = {}, timeoutMs } = value;
  if (typeof id !== "string" || id === "" || Buffer.byteLength(id) > 256) {
    return unusable(null, "invalid_request", "`id` must be a string of 1 to 256 bytes");
  }
  if (typeof method !== "string") return unusable(id, "invalid_request", "`method` must be a string");
  if (!isObject(params)) return unusable(id, "invalid_params", "`params` must be an object");
  if (timeoutMs === undefined) return { id, method, params };
  if (typeof timeoutMs !== "number" || !Number.isSafeInteger(timeoutMs) || timeoutMs < 0) {
    return unusable(id, "invalid_request", "`timeoutMs` must be an integer from 0 on");
  }
  return { id, method, params, timeoutMs };
}

/** The lines of bytes that come in pieces, as bytes without their ends; blank ones are left out. */
export class RequestLines {
  #parts: Buffer[] = [];

  *push(bytes: Buffer): Generator<Buffer> {
    let start = 0;
    for (let end = bytes.indexOf(10); end !== -1; end = bytes.indexOf(10, start)) {
      const line = Buffer.concat([...this.#parts, bytes.subarray(start, end)]);
      this.#parts = [];
      start = end + 1;
      if (line.some((byte) => byte !== 32 && byte !== 9 && byte !== 13)) yield line;
    }
    if (start < bytes.length) this.#parts.push(bytes.subarray(start));
  }
}

function unusable(id: string | null, code: ErrorCode, message: string): Unusable {
  return { id, error: { code, message } };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
