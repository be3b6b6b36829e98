// Where the host side says what happens.

/** Takes log lines. `fields` say more of what the message says. */
export interface Logger {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}

const nothing = () => {};

/**
 * Warnings and errors to the console, nothing else. A manager whose logger is none of the application's own prints a
 * failure there only if it is not thrown to somebody who awaits `start`; one that is given a logger logs every failure.
 */
export const consoleLogger: Logger = {
  debug: nothing,
  info: nothing,
  warn: (message) => console.warn(`workspace-sidecar: ${message}`),
  error: (message) => console.error(`workspace-sidecar: ${message}`),
};

/** Nothing at all. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
