// What a fake sidecar can be told to do. All of it is JSON.

import type { Change, ErrorBody, Limits, ReadyData } from "../protocol.js";
import type { Method, Result } from "../requests.js";

/**
 * How a fake sidecar behaves. With `{}` it is a good one: it serves an empty workspace, in which every path that is
 * asked for is an empty file. It answers every method of the contract, keeps to `cancel`, `timeoutMs`, `watch` and
 * `shutdown`, and exits at the end of stdin. It does not check the params of methods.
 */
export interface FakeScript {
  /**
   * Answers in place of the usual ones, by method.
   * @example
   * { answers: { glob: { result: { files: [{ path: "src/App.tsx" }] } } } }
   * { answers: { stat: { error: { code: "io_error", message: "…" } } } }
   */
  answers?: FakeAnswers;
  /**
   * What to do in place of behaving, and when. The first rule that applies is the one that counts.
   * @example
   * { rules: [{ on: "request", method: "search", nth: 3, do: { crash: 101 } }] }
   */
  rules?: FakeRule[];
  /**
   * What `ready` says other than usual.
   * @example
   * { ready: { protocolVersion: 2, limits: { maxInFlight: 2 } } }
   */
  ready?: Partial<Omit<ReadyData, "limits">> & { limits?: Partial<Limits> };
  /**
   * Absolute path of a file to which each process appends its pid as a line, so that it knows the how-manieth it is
   * (see `run` of a rule), and a test knows which processes there were.
   */
  runs?: string;
  /** After how many milliseconds the process ends (status 70) whatever it was told: five minutes. */
  lifetimeMs?: number;
}

/** Answers by method. */
export type FakeAnswers = { [M in Method]?: FakeAnswer<M> };

/** An answer. What `result` leaves out is as usual: `clock`, `synced`, `limitHit` and so on need not be given. */
export type FakeAnswer<M extends Method = Method> = { result: Partial<Result<M>> } | { error: ErrorBody };

/**
 * When something can go wrong, and what a good sidecar does then (`"behave"`):
 * - `start`: writes `ready` and `indexed`. Requests are looked at after that
 * - `request`: answers; `shutdown`, after what is in flight was answered, and exits with status 0
 * - `timeout`, the `timeoutMs` of a request being over: answers `timeout`
 * - `stdin-end`: answers what is in flight, exits with status 0
 * - `sigterm` (not on Windows): answers `cancelled` to what is in flight, exits with status 0
 */
export type FakeMoment = "start" | "request" | "timeout" | "stdin-end" | "sigterm";

/**
 * What to do at a moment. `do` is all that is done then: with `[]`, it passes without a reaction.
 * @example
 * { on: "start", do: [] }                                            // never ready
 * { on: "start", run: 1, do: [{ send: { event: "fatal", data: { code: "io_error", message: "…" } } }, { crash: 3 }] }
 * { on: "request", method: "glob", do: [{ wait: 500 }, "behave"] }   // late
 * { on: "request", method: "glob", do: ["behave", "behave"] }        // answers twice
 * { on: "request", method: "shutdown", do: [] }                      // ignores `shutdown`
 * { on: "stdin-end", do: [] }                                        // does not leave when its parent is gone
 * { on: "sigterm", do: [] }                                          // only SIGKILL ends it
 */
export interface FakeRule {
  on: FakeMoment;
  /** At `request` and `timeout`: those of this method only. */
  method?: string;
  /** Only the how-manieth time (of those that the rest of the rule applies to) in a process, from 1 on. */
  nth?: number;
  /** Only in the how-manieth process, from 1 on; needs `runs`. */
  run?: number;
  do: FakeAction | FakeAction[];
}

/**
 * Something to do; of a list, one after another. Other requests are served meanwhile.
 * - `"behave"`: what a good sidecar does at this moment
 * - `{ answer }`: answers the request with this
 * - `{ wait: 500 }`: goes on after milliseconds, unless the request is cancelled or timed out by then
 * - `{ change: [{ path: "a.ts", kind: "modified" }] }`: files changed. The clock rises, every subscription is told
 *   (whatever its globs), `changes` has them
 * - `{ send: { event: "changed", data: … } }`: a line with this value as JSON: any event, an answer to an unknown id
 *   (`{ id: "nobody", ok: true, result: {} }`), JSON that is no message (`[1]`)
 * - `{ write: "panicked at …\n" }`: these characters on stdout, as they are: no JSON, half a line. With
 *   `encoding: "base64"`, bytes; with `times`, that many times, so `{ write: "x", times: 1e8 }` is a line without end
 * - `{ split: 1, pauseMs: 5 }`: from now on stdout is written in pieces of so many bytes, whatever they cut through,
 *   with a pause (0 if absent) behind each; `{ split: 0 }` ends that
 * - `{ stderr: "warning: …" }`: a line on stderr; a log record as an object
 * - `"hang"`: nothing is answered or looked at any more, `ping` and the end of stdin neither. SIGTERM ends it, if no
 *   rule says otherwise
 * - `{ crash: 101 }`: exits at once with this status; `{ crash: "SIGKILL" }`: dies of this signal
 * - `"stopReading"`: leaves what comes next in the pipe of stdin
 * - `"closeStdin"`, `"closeStdout"`: closes it, and lives on
 */
export type FakeAction =
  | "behave"
  | { answer: FakeAnswer }
  | { wait: number }
  | { change: Change[] }
  | { send: unknown }
  | { write: string; encoding?: "utf8" | "base64"; times?: number }
  | { split: number; pauseMs?: number }
  | { stderr: string | object }
  | "hang"
  | { crash: number | "SIGKILL" | "SIGABRT" | "SIGSEGV" | "SIGTERM" }
  | "stopReading"
  | "closeStdin"
  | "closeStdout";

/**
 * The params of the method `fake`, which every fake sidecar has: what to do now, and what to do from now on. The
 * result is `{}`, after the last action (or at `"behave"`).
 * @example
 * {"id":"1","method":"fake","params":{"do":[{"change":[{"path":"src/App.tsx","kind":"modified"}]}]}}
 */
export interface FakeOrders {
  /** What to do now. */
  do?: FakeAction | FakeAction[];
  /** Answers from now on; those of other methods stay. */
  answers?: FakeAnswers;
  /** Rules from now on, before those there are; `nth` counts from now. */
  rules?: FakeRule[];
}
