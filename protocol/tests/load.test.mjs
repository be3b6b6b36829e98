// Ten thousand requests at once through one manager: each gets its own answer, and memory stays bounded.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { SidecarError, SidecarManager } from "workspace-sidecar";

import { binary } from "./support/binary.mjs";
import { Questions } from "./support/questions.mjs";
import { random } from "./support/random.mjs";
import { copyWorkspace } from "./support/workspaces.mjs";

const REQUESTS = 10_000;
const ROUNDS = 3;
/** How much more the process may hold than with nothing to do: answers on their way, and what they are made from. */
const SIDECAR_GROWTH = 48 << 20;
/** How much more of the heap may be in use after a later round than after the first. */
const HEAP_GROWTH = 4 << 20;

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc");

/** What the process has resident, the most it ever had, in bytes; nothing where there is no /proc. */
function memory(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const bytes = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)[1]) * 1024;
    return { rss: bytes("VmRSS"), peak: bytes("VmHWM") };
  } catch {
    return undefined;
  }
}

const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;

test(`${REQUESTS} requests at once: each has its own answer, memory stays bounded`, { timeout: 300_000 }, async (t) => {
  const workspace = copyWorkspace("sidecar-load");
  const sidecar = new SidecarManager({ root: workspace.root, binary, requestTimeoutMs: 120_000 });
  t.after(() => sidecar.stop().finally(workspace.remove));
  const { pid } = await sidecar.start();
  await sidecar.glob({ include: ["**"], fields: ["hash"] });

  const questions = new Questions(workspace.root, random(1));
  const before = memory(pid);
  let heap;
  for (let round = 1; round <= ROUNDS; round++) {
    const asked = Array.from({ length: REQUESTS }, () => questions.next());
    const began = performance.now();
    let overtaken = 0;
    let latest = -1;
    const answers = await Promise.allSettled(
      asked.map((question, index) =>
        question.ask(sidecar).finally(() => {
          if (index < latest) overtaken += 1;
          latest = Math.max(latest, index);
        }),
      ),
    );
    const elapsedMs = performance.now() - began;

    const kinds = {};
    for (const [index, answer] of answers.entries()) {
      const { kind, check, checkError } = asked[index];
      kinds[kind] = (kinds[kind] ?? 0) + 1;
      if (answer.status === "fulfilled") check(answer.value);
      else {
        assert.ok(answer.reason instanceof SidecarError, String(answer.reason?.stack));
        checkError(answer.reason);
      }
    }
    assert.deepEqual(Object.keys(kinds).sort(), [...Questions.kinds].sort());
    assert.ok(overtaken > 0, "answers come in any order: here, in the order of the questions");
    assert.deepEqual([sidecar.state, sidecar.restarts, sidecar.pid], ["ready", 0, pid]);

    asked.length = 0;
    answers.length = 0;
    collectGarbage();
    const used = process.memoryUsage().heapUsed;
    heap ??= used;
    const now = memory(pid);
    t.diagnostic(
      `round ${round}: ${REQUESTS} answered rightly in ${elapsedMs.toFixed(0)} ms, ${overtaken} out of order ` +
        `(${Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`).join(", ")})`,
    );
    t.diagnostic(
      `heap in use ${megabytes(used)}; ` +
        (now ? `sidecar ${[before.rss, now.rss, now.peak].map(megabytes).join(", ")} (at first, now, at most)` : ""),
    );
    assert.ok(used < heap + HEAP_GROWTH, `the heap grew from ${megabytes(heap)} to ${megabytes(used)}`);
    if (now !== undefined) {
      const grew = `the sidecar grew from ${megabytes(before.rss)} to ${megabytes(now.peak)}`;
      assert.ok(now.peak < before.rss + SIDECAR_GROWTH, grew);
    }
  }
});
