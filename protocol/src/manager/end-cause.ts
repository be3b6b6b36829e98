// Why a process is no more, told apart.

import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";

import { SidecarError, type HostErrorCode } from "../errors.js";
import { PROTOCOL_VERSION } from "../protocol.js";

/** Why a process ended, or never began. */
export type EndCause =
  /** It left by itself. */
  | { kind: "exit"; code: number }
  /** Somebody else killed it, or it crashed. */
  | { kind: "signal"; signal: NodeJS.Signals }
  /** It could not be started. */
  | { kind: "spawn"; file: string; error: NodeJS.ErrnoException }
  /** It said that it cannot serve the workspace; `code` is one of the contract's. */
  | { kind: "fatal"; code: string; message: string }
  /** It was not ready in time, and was killed. */
  | { kind: "start-timeout"; timeoutMs: number }
  /** It answered no heartbeat, and was killed. */
  | { kind: "hang"; silentMs: number }
  /** It wrote what is not in the contract, and was killed. */
  | { kind: "protocol"; message: string }
  /** It speaks another version of the contract, and was killed. */
  | { kind: "version"; version: string; protocolVersion: number }
  /** It closed its end of a pipe but did not leave, and was killed. */
  | { kind: "broken-pipe"; stream: "stdin" | "stdout" }
  /** It was asked to. */
  | { kind: "stopped" };

/** Why the system refuses to start a program now that it may start later. Whatever else it refuses, it will again. */
const PASSING = new Set(["EAGAIN", "EBUSY", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"]);

/** The exit status of a sidecar whose command line is wrong. */
const WRONG_USAGE = 2;

/** What a host can do nothing about by starting it again. `served`: there was a process that was ready. */
export function isFinal(cause: EndCause, served: boolean): boolean {
  switch (cause.kind) {
    case "spawn":
      return !PASSING.has(cause.error.code ?? "");
    case "fatal":
    case "version":
    case "stopped":
      return true;
    case "exit":
      return !served && cause.code === WRONG_USAGE;
    case "start-timeout":
      return !served;
    default:
      return false;
  }
}

/** The error of those who waited for the process to be ready. */
export function startError(cause: EndCause, stderr: readonly string[]): SidecarError {
  return new SidecarError(startCode(cause), described(cause), { data: { ...plain(cause), stderr: [...stderr] } });
}

/** The error of those whose requests were in flight. */
export function crashError(cause: EndCause, stderr: readonly string[]): SidecarError {
  const code = cause.kind === "stopped" ? "sidecar_stopped" : "sidecar_crashed";
  return new SidecarError(code, described(cause), { data: { ...plain(cause), stderr: [...stderr] } });
}

/** What happened, for people. */
export function described(cause: EndCause): string {
  switch (cause.kind) {
    case "exit":
      return `the sidecar ended with exit status ${cause.code}${cause.code === WRONG_USAGE ? " (wrong usage)" : ""}`;
    case "signal":
      return `the sidecar was ended by ${cause.signal}`;
    case "spawn":
      if (lacksLoader(cause)) {
        return (
          `${cause.file} cannot be started: it is there, but what loads it is not ` +
          "(a program for another C library, glibc or musl; a script whose interpreter is missing)"
        );
      }
      return `${cause.file} cannot be started: ${cause.error.message}`;
    case "fatal":
      return `the sidecar cannot serve the workspace: ${cause.message}`;
    case "start-timeout":
      return `the sidecar was not ready within ${cause.timeoutMs} ms and was killed`;
    case "hang":
      return `the sidecar answered nothing for ${Math.round(cause.silentMs)} ms and was killed`;
    case "protocol":
      return `${cause.message}; it was killed`;
    case "version":
      return `sidecar ${cause.version} speaks protocol version ${cause.protocolVersion}, not ${PROTOCOL_VERSION}`;
    case "broken-pipe":
      return `the sidecar closed its ${cause.stream} and was killed`;
    case "stopped":
      return "the sidecar was stopped";
  }
}

function startCode(cause: EndCause): HostErrorCode {
  switch (cause.kind) {
    case "spawn":
      if (PASSING.has(cause.error.code ?? "")) return "start_failed";
      return cause.error.code === "ENOENT" && !lacksLoader(cause) ? "sidecar_not_found" : "sidecar_unusable";
    case "version":
      return "sidecar_unusable";
    case "start-timeout":
      return "start_timeout";
    case "stopped":
      return "sidecar_stopped";
    default:
      return "start_failed";
  }
}

/** The system says "no such file" of a program, too, whose loader or interpreter is missing. */
function lacksLoader({ file, error }: Extract<EndCause, { kind: "spawn" }>): boolean {
  return error.code === "ENOENT" && isAbsolute(file) && existsSync(file);
}

/** As it goes over an IPC channel: an error of the system is its code. */
function plain(cause: EndCause): Record<string, unknown> {
  return cause.kind === "spawn" ? { kind: cause.kind, file: cause.file, code: cause.error.code } : { ...cause };
}
