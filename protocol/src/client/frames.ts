// What a sidecar writes, told from what it must not write.

import type { Event, Limits, Response } from "../protocol.js";

/** The bounds that a client keeps to. */
export type ClientLimits = Pick<Limits, "maxInFlight" | "maxRequestBytes" | "maxResponseBytes">;

/** The bounds until `ready` tells those in force: the sidecar's defaults. */
export const DEFAULT_LIMITS: ClientLimits = { maxInFlight: 256, maxRequestBytes: 16 << 20, maxResponseBytes: 64 << 20 };

/** How much of a line is shown in a message. */
const SHOWN = 120;

type Fields = Record<string, unknown>;

/** A response or an event; for any other line, what it is, as "a line that …". */
export function readFrame(line: string): Response | Event | string {
  let frame: unknown;
  try {
    frame = JSON.parse(line);
  } catch {
    return `a line that is not JSON: ${shown(line)}`;
  }
  if (isFields(frame) && (isResponse(frame) || isEvent(frame))) return frame;
  return `a line that is neither a response nor an event: ${shown(line)}`;
}

/** The bounds of a `ready`; the default for one that it has not, or not as a number that can be kept to. */
export function limitsOf(limits: unknown): ClientLimits {
  const known = { ...DEFAULT_LIMITS };
  if (!isFields(limits)) return known;
  for (const name of ["maxInFlight", "maxRequestBytes", "maxResponseBytes"] as const) {
    const value = limits[name];
    if (typeof value === "number" && value >= 1) known[name] = value;
  }
  return known;
}

function isResponse(frame: object): frame is Response {
  const { id, ok, result, error } = frame as Fields;
  if (ok === true) return typeof id === "string" && isFields(result);
  if (ok !== false || !(typeof id === "string" || id === null) || !isFields(error)) return false;
  return typeof error["code"] === "string" && typeof error["message"] === "string";
}

/** Only as far as somebody here relies on it: events may come that are not known yet. */
function isEvent(frame: object): frame is Event {
  const { event, data } = frame as Fields;
  if (typeof event !== "string" || !isFields(data)) return false;
  if (event === "partial") return typeof data["id"] === "string" && Array.isArray(data["files"]);
  if (event === "changed") {
    return ["subscription", "clock"].every((name) => typeof data[name] === "string") && Array.isArray(data["changes"]);
  }
  if (event === "fatal") return typeof data["code"] === "string" && typeof data["message"] === "string";
  return true;
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function shown(line: string): string {
  return JSON.stringify(line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line);
}
