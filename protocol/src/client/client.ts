// One process's conversation: requests out, responses and events in. Who starts the process, and what becomes of it, is
// not known here.

import type { Readable, Writable } from "node:stream";

import { onAbort } from "../abort.js";
import { callOut } from "../callbacks.js";
import { SidecarError, type HostErrorCode } from "../errors.js";
import type {
  ChangedData,
  ErrorBody,
  ErrorCode,
  Event,
  Response,
  SearchFile,
  SearchParams,
  SearchResult,
  WatchParams,
  WatchResult,
} from "../protocol.js";
import {
  invalidOptions,
  withMethods,
  type Arguments,
  type Method,
  type Requester,
  type RequestOptions,
  type Result,
  type SidecarMethods,
} from "../requests.js";
import { after } from "../timers.js";
import { DEFAULT_LIMITS, limitsOf, readFrame, type ClientLimits } from "./frames.js";
import { LineSplitter } from "./lines.js";
import { searchStream, type SearchStream } from "./search-stream.js";

/** The streams of a sidecar. Their errors and their end are for whoever has them: `close` passes that on. */
export interface SidecarStreams {
  /** Its stdin. */
  input: Writable;
  /** Its stdout; must not be decoded (`setEncoding`). */
  output: Readable;
}

/** What a client tells besides results. */
export interface ClientOptions {
  /** Every event but those that belong to a `searchStream` or a `watch`. */
  onEvent?: (event: Event) => void;
  /** The sidecar wrote what is not in the contract. Nothing more is read; all requests were rejected with `error`. */
  onBroken?: (error: SidecarError) => void;
}

/** Methods that the sidecar answers however busy it is, and that do not count as in flight. */
const CONTROL: ReadonlySet<string> = new Set<Method>(["ping", "cancel", "shutdown"]);

/** What the sidecar answers, unasked, to requests that it will not finish because it is about to end. */
const LEAVING: ReadonlySet<string> = new Set<ErrorCode>(["cancelled", "shutting_down"]);

/** A request that has no response yet. */
interface Pending {
  method: Method;
  /** What is written; dropped once it is. */
  line: string | undefined;
  /** Takes one of `limits.maxInFlight`. */
  counts: boolean;
  sinks: Sinks;
  /** `undefined` when the caller has been told already (cancelled, timed out) and the response only frees the place. */
  settle: ((outcome: Outcome) => void) | undefined;
}

type Outcome = { result: unknown } | { error: SidecarError };

/** Who takes what a request brings besides its result. */
interface Sinks {
  onFiles?: (files: SearchFile[]) => void;
  onChanged?: (data: ChangedData) => void;
}

/** Requests by their names: `client.glob({ include: ["*.ts"] })`. */
export interface SidecarClient extends SidecarMethods {}

/**
 * Talks to one sidecar over its streams. No more than `limits.maxInFlight` requests are written at a time, and none
 * while the pipe is full; others wait here, where they can be taken back, and so `ping`, `cancel` and `shutdown` never
 * stand behind them in the pipe.
 */
export class SidecarClient implements Requester {
  readonly #input: Writable;
  readonly #options: ClientOptions;
  readonly #lines = new LineSplitter();
  /** By id, in the order in which they were asked. */
  readonly #pending = new Map<string, Pending>();
  /** The ids of those that are not written yet. */
  readonly #queue = new Set<string>();
  readonly #subscriptions = new Map<string, (data: ChangedData) => void>();
  #limits: ClientLimits = DEFAULT_LIMITS;
  #inFlight = 0;
  /** How many of these were given up. */
  #abandoned = 0;
  #blockedSince: number | undefined;
  #lastId = 0;
  #lastHeard = performance.now();
  #asksToEnd = false;
  #closed: SidecarError | undefined;

