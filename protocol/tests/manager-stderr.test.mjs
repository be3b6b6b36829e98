// What a sidecar logs, in the host's log and in errors.

import assert from "node:assert/strict";
import { test } from "node:test";

import { control } from "workspace-sidecar/testing";

import { failure } from "./support/failure.mjs";
import { manage, manageFake, manageReal, workspace } from "./support/managers.mjs";

/** What a manager logged once the sidecar has written this. Its `stop` comes behind all of it. */
async function logged(...lines) {
  const sidecar = manageFake();
  await sidecar.start();
  await control(sidecar, { do: lines.map((stderr) => ({ stderr })) });
  await sidecar.stop();
  return sidecar.logged;
}

test("each record by its level, with its fields", async () => {
  const record = (level) => ({ timestamp: "2026-01-01T00:00:00Z", level, message: `of ${level}`, path: "a.ts" });
  const levels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"];
  assert.deepEqual(
    await logged(...levels.map(record)),
    levels.map((level, at) => ({
      level: ["debug", "debug", "info", "warn", "error"][at],
      message: `sidecar: of ${level}`,
      fields: { path: "a.ts" },
    })),
  );
});

test("what is no record is a warning, as it is", async () => {
  const lines = ["thread 'main' panicked", "null", "[1]", '{"level":"WARN"}', '{"level":1,"message":"x"}'];
  assert.deepEqual(
    (await logged(...lines, "", "  \r")).map(({ level, message }) => [level, message]),
    lines.map((line) => ["warn", `sidecar: ${line}`]),
  );
});

test("long lines are cut, and one without end is held no longer than it must", async () => {
  const long = "y".repeat(20_000);
  const [record, text, ...endless] = await logged({ level: "INFO", message: long }, long, "z".repeat(500_000));
  const most = "sidecar: ".length + 8_192;
  assert.deepEqual([record.level, record.message.length, text.message.length], ["info", most, most]);
  assert.ok(endless.length > 2, `${endless.length} lines`);
  assert.ok(endless.every(({ message }) => message.length <= most));
});

test("an error of a crash has the last lines, the oldest first", async () => {
  const sidecar = manageFake({}, { restart: false });
  await sidecar.start();
  const inFlight = sidecar.request("changes", { since: "0" }).catch(() => {});
  const lines = Array.from({ length: 30 }, (_, at) => `line ${at}`);
  const lost = control(sidecar, { do: [...lines.map((stderr) => ({ stderr })), { crash: 5 }] });
  const error = await lost.catch((error) => error);
  assert.ok(failure("sidecar_crashed")(error));
  assert.deepEqual(error.data, { kind: "exit", code: 5, stderr: lines.slice(-20) });
  await inFlight;
});

test("the last line needs no newline", async () => {
  const args = ["-e", 'process.stderr.write("one\\ntwo"); process.exitCode = 5', "--"];
  const sidecar = manage({ binary: { file: process.execPath, args }, restart: false });
  const error = await sidecar.start().catch((error) => error);
  assert.deepEqual(error.data, { kind: "exit", code: 5, stderr: ["one", "two"] });
});

test("the real sidecar logs records, and what it says of the workspace", async () => {
  const sidecar = manageReal(workspace({ "a.ts": "" }), { logLevel: "debug" });
  await sidecar.start();
  await sidecar.glob({ include: ["**"] });
  await sidecar.stop();
  assert.ok(sidecar.logged.length > 0);
  assert.deepEqual(sidecar.logged.filter(({ level }) => level === "warn" || level === "error"), []);
  for (const { fields } of sidecar.logged) assert.equal(fields?.level, undefined);
});

test("by default warnings and errors go to the console, nothing else", async (t) => {
  const [warn, error, log] = ["warn", "error", "log"].map((name) => t.mock.method(console, name, () => {}));
  const sidecar = manageFake({}, { logger: undefined });
  await sidecar.start();
  const records = ["DEBUG", "INFO", "WARN", "ERROR"].map((level) => ({ stderr: { level, message: level } }));
  await control(sidecar, { do: records });
  await sidecar.stop();
  const lines = (mock) => mock.mock.calls.map(({ arguments: [line] }) => line);
  assert.deepEqual(lines(warn), ["workspace-sidecar: sidecar: WARN"]);
  assert.deepEqual(lines(error), ["workspace-sidecar: sidecar: ERROR"]);
  assert.deepEqual(lines(log), []);
});
