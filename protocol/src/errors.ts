// What can go wrong: the contract's codes, and those of the host side.

import { ERROR_CODES, type ErrorBody, type ErrorCode } from "./protocol.js";

/** What the sidecar cannot say itself, because it is not there or not well. */
export type HostErrorCode =
  /** No binary was found; `message` lists where it was looked for. */
  | "sidecar_not_found"
  /** The binary is there, but is not what its manifest says, may not be executed, or speaks another protocol. */
  | "sidecar_unusable"
  /**
   * The process could not be started, refused its arguments, ended before it was ever ready, or said `fatal`;
   * `data.kind` says which, `data.code` has the code of that.
   */
  | "start_failed"
  /** The process was not ready in time, and was killed. */
  | "start_timeout"
  /** The process ended, was killed, hung or wrote what is not in the contract while the request was in flight. */
  | "sidecar_crashed"
  /** The process crashed too often, and is not started again. */
  | "crash_loop"
  /** `stop` was called. */
  | "sidecar_stopped";

/** Every code there is. */
export type SidecarErrorCode = ErrorCode | HostErrorCode;

/** What more is known of an error. */
export interface SidecarErrorDetails {
  /** As the sidecar gave it: what it is depends on the code. */
  data?: unknown;
  /** The method that was asked for. */
  method?: string | undefined;
  /** What led to it. */
  cause?: unknown;
}

// An application may load this package as a module and as CommonJS; errors of both are the same to it.
const BRAND = Symbol.for("workspace-sidecar.SidecarError");

/** The one error of this package. `code` says which it is; `message` is for people. */
export class SidecarError extends Error {
  override readonly name = "SidecarError";
  readonly code: SidecarErrorCode;
  // Declared, so that what an error has nothing of is not there: it would be printed as `undefined`.
  declare readonly data?: unknown;
  declare readonly method?: string;

  constructor(code: SidecarErrorCode, message: string, details: SidecarErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    if (details.data !== undefined) this.data = details.data;
    if (details.method !== undefined) this.method = details.method;
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** The error that a response holds. */
  static of(body: ErrorBody, method?: string): SidecarError {
    return new SidecarError(body.code, body.message, { data: body.data, method });
  }

  /** The same as the error of one request: each caller has a stack of its own, and knows which request it was. */
  about(method: string): SidecarError {
    const { code, message, data, cause } = this;
    return new SidecarError(code, `${method}: ${message}`, { data, method, cause });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // An application's own class that extends this one inherits this function, but not every error is of that class.
    if (this !== SidecarError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === "object" && value !== null && BRAND in value;
  }
}

/** Whether a code is one that the sidecar itself answers with. */
export function isErrorCode(code: string): code is ErrorCode {
  return (ERROR_CODES as readonly string[]).includes(code);
}
