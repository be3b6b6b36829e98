// What can be asked, with its types: every method of the contract as a method of an object.

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
  /** After how many milliseconds the request rejects with `timeout`; 0 for never. */
  timeoutMs?: number | undefined;
}

/** `params` may be left out where nothing in them is required. */
export type Arguments<M extends Method> =
  {} extends Params<M> ? [params?: Params<M>, options?: RequestOptions] : [params: Params<M>, options?: RequestOptions];

/** Methods that are not called by their name: they are part of how the others work. */
type Internal = "watch" | "unwatch" | "cancel" | "shutdown";

/** A method of the contract for each method here: `sidecar.glob({ include: ["*.ts"] })`. */
export type SidecarMethods = {
  [M in keyof Methods as M extends Internal | "readFile" ? never : M]: (...args: Arguments<M>) => Promise<Result<M>>;
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
export interface Requester {
  request<M extends Method>(method: M, ...args: Arguments<M>): Promise<Result<M>>;
}

const internal: readonly string[] = ["watch", "unwatch", "cancel", "shutdown"] satisfies Internal[];

/** Gives a class the methods of the contract, made from its `request`. */
export function withMethods(prototype: Requester): void {
  for (const method of METHODS) {
    if (internal.includes(method)) continue;
    Object.defineProperty(prototype, method, {
      value(this: Requester, ...args: [never?, RequestOptions?]) {
        return this.request(method, ...args);
      },
      configurable: true,
      writable: true,
    });
  }
}
