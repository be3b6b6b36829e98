// Log lines that wait for whether they are needed.

import type { Logger } from "../logger.js";

/** So many lines are held; with one more, all of them pass. */
const MAX_HELD = 1_000;

/** A logger that holds what it is given, and what ends that. */
export interface HeldLog {
  logger: Logger;
  /** Passes on what is held, and from then on everything at once. What is never released is never seen. */
  release: () => void;
}

/** Holds what is for `logger`. */
export function heldLog(logger: Logger): HeldLog {
  let held: (() => void)[] | undefined = [];
  const release = () => {
    const lines = held ?? [];
    held = undefined;
    for (const line of lines) line();
  };
  const level = (name: keyof Logger) => (message: string, fields?: Record<string, unknown>) => {
    if (held !== undefined && held.length >= MAX_HELD) release();
    const line = () => logger[name](message, fields);
    if (held === undefined) line();
    else held.push(line);
  };
  const levels = { debug: level("debug"), info: level("info"), warn: level("warn"), error: level("error") };
  return { logger: levels, release };
}
