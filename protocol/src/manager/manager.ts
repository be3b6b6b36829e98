// The life of a sidecar: one process after the other, and what stays when they change.

import { EventEmitter } from "node:events";

import { callOut } from "../callbacks.js";
import type { SidecarClient } from "../client/client.js";
import { searchStream, type SearchStream } from "../client/search-stream.js";
import { SidecarError } from "../errors.js";
import { consoleLogger, type Logger } from "../logger.js";
import type { Event, ReadyData, SearchParams, WatchParams } from "../protocol.js";
import {
  internalMethod,
  invalidOptions,
  invalidWatchOptions,
  withMethods,
  type Arguments,
  type ManagedMethod,
  type Method,
  type Requester,
  type RequestOptions,
  type Result,
  type SidecarMethods,
} from "../requests.js";
import { after } from "../timers.js";
import { crashError, described, isFinal, startError, unready, type EndCause } from "./end-cause.js";
import { sidecarEnvironment } from "./environment.js";
import { Heartbeat } from "./heartbeat.js";
import { heldLog } from "./held-log.js";
import { checkManagerOptions, commandLine, type SidecarManagerOptions } from "./options.js";
import { SidecarProcess } from "./process.js";
import { RestartPolicy } from "./restart-policy.js";
import { findStartable, type Startable } from "./startable.js";
import { Started } from "./started.js";
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
  /** How many crashes count by now, this one included. */
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

/** The end of a process that nobody asked for. */
interface End {
  cause: EndCause;
  /** The last lines it logged. */
  stderr: readonly string[];
  /** As in `Startable`. */
  program: string;
  /** Since `start` was called there was a process that was ready. */
  served: boolean;
}

/**
 * So many processes that ended before any was ready are enough. One may be bad luck: a scanner that ends what it does
 * not know, a machine out of memory. Twice, it is the wrong program or a damaged one, and more tries only take time.
 */
const MAX_UNREADY = 2;

/** An event and what its listeners are called with. */
type Announcement = {
  [E in keyof SidecarManagerEvents]: [name: E, ...args: SidecarManagerEvents[E]];
}[keyof SidecarManagerEvents];

/** A listener of an event. */
type Listener<E extends keyof SidecarManagerEvents> = (...args: SidecarManagerEvents[E]) => void;

/** Requests by their names: `sidecar.glob({ include: ["*.ts"] })`. */
export interface SidecarManager extends SidecarMethods {
  // As the emitter has them, but an event that there is not is told by the compiler as what it is.
  on<E extends keyof SidecarManagerEvents>(event: E, listener: Listener<E>): this;
  once<E extends keyof SidecarManagerEvents>(event: E, listener: Listener<E>): this;
  off<E extends keyof SidecarManagerEvents>(event: E, listener: Listener<E>): this;
}

/**
 * Starts a sidecar, watches over it, starts it again, and ends it.
 *
 * Requests may be made from `start` on: they wait for a process that is ready. Those in flight when a process is lost
 * reject with `sidecar_crashed` at once. Subscriptions go on with the next process.
 */
