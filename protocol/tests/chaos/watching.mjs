// What a folder holds, by those who change it and by those who are told of changes.

import { EventEmitter, on } from "node:events";
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const NAMES = Array.from({ length: 30 }, (_, index) => `${["", "a/", "b/c/"][index % 3]}f${index}.ts`);
const PAUSE_MS = 25;

/** Changes files of `folder` until `signal` is aborted; resolves to how many times. */
export async function changeLoop({ folder, random, signal }) {
  let changes = 0;
  const attempt = (change) => {
    try {
      change();
      changes += 1;
    } catch (error) {
      if (error.code !== "ENOENT") throw error; // There is nothing of that name at the moment.
    }
  };
  while (!signal.aborted) {
    const path = join(folder, random.pick(NAMES));
    const kind = random.below(10);
    if (kind === 0) attempt(() => rmSync(path));
    else if (kind === 1) attempt(() => renameSync(path, join(folder, random.pick(NAMES))));
    else if (kind === 2) attempt(() => rmSync(join(folder, random.pick(["a", "b"])), { recursive: true }));
    else {
      attempt(() => {
        mkdirSync(join(path, ".."), { recursive: true });
        writeFileSync(path, `export const change = ${changes};\n`);
      });
    }
    await sleep(random.below(PAUSE_MS));
  }
  return changes;
}

/** The files in a folder, as paths relative to it. */
export function listed(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name).slice(folder.length + 1).replaceAll("\\", "/"))
    .sort();
}

/** What a subscription tells, put together: the hash of each file by its path. */
export class Picture extends EventEmitter {
  files = new Map();
  fresh = 0;
  batches = 0;

  /** Takes what is told until the subscription ends; with `slowMs`, takes its time over each. */
  async follow(subscription, random, slowMs = 0) {
    for await (const { fresh, changes } of subscription) {
      this.batches += 1;
      if (fresh) {
        this.fresh += 1;
        this.files.clear();
      }
      for (const { path, kind, hash } of changes) {
        if (kind === "deleted") this.files.delete(path);
        else this.files.set(path, hash);
      }
      this.emit("told");
      if (slowMs > 0) await sleep(random.below(slowMs));
    }
  }

  /** Waits until `isRight(files)` resolves to true, looking whenever something is told. */
  async until(isRight) {
    const told = on(this, "told");
    while (!(await isRight(this.files))) await told.next();
    await told.return();
  }
}
