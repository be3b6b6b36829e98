// What an application gives to be set up with: what is wrong is said at once, by its name. Types do not hold in plain
// JavaScript.

import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";

import { createWorkspaceBackend, resolveSidecarPath, SidecarError, SidecarManager } from "workspace-sidecar";

import { failure } from "./support/failure.mjs";
import { temp } from "./support/managers.mjs";

const NO_ROOTS = [
  [[], "undefined (was the dialog cancelled?)"],
  [[{}], "undefined (was the dialog cancelled?)"],
  [[{ root: undefined }], "undefined (was the dialog cancelled?)"],
  [[{ root: null }], "null (was the dialog cancelled?)"],
  [[{ root: "" }], '"" (was the dialog cancelled?)'],
  [[{ root: ["/a"] }], "a list"],
  [[{ root: 7 }], "7"],
];
for (const [given, got] of NO_ROOTS) {
  test(`no root: ${inspect(given)}`, async () => {
    const expected = { name: "SidecarError", code: "invalid_params" };
    const message = `root: expected the path of a folder, got ${got}`;
    assert.throws(() => new SidecarManager(...given), { ...expected, message });
    await assert.rejects(createWorkspaceBackend(...given), { ...expected, message });
    if (given.length === 0) return;
    for (const mode of ["off", "required"]) {
      await assert.rejects(createWorkspaceBackend({ ...given[0], mode }), { ...expected, message });
    }
  });
}

// Of a manager, and of the option `sidecar` of a backend.
const WRONG = [
  [{ excludes: [] }, "excludes: there is no such option; there are ", "binary, exclude, cacheDir"],
  [{ exclude: "node_modules" }, 'exclude: expected a list of strings, got "node_modules"'],
  [{ exclude: [1] }, "exclude: expected a list of strings, got a list"],
  [{ args: "--watch off" }, 'args: expected a list of strings, got "--watch off"'],
  [{ logLevel: "loud" }, 'logLevel: expected one of "off", "error", "warn", "info", "debug", got "loud"'],
  [{ watchMode: false }, 'watchMode: expected one of "native", "poll", "off", got false'],
  [{ startTimeoutMs: "5s" }, 'startTimeoutMs: expected a number from 0 on, got "5s"'],
  [{ requestTimeoutMs: NaN }, "requestTimeoutMs: expected a number from 0 on, got NaN"],
  [{ heartbeat: true }, "heartbeat: expected an object or false, got true"],
  [{ heartbeat: { interval: 5 } }, "heartbeat.interval: there is no such option; there are intervalMs, timeoutMs"],
  [{ restart: { maxCrashes: "3" } }, 'restart.maxCrashes: expected a number from 0 on, got "3"'],
  [{ stop: { killMs: -1 } }, "stop.killMs: expected a number from 0 on, got -1"],
  [{ env: ["A=1"] }, "env: expected an object, got a list"],
  [{ logger: () => {} }, "logger: expected an object, got a function"],
  [{ logger: { ...console, debug: 1 } }, "logger.debug: expected a function, got 1"],
  [{ binary: "" }, 'binary: expected the path of a program, got ""'],
  [{ binary: null }, "binary: expected an object, got null"],
  [{ binary: { file: "/x", arg: [] } }, "binary.arg: there is no such option; there are file, args, env"],
  [{ binary: { path: "/x" } }, "binary.path: there is no such option; there are platform, arch", ", from"],
];
test("an option that is wrong, or that there is not, is named", async () => {
  for (const [options, start, more = ""] of WRONG) {
    const right = (of) => (error) => {
      assert.ok(failure("invalid_params")(error));
      assert.ok(error.message.startsWith(of + start) && error.message.includes(more), error.message);
      assert.equal(error.data.option, of + start.slice(0, start.indexOf(":")));
      return true;
    };
    assert.throws(() => new SidecarManager({ root: temp, ...options }), right(""));
    for (const mode of ["on", "off"]) {
      await assert.rejects(createWorkspaceBackend({ root: temp, mode, sidecar: options }), right("sidecar."));
    }
  }
});

test("of a backend and of a search for the binary, too", async () => {
  const backend = (options) => createWorkspaceBackend({ root: temp, ...options });
  const code = "invalid_params";
  const WRONG_BACKENDS = [
    [{ modes: "on" }, /^modes: there is no such option; there are root, mode, sidecar, onWarning, onSwitch, signal$/],
    [{ mode: "maybe" }, /^mode: expected one of "on", "off", "required", got "maybe"$/],
    [{ onWarning: "console" }, /^onWarning: expected a function, got "console"$/],
    [{ sidecar: false }, /^sidecar: expected an object, got false$/],
    [{ sidecar: { root: temp } }, /^sidecar\.root: there is no such option/],
  ];
  for (const [options, message] of WRONG_BACKENDS) await assert.rejects(backend(options), { code, message });
  await assert.rejects(createWorkspaceBackend(temp), { code, message: /^options: expected an object, got "/ });
  assert.throws(() => new SidecarManager(temp), { code, message: /^options: expected an object, got "/ });
  assert.throws(() => resolveSidecarPath({ form: "x" }), { code, message: /^form: there is no such .*, from$/ });
  assert.throws(() => resolveSidecarPath({ buildDirs: "target" }), { code, message: /^buildDirs: expected a list/ });
});

test("what is `undefined` is not there, and every option there is may be given", () => {
  const names = ["binary", "exclude", "cacheDir", "watchMode", "logLevel", "args", "env", "startTimeoutMs"];
  const more = ["requestTimeoutMs", "heartbeat", "restart", "stop", "logger"];
  const absent = Object.fromEntries([...names, ...more].map((name) => [name, undefined]));
  assert.equal(new SidecarManager({ root: temp, ...absent }).state, "idle");
  const sidecar = new SidecarManager({
    root: temp,
    binary: { file: "/x", args: [], env: {} },
    exclude: ["a"],
    cacheDir: "cache",
    watchMode: "poll",
    logLevel: "debug",
    args: [],
    env: process.env,
    startTimeoutMs: Infinity,
    requestTimeoutMs: 0,
    heartbeat: false,
    restart: { minDelayMs: 1, maxDelayMs: 2, factor: 1.5, maxCrashes: Infinity, windowMs: 1 },
    stop: { graceMs: 1, killMs: undefined },
    logger: console,
  });
  assert.equal(sidecar.state, "idle");
});

test("a printed error has no fields that say nothing", () => {
  const error = new SidecarError("io_error", "no");
  assert.deepEqual(["data" in error, "method" in error], [false, false]);
  assert.equal(inspect(error).includes("undefined"), false);
  const about = new SidecarError("io_error", "no", { data: 1 }).about("glob");
  assert.deepEqual([about.data, about.method, about.message], [1, "glob", "glob: no"]);
});
