// A reader of changes has the workspace before them, as it is on the disk, whatever happens to the process.

import assert from "node:assert/strict";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { alive, manageReal, next, within, workspace } from "./support/managers.mjs";
import { random } from "./support/random.mjs";

/** The files of a directory, with their sizes. */
function onDisk(root) {
  const files = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) {
      const path = join(entry.parentPath ?? entry.path, entry.name);
      files.set(path.slice(root.length + 1), "");
    }
  }
  return [...files.keys()].sort();
}

/** Follows a subscription. */
function follow(subscription, start = []) {
  const files = new Map(start.map((path) => [path, undefined]));
  let [fresh, woken] = [0, () => {}];
  const loop = (async () => {
    for await (const changes of subscription) {
      if (changes.fresh) {
        fresh += 1;
        files.clear();
      }
      for (const { path, kind, hash } of changes.changes) {
        if (kind === "deleted") files.delete(path);
        else files.set(path, hash);
      }
      woken();
    }
  })();
  /** Resolves once the picture is as it should be. */
  const until = (isSo, what) =>
    within(
      (async () => {
        while (!isSo()) await new Promise((resolve) => (woken = resolve));
      })(),
      what,
      30_000,
    ).catch((error) => assert.fail(`${error.message}; the picture: ${[...files.keys()].sort()}`));
  return { files, paths: () => [...files.keys()].sort(), fresh: () => fresh, until, loop };
}

test("after a kill the full list is what is on the disk, and changes go on", async () => {
  const root = workspace({ "src/a.ts": "a", "src/b.ts": "b", "c.md": "c" });
  const sidecar = manageReal(root, { restart: { minDelayMs: 10 } });
  await sidecar.start();
  const subscription = sidecar.watch({ include: ["**/*.ts"], settleMs: 5 });
  await subscription.established;
  const picture = follow(subscription);
  writeFileSync(join(root, "src/new.ts"), "new");
  await picture.until(() => picture.files.has("src/new.ts"), "the first change");
  assert.deepEqual([picture.paths(), picture.fresh()], [["src/new.ts"], 0]);

  const back = next(sidecar, "ready");
  process.kill(sidecar.pid, "SIGKILL");
  // While nobody watches.
  rmSync(join(root, "src/a.ts"));
  await back;
  await picture.until(() => picture.fresh() === 1, "the full list");
  assert.deepEqual(picture.paths(), ["src/b.ts", "src/new.ts"]);
  writeFileSync(join(root, "src/later.ts"), "later");
  writeFileSync(join(root, "later.md"), "later");
  await picture.until(() => picture.files.has("src/later.ts"), "a later change");
  assert.deepEqual([picture.paths(), picture.fresh()], [["src/b.ts", "src/later.ts", "src/new.ts"], 1]);
  await sidecar.stop();
  await picture.loop;
});

for (const seed of [1, 2, 3]) {
  test(`random changes, random kills: at the end the picture is the disk (seed ${seed})`, async () => {
    const { below, chance, pick } = random(seed);
    const root = workspace({ "start.ts": "start" });
    const sidecar = manageReal(root, { restart: { minDelayMs: 1, maxDelayMs: 30, maxCrashes: 1_000 } });
    await sidecar.start();
    const subscription = sidecar.watch({ settleMs: 1 });
    await subscription.established;
    const picture = follow(subscription, ["start.ts"]);
    let kills = 0;
    for (let step = 0; step < 120; step++) {
      const path = `${pick(["", "x/", "x/y/", "z/"])}${below(12)}.ts`;
      const there = onDisk(root);
      mkdirSync(join(root, "x/y"), { recursive: true });
      mkdirSync(join(root, "z"), { recursive: true });
      if (chance(0.25) && there.length > 0) rmSync(join(root, pick(there)));
      else if (chance(0.15) && there.length > 0) renameSync(join(root, pick(there)), join(root, path));
      else if (chance(0.05)) rmSync(join(root, "x"), { recursive: true });
      else writeFileSync(join(root, path), `content ${step}`);
      if (chance(0.08) && sidecar.pid !== undefined && alive(sidecar.pid)) {
        process.kill(sidecar.pid, "SIGKILL");
        kills += 1;
      }
      if (chance(0.5)) await new Promise((resolve) => setTimeout(resolve, below(25)));
    }
    // Every content but the last may be known: this one is written when all else is.
    writeFileSync(join(root, "end.ts"), "end");
    const expected = onDisk(root);
    await picture.until(() => String(picture.paths()) === String(expected), `what is on the disk: ${expected}`);
    assert.ok(kills > 0);
    // And the contents.
    const { files } = await sidecar.glob({ include: ["**"], fields: ["hash"] });
    const hashes = () => files.every(({ path, hash }) => picture.files.get(path) === hash || path === "start.ts");
    await picture.until(hashes, "the contents");
    assert.equal(files.length, expected.length);
    await sidecar.stop();
    await within(picture.loop, "the end of the loop");
  });
}
