// A fake sidecar at work: requests in flight, and the actions that its script asks for.

import { setTimeout as delay } from "node:timers/promises";

import type { ErrorBody, ReadyData, SearchResult } from "../protocol.js";
import { ANSWERS, readyData } from "./answers.js";
import { discard, Output, written } from "./output.js";
import { readRequest, type FakeRequest } from "./requests.js";
import { listed, Rules } from "./rules.js";
import type { FakeAction, FakeAnswer, FakeMoment, FakeOrders, FakeScript } from "./script.js";
import { FakeWorkspace } from "./workspace.js";

/** A request that was read. */
interface Flight extends FakeRequest {
  /** It was, and is in flight no more. */
  answered: boolean;
  /** It came after `shutdown`. */
  tooLate: boolean;
  /** Its actions: while they go on, it may still be answered. */
  served: Promise<void>;
  /** Stops them. */
  stop: AbortController;
}

/** What actions are about. */
interface Scene {
  moment: FakeMoment;
  behave: () => Promise<void>;
  flight?: Flight;
}

/** Exit status of a script that asks for what there is not; that of wrong usage. */
const BAD_SCRIPT = 2;

export class FakeProcess {
  readonly #answers: Record<string, FakeAnswer | undefined>;
  readonly #rules: Rules;
  readonly #ready: ReadyData;
  readonly #output = new Output();
  readonly #workspace = new FakeWorkspace();
  readonly #flights = new Map<string, Flight>();
  #started: Promise<void> = Promise.resolve();
  #hung = false;
  #shuttingDown = false;

  constructor(script: FakeScript, root: string, run: number) {
    this.#answers = { ...script.answers };
    this.#rules = new Rules(script.rules ?? [], run);
    const usual = readyData({ root, clock: this.#workspace.clock, inFlight: 0, uptimeMs: 0 });
    this.#ready = { ...usual, ...script.ready, limits: { ...usual.limits, ...script.ready?.limits } };
  }

  start(): void {
    this.#started = this.#at("start", async () => {
      const { clock } = this.#workspace;
      await this.#output.line({ event: "ready", data: this.#ready });
      const data = { clock, files: 0, bytes: 0, elapsedMs: uptimeMs(), fromCache: false };
      await this.#output.line({ event: "indexed", data });
    });
  }

