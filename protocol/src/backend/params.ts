// What a call was given, looked at before anybody is asked: so that both backends refuse the same.

import { count, flag, listOf, oneOf, text, texts, type Check } from "../checks.js";
import { SidecarError } from "../errors.js";

const range: Check = (value) => {
  if (typeof value !== "object" || value === null || !("start" in value && "end" in value)) {
    return "expected `start` and `end`";
  }
  const { start, end, ...more } = value;
  const [unknown] = Object.keys(more);
  if (unknown !== undefined) return `there is no \`${unknown}\` in it; it has \`start\` and \`end\``;
  const problem = count(start) ?? count(end);
  return problem ?? (Number(start) > Number(end) ? "`start` lies behind `end`" : undefined);
};

const MAX_SETTLE_MS = 60_000;
const settle: Check = (value) =>
  count(value) ?? (Number(value) > MAX_SETTLE_MS ? `${value} is more than ${MAX_SETTLE_MS}` : undefined);

const PARAMS = {
  readFile: { encoding: oneOf("utf8", "base64"), range, maxBytes: count },
  glob: {
    include: texts,
    exclude: texts,
    caseSensitive: flag,
    fields: listOf(oneOf("size", "mtimeMs", "kind")),
    directories: flag,
    sort: oneOf("path", "mtime"),
    limit: count,
    after: text,
  },
  search: {
    pattern: text,
    regex: flag,
    caseSensitive: oneOf(true, false, "smart"),
    wholeWord: flag,
    include: texts,
    exclude: texts,
    maxMatches: count,
    maxMatchesPerFile: count,
    maxLineLength: count,
  },
  watch: { include: texts, exclude: texts, settleMs: settle },
} satisfies Record<string, Record<string, Check>>;

const REQUIRED: Readonly<Record<string, string>> = { glob: "include", search: "pattern" };

/**
 * Gives the params without those that are `undefined`. Throws `invalid_params`, naming the one that is of the wrong
 * type, unknown, or missing.
 */
export function checkedParams<P extends object>(method: keyof typeof PARAMS, params: P): P {
  if (typeof params !== "object" || params === null) {
    throw new SidecarError("invalid_params", `${method}: expected an object of params`, { method });
  }
  const checks: Record<string, Check> = PARAMS[method];
  const given = Object.entries(params).filter(([, value]) => value !== undefined);
  for (const [name, value] of given) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    const unknown = `there is no such param; ${method} takes ${Object.keys(checks).join(", ")}`;
    const problem = check === undefined ? unknown : check(value);
    if (problem !== undefined) throw wrong(method, name, problem);
  }
  const required = REQUIRED[method];
  if (required !== undefined && !given.some(([name]) => name === required)) {
    throw wrong(method, required, "it is missing");
  }
  // Only what is `undefined` was dropped.
  return Object.fromEntries(given) as P;
}

/** Makes sure that paths are texts. */
export function checkedPaths(method: string, paths: unknown): void {
  const problem = method === "stat" ? texts(paths) : text(paths);
  if (problem !== undefined) throw wrong(method, method === "stat" ? "paths" : "path", problem);
}

function wrong(method: string, param: string, problem: string): SidecarError {
  return new SidecarError("invalid_params", `${method}: \`${param}\`: ${problem}`, { method, data: { param } });
}
