// Whether a script is one: a name that the fake does not know would let a test pass for nothing.

import { isAbsolute } from "node:path";

import {
  amount,
  anything,
  checkOptions,
  count,
  invalid,
  isRecord,
  oneOf,
  record,
  shown,
  type Check,
  type Checks,
} from "../checks.js";
import { METHODS } from "../protocol.js";
import { listed } from "./rules.js";
import type { FakeAction, FakeMoment, FakeOrders, FakeRule, FakeScript } from "./script.js";

const list: Check = (value) => (Array.isArray(value) ? undefined : "expected a list");

const SCRIPT = {
  answers: record,
  rules: list,
  ready: record,
  runs: (value) => (typeof value === "string" && isAbsolute(value) ? undefined : "expected an absolute path"),
  lifetimeMs: amount,
} satisfies Record<keyof FakeScript, Check>;

const ORDERS = { do: anything, answers: record, rules: list } satisfies Record<keyof FakeOrders, Check>;

const MOMENTS: FakeMoment[] = ["start", "request", "timeout", "stdin-end", "sigterm"];

const RULE = {
  on: oneOf(...MOMENTS),
  method: oneOf(...METHODS),
  nth: count,
  run: count,
  do: anything,
} satisfies Record<keyof FakeRule, Check>;

const WORDS = ["behave", "hang", "stopReading", "closeStdin", "closeStdout"] satisfies FakeAction[];

/** The actions that are objects, by the name that tells them apart: what else each has. */
const ACTIONS: Readonly<Record<string, Checks>> = {
  answer: {},
  wait: {},
  change: {},
  send: {},
  write: { encoding: oneOf("utf8", "base64"), times: count },
  split: { pauseMs: amount },
  stderr: {},
  crash: {},
};

const ANSWER = { result: record, error: record };

/** Throws `invalid_params`, which names what is wrong and what there is. */
export function checkScript(script: FakeScript): void {
  checkOptions(script, SCRIPT, ["script"]);
  checkAnswers(script.answers);
  checkRules(script.rules);
  if (script.runs === undefined && script.rules?.some((rule) => rule.run !== undefined)) {
    throw invalid(["rules"], "a rule has `run`, which needs the script's `runs`: the file to count in");
  }
}

/** The same for what a running fake is told. */
export function checkOrders(orders: FakeOrders): void {
  checkOptions(orders, ORDERS, ["orders"]);
  checkAnswers(orders.answers);
  checkRules(orders.rules);
  checkActions(orders.do, ["do"]);
}

function checkAnswers(answers: FakeScript["answers"]): void {
  for (const [method, answer] of Object.entries(answers ?? {})) {
    if (!(METHODS as readonly string[]).includes(method)) {
      throw invalid(["answers", method], `there is no such method; there are ${METHODS.join(", ")}`);
    }
    if (answer !== undefined) checkAnswer(answer, ["answers", method]);
  }
}

function checkAnswer(answer: unknown, path: readonly string[]): void {
  checkOptions(answer, ANSWER, path);
  if (!isRecord(answer) || !("result" in answer || "error" in answer)) {
    throw invalid(path, "expected `result` or `error`");
  }
}

function checkRules(rules: FakeRule[] = []): void {
  for (const [at, rule] of rules.entries()) {
    const path = [`rules[${at}]`];
    checkOptions(rule, RULE, path);
    if (rule.on === undefined || rule.do === undefined) throw invalid(path, "expected `on` and `do`");
    checkActions(rule.do, [...path, "do"]);
  }
}

function checkActions(actions: FakeAction | FakeAction[] | undefined, path: readonly string[]): void {
  for (const action of listed(actions)) checkAction(action, path);
}

function checkAction(action: unknown, path: readonly string[]): void {
  const there = `there are ${[...WORDS.map((word) => JSON.stringify(word)), ...Object.keys(ACTIONS)].join(", ")}`;
  if (typeof action === "string" && (WORDS as readonly string[]).includes(action)) return;
  const name = isRecord(action) ? Object.keys(ACTIONS).find((key) => key in action) : undefined;
  const given = isRecord(action) ? `{ ${Object.keys(action).join(", ")} }` : shown(action);
  const more = name === undefined ? undefined : ACTIONS[name];
  if (name === undefined || more === undefined) throw invalid(path, `there is no action ${given}; ${there}`);
  checkOptions(action, { [name]: anything, ...more }, path);
  if (name === "answer") checkAnswer((action as { answer: unknown }).answer, [...path, "answer"]);
}
