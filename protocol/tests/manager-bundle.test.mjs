// A packaged binary is compared with its manifest before each start.

import assert from "node:assert/strict";
import { appendFileSync, copyFileSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { resolveSidecarPath } from "workspace-sidecar";

import { bundle, folder } from "./bundles.mjs";
import { binary } from "./support/binary.mjs";
import { gone, manage, next, workspace } from "./support/managers.mjs";

// The manifest of these bundles names it, and a binary of another platform is refused for that.
const skip = process.platform === "linux" && process.arch === "x64" ? false : "the bundles are for Linux on x64";

test("a bundle is started, and not again once it was changed", { skip }, async (t) => {
  const resourcesPath = folder(t);
  const path = bundle(join(resourcesPath, "workspace-sidecar"), {}, readFileSync(binary));
  const places = { env: {}, packaged: true, resourcesPath, libc: "gnu" };
  const found = resolveSidecarPath(places);
  assert.deepEqual([found.path, found.source], [path, "resources"]);

  // What was found can be passed on, and is compared all the same.
  for (const given of [places, found]) {
    const sidecar = manage({ binary: given, root: workspace({ "a.ts": "" }) });
    await sidecar.start();
    assert.equal((await sidecar.glob({ include: ["*"] })).files.length, 1);
    await sidecar.stop();
  }

  const sidecar = manage({ binary: found, root: workspace({ "a.ts": "" }), restart: { minDelayMs: 1 } });
  const { pid } = await sidecar.start();
  const failed = next(sidecar, "failed");
  // As an update does it: a program that runs cannot be written.
  copyFileSync(path, `${path}.new`);
  appendFileSync(`${path}.new`, "x");
  renameSync(`${path}.new`, path);
  process.kill(pid, "SIGKILL");
  const error = await failed;
  assert.equal(error.code, "sidecar_unusable");
  assert.match(error.message, /is corrupted, or was changed after it was packaged/);
  await gone(pid);
  await assert.rejects(sidecar.ping(), { code: "sidecar_unusable" });
});