  /** A line of stdin, without its end. */
  line(bytes: Buffer): void {
    if (this.#hung) return;
    const request = readRequest(bytes, this.#ready.limits.maxRequestBytes);
    if ("error" in request) return void this.#fail(request.id, request.error);
    if (this.#flights.has(request.id)) {
      const message = `a request with the id ${JSON.stringify(request.id)} is in flight`;
      return void this.#fail(request.id, { code: "duplicate_id", message });
    }
    const stop = new AbortController();
    const flight: Flight = { ...request, answered: false, tooLate: false, served: Promise.resolve(), stop };
    this.#flights.set(flight.id, flight);
    flight.served = this.#serve(flight);
  }

  stdinEnded(): void {
    if (this.#hung) return;
    void this.#at("stdin-end", async () => {
      await this.#drained();
      if (!this.#hung) await this.#exit();
    });
  }

  terminated(): void {
    void this.#at("sigterm", async () => {
      for (const flight of this.#flights.values()) void this.#abort(flight, "cancelled", "SIGTERM came");
      await this.#exit();
    });
  }

  async #serve(flight: Flight): Promise<void> {
    await this.#started;
    flight.tooLate = this.#shuttingDown;
    if (flight.timeoutMs !== undefined) {
      setTimeout(() => void this.#timeOut(flight), flight.timeoutMs).unref();
    }
    if (flight.method === "fake") await this.#obey(flight);
    else await this.#at("request", () => this.#behave(flight), flight);
  }

  async #timeOut(flight: Flight): Promise<void> {
    if (flight.answered || this.#hung) return;
    const behave = () => this.#abort(flight, "timeout", `it took longer than ${flight.timeoutMs} ms`);
    await this.#at("timeout", behave, flight);
  }

  #at(moment: FakeMoment, behave: () => Promise<void>, flight?: Flight): Promise<void> {
    return this.#perform(this.#rules.actionsAt(moment, flight?.method), {
      moment,
      behave,
      ...(flight === undefined ? {} : { flight }),
    });
  }

  /** The method `fake`. */
  async #obey(flight: Flight): Promise<void> {
    const orders: FakeOrders = flight.params;
    Object.assign(this.#answers, orders.answers);
    this.#rules.prepend(orders.rules ?? []);
    const answer = () => this.#answer(flight, { result: {} });
    await this.#perform(listed(orders.do), { moment: "request", behave: answer, flight });
    if (!flight.answered && !this.#hung) await answer();
  }

  async #perform(actions: FakeAction[], scene: Scene): Promise<void> {
    const signal = scene.flight?.stop.signal;
    for (const action of actions) {
      // A request that timed out or was cancelled is not worked on; what the script does then is another moment.
      if (signal?.aborted && scene.moment === "request") return;
      if (this.#hung && scene.moment !== "sigterm") return;
      await this.#act(action, scene);
    }
  }

  async #act(action: FakeAction, scene: Scene): Promise<void> {
    if (action === "behave") return scene.behave();
    if (action === "hang") {
      this.#hung = true;
      return;
    }
    if (action === "stopReading") {
      process.stdin.pause();
      return;
    }
    if (action === "closeStdin") {
      process.stdin.destroy();
      return discard(0, "r");
    }
    if (action === "closeStdout") return this.#output.close();
    if (typeof action === "string") return complain(`there is no action "${action}"`);
    if ("answer" in action) {
      if (scene.flight === undefined) return complain(`\`answer\` at \`${scene.moment}\`: there is no request`);
      return this.#answer(scene.flight, action.answer);
    }
    if ("wait" in action) return pause(action.wait, scene.flight?.stop.signal);
    if ("change" in action) {
      const told = this.#workspace.change(action.change);
      await Promise.all(told.map((data) => this.#output.line({ event: "changed", data })));
      return;
    }
    if ("send" in action) return this.#output.line(action.send);
    if ("write" in action) {
      return this.#output.write(Buffer.from(action.write, action.encoding ?? "utf8"), action.times ?? 1);
    }
    if ("split" in action) return this.#output.split(action.split, action.pauseMs ?? 0);
    if ("stderr" in action) {
      const { stderr } = action;
      return written(process.stderr, `${typeof stderr === "string" ? stderr : JSON.stringify(stderr)}\n`);
    }
    if ("crash" in action) return crash(action.crash);
    complain(`there is no action ${JSON.stringify(action)}`);
  }

  /** What a good sidecar does with a request. */
  async #behave(flight: Flight): Promise<void> {
    const { method, params } = flight;
    if (flight.tooLate && method !== "ping" && method !== "cancel") {
      return this.#fail(flight.id, { code: "shutting_down", message: "the sidecar is shutting down" }, flight);
    }
    if (method === "shutdown") {
      this.#shuttingDown = true;
      await this.#drained(flight);
      if (this.#hung) return;
      await this.#answer(flight, this.#answers[method] ?? { result: {} });
      return this.#exit();
    }
    if (!this.#ready.methods.includes(method)) {
      const message = `there is no method ${JSON.stringify(method)}; there are ${this.#ready.methods.join(", ")}`;
      return this.#fail(flight.id, { code: "unknown_method", message }, flight);
    }
    const given = this.#answers[method];
    // Also where another answer is given: `cancel` has cancelled, `watch` has subscribed.
    const usual = this.#usual(method, params, flight);
    if (given === undefined || "error" in usual) return this.#answer(flight, given ?? usual);
    return this.#answer(flight, "error" in given ? given : { result: { ...usual.result, ...given.result } });
  }

  #usual(method: string, params: Record<string, unknown>, flight: Flight): FakeAnswer {
    switch (method) {
      case "watch":
        return { result: this.#workspace.watch() };
      case "unwatch": {
        const error = this.#workspace.unwatch(params["subscription"]);
        return error === undefined ? { result: {} } : { error };
      }
      case "changes":
        return { result: this.#workspace.changesSince(params["since"]) };
      case "cancel": {
        const other = this.#flights.get(String(params["id"]));
        const cancelled = other !== undefined && other !== flight;
        if (cancelled) void this.#abort(other, "cancelled", "the request was cancelled");
        return { result: { cancelled } };
      }
    }
    const { clock } = this.#workspace;
    const { root } = this.#ready;
    const facts = { root, clock, inFlight: this.#flights.size, uptimeMs: uptimeMs() };
    if (!isAnswered(method)) return { error: { code: "unknown_method", message: `the fake does not know ${method}` } };
    return { result: ANSWERS[method](facts, params) };
  }

  async #answer(flight: Flight, answer: FakeAnswer): Promise<void> {
    if ("error" in answer) return this.#fail(flight.id, answer.error, flight);
    let { result } = answer;
    const { id } = flight;
    if (flight.method === "search" && flight.params["stream"] === true && "files" in result) {
      for (const file of (result as Partial<SearchResult>).files ?? []) {
        void this.#output.line({ event: "partial", data: { id, files: [file] } });
      }
      result = { ...result, files: [] };
    }
    this.#landed(flight);
    await this.#output.line({ id, ok: true, result });
  }

  async #fail(id: string | null, error: ErrorBody, flight?: Flight): Promise<void> {
    if (flight !== undefined) this.#landed(flight);
    else await this.#started;
    if (!this.#hung) await this.#output.line({ id, ok: false, error });
  }

  async #abort(flight: Flight, code: "cancelled" | "timeout", message: string): Promise<void> {
    flight.stop.abort();
    await this.#fail(flight.id, { code, message }, flight);
  }

  #landed(flight: Flight): void {
    flight.answered = true;
    this.#flights.delete(flight.id);
  }

  /** Waits for what is in flight, but not for what the script leaves without an answer. */
  async #drained(except?: Flight): Promise<void> {
    const others = [...this.#flights.values()].filter((flight) => flight !== except);
    await Promise.all(others.map((flight) => flight.served));
  }

  async #exit(): Promise<never> {
    await this.#output.flush();
    process.exit(0);
  }
}

function isAnswered(method: string): method is keyof typeof ANSWERS {
  return Object.hasOwn(ANSWERS, method);
}

function uptimeMs(): number {
  return Math.round(performance.now());
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

function crash(how: number | NodeJS.Signals): Promise<never> | never {
  if (typeof how === "number") process.exit(how);
  process.removeAllListeners(how);
  process.kill(process.pid, how);
  // The signal may take a moment; nothing else happens until then.
  return new Promise(() => {});
}

function complain(message: string): void {
  process.stderr.write(`fake sidecar: its script is wrong: ${message}\n`);
  process.exit(BAD_SCRIPT);
}