  constructor(streams: SidecarStreams, options: ClientOptions = {}) {
    this.#input = streams.input;
    this.#options = options;
    streams.input.on("drain", () => this.#pump());
    streams.output.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  /** How many requests have no response yet. */
  get pending(): number {
    return this.#pending.size;
  }

  /** Whether every further request will be rejected. */
  get closed(): boolean {
    return this.#closed !== undefined;
  }

  /** When something was last read, on the clock of `performance.now()`. */
  get lastHeard(): number {
    return this.#lastHeard;
  }

  /**
   * Since when nothing more can be asked, on the clock of `performance.now()`: every place is held by a request that was
   * given up, and whose `cancel` made the sidecar answer nothing.
   */
  get blockedSince(): number | undefined {
    return this.#blockedSince;
  }

  /** Sends a request; its result, or a `SidecarError` with the code of the response. */
  request<M extends Method>(method: M, ...[params, options]: Arguments<M>): Promise<Result<M>> {
    return this.#ask(method, params, options, {}) as Promise<Result<M>>;
  }

  /** Searches, and gives files as they are found. */
  searchStream(params: Omit<SearchParams, "stream">, options: RequestOptions = {}): SearchStream {
    const invalid = invalidOptions("search", options);
    if (invalid !== undefined) return searchStream(() => Promise.reject(invalid));
    return searchStream((onFiles, signal) => this.searchParts(params, onFiles, { ...options, signal }), options.signal);
  }

  /** Searches, and tells `onFiles` of files as they are found, before the result. */
  searchParts(
    params: Omit<SearchParams, "stream">,
    onFiles: (files: SearchFile[]) => void,
    options: RequestOptions = {},
  ): Promise<SearchResult> {
    return this.#ask("search", { ...params, stream: true }, options, { onFiles }) as Promise<SearchResult>;
  }

  /** Subscribes to changes: `onChanged` is told of all that come behind the state whose clock is the result's. */
  watch(
    params: WatchParams,
    onChanged: (data: ChangedData) => void,
    options: RequestOptions = {},
  ): Promise<WatchResult> {
    return this.#ask("watch", params, options, { onChanged }) as Promise<WatchResult>;
  }

  /** Ends a subscription: `onChanged` is not called any more. */
  async unwatch(subscription: string): Promise<void> {
    if (this.#subscriptions.delete(subscription)) await this.request("unwatch", { subscription });
  }

  /** Rejects every request without a response, and all that come later, with `error`. The first call counts. */
  close(error: SidecarError): void {
    if (this.#closed !== undefined) return;
    this.#closed = error;
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    this.#queue.clear();
    this.#subscriptions.clear();
    for (const request of pending) request.settle?.({ error: error.about(request.method) });
  }

  #ask(
    method: Method,
    params: object | undefined,
    options: RequestOptions = {},
    sinks: Sinks,
  ): Promise<unknown> {
    const invalid = invalidOptions(method, options);
    if (invalid !== undefined) return Promise.reject(invalid);
    const { signal, timeoutMs = 0 } = options;
    return new Promise((resolve, reject) => {
      if (this.#closed !== undefined) return reject(this.#closed.about(method));
      if (signal?.aborted) return reject(cancelled(method, signal));
      if (sinks.onFiles === undefined && isStreamed(method, params)) return reject(unheard(method));
      const id = String(++this.#lastId);
      const line = encoded(id, method, params);
      if (line instanceof SidecarError) return reject(line);
      if (isLonger(line, this.#limits.maxRequestBytes)) {
        const most = `${this.#limits.maxRequestBytes} bytes, the most the sidecar takes`;
        const message = `${method}: the request is longer than ${most}`;
        return reject(new SidecarError("request_too_large", message, { method }));
      }

      let timer: NodeJS.Timeout | undefined;
      const unlisten = onAbort(signal, () => this.#abandon(id, cancelled(method, signal)));
      const settle = (outcome: Outcome) => {
        clearTimeout(timer);
        unlisten();
        if ("error" in outcome) reject(outcome.error);
        else resolve(outcome.result);
      };
      if (timeoutMs > 0) {
        const expire = () =>
          this.#abandon(id, new SidecarError("timeout", `${method}: not answered within ${timeoutMs} ms`, { method }));
        timer = after(timeoutMs, expire);
      }
      if (method === "shutdown") this.#asksToEnd = true;
      const counts = !CONTROL.has(method);
      const request: Pending = { method, line, counts, sinks, settle };
      this.#pending.set(id, request);
      if (!counts) this.#write(request);
      else if (this.#queue.size === 0 && this.#hasRoom()) this.#write(request);
      else this.#queue.add(id);
    });
  }

  /** Whether one more that counts can be written. */
  #hasRoom(): boolean {
    // What the stream holds can be neither taken back nor let go.
    return this.#inFlight < this.#limits.maxInFlight && !this.#input.writableNeedDrain;
  }

  #write(request: Pending): void {
    if (request.counts) this.#inFlight += 1;
    if (request.line !== undefined) this.#send(request.line);
    request.line = undefined;
  }

  /** A broken pipe is told by `error` of the stream, to whoever has it. One that was ended takes nothing more. */
  #send(line: string): void {
    if (this.#input.writable) this.#input.write(line);
  }

  /** Tells the caller, and takes the request back. */
  #abandon(id: string, error: SidecarError): void {
    const request = this.#pending.get(id);
    if (request?.settle === undefined) return;
    const { settle } = request;
    request.settle = undefined;
    request.sinks = {};
    if (this.#queue.delete(id)) this.#pending.delete(id);
    else {
      // Its own response is of no interest, so it needs no entry; the letter keeps the id apart.
      this.#send(`${JSON.stringify({ id: `c${id}`, method: "cancel", params: { id } })}\n`);
      if (request.counts) this.#abandoned += 1;
      if (this.#abandoned >= this.#limits.maxInFlight) this.#blockedSince ??= performance.now();
    }
    settle({ error });
  }

  #read(chunk: Buffer): void {
    if (this.#closed !== undefined) return;
    this.#lastHeard = performance.now();
    this.#lines.push(chunk, (line) => this.#take(line));
    // A `\r\n` and a byte to spare.
    if (this.#lines.held > this.#limits.maxResponseBytes + 3) {
      this.#break(`a line of more than ${this.#limits.maxResponseBytes} bytes`);
    }
  }

  #take(line: string): void {
    if (this.#closed !== undefined) return;
    const frame = readFrame(line);
    if (typeof frame === "string") this.#break(frame);
    else if ("ok" in frame) this.#respond(frame);
    else this.#tell(frame);
  }

  #respond(response: Response): void {
    const { id } = response;
    if (id === null) {
      const why = response.ok ? "" : ` (${response.error.code}: ${response.error.message})`;
      return this.#break(`that it could not read a request${why}`);
    }
    const request = this.#pending.get(id);
    // The answer to a `cancel`.
    if (request === undefined) return;
    this.#pending.delete(id);
    if (request.counts) {
      this.#inFlight -= 1;
      if (request.settle === undefined) this.#abandoned -= 1;
      this.#blockedSince = undefined;
      this.#pump();
    }
    if (!response.ok) return request.settle?.({ error: this.#failure(response.error, request.method) });
    if (request.method === "watch") this.#subscribe((response.result as WatchResult).subscription, request);
    request.settle?.({ result: response.result });
  }

  /** Whoever cancels a request here is told at once; the sidecar does so by itself only when its process shall end. */
  #failure(body: ErrorBody, method: Method): SidecarError {
    const error = SidecarError.of(body, method);
    if (!LEAVING.has(body.code)) return error;
    const [code, end]: [HostErrorCode, string] = this.#asksToEnd
      ? ["sidecar_stopped", "was stopped"]
      : ["sidecar_crashed", "was told to end by somebody else"];
    return new SidecarError(code, `${method}: the sidecar ${end}`, { method, cause: error });
  }

  /** At once, not when the promise is looked at: an event may stand in the next line. */
  #subscribe(subscription: string, { settle, sinks }: Pending): void {
    if (sinks.onChanged !== undefined) this.#subscriptions.set(subscription, sinks.onChanged);
    else if (settle === undefined) this.request("unwatch", { subscription }).catch(() => {});
  }

  #pump(): void {
    for (const id of this.#queue) {
      if (!this.#hasRoom()) return;
      this.#queue.delete(id);
      const request = this.#pending.get(id);
      if (request !== undefined) this.#write(request);
    }
  }

  #tell(event: Event): void {
    if (event.event === "partial") {
      const onFiles = this.#pending.get(event.data.id)?.sinks.onFiles;
      if (onFiles !== undefined) callOut(onFiles, event.data.files);
      return;
    }
    const onChanged = event.event === "changed" ? this.#subscriptions.get(event.data.subscription) : undefined;
    if (onChanged !== undefined) return callOut(onChanged, event.data as ChangedData);
    if (event.event === "ready") {
      this.#limits = limitsOf(event.data.limits);
      this.#pump();
    }
    const { onEvent } = this.#options;
    if (onEvent !== undefined) callOut(onEvent, event);
  }

  #break(what: string): void {
    const error = new SidecarError("sidecar_crashed", `the sidecar wrote ${what}`);
    this.close(error);
    const { onBroken } = this.#options;
    if (onBroken !== undefined) callOut(onBroken, error);
  }
}

withMethods(SidecarClient.prototype);

/** Whether the files of an answer come in events, which a promise does not tell. */
function isStreamed(method: Method, params: object | undefined): boolean {
  return method === "search" && params != null && "stream" in params && params.stream === true;
}

function unheard(method: Method): SidecarError {
  return new SidecarError("invalid_params", `${method}: \`stream\`: use \`searchStream\``, { method });
}

function encoded(id: string, method: Method, params: unknown): string | SidecarError {
  try {
    return `${JSON.stringify({ id, method, params })}\n`;
  } catch (cause) {
    const message = `${method}: params cannot be written as JSON (${String(cause)})`;
    return new SidecarError("invalid_params", message, { method, cause });
  }
}

/** Whether a line takes more bytes than `limit`, its end left aside; counted only where its length does not say it. */
function isLonger(line: string, limit: number): boolean {
  return line.length * 3 > limit && Buffer.byteLength(line) - 1 > limit;
}

function cancelled(method: Method, signal: AbortSignal | undefined): SidecarError {
  return new SidecarError("cancelled", `${method}: cancelled`, { method, cause: signal?.reason });
}
