// The life of a sidecar: one process after the other, and what stays when they change.

import { EventEmitter } from "node:events";

import type { SidecarClient } from "../client/client.js";
import { searchStream, type SearchStream } from "../client/search-stream.js";
import { SidecarError } from "../errors.js";
import { consoleLogger, type Logger } from "../logger.js";
import type { Event, ReadyData, SearchParams, WatchParams } from "../protocol.js";
import {
  withMethods,
  type Arguments,
  type Method,
  type Requester,
  type RequestOptions,
  type Result,
  type SidecarMethods,
} from "../requests.js";
import { resolveSidecarPath, verifyBinary } from "../resolve/index.js";
import type { SidecarCommand } from "./command.js";
import { crashError, described, isFinal, startError, type EndCause } from "./end-cause.js";
import { sidecarEnvironment } from "./environment.js";
import { Heartbeat } from "./heartbeat.js";
import { commandLine, type SidecarManagerOptions } from "./options.js";
import { SidecarProcess } from "./process.js";
import { RestartPolicy } from "./restart-policy.js";
import { LastingSubscription, type Subscription } from "./subscription.js";
import { Waiting } from "./waiting.js";

/** What a manager is doing. */
export type SidecarState =
  /** Nothing yet. */
  | "idle"
  /** A process was started and is not ready. */
  | "starting"
  /** Requests are served. */
  | "ready"
  /** The process crashed; another will be started. */
  | "restarting"
  /** There is no process and there will be none, unless `start` is called again. */
  | "failed"
  /** `stop` was called, and the process is not gone. */
  | "stopping"
  /** The process is gone. */
  | "stopped";

/** A crash, and when the next process will be started. */
export interface RestartInfo {
  cause: EndCause;
  /** In so many milliseconds. */
  delayMs: number;
  /** The how many-th crash it is of those that still count. */
  crashes: number;
}

/** What listeners are called with. */
export interface SidecarManagerEvents {
  /** Every change of `state`, before the event of its own name. */
  state: [state: SidecarState];
  starting: [];
  ready: [ready: ReadyData];
  restarting: [info: RestartInfo];
  failed: [error: SidecarError];
  stopped: [];
  /** What the sidecar tells of itself: `indexed`, `progress`. */
  event: [event: Event];
}

/** Requests by their names: `sidecar.glob({ include: ["*.ts"] })`. */
export interface SidecarManager extends SidecarMethods {}

/**
 * Starts a sidecar, watches over it, starts it again, and ends it.
 *
 * Requests may be made from `start` on: they wait for a process that is ready. Those in flight when a process is lost
 * reject with `sidecar_crashed` at once. Subscriptions go on with the next process.
 */
export class SidecarManager extends EventEmitter<SidecarManagerEvents> implements Requester, AsyncDisposable {
  readonly #options: SidecarManagerOptions;
  readonly #logger: Logger;
  readonly #requestTimeoutMs: number;
  readonly #policy: RestartPolicy | undefined;
  readonly #waiting = new Waiting();
  readonly #subscriptions = new Set<LastingSubscription>();
  #state: SidecarState = "idle";
  #process: SidecarProcess | undefined;
  #heartbeat: Heartbeat | undefined;
  #backOff: NodeJS.Timeout | undefined;
  #ready: ReadyData | undefined;
  #failure: SidecarError | undefined;
  #stopping: Promise<void> | undefined;
  /** Which start is under way: what belongs to an earlier one finds out by this. */
  #generation = 0;
  #restarts = 0;

  constructor(options: SidecarManagerOptions) {
    super();
    this.#options = options;
    this.#logger = options.logger ?? consoleLogger;
    this.#requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
    this.#policy = options.restart === false ? undefined : new RestartPolicy(options.restart);
  }

  get state(): SidecarState {
    return this.#state;
  }

  /** The process there is now. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** What the process that serves now said of itself; nothing unless `state` is `ready`. */
  get ready(): ReadyData | undefined {
    return this.#ready;
  }

  /** How often a process was started in place of one that crashed. */
  get restarts(): number {
    return this.#restarts;
  }

