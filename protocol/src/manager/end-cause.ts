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
  /** It wrote what is not in the contract, or did not answer what has to be answered, and was killed. */
  | { kind: "protocol"; message: string }
  /** It speaks another version of the contract, and was killed. */
  | { kind: "version"; version: string; protocolVersion: number }
  /** It closed its end of a pipe but did not leave, and was killed. */
  | { kind: "broken-pipe"; stream: "stdin" | "stdout" }
  /** It was asked to. */
  | { kind: "stopped" };

/** Why the system refuses to start a program now that it may start later. Whatever else it refuses, it will again. */
const PASSING = new Set(["EAGAIN", "EBUSY", "EMFILE", "ENFILE", "ENOMEM", "ETXTBSY"]);

/** What the system says of a file that is no program, or one for another machine. */
const NO_PROGRAM = /^(UNKNOWN|EFTYPE|ENOEXEC|Unknown system error)/;

/** The exit status of a sidecar whose command line is wrong. */
const WRONG_USAGE = 2;

/** The most that a message quotes of what a process wrote, in UTF-16 units. */
const MAX_SAID = 500;

/** What a host can do nothing about by starting it again. `served`: there was a process that was ready. */
export function isFinal(cause: EndCause, served: boolean): boolean {
  switch (cause.kind) {
    case "spawn":
      return !PASSING.has(cause.error.code ?? "");
    case "version":
    case "stopped":
      return true;
    // A workspace that was served may be back in a moment: a folder that is renamed, a drive that went to sleep.
    case "fatal":
      return !served;
    case "exit":
      return !served && cause.code === WRONG_USAGE;
    case "start-timeout":
      return !served;
    default:
      return false;
  }
}

/**
 * The error of those who waited for a process to be ready. `program` is what was started, with who named it:
 * `/bin/x (from SCAFFA_SIDECAR_PATH)`.
 */
export function startError(cause: EndCause, stderr: readonly string[], program: string): SidecarError {
  const told = unready(cause, stderr, program);
  const message = mayBeAnother(cause, stderr) ? `${told}. Is it a workspace-sidecar?` : told;
  return new SidecarError(startCode(cause), message, { data: { ...plain(cause), stderr: [...stderr] } });
}

/** The error of those whose requests were in flight. */
export function crashError(cause: EndCause, stderr: readonly string[]): SidecarError {
  const code = cause.kind === "stopped" ? "sidecar_stopped" : "sidecar_crashed";
  return new SidecarError(code, described(cause), { data: { ...plain(cause), stderr: [...stderr] } });
}

/** What happened to a process that was never ready, for people: there, what it said on stderr is all it said. */
export function unready(cause: EndCause, stderr: readonly string[], program: string): string {
  const refused = refusal(cause, stderr);
  if (refused !== undefined) return `the sidecar refused its arguments: ${refused}`;
  switch (cause.kind) {
    case "exit":
      return `${program} ended with exit status ${cause.code} before it was ready${said(stderr)}`;
    case "signal":
      return `${program} was ended by ${cause.signal} before it was ready${said(stderr)}`;
    case "protocol":
    case "broken-pipe":
      return `${program} was started, and ${described(cause)} before it was ready${said(stderr)}`;
    case "start-timeout":
      return `${described(cause)}${said(stderr)}`;
    case "spawn":
      if (lacksLoader(cause)) {
        return (
          `${program} cannot be started: it is there, but what loads it is not ` +
          "(a program for another C library, glibc or musl; a script whose interpreter is missing)"
        );
      }
      return `${program} cannot be started: ${cause.error.message}`;
    default:
      return described(cause);
  }
}

/** Whether what was started may not be a sidecar. */
function mayBeAnother(cause: EndCause, stderr: readonly string[]): boolean {
  switch (cause.kind) {
    case "exit":
      return refusal(cause, stderr) === undefined;
    case "spawn":
      return NO_PROGRAM.test(cause.error.code ?? "");
    default:
      return cause.kind === "signal" || cause.kind === "protocol" || cause.kind === "broken-pipe";
  }
}

/** What a sidecar says of a wrong command line, without the usage behind it. Other programs use its status, too. */
function refusal(cause: EndCause, stderr: readonly string[]): string | undefined {
  if (cause.kind !== "exit" || cause.code !== WRONG_USAGE) return undefined;
  const at = stderr.findIndex((line) => line.startsWith("error: "));
  if (at === -1) return undefined;
  // Behind it, indented, are the values that are possible, and tips.
  const end = stderr.findIndex((line, index) => index > at && !line.startsWith(" "));
  const lines = stderr.slice(at, end === -1 ? undefined : end);
  return shortened(lines.map((line) => line.trim()).join(" ").slice("error: ".length));
}

/** The first line that a process wrote; of a panic, the place is first and the message second. */
function said([first, second = ""]: readonly string[]): string {
  if (first === undefined) return "";
  return `: ${shortened(first.endsWith(":") ? `${first} ${second}` : first)}`;
}

function shortened(text: string): string {
  return text.length > MAX_SAID ? `${text.slice(0, MAX_SAID)}…` : text;
}

/** What happened, for people. */
export function described(cause: EndCause): string {
  switch (cause.kind) {
    case "exit":
      return `the sidecar ended with exit status ${cause.code}`;
    case "signal":
      return `the sidecar was ended by ${cause.signal}`;
    case "spawn":
      return unready(cause, [], cause.file);
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
