// What a manager goes by: when it starts a process again, and with which environment.

import assert from "node:assert/strict";
import { test } from "node:test";

import { sidecarEnvironment } from "workspace-sidecar";

import { isFinal, startError } from "../dist/esm/manager/end-cause.js";
import { RestartPolicy } from "../dist/esm/manager/restart-policy.js";
import { random } from "./support/random.mjs";

const all = () => 1;
const none = () => 0;

test("delays: as the table says", () => {
  const TABLE = [
    // options, the source of chance, seconds at which it crashes, delays
    [{}, all, [0, 0, 0, 0, 0], [100, 200, 400, 800, undefined]],
    [{}, none, [0, 0, 0, 0, 0], [50, 100, 200, 400, undefined]],
    [{ maxDelayMs: 300 }, all, [0, 1, 2, 3, 4], [100, 200, 300, 300, undefined]],
    [{ minDelayMs: 1, factor: 10, maxCrashes: 4 }, all, [0, 0, 0, 0], [1, 10, 100, undefined]],
    [{ maxCrashes: 1 }, all, [0], [undefined]],
    // A crash counts for less than a minute.
    [{ maxCrashes: 3 }, all, [0, 59.999, 60, 119.998], [100, 200, 200, undefined]],
    [{ maxCrashes: 3 }, all, [0, 60, 120, 180, 240], [100, 100, 100, 100, 100]],
    [{ windowMs: 1_000, maxCrashes: 2 }, all, [0, 1, 1.5], [100, 100, undefined]],
    [{ minDelayMs: undefined, maxCrashes: undefined }, all, [0, 0, 0, 0, 0], [100, 200, 400, 800, undefined]],
  ];
  for (const [options, chance, seconds, delays] of TABLE) {
    const policy = new RestartPolicy(options, chance);
    assert.deepEqual(seconds.map((second) => policy.crashed(second * 1_000)), delays, JSON.stringify(options));
  }
});

test("delays: between half and whole of a bound that rises to the longest; the breaker at the last crash", () => {
  const { below } = random(1);
  for (let round = 0; round < 500; round++) {
    const options = {
      minDelayMs: 1 + below(500),
      maxDelayMs: 500 + below(5_000),
      factor: 1 + below(40) / 10,
      maxCrashes: 1 + below(30),
      windowMs: 1_000_000,
    };
    const policy = new RestartPolicy(options, () => below(1_000) / 1_000);
    let now = below(1_000_000);
    for (let crash = 1; crash <= options.maxCrashes; crash++) {
      const delay = policy.crashed((now += below(1_000)));
      assert.equal(policy.crashes, crash);
      if (crash === options.maxCrashes) assert.equal(delay, undefined);
      else {
        const bound = Math.min(options.maxDelayMs, options.minDelayMs * options.factor ** (crash - 1));
        assert.ok(delay >= Math.round(bound / 2) && delay <= Math.round(bound), `${delay} of ${bound}`);
      }
    }
    policy.reset();
    assert.equal(policy.crashes, 0);
    if (options.maxCrashes > 1) assert.ok(policy.crashed(now) <= options.minDelayMs);
  }
});

test("delays: forever, where there is no breaker, none is out of bounds and nothing piles up", () => {
  const policy = new RestartPolicy({ maxCrashes: Infinity, windowMs: 1_000 });
  for (let now = 0; now < 5_000_000; now += 500) assert.ok(policy.crashed(now) <= 5_000);
  assert.equal(policy.crashes, 2);
  const fast = new RestartPolicy({ maxCrashes: Infinity });
  for (let crash = 0; crash < 2_000; crash++) assert.ok(fast.crashed(0) <= 5_000);
});

test("what is not tried again", () => {
  const spawn = (code) => ({ kind: "spawn", file: "/x", error: Object.assign(new Error("no"), { code }) });
  const FINAL = [
    [spawn("ENOENT"), true],
    [spawn("EACCES"), true],
    [spawn("UNKNOWN"), true],
    [spawn("ERR_INVALID_ARG_VALUE"), true],
    [spawn("EAGAIN"), false],
    [spawn("EMFILE"), false],
    [spawn("ETXTBSY"), false],
    [{ kind: "version", version: "9", protocolVersion: 2 }, true],
    [{ kind: "stopped" }, true],
    [{ kind: "signal", signal: "SIGSEGV" }, false],
    [{ kind: "hang", silentMs: 1 }, false],
    [{ kind: "protocol", message: "no" }, false],
    [{ kind: "broken-pipe", stream: "stdin" }, false],
    [{ kind: "exit", code: 0 }, false],
    [{ kind: "exit", code: 101 }, false],
  ];
  for (const [cause, final] of FINAL) {
    assert.deepEqual([isFinal(cause, false), isFinal(cause, true)], [final, final], JSON.stringify(cause));
  }
  // Of those that were never served before, some more.
  const fatal = { kind: "fatal", code: "not_found", message: "no" };
  for (const cause of [{ kind: "exit", code: 2 }, { kind: "start-timeout", timeoutMs: 1 }, fatal]) {
    assert.deepEqual([isFinal(cause, false), isFinal(cause, true)], [true, false], JSON.stringify(cause));
  }
});

test("the error of a start goes over an IPC channel", () => {
  const error = Object.assign(new Error("spawn /x EACCES"), { code: "EACCES" });
  const { data } = startError({ kind: "spawn", file: "/x", error }, ["last words"]);
  assert.deepEqual(structuredClone(data), { kind: "spawn", file: "/x", code: "EACCES", stderr: ["last words"] });
});

test("environment: only what is allowed, and what is asked for", () => {
  const base = {
    HOME: "/home/me",
    PATH: "/bin",
    XDG_CONFIG_HOME: "/config",
    GIT_CONFIG_GLOBAL: "/git/config",
    Path: "not this one",
    NODE_OPTIONS: "--inspect",
    ELECTRON_RUN_AS_NODE: "1",
    LD_PRELOAD: "/evil.so",
    AWS_SECRET_ACCESS_KEY: "secret",
    npm_config_registry: "x",
  };
  assert.deepEqual(sidecarEnvironment(base, { EXTRA: "1", HOME: "/other" }, "linux"), {
    HOME: "/other",
    PATH: "/bin",
    XDG_CONFIG_HOME: "/config",
    GIT_CONFIG_GLOBAL: "/git/config",
    EXTRA: "1",
  });
  assert.deepEqual(sidecarEnvironment({}, {}, "linux"), {});
});

test("environment: on Windows names are the same without case", () => {
  const base = { Path: "C:\\bin", SystemRoot: "C:\\Windows", temp: "C:\\t", Secret: "1" };
  const { Secret: _, ...allowed } = base;
  assert.deepEqual(sidecarEnvironment(base, {}, "win32"), allowed);
  // One variable, not two of which the system takes either.
  const { PATH, Path } = sidecarEnvironment(base, { PATH: "D:\\bin" }, "win32");
  assert.deepEqual([PATH, Path], ["D:\\bin", undefined]);
});

test("environment: what cannot be one is left out", () => {
  const base = { HOME: undefined, LANG: 7, TMPDIR: null, PATH: "/bin\0/evil" };
  assert.deepEqual(sidecarEnvironment(base, { A: "a\0", "B\0": "b", C: undefined, D: 4, E: "" }, "linux"), { E: "" });
});
