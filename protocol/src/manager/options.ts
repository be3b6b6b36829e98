// How a manager is set up.

import { isAbsolute, resolve } from "node:path";

import {
  NO_NUL,
  amount,
  callable,
  checkOptions,
  checkRoot,
  invalid,
  isRecord,
  listOf,
  oneOf,
  record,
  shown,
  text,
  texts,
  type Check,
  type Checks,
} from "../checks.js";
import type { Logger } from "../logger.js";
import type { WatchMode } from "../protocol.js";
import type { SidecarBinary } from "../resolve/places.js";
import { RESOLVE_OPTIONS, type ResolveOptions } from "../resolve/resolve.js";
import type { SidecarCommand } from "./command.js";
import type { HeartbeatOptions } from "./heartbeat.js";
import type { StopOptions } from "./process.js";
import type { RestartOptions } from "./restart-policy.js";

/** How a sidecar is started, watched over and stopped. Only `root` is needed. */
export interface SidecarManagerOptions {
  /** The workspace. A relative path is taken from the working directory when the manager is made. */
  root: string;
  /**
   * What is started: the path of a binary (a relative one is taken from the working directory), what
   * `resolveSidecarPath` gave (compared with its manifest at each start), a command, or where to look for the binary. By
   * default it is looked for as `resolveSidecarPath` does, anew at each start.
   */
  binary?: string | SidecarBinary | SidecarCommand | ResolveOptions;
  /** Globs, as lines of .gitignore, of what is left out of the index. */
  exclude?: readonly string[];
  /** Where the index is kept between runs; not in the workspace. Nothing is kept by default. */
  cacheDir?: string;
  /** How changes are noticed. Default `native`. */
  watchMode?: WatchMode;
  /** The least that the sidecar logs. Default `warn`. */
  logLevel?: "off" | "error" | "warn" | "info" | "debug";
  /** Further arguments of the command line. */
  args?: readonly string[];
  /** Further variables of its environment, which has only what it needs (see `sidecarEnvironment`). */
  env?: Record<string, string>;
  /** How long a process may take until it is ready, in milliseconds; then it is killed. Default 10000. */
  startTimeoutMs?: number;
  /** The `timeoutMs` of requests that have none. Default 30000; 0 for none. */
  requestTimeoutMs?: number;
  /** How a hang is noticed; `false`: not at all. */
  heartbeat?: HeartbeatOptions | false;
  /** How it is started again after a crash; `false`: not at all. */
  restart?: RestartOptions | false;
  /** How long it may take to end. */
  stop?: StopOptions;
  /** Takes what the manager and the sidecar log. By default, warnings and errors go to the console. */
  logger?: Logger;
}

/** What becomes part of a command line or of an environment, which end at a NUL. */
const argument: Check = (value) => text(value) ?? (String(value).includes("\0") ? NO_NUL : undefined);
const environment: Check = (value) => {
  const problem = record(value);
  if (problem !== undefined) return problem;
  const hasNul = (part: unknown) => typeof part === "string" && part.includes("\0");
  return Object.entries(Object(value)).flat().some(hasNul) ? NO_NUL : undefined;
};
const argumentList: Check = (value) => texts(value) ?? listOf(argument)(value);

const settings: Check = (value) => (value === false || isRecord(value) ? undefined : "expected an object or false");

const OPTIONS = {
  root: text,
  binary: (value) => (typeof value === "string" ? argument(value) : undefined),
  exclude: argumentList,
  cacheDir: argument,
  watchMode: oneOf("native", "poll", "off"),
  logLevel: oneOf("off", "error", "warn", "info", "debug"),
  args: argumentList,
  env: environment,
  startTimeoutMs: amount,
  requestTimeoutMs: amount,
  heartbeat: settings,
  restart: settings,
  stop: record,
  logger: record,
} satisfies Record<keyof SidecarManagerOptions, Check>;

/** What is in those of the options that are objects. */
const NESTED = {
  heartbeat: { intervalMs: amount, timeoutMs: amount } satisfies Record<keyof HeartbeatOptions, Check>,
  restart: {
    minDelayMs: amount,
    maxDelayMs: amount,
    factor: amount,
    maxCrashes: amount,
    windowMs: amount,
  } satisfies Record<keyof RestartOptions, Check>,
  stop: { graceMs: amount, killMs: amount } satisfies Record<keyof StopOptions, Check>,
};

const BINARY = { path: argument, source: text, manifest: record } satisfies Record<keyof SidecarBinary, Check>;
const COMMAND = { file: argument, args: argumentList, env: environment } satisfies Record<keyof SidecarCommand, Check>;

/** Throws `invalid_params`, which names the option, where a manager cannot be made with these. */
export function checkManagerOptions(options: SidecarManagerOptions): void {
  checkRoot(options);
  checkSettings(options, OPTIONS, []);
}

/** The same for options without `root`, which are the option `name` of something else. */
export function checkSidecarOptions(options: Omit<SidecarManagerOptions, "root">, name: string): void {
  const { root: _, ...checks } = OPTIONS;
  checkSettings(options, checks, [name]);
}

function checkSettings(options: Omit<SidecarManagerOptions, "root">, checks: Checks, of: readonly string[]): void {
  checkOptions(options, checks, of);
  const { binary, logger } = options;
  for (const [name, nested] of Object.entries(NESTED)) {
    const value = options[name as keyof typeof NESTED];
    if (value !== undefined && value !== false) checkOptions(value, nested, [...of, name]);
  }
  if (binary === "") throw invalid([...of, "binary"], `expected the path of a program, got ${shown(binary)}`);
  if (binary !== undefined && typeof binary !== "string") {
    const given = (name: string) => isRecord(binary) && name in binary;
    checkOptions(binary, given("file") ? COMMAND : given("source") ? BINARY : RESOLVE_OPTIONS, [...of, "binary"]);
  }
  for (const level of ["debug", "info", "warn", "error"] as const) {
    const problem = logger && callable(logger[level]);
    if (problem !== undefined) throw invalid([...of, "logger", level], `${problem}, got ${shown(logger?.[level])}`);
  }
}

/** The command line behind the program; paths as of now. */
export function commandLine(options: SidecarManagerOptions): string[] {
  const { root, exclude = [], cacheDir, watchMode, logLevel = "warn", args = [] } = options;
  return [
    // One that is absolute stays as it is: `..` behind a symbolic link is not what `resolve` makes of it.
    ["--root", isAbsolute(root) ? root : resolve(root)],
    ["--log-format", "json", "--log-level", logLevel],
    // In one argument: a glob may begin with a hyphen.
    exclude.map((glob) => `--exclude=${glob}`),
    cacheDir === undefined ? [] : ["--cache-dir", resolve(cacheDir)],
    watchMode === undefined ? [] : ["--watch", watchMode],
    [...args],
  ].flat();
}
