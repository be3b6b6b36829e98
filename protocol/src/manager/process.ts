// One process, from its start to its end. Whether there will be another is not known here.

import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable, Writable } from "node:stream";

import { SidecarClient } from "../client/client.js";
import type { SidecarError } from "../errors.js";
import type { Logger } from "../logger.js";
import { PROTOCOL_VERSION, type Event, type ReadyData } from "../protocol.js";
import { after, pipesRead } from "../timers.js";
import { crashError, startError, type EndCause } from "./end-cause.js";
import { StderrLog } from "./stderr.js";

/** What is started, and how. */
export interface ProcessOptions {
  file: string;
  args: readonly string[];
  env: Record<string, string>;
  /** How long it may take to be ready, in milliseconds. */
  startTimeoutMs: number;
  logger: Logger;
  onEvent: (event: Event) => void;
}

/** How long a process is given to end by itself, in milliseconds. */
export interface StopOptions {
  /** After `shutdown`, until SIGTERM. Default 2000. */
  graceMs?: number;
  /** After SIGTERM, until SIGKILL. Default 1000. */
  killMs?: number;
}

/** A process that said `fatal`, or whose pipe broke, has so long to be gone, in milliseconds. */
const LEAVE_GRACE_MS = 500;
/** After it is gone, its last words are read for so long, in milliseconds: another process may hold its stdout open. */
const LAST_WORDS_MS = 200;

/** A sidecar that was started. */
export class SidecarProcess {
  readonly client: SidecarClient;
  /** Resolves when requests are served; rejects when that will not be. */
  readonly ready: Promise<ReadyData>;
  /** Resolves when the process is gone, and forgotten by the system, or was never there; requests are settled then. */
  readonly ended: Promise<EndCause>;

  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #stderr: StderrLog;
  /** What will have been the cause, whatever comes of it. */
  #verdict: EndCause | undefined;
  #stopping: Promise<void> | undefined;
  #gone = false;

  private constructor(child: ChildProcessByStdio<Writable, Readable, Readable>, options: ProcessOptions) {
    this.#child = child;
    this.#stderr = new StderrLog(child.stderr, options.logger);
    let settleReady: { resolve: (data: ReadyData) => void; reject: (error: SidecarError) => void };
    this.ready = new Promise((resolve, reject) => (settleReady = { resolve, reject }));
    // `ended` tells of it, too.
    this.ready.catch(() => {});

    const { startTimeoutMs } = options;
    let isReady = false;
    const late = after(startTimeoutMs, () => {
      // Where this process stood still, `ready` is in the pipe.
      void pipesRead().then(() => isReady || this.condemn({ kind: "start-timeout", timeoutMs: startTimeoutMs }));
    });
    this.client = new SidecarClient(
      { input: child.stdin, output: child.stdout },
      {
        onEvent: (event) => {
          if (event.event === "fatal") {
            const { code, message } = event.data;
            this.#leaving({ kind: "fatal", code, message });
          } else if (event.event === "ready") {
            const { protocolVersion, version } = event.data;
            if (protocolVersion !== PROTOCOL_VERSION) {
              return this.condemn({ kind: "version", version, protocolVersion });
            }
            isReady = true;
            clearTimeout(late);
            settleReady.resolve(event.data);
          }
          options.onEvent(event);
        },
        onBroken: (error) => this.condemn({ kind: "protocol", message: error.message }),
      },
    );

    this.ended = new Promise((resolve) => {
      const end = (cause: EndCause) => {
        clearTimeout(late);
        this.#gone = true;
        // Another process may hold them open; they would keep this one from ending.
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
        this.#stderr.flush();
        this.client.close(crashError(cause, this.#stderr.last));
        settleReady.reject(startError(cause, this.#stderr.last, options.file));
        resolve(cause);
      };
      child.on("error", (error) => {
        // Also told when a signal cannot be sent; then there is a process.
        if (child.pid === undefined) end({ kind: "spawn", file: options.file, error });
      });
      child.once("exit", (code, signal) => {
        this.#gone = true;
        const left: EndCause = signal === null ? { kind: "exit", code: code ?? 0 } : { kind: "signal", signal };
        // Its last words may be `fatal`.
        const over = () => end(this.#verdict ?? left);
        const unheard = setTimeout(over, LAST_WORDS_MS);
        child.once("close", () => {
          clearTimeout(unheard);
          over();
        });
      });
      // A process that ends breaks its pipes; one that only breaks them is of no use.
      const broken = (stream: "stdin" | "stdout") => () => this.#leaving({ kind: "broken-pipe", stream });
      child.stdin.on("error", broken("stdin"));
      child.stdout.on("error", broken("stdout"));
      child.stdout.once("end", broken("stdout"));
    });
  }

  /**
   * Starts a process. A failure is told by `ready` and `ended`, but for some that the system tells at once: they are
   * thrown, as Node does.
   */
  static start(options: ProcessOptions): SidecarProcess {
    const { file, args, env } = options;
    const child = spawn(file, args, { env, stdio: ["pipe", "pipe", "pipe"], windowsHide: true });
    // So it is where the system had no descriptors left for them; `error` follows.
    if ((child.stdin as Writable | undefined) === undefined) {
      child.on("error", () => {});
      throw Object.assign(new Error(`spawn ${file} EMFILE: too many open files`), { code: "EMFILE" });
    }
    return new SidecarProcess(child, options);
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** The last lines it logged. */
  get lastWords(): readonly string[] {
    return this.#stderr.last;
  }

  /** Kills the process: what it does is wrong. The first cause counts. */
  condemn(cause: EndCause): void {
    if (this.#gone) return;
    this.#verdict ??= cause;
    this.client.close(crashError(this.#verdict, this.#stderr.last));
    this.#child.kill("SIGKILL");
  }

  /** Asks the process to end, and sees to it. Resolves when it is gone. */
  stop(options: StopOptions = {}): Promise<void> {
    return (this.#stopping ??= this.#stop(options));
  }

  async #stop({ graceMs = 2_000, killMs = 1_000 }: StopOptions): Promise<void> {
    if (!this.#gone) this.#verdict ??= { kind: "stopped" };
    const ended = this.ended.then(() => {});
    // What is in flight is answered first. At the end of its input it leaves even if it does not know the request.
    this.client.request("shutdown").catch(() => {});
    this.#child.stdin.end();
    const terminate = after(graceMs, () => this.#child.kill("SIGTERM"));
    const kill = after(graceMs + killMs, () => this.#child.kill("SIGKILL"));
    await ended;
    clearTimeout(terminate);
    clearTimeout(kill);
  }

  /** It should be about to end. If it is not, it is made to. */
  #leaving(cause: EndCause): void {
    if (this.#gone || this.#verdict !== undefined) return;
    if (cause.kind === "fatal") this.#verdict = cause;
    // Where this process stood still, the news of the end waits to be read.
    const late = setTimeout(() => void pipesRead().then(() => this.condemn(cause)), LEAVE_GRACE_MS);
    void this.ended.then(() => clearTimeout(late));
  }
}