  /**
   * Starts the sidecar. Resolves when requests are served, at once if they are; rejects when they will not be, with
   * `sidecar_not_found`, `sidecar_unusable`, `start_failed`, `start_timeout`, `crash_loop` or `sidecar_stopped`.
   */
  async start(): Promise<ReadyData> {
    if (this.#state === "stopping") await this.#stopping;
    if (this.#state === "idle" || this.#state === "failed" || this.#state === "stopped") {
      this.#stopping = undefined;
      this.#failure = undefined;
      this.#policy?.reset();
      void this.#launch(true);
    }
    if (this.#ready !== undefined) return this.#ready;
    const { ready } = await this.#waiting.wait();
    return ready;
  }

  /** Sends a request; its result, or a `SidecarError`. */
  request<M extends Method>(method: M, ...[params, options]: Arguments<M>): Promise<Result<M>> {
    const timeoutMs = options?.timeoutMs ?? this.#requestTimeoutMs;
    const client = this.#serving();
    if (client !== undefined) {
      return client.request(method, ...([params, { ...options, timeoutMs }] as unknown as Arguments<M>));
    }
    return this.#later(method, { ...options, timeoutMs }, (client, rest) =>
      client.request(method, ...([params, rest] as unknown as Arguments<M>)),
    );
  }

  /** Searches, and gives files as they are found. */
  searchStream(params: Omit<SearchParams, "stream">, options: RequestOptions = {}): SearchStream {
    const timeoutMs = options.timeoutMs ?? this.#requestTimeoutMs;
    return searchStream(
      (onFiles, signal) =>
        this.#later("search", { signal, timeoutMs }, (client, rest) => client.searchParts(params, onFiles, rest)),
      options.signal,
    );
  }

  /**
   * Tells what changes from now on, however often the sidecar is started again: then the next is `fresh`, all there is.
   * Ends when it is closed or the manager is stopped; throws where it fails for good.
   */
  watch(params: WatchParams = {}, options: Pick<RequestOptions, "signal"> = {}): Subscription {
    const subscription = new LastingSubscription(params, options.signal, (ended) => this.#subscriptions.delete(ended));
    const refusal = this.#refusal();
    if (refusal !== undefined) subscription.finish(refusal);
    else if (!options.signal?.aborted) {
      this.#subscriptions.add(subscription);
      const client = this.#serving();
      if (client !== undefined) void subscription.attach(client);
    }
    return subscription;
  }

  /**
   * Ends the sidecar: asks it to, waits, terminates it, kills it. Resolves when its process is gone. What is in flight
   * may be answered until then; what waits for a process is rejected.
   */
  stop(): Promise<void> {
    return (this.#stopping ??= this.#stop());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#generation += 1;
    clearTimeout(this.#backOff);
    this.#heartbeat?.stop();
    this.#ready = undefined;
    this.#enter("stopping");
    this.#waiting.reject(stopped());
    for (const subscription of [...this.#subscriptions]) subscription.close();
    await this.#process?.stop(this.#options.stop);
    this.#process = undefined;
    this.#enter("stopped");
    this.emit("stopped");
  }

  /** Starts a process. `first`: nobody was ever served, so what keeps it from starting is likely to stay. */
  async #launch(first: boolean): Promise<void> {
    const generation = ++this.#generation;
    const current = () => generation === this.#generation;
    this.#enter("starting");
    this.emit("starting");
    let command: SidecarCommand;
    try {
      command = await this.#command();
    } catch (error) {
      if (current()) this.#fail(error as SidecarError);
      return;
    }
    if (!current()) return;

    const { file, args = [], env = {} } = command;
    let process: SidecarProcess;
    try {
      process = SidecarProcess.start({
        file,
        args: [...args, ...commandLine(this.#options)],
        env: sidecarEnvironment(globalThis.process.env, { ...env, ...this.#options.env }),
        startTimeoutMs: this.#options.startTimeoutMs ?? 10_000,
        logger: this.#logger,
        onEvent: (event) => {
          if (event.event !== "ready" && event.event !== "fatal") this.emit("event", event);
        },
      });
    } catch (error) {
      return this.#lost({ kind: "spawn", file, error: error as NodeJS.ErrnoException }, undefined, first);
    }
    this.#process = process;
    let served = false;
    process.ready.then(
      (ready) => {
        if (!current()) return;
        served = true;
        this.#serve(process, ready);
      },
      () => {},
    );
    const cause = await process.ended;
    if (!current()) return;
    this.#process = undefined;
    this.#lost(cause, process, first && !served);
  }

  /** What is to be started, checked. */
  async #command(): Promise<SidecarCommand> {
    const { binary } = this.#options;
    if (typeof binary === "string") return { file: binary };
    if (binary !== undefined && "file" in binary) return binary;
    const found = resolveSidecarPath(binary);
    await verifyBinary(found, binary);
    this.#logger.debug(`starting ${found.path}`, { source: found.source });
    return { file: found.path };
  }

  #serve(process: SidecarProcess, ready: ReadyData): void {
    this.#ready = ready;
    const { heartbeat } = this.#options;
    if (heartbeat !== false) {
      this.#heartbeat = new Heartbeat(process.client, heartbeat ?? {}, (silentMs) =>
        process.condemn({ kind: "hang", silentMs }),
      );
    }
    this.#enter("ready");
    this.#waiting.resolve({ client: process.client, ready });
    for (const subscription of this.#subscriptions) void subscription.attach(process.client);
    this.emit("ready", ready);
  }

  /** The process is gone, and nobody asked for that. */
  #lost(cause: EndCause, process: SidecarProcess | undefined, first: boolean): void {
    this.#heartbeat?.stop();
    this.#ready = undefined;
    for (const subscription of this.#subscriptions) subscription.detach();
    const stderr = process?.lastWords ?? [];
    const hopeless = isFinal(cause) || (first && cause.kind === "start-timeout");
    if (hopeless) return this.#fail(startError(cause, stderr));
    const delayMs = this.#policy?.crashed(performance.now());
    if (delayMs === undefined) {
      const error = first ? startError(cause, stderr) : crashError(cause, stderr);
      return this.#fail(this.#policy === undefined ? error : crashLoop(cause, this.#policy.crashes, error));
    }
    const crashes = this.#policy?.crashes ?? 0;
    this.#logger.warn(`${described(cause)}; it is started again in ${Math.round(delayMs)} ms`, { crashes });
    this.#enter("restarting");
    this.#backOff = setTimeout(() => {
      this.#restarts += 1;
      void this.#launch(first);
    }, delayMs);
    this.emit("restarting", { cause, delayMs, crashes });
  }

  #fail(error: SidecarError): void {
    this.#failure = error;
    this.#logger.error(error.message, { code: error.code });
    this.#enter("failed");
    this.#waiting.reject(error);
    for (const subscription of [...this.#subscriptions]) subscription.finish(error);
    this.emit("failed", error);
  }

  #enter(state: SidecarState): void {
    this.#state = state;
    this.emit("state", state);
  }

  /** The client of a process that is ready, and not known to be lost. */
  #serving(): SidecarClient | undefined {
    const client = this.#ready === undefined ? undefined : this.#process?.client;
    return client?.closed ? undefined : client;
  }

  /** Does something with a process as soon as one is ready; the time until then counts. */
  async #later<T>(
    method: Method,
    options: RequestOptions,
    ask: (client: SidecarClient, options: RequestOptions) => Promise<T>,
  ): Promise<T> {
    const refusal = this.#refusal(method);
    if (refusal !== undefined) throw refusal;
    const serving = this.#serving();
    if (serving !== undefined) return ask(serving, options);
    const asked = performance.now();
    const { timeoutMs = 0 } = options;
    const { client } = await this.#waiting.wait(method, options);
    // Never 0, which would be no time-out.
    const rest = timeoutMs === 0 ? 0 : Math.max(1, timeoutMs - (performance.now() - asked));
    return ask(client, { ...options, timeoutMs: rest });
  }

  /** Why there is no use in waiting. */
  #refusal(method?: Method): SidecarError | undefined {
    const details = method === undefined ? {} : { method };
    switch (this.#state) {
      case "idle":
        return new SidecarError("sidecar_stopped", "the sidecar was not started: call `start`", details);
      case "stopping":
      case "stopped":
        return stopped(method);
      case "failed": {
        const { code, message, data, cause } = this.#failure ?? stopped(method);
        return new SidecarError(code, message, { data, cause, ...details });
      }
      default:
        return undefined;
    }
  }
}

withMethods(SidecarManager.prototype);

function stopped(method?: Method): SidecarError {
  return new SidecarError("sidecar_stopped", "the sidecar was stopped", method === undefined ? {} : { method });
}

function crashLoop(cause: EndCause, crashes: number, last: SidecarError): SidecarError {
  const message = `the sidecar crashed ${crashes} times and is not started again; the last time: ${described(cause)}`;
  return new SidecarError("crash_loop", message, { data: last.data, cause: last });
}
