// What can be asked, with its types: every method of the contract as a method of an object.

import { abortSignal, amount, isRecord, shown, type Check, type Checks } from "./checks.js";
import { SidecarError } from "./errors.js";
import {
  METHODS,
  type FileContent,
  type Methods,
  type ReadFileParams,
  type ReadFileResult,
  type SearchParams,
} from "./protocol.js";

/** The name of a method of the contract. */
export type Method = keyof Methods;
/** What a method takes. The parts of a streamed search are no result: `searchStream` has them. */
export type Params<M extends Method> = M extends "search" ? Omit<SearchParams, "stream"> : Methods[M]["params"];
/** What a method gives. */
export type Result<M extends Method> = Methods[M]["result"];

/** How a request is made. */
export interface RequestOptions {
  /** Cancels the request: it rejects at once with `cancelled`, and the sidecar stops working on it. */
  signal?: AbortSignal | undefined;
  /** After how many milliseconds, from 0 on, the request rejects with `timeout`; 0 for never. */
  timeoutMs?: number | undefined;
}

/** `params` may be left out where nothing in them is required. */
export type Arguments<M extends Method> =
  {} extends Params<M> ? [params?: Params<M>, options?: RequestOptions] : [params: Params<M>, options?: RequestOptions];

/** Methods that are not called by their name: they are part of how the others work, and are about one process. */
type Internal = "watch" | "unwatch" | "cancel" | "shutdown";

/** The name of a method that can be asked for whichever process answers. */
export type ManagedMethod = Exclude<Method, Internal>;

/** A method of the contract for each method here: `sidecar.glob({ include: ["*.ts"] })`. */
export type SidecarMethods = {
  [M in Exclude<ManagedMethod, "readFile">]: (...args: Arguments<M>) => Promise<Result<M>>;
} & ReadFile;

/** What is read of a file depends on what is asked: `notModified` is an answer to `ifHashNot` alone. */
interface ReadFile {
  /** Reads a file, as it is on disk now. */
  readFile(
    params: ReadFileParams & { encoding?: "utf8"; ifHashNot?: never },
    options?: RequestOptions,
  ): Promise<FileContent & { text: string }>;
  readFile(
    params: ReadFileParams & { encoding: "base64"; ifHashNot?: never },
    options?: RequestOptions,
  ): Promise<FileContent & { base64: string }>;
  readFile(params: ReadFileParams, options?: RequestOptions): Promise<ReadFileResult>;
}

/** Sends a request, and gives its result. Rejects with a `SidecarError`. */
export interface Requester<Asked extends Method = Method> {
  request<M extends Asked>(method: M, ...args: Arguments<M>): Promise<Result<M>>;
}

/** What to do in place of asking for them by name. */
const INSTEAD: Readonly<Record<Internal, string>> = {
  watch: "call `watch()`, which goes on with the next process",
  unwatch: "call `close()` of what `watch()` gave, or leave the loop over it",
  cancel: "abort the `signal` that the request was given",
  shutdown: "call `stop()`; a process that ends otherwise is taken for crashed, and started again",
};

/** What is wrong with asking for a method whichever process answers; nothing if it can be. */
export function internalMethod(method: Method): SidecarError | undefined {
  if (!Object.hasOwn(INSTEAD, method)) return undefined;
  const instead = INSTEAD[method as Internal];
  return new SidecarError("invalid_params", `${method}: this is no request of its own here: ${instead}`, { method });
}

const OPTIONS = { signal: abortSignal, timeoutMs: amount } satisfies Record<keyof RequestOptions, Check>;
/** What keeps being told has an end, but no time by which it is to be answered. */
const WATCH_OPTIONS = { signal: abortSignal } satisfies Checks;
const TIME = "expected milliseconds, from 0 (never) on";

/** What is wrong with the options of a request; nothing if they can be kept to. */
export function invalidOptions(method: Method, options: unknown): SidecarError | undefined {
  return invalidBy(OPTIONS, method, options);
}

/** The same for those of a lasting watch. */
export function invalidWatchOptions(options: unknown): SidecarError | undefined {
  return invalidBy(WATCH_OPTIONS, "watch", options);
}

function invalidBy(checks: Checks, method: Method, options: unknown): SidecarError | undefined {
  const problem = options === undefined ? undefined : optionsProblem(checks, options);
  return problem === undefined ? undefined : new SidecarError("invalid_params", `${method}: ${problem}`, { method });
}

function optionsProblem(checks: Checks, options: unknown): string | undefined {
  if (!isRecord(options)) return `expected an object of options, got ${shown(options)}`;
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    const names = Object.keys(checks);
    const there = names.length === 1 ? `there is ${names[0]}` : `there are ${names.join(", ")}`;
    if (check === undefined) return `\`${name}\`: there is no such option; ${there}`;
    const problem = check(value);
    if (problem !== undefined) return `\`${name}\`: ${name === "timeoutMs" ? TIME : problem}, got ${shown(value)}`;
  }
  return undefined;
}

/** Gives a class the methods of the contract, made from its `request`. */
export function withMethods(prototype: Requester<ManagedMethod>): void {
  for (const method of METHODS) {
    if (Object.hasOwn(INSTEAD, method)) continue;
    Object.defineProperty(prototype, method, {
      value(this: Requester, ...args: [never?, RequestOptions?]) {
        return this.request(method, ...args);
      },
      configurable: true,
      writable: true,
    });
  }
}
