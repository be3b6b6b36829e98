// Why a process is no more, told apart.

import { SidecarError, type HostErrorCode } from "../errors.js";

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
  /** It wrote what is not in the contract, or speaks another version of it, and was killed. */
  | { kind: "protocol"; message: string }
  /** It closed its end of a pipe but did not leave, and was killed. */
  | { kind: "broken-pipe"; stream: "stdin" | "stdout" }
  /** It was asked to. */
  | { kind: "stopped" };

/** What a host can do nothing about by starting it again. */
export function isFinal(cause: EndCause): boolean {
  if (cause.kind === "spawn") return ["ENOENT", "ENOTDIR", "EACCES", "EPERM", "ENOEXEC", "UNKNOWN"].includes(cause.error.code ?? "");
  return cause.kind === "fatal" || cause.kind === "stopped";
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
      return `the sidecar ended with exit status ${cause.code}`;
    case "signal":
      return `the sidecar was ended by ${cause.signal}`;
    case "spawn":
      return `${cause.file} cannot be started: ${cause.error.message}`;
    case "fatal":
      return `the sidecar cannot serve the workspace: ${cause.message}`;
    case "start-timeout":
      return `the sidecar was not ready within ${cause.timeoutMs} ms and was killed`;
    case "hang":
      return `the sidecar answered nothing for ${Math.round(cause.silentMs)} ms and was killed`;
    case "protocol":
      return `${cause.message}; it was killed`;
    case "broken-pipe":
      return `the sidecar closed its ${cause.stream} and was killed`;
    case "stopped":
      return "the sidecar was stopped";
  }
}

function startCode(cause: EndCause): HostErrorCode {
  switch (cause.kind) {
    case "spawn":
      if (cause.error.code === "ENOENT") return "sidecar_not_found";
      return isFinal(cause) ? "sidecar_unusable" : "start_failed";
    case "start-timeout":
      return "start_timeout";
    case "stopped":
      return "sidecar_stopped";
    default:
      return "start_failed";
  }
}

/** As it goes over an IPC channel: an error of the system is its code. */
function plain(cause: EndCause): Record<string, unknown> {
  return cause.kind === "spawn" ? { kind: cause.kind, file: cause.file, code: cause.error.code } : { ...cause };
}