export class SidecarManager
  extends EventEmitter<SidecarManagerEvents>
  implements Requester<ManagedMethod>, AsyncDisposable
{
  readonly #options: SidecarManagerOptions;
  readonly #commandLine: readonly string[];
  readonly #logger: Logger;
  /** What is thrown to somebody is not printed as well. A logger of the application has it all. */
  readonly #printsOnce: boolean;
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
  /** A failure that is not in the log, as those who called `start` were told. */
  #unlogged: SidecarError | undefined;
  /** How many processes ended since `start` was called, and none was ready. */
  #unready = 0;
  #stopping: Promise<void> | undefined;
  /** How often `stop` was called: a start that waited meanwhile is not wanted any more. */
  #stops = 0;
  /** Which start is under way: what belongs to an earlier one finds out by this. */
  #generation = 0;
  #restarts = 0;
  /** What listeners are still to be told: what one of them does comes after what all of them are told now. */
  readonly #announcements: Announcement[] = [];
  #announcing = false;

  /** Throws `invalid_params`, which names the option, where one is wrong or there is no such option. */
  constructor(options: SidecarManagerOptions) {
    super();
    checkManagerOptions(options);
    this.#options = options;
    this.#commandLine = commandLine(options);
    this.#logger = shielded(options.logger ?? consoleLogger);
    this.#printsOnce = options.logger === undefined;
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
   *
   * It need not be awaited: then a failure is logged, and told by `failed` and to every request, and is no unhandled
   * rejection. Where it is awaited, the console, which is the default logger, does not have the failure a second time.
   */
  start(): Promise<ReadyData> {
    return Started.of(this.#start(), (error) => {
      if (error !== undefined && error === this.#unlogged) this.#logFailure(this.#unlogged);
    });
  }

  async #start(): Promise<ReadyData> {
    if (this.#state === "stopping") {
      const stops = this.#stops;
      await this.#stopping;
      if (stops !== this.#stops) throw stopped();
    }
    if (this.#ready !== undefined && this.#serving() !== undefined) return this.#ready;
    // Before anybody is told anything: a listener may stop it again.
    const ready = this.#waiting.wait();
    if (this.#state === "idle" || this.#state === "failed" || this.#state === "stopped") {
      this.#stopping = undefined;
      this.#failure = undefined;
      this.#unready = 0;
      this.#policy?.reset();
      void this.#launch(false);
    }
    return ready;
  }

  /** Sends a request; its result, or a `SidecarError`. */
  request<M extends ManagedMethod>(method: M, ...[params, options]: Arguments<M>): Promise<Result<M>> {
    const invalid = internalMethod(method) ?? invalidOptions(method, options);
    if (invalid !== undefined) return Promise.reject(invalid);
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
    const invalid = invalidOptions("search", options);
    if (invalid !== undefined) return searchStream(() => Promise.reject(invalid));
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
    const invalid = invalidWatchOptions(options);
    const signal = invalid === undefined ? options.signal : undefined;
    const subscription = new LastingSubscription(params, signal, (ended) => this.#subscriptions.delete(ended));
    const refusal = invalid ?? this.#refusal()?.about("watch");
    if (refusal !== undefined) subscription.finish(refusal);
    else if (!signal?.aborted) {
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
    this.#stops += 1;
    if (this.#stopping === undefined) {
      let done = () => {};
      this.#stopping = new Promise((resolve) => (done = resolve));
      void this.#stop().then(done);
    }
    return this.#stopping;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #stop(): Promise<void> {
    this.#generation += 1;
    clearTimeout(this.#backOff);
    this.#heartbeat?.stop();
    this.#ready = undefined;
    this.#state = "stopping";
    this.#waiting.reject(stopped());
    for (const subscription of [...this.#subscriptions]) subscription.finish();
    const ended = this.#process?.stop(this.#options.stop);
    this.#announce(["state", "stopping"]);
    await ended;
    this.#process = undefined;
    this.#state = "stopped";
    this.#announce(["state", "stopped"], ["stopped"]);
  }

  /** Starts a process. `served`: since `start` was called there was one that was ready. */
  async #launch(served: boolean): Promise<void> {
    const generation = ++this.#generation;
    const current = () => generation === this.#generation;
    this.#state = "starting";
    this.#announce(["state", "starting"], ["starting"]);
    if (!current()) return;
    let found: Startable;
    try {
      found = await findStartable(this.#options.binary, this.#logger);
    } catch (error) {
      if (current()) this.#fail(error instanceof SidecarError ? error : unresolved(error));
      return;
    }
    if (!current()) return;

    const { command, program } = found;
    const { file, args = [], env = {} } = command;
    // What it says until it is ready is in the error, should it fail.
    const held = this.#printsOnce && !served ? heldLog(this.#logger) : undefined;
    let process: SidecarProcess;
    try {
      process = SidecarProcess.start({
        file,
        args: [...args, ...this.#commandLine],
        env: sidecarEnvironment(globalThis.process.env, { ...env, ...this.#options.env }),
        startTimeoutMs: this.#options.startTimeoutMs ?? 10_000,
        logger: held?.logger ?? this.#logger,
        onEvent: (event) => {
          if (event.event !== "ready" && event.event !== "fatal") this.#announce(["event", event]);
        },
      });
    } catch (error) {
      const cause: EndCause = { kind: "spawn", file, error: error as NodeJS.ErrnoException };
      return this.#lost({ cause, stderr: [], program, served });
    }
    this.#process = process;
    process.ready.then(
      (ready) => {
        held?.release();
        if (!current()) return;
        served = true;
        this.#serve(process, ready);
      },
      () => {},
    );
    const cause = await process.ended;
    if (!current()) return held?.release();
    this.#process = undefined;
    this.#lost({ cause, stderr: process.lastWords, program, served }, held?.release);
  }

  #serve(process: SidecarProcess, ready: ReadyData): void {
    this.#ready = ready;
    const { heartbeat } = this.#options;
    if (heartbeat !== false) {
      this.#heartbeat = new Heartbeat(process.client, heartbeat ?? {}, (cause) => process.condemn(cause));
    }
    this.#state = "ready";
    this.#waiting.resolve(ready);
    for (const subscription of this.#subscriptions) void subscription.attach(process.client);
    this.#announce(["state", "ready"], ["ready", ready]);
  }

  /** The process is gone, and nobody asked for that. `release`: what it logged is not in an error. */
  #lost({ cause, stderr, program, served }: End, release?: () => void): void {
    this.#heartbeat?.stop();
    this.#ready = undefined;
    for (const subscription of this.#subscriptions) subscription.detach();
    const error = served ? crashError(cause, stderr) : startError(cause, stderr, program);
    if (isFinal(cause, served)) return this.#fail(startError(cause, stderr, program));
    if (this.#policy === undefined) return this.#fail(error);
    // One that could not be started for now did not end.
    if (!served && cause.kind !== "spawn" && ++this.#unready >= MAX_UNREADY) return this.#fail(error);
    const delayMs = this.#policy.crashed(performance.now());
    const { crashes } = this.#policy;
    const what = served ? described(cause) : unready(cause, stderr, program);
    if (delayMs === undefined) return this.#fail(crashLoop(what, crashes, error));
    release?.();
    this.#logger.warn(`${what}; it is started again in ${Math.round(delayMs)} ms`, { crashes });
    this.#state = "restarting";
    this.#backOff = after(delayMs, () => {
      this.#restarts += 1;
      void this.#launch(served);
    });
    this.#announce(["state", "restarting"], ["restarting", { cause, delayMs, crashes }]);
  }

  #fail(error: SidecarError): void {
    this.#failure = error;
    this.#state = "failed";
    const thrown = this.#waiting.reject(error);
    if (thrown && this.#printsOnce) this.#unlogged = error;
    else this.#logFailure(error);
    for (const subscription of [...this.#subscriptions]) subscription.finish(error.about("watch"));
    this.#announce(["state", "failed"], ["failed", error]);
  }

  #logFailure(error: SidecarError): void {
    this.#unlogged = undefined;
    this.#logger.error(error.message, { code: error.code });
  }

  /** Tells listeners, once the state is what they are told. */
  #announce(...announcements: Announcement[]): void {
    this.#announcements.push(...announcements);
    if (this.#announcing) return;
    this.#announcing = true;
    for (let next = this.#announcements.shift(); next !== undefined; next = this.#announcements.shift()) {
      callOut(this.#emit, next);
    }
    this.#announcing = false;
  }

  readonly #emit = ([name, ...args]: Announcement): void => {
    (this as EventEmitter).emit(name, ...args);
  };

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
    const asked = performance.now();
    const { timeoutMs = 0 } = options;
    // Never 0, which would be no time-out.
    const left = () => (timeoutMs === 0 ? 0 : Math.max(1, Math.ceil(timeoutMs - (performance.now() - asked))));
    for (let rest = timeoutMs; ; rest = left()) {
      const refusal = this.#refusal();
      if (refusal !== undefined) throw refusal.about(method);
      const client = this.#serving();
      if (client !== undefined) return ask(client, { ...options, timeoutMs: rest });
      await this.#waiting.wait(method, { ...options, timeoutMs: rest });
    }
  }

  /** Why there is no use in waiting. */
  #refusal(): SidecarError | undefined {
    switch (this.#state) {
      case "idle":
        return new SidecarError("sidecar_stopped", "the sidecar was not started: call `start`");
      case "stopping":
      case "stopped":
        return stopped();
      case "failed":
        return this.#failure;
      default:
        return undefined;
    }
  }
}

withMethods(SidecarManager.prototype);

function stopped(): SidecarError {
  return new SidecarError("sidecar_stopped", "the sidecar was stopped");
}

/** What looking for the binary threw, where that is no error of this package: of the file system. */
function unresolved(cause: unknown): SidecarError {
  return new SidecarError("start_failed", `the sidecar's binary could not be looked at: ${String(cause)}`, { cause });
}

/** A logger that breaks nothing off when it throws. */
function shielded(logger: Logger): Logger {
  const level = (name: keyof Logger) => (message: string, fields?: Record<string, unknown>) =>
    callOut((...args) => logger[name](...args), message, fields);
  return { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
}

function crashLoop(what: string, crashes: number, last: SidecarError): SidecarError {
  const message = `the sidecar crashed ${crashes} times and is not started again; the last time: ${what}`;
  return new SidecarError("crash_loop", message, { data: last.data, cause: last });
}
