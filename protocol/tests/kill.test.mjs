// Processes killed and stopped at random moments under load: nothing hangs, nothing is left over, nothing is missed.
//
// KILL_SECONDS (60) is how long it goes on; KILL_SEED repeats the choices of an earlier run, though not its moments.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { SidecarManager } from "workspace-sidecar";

import { askLoop, streamLoop } from "./chaos/asking.mjs";
import { Killer } from "./chaos/killer.mjs";
import { Settling, within } from "./chaos/settling.mjs";
import { changeLoop, listed, Picture } from "./chaos/watching.mjs";
import { binary } from "./support/binary.mjs";
import { processes } from "./support/processes.mjs";
import { Questions } from "./support/questions.mjs";
import { random } from "./support/random.mjs";
import { copyWorkspace } from "./support/workspaces.mjs";

const SECONDS = Number(process.env.KILL_SECONDS || 60);
const SEED = Number(process.env.KILL_SEED || Math.floor(Math.random() * 2 ** 32));
/** For what has to be over soon. */
const PATIENCE_MS = 30_000;
/** What may come of each signal. A process that was killed is sometimes first known by its pipe. */
const ENDS = ["SIGKILL → signal", "SIGKILL → broken-pipe", "SIGSTOP → hang", "SIGSTOP → start-timeout"];
const CODES = [
  ...["ok", "sidecar_crashed", "cancelled", "timeout"],
  ...["not_found", "invalid_path", "invalid_pattern", "invalid_glob", "invalid_params"],
];
const skip = process.platform === "win32" && "Windows has no signals: a process cannot be stopped";

test(`processes are killed for ${SECONDS} s: every promise settles, nothing is left, nothing missed`, {
  skip,
  timeout: SECONDS * 1000 + 4 * PATIENCE_MS,
}, async (t) => {
  t.diagnostic(`KILL_SEED=${SEED}`);
  const workspace = copyWorkspace("sidecar-kill");
  const folder = join(workspace.root, "live");
  mkdirSync(folder);
  const sidecar = new SidecarManager({
    root: workspace.root,
    binary,
    // One that only has to wait for a processor is not to be taken for one that was stopped.
    startTimeoutMs: 10_000,
    heartbeat: { intervalMs: 200, timeoutMs: 5_000 },
    restart: { minDelayMs: 1, maxDelayMs: 30, maxCrashes: Infinity },
    logger: { debug() {}, info() {}, warn() {}, error: (message) => t.diagnostic(message) },
  });
  t.after(() => sidecar.stop().finally(workspace.remove));
  let seeds = SEED;
  const choices = () => random(seeds++);
  const killer = new Killer(sidecar, choices());
  const settling = new Settling();
  await sidecar.start();

  const questions = new Questions(workspace.root, choices());
  const pictures = [0, 300].map((slowMs) => {
    const [picture, subscription] = [new Picture(), sidecar.watch({ include: ["live/**"], settleMs: 20 })];
    settling.track(subscription.established, "watch established");
    return { picture, ended: settling.track(picture.follow(subscription, choices(), slowMs), "watch") };
  });

  const over = new AbortController();
  const signal = over.signal;
  const share = () => ({ sidecar, questions, random: choices(), settling, signal });
  const loops = [
    ...Array.from({ length: 6 }, () => askLoop(share())),
    ...Array.from({ length: 2 }, () => streamLoop(share())),
    shortWatches(share()),
  ];
  const changing = changeLoop({ folder, random: choices(), signal });
  const killing = killer.run(signal);
  const bell = setTimeout(() => over.abort(), SECONDS * 1000);
  t.after(() => clearTimeout(bell));
  // A loop that fails ends the test at once, and says why.
  await Promise.race([killing, ...loops.map((loop) => loop.then(() => killing))]).finally(() => over.abort());
  await within(Promise.all([...loops, killing, changing]), PATIENCE_MS, () => `settled: ${settling.open.join("; ")}`);

  await within(sidecar.start(), PATIENCE_MS, () => `ready: it is ${sidecar.state}`);
  for (let asked = 0; asked < 50; asked++) {
    const question = questions.next("readFile");
    question.check(await settling.track(question.ask(sidecar), question.about));
  }
  const isRight = (files) => isWhatIsThere(files, sidecar, folder);
  for (const { picture } of pictures) {
    const seen = () => `right: the subscription shows ${[...picture.files.keys()].sort()}; there are ${listed(folder)}`;
    await within(picture.until(isRight), PATIENCE_MS, seen);
  }
  const { restarts } = sidecar;
  await sidecar.stop();
  await Promise.all(pictures.map(({ ended }) => ended));
  assert.deepEqual(settling.open, [], "promises that never settled");
  assert.deepEqual(Object.keys(settling.counts).filter((code) => !CODES.includes(code)), [], "codes that are not due");

  const left = processes().filter(({ parent, command }) => parent === process.pid || command.includes(workspace.root));
  const [killed, stopped] = [killer.sent("SIGKILL"), killer.sent("SIGSTOP")];
  t.diagnostic(
    `kills ${killed}, stops ${stopped} (of both, ${killer.early} before ready), restarts ${restarts}; ` +
      `${settling.total} promises, settled ${Object.values(settling.counts).reduce((sum, count) => sum + count, 0)}; ` +
      `orphans and zombies ${left.length}`,
  );
  t.diagnostic(`settled: ${told(settling.counts)}`);
  t.diagnostic(`ends: ${told(killer.ends)}`);
  t.diagnostic(
    `${await changing} changes, told in ` +
      pictures.map(({ picture }) => `${picture.batches} batches (${picture.fresh} fresh)`).join(" and in "),
  );
  assert.deepEqual(left, [], "processes that are left");
  assert.ok(killed > 0 && settling.counts.ok > 0 && settling.counts.sidecar_crashed > 0, "too short to show anything");
  assert.deepEqual(Object.keys(killer.ends).filter((end) => !ENDS.includes(end)), [], "ends that no signal explains");
  assert.equal(restarts, killed + stopped);
  assert.equal(killer.victims.length, restarts + 1);
});

/** Subscribes, waits for a word, leaves; again and again. */
async function shortWatches({ sidecar, random, settling, signal }) {
  while (!signal.aborted) {
    const subscription = sidecar.watch({ include: ["live/**"] }, { signal });
    const established = settling.track(subscription.established, "short watch established").catch((error) => error);
    if (random.chance(0.5)) await established;
    const first = async () => {
      for await (const _ of subscription) return;
    };
    await settling.track(first(), "short watch").catch((error) => assert.equal(error.code, "cancelled", error.stack));
    await established;
  }
}

/** Whether a picture shows what the disk holds: the same files, with hashes of the bytes they have. */
async function isWhatIsThere(files, sidecar, folder) {
  const paths = listed(folder);
  if (paths.join() !== [...files.keys()].map((path) => path.slice("live/".length)).sort().join()) return false;
  for (const path of paths) {
    const { text, hash } = await sidecar.readFile({ path: `live/${path}` });
    assert.equal(text, readFileSync(join(folder, path), "utf8"));
    if (files.get(`live/${path}`) !== hash) return false;
  }
  return true;
}

function told(counts) {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}
