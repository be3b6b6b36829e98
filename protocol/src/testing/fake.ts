// Makes commands that start a fake sidecar, and gives it orders.

import { chmodSync, writeFileSync } from "node:fs";
// Not by the name `createRequire`, which webpack knows: it makes `undefined` of a call that it cannot follow.
import nodeModule from "node:module";
import { dirname, join } from "node:path";

import { HERE } from "../here.js";
import type { SidecarCommand } from "../manager/command.js";
import type { ManagedMethod, Requester } from "../requests.js";
import { checkOrders, checkScript } from "./checked.js";
import type { FakeOrders, FakeScript } from "./script.js";

// Windows takes 32,767 UTF-16 units as a whole command line, with quotes escaped; Linux, 128 KiB as one argument.
const MAX_ARGUMENT_LENGTH = 15_000;

/**
 * A command that starts a fake sidecar: a Node program, run by the running Node or Electron (`ELECTRON_RUN_AS_NODE`,
 * which takes the fuse `runAsNode`). Throws `invalid_params`, naming what is wrong, for a script that cannot work, a
 * `RangeError` for one that is too long for a command line (15,000 characters of JSON).
 */
export function fakeSidecar(script: FakeScript = {}): SidecarCommand {
  const json = encode(script);
  if (json.length > MAX_ARGUMENT_LENGTH) {
    throw new RangeError(
      `the fake sidecar's script has ${json.length} characters, and a command line takes ${MAX_ARGUMENT_LENGTH}: ` +
        "give long answers with `control`, or use `writeFakeExecutable`",
    );
  }
  return { file: process.execPath, args: [programPath(), json], env: { ELECTRON_RUN_AS_NODE: "1" } };
}

/**
 * Writes a fake sidecar as one executable, for where only a path can be given (`SCAFFA_SIDECAR_PATH`), and returns its
 * path: `workspace-sidecar` in `dir`, with its script beside it. It is a shell script. Windows starts no scripts as
 * programs, so there it throws: use `fakeSidecar`.
 */
export function writeFakeExecutable(dir: string, script: FakeScript = {}): string {
  if (process.platform === "win32") {
    throw new Error("writeFakeExecutable: Windows starts no script as a program; give the command of `fakeSidecar`");
  }
  const scriptPath = join(dir, "workspace-sidecar.script.json");
  const path = join(dir, "workspace-sidecar");
  writeFileSync(scriptPath, encode(script));
  const command = [process.execPath, programPath(), `@${scriptPath}`].map(quote).join(" ");
  writeFileSync(path, `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${command} "$@"\n`);
  chmodSync(path, 0o755);
  return path;
}

/** Gives a running fake sidecar orders, and waits for them to be carried out. Rejects as any request does. */
export async function control(sidecar: Requester<ManagedMethod>, orders: FakeOrders): Promise<void> {
  checkOrders(orders);
  // `fake` is no method of the contract, so its types do not know it.
  await (sidecar.request as (method: string, params: FakeOrders) => Promise<unknown>).call(sidecar, "fake", orders);
}

/** The fake's program. Looked for when it is needed: a bundler may have taken along what never asks for a fake. */
function programPath(): string {
  try {
    const { resolve } = nodeModule.createRequire(HERE as string);
    try {
      return resolve("./testing/program.js");
    } catch {
      // It stayed in the installed package.
      return join(dirname(resolve("workspace-sidecar/testing")), "program.js");
    }
  } catch (cause) {
    const message =
      "the fake sidecar's program is not beside this code, which a bundler took into another file, and the package " +
      "is not installed there: keep `workspace-sidecar` out of the bundle (as an external)";
    throw new Error(message, { cause });
  }
}

function encode(script: FakeScript): string {
  checkScript(script);
  return JSON.stringify(script);
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
