// Giving up to open a workspace.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { createWorkspaceBackend, silentLogger } from "workspace-sidecar";
import { fakeSidecar } from "workspace-sidecar/testing";

import { within } from "./support/backends.mjs";
import { failure } from "./support/failure.mjs";
import { gone, runsFile, workspace } from "./support/managers.mjs";

const root = workspace({ "a.ts": "needle" });
const never = [() => assert.fail("nobody is warned"), () => assert.fail("nothing is switched to")];
const [onWarning, onSwitch] = never;

/** Options of a backend whose sidecar is never ready, and does not leave when it is asked to. */
function stuck(runs, more) {
  const rules = [{ on: "start", do: "hang" }];
  const stop = { graceMs: 10, killMs: 10 };
  return { root, onWarning, onSwitch, sidecar: { binary: fakeSidecar({ runs, rules }), stop, logger: silentLogger }, ...more };
}

for (const mode of ["on", "required"]) {
  test(`while the sidecar starts: cancelled, and its process is gone: ${mode}`, async () => {
    const [runs, controller] = [runsFile(), new AbortController()];
    const opening = createWorkspaceBackend(stuck(runs, { mode, signal: controller.signal }));
    const pid = await started(runs);
    controller.abort("closed");
    const error = await within(opening.catch((error) => error), "the end");
    assert.ok(failure("cancelled", /^opening the workspace was cancelled$/)(error));
    assert.equal(error.cause, "closed");
    await gone(pid, 0);
  });
}

test("a signal that was aborted before starts nothing, in any mode", async () => {
  for (const mode of ["on", "off", "required"]) {
    const runs = runsFile();
    const opening = createWorkspaceBackend(stuck(runs, { mode, signal: AbortSignal.abort() }));
    await assert.rejects(opening, failure("cancelled"));
    assert.equal(readIfThere(runs), "");
  }
});

test("once it is open, the signal has no effect", async () => {
  const controller = new AbortController();
  const sidecar = { binary: fakeSidecar() };
  const backend = await createWorkspaceBackend({ root, onWarning, onSwitch, sidecar, signal: controller.signal });
  controller.abort();
  assert.equal(backend.kind, "sidecar");
  assert.equal((await backend.stat(["a.ts"])).entries.length, 1);
  await backend.dispose();
});

test("what is no signal is refused by its name", async () => {
  const opening = createWorkspaceBackend({ root, signal: new AbortController() });
  await assert.rejects(opening, failure("invalid_params", /^signal: expected an AbortSignal/));
});

/** The pid of the first process, once there is one. */
async function started(runs) {
  for (const began = performance.now(); performance.now() - began < 20_000; ) {
    await new Promise(setImmediate);
    const pid = Number(readIfThere(runs));
    if (pid > 0) return pid;
  }
  assert.fail("no process within 20 s");
}

function readIfThere(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
