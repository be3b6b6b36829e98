// What an application gave, looked at before anything is done with it: types do not hold in plain JavaScript.

import { SidecarError } from "./errors.js";

/** Says what is wrong with a value, as a half-sentence; nothing if it is right. */
export type Check = (value: unknown) => string | undefined;

/** A check for each name there is. */
export type Checks = Readonly<Record<string, Check>>;

const expecting =
  (what: string, holds: (value: unknown) => boolean): Check =>
  (value) =>
    holds(value) ? undefined : `expected ${what}`;

export const anything: Check = () => undefined;
export const text = expecting("a string", (value) => typeof value === "string");
export const flag = expecting("true or false", (value) => typeof value === "boolean");
export const count = expecting("an integer from 0 on", (value) => Number.isSafeInteger(value) && Number(value) >= 0);
/** Not in whole numbers only, and `Infinity` is one. */
export const amount = expecting("a number from 0 on", (value) => typeof value === "number" && value >= 0);
export const callable = expecting("a function", (value) => typeof value === "function");
export const record = expecting("an object", isRecord);
/** Also of another realm, or none of Node's own. */
export const abortSignal = expecting("an AbortSignal (an AbortController has it as `signal`)", (value) => {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Partial<AbortSignal>;
  const listens = typeof addEventListener === "function" && typeof removeEventListener === "function";
  return typeof aborted === "boolean" && listens;
});

/** What is wrong with a part of a path, of a command line or of an environment, which end at a NUL. */
export const NO_NUL = "expected no NUL in it";

export const oneOf = (...words: readonly unknown[]): Check =>
  expecting(`one of ${words.map((word) => JSON.stringify(word)).join(", ")}`, (value) => words.includes(value));

export const listOf =
  (each: Check): Check =>
  (value) =>
    Array.isArray(value) ? value.map(each).find((problem) => problem !== undefined) : "expected a list";

export const texts = expecting(
  "a list of strings",
  (value) => Array.isArray(value) && value.every((item) => typeof item === "string"),
);

/** Whether a value is an object with names, and no list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value as a message quotes it. */
export function shown(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
  if (typeof value === "function") return "a function";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" && value !== null ? "an object" : String(value);
}

/**
 * Throws `invalid_params` where `options` has a name that is none of `checks`, or a value that is wrong; one that is
 * `undefined` is not there. The message begins with the option's name (`of`: those of the objects around it), and where
 * there is no such option, names those that there are.
 */
export function checkOptions(options: unknown, checks: Checks, of: readonly string[] = []): void {
  if (!isRecord(options)) throw invalid(of, `expected an object, got ${shown(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    const unknown = `there is no such option; there are ${Object.keys(checks).join(", ")}`;
    const problem = check === undefined ? unknown : check(value);
    if (problem === undefined) continue;
    throw invalid([...of, name], check === undefined ? problem : `${problem}, got ${shown(value)}`);
  }
}

/** The error of an option; `path`: its name, behind those of the objects that it is in. */
export function invalid(path: readonly string[], problem: string): SidecarError {
  const option = path.length === 0 ? "options" : path.join(".");
  return new SidecarError("invalid_params", `${option}: ${problem}`, { data: { option } });
}

/** Throws `invalid_params` where there is no root, which is what a dialog gives that was cancelled. */
export function checkRoot(options: unknown): void {
  if (options !== undefined && !isRecord(options)) throw invalid([], `expected an object, got ${shown(options)}`);
  const root = options?.["root"];
  if (typeof root === "string" && root.includes("\0")) throw invalid(["root"], `${NO_NUL}, got ${shown(root)}`);
  if (typeof root === "string" && root !== "") return;
  const missing = root === undefined || root === null || root === "";
  const hint = missing ? " (was the dialog cancelled?)" : "";
  throw invalid(["root"], `expected the path of a folder, got ${shown(root)}${hint}`);
}
