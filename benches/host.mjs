// What it costs a program in Node to ask the sidecar: round trips of small requests, many at once, and the start.
// Compared with `cat`, which does nothing but send the same line back over a pipe. See scripts/bench-host.

import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { availableParallelism, cpus, release, type } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

import { SidecarClient, SidecarManager } from "../protocol/dist/esm/index.js";
import { count, median, ms, percentile, table } from "./figures.mjs";

const say = (what) => console.error(`… ${what}`);
const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "2000" },
    runs: { type: "string", default: "15" },
    root: { type: "string", default: fileURLToPath(new URL("../fixtures/workspace", import.meta.url)) },
  },
});
const [rounds, runs] = [Number(values.rounds), Number(values.runs)];
const { root } = values;
const binary = process.env.SIDECAR;
const AT_ONCE = 10_000;
/** The most that a round trip may take, in times of that of `cat`. */
const REQUIRED = 2;
/** A line like those that a client writes. */
const LINE = '{"id":"1234567","method":"ping","params":{}}\n';

/** A program at the other end of two pipes that answers each line with one. */
class Pipe {
  #child;
  #awaited = 0;
  #arrived = () => {};

  constructor(file, ...args) {
    this.#child = spawn(file, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdout.on("data", (chunk) => {
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) this.#awaited -= 1;
      if (this.#awaited === 0) this.#arrived();
    });
  }

  get pid() {
    return this.#child.pid;
  }

  /** Resolves when so many lines have come. */
  lines(number) {
    this.#awaited += number;
    return new Promise((resolve) => (this.#arrived = resolve));
  }

  ask(times = 1) {
    const answered = this.lines(times);
    for (let time = 0; time < times; time += 1) this.#child.stdin.write(LINE);
    return answered;
  }

  async end() {
    this.#child.stdin.end();
    await once(this.#child, "exit");
  }
}

const commandLine = ["--root", root, "--log-level", "off"];

/** A sidecar with nothing between it and the caller. */
async function bare() {
  const pipe = new Pipe(binary, ...commandLine);
  await pipe.lines(["ready", "indexed"].length);
  return pipe;
}

/** A sidecar with nothing but a client between it and the caller. */
async function withClient() {
  const child = spawn(binary, commandLine, { stdio: ["pipe", "pipe", "inherit"] });
  const client = await new Promise((resolve) => {
    const client = new SidecarClient(
      { input: child.stdin, output: child.stdout },
      { onEvent: ({ event }) => event === "indexed" && resolve(client) },
    );
  });
  const end = async () => {
    child.stdin.end();
    await once(child, "exit");
  };
  return { client, end, pid: child.pid };
}

async function managed() {
  const manager = new SidecarManager({ root, binary });
  const indexed = new Promise((resolve) => manager.on("event", ({ event }) => event === "indexed" && resolve()));
  await manager.start();
  await indexed;
  return manager;
}

/** Takes the time of each work in turn, `times` times over. */
async function inTurn(times, works) {
  const taken = Object.fromEntries(Object.keys(works).map((name) => [name, []]));
  for (let time = 0; time < times; time += 1) {
    for (const [name, work] of Object.entries(works)) {
      const start = performance.now();
      await work();
      taken[name].push(performance.now() - start);
    }
  }
  return taken;
}

/**
 * Keeps processes, with all their threads, on the processors of a list such as `0` or `0-3`. Gives the list of the first
 * one before, or nothing where the system has no command for it.
 */
function confine(pids, list) {
  try {
    const before = execFileSync("taskset", ["-pc", String(pids[0])], { encoding: "utf8" }).split(": ").pop().trim();
    for (const pid of pids) execFileSync("taskset", ["-apc", list, String(pid)], { stdio: "pipe" });
    return before;
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * The round trips of `work` and of `cat`, all of the one and then all of the other: the percentile of each run, and of
 * those the median, so that it does not matter what else the machine does for a moment.
 */
async function roundTrips(work) {
  // Until all of it is compiled.
  await inTurn(2 * rounds, { cat: () => cat.ask(), own: work });
  const measured = [];
  for (let run = 0; run < runs; run += 1) {
    const peer = await inTurn(rounds, { cat: () => cat.ask() });
    measured.push({ ...peer, ...(await inTurn(rounds, { own: work })) });
  }
  return (share) => {
    const [own, peer] = ["own", "cat"].map((name) => measured.map((times) => percentile(times[name], share)));
    return { own: median(own), cat: median(peer), ratio: median(own.map((time, run) => time / peer[run])) };
  };
}

const cat = new Pipe("cat");
const sidecar = await bare();
const { client, end, pid } = await withClient();
const manager = await managed();
const glob = { include: ["src/hooks/*.ts"] };
const { files } = await manager.glob(glob);

say("round trips");
// Left to itself, the system keeps one process on the caller's processor and wakes another processor for the next one,
// which takes several times as long. Which one that is, is chance, and lasts: `cat` has it as the sidecar has.
const asked = [process.pid, cat.pid, sidecar.pid, pid, manager.pid];
const processors = confine(asked, "0");
// Each with `cat` alone: what comes before a round trip, and which processes sleep, makes a difference to it.
const trips = {};
for (const [name, work] of Object.entries({
  sidecar: () => sidecar.ask(),
  client: () => client.ping(),
  manager: () => manager.ping(),
  glob: () => manager.glob(glob),
  eventual: () => manager.glob({ ...glob, consistency: "eventual" }),
})) {
  trips[name] = await roundTrips(work);
}
if (processors !== undefined) confine(asked, processors);

say("many at once");
const all = (requester) => () => Promise.all(Array.from({ length: AT_ONCE }, () => requester.ping()));
const bursts = await inTurn(runs, { cat: () => cat.ask(AT_ONCE), client: all(client), manager: all(manager) });

say("starting");
await Promise.all([cat.end(), sidecar.end(), end(), manager.stop()]);
const [starts, firsts] = [[], []];
for (let run = 0; run < runs; run += 1) {
  let start = performance.now();
  const first = new Pipe("cat");
  await first.ask();
  firsts.push(performance.now() - start);
  await first.end();

  start = performance.now();
  const started = new SidecarManager({ root, binary });
  await started.start();
  starts.push(performance.now() - start);
  await started.stop();
}

const micros = (time) => `${(time * 1000).toFixed(0)} µs`;
const row = (what, trip, required) => {
  const cells = [0.5, 0.99].flatMap((share) => {
    const { own, cat, ratio } = trip(share);
    if (required && ratio > REQUIRED) process.exitCode = 1;
    return [micros(own), micros(cat), `${ratio.toFixed(2)} ×`];
  });
  return [what, ...cells, required ? `≤ ${REQUIRED} ×` : ""];
};
const burst = (what, times) => [
  `${count(AT_ONCE)} ${what}`,
  ms(median(times)),
  `${count(Math.round((AT_ONCE / median(times)) * 1000))} a second`,
];
const start = (what, times) => [what, ms(median(times)), `at most ${ms(Math.max(...times))}`];

console.log(
  [
    "# The package and a bare pipe",
    "",
    `${availableParallelism()} threads of ${cpus()[0]?.model.trim()}; ${type()} ${release()}, Node ${process.versions.node}.`,
    "Round trips from Node, beside those of `cat`, which sends a line back as it is: percentiles of",
    `${count(rounds)}, and of those the medians of ${runs} runs; the ratios are of the same run. ${
      processors === undefined
        ? "Which processors they ran on was left to the system: by chance, either may have the better one."
        : "All of them on one processor, so that it is not chance who has the better one."
    }`,
    "",
    table(
      ["", "p50", "`cat`", "", "p99", "`cat`", "", "required"],
      [
        row("`ping`, the line written by hand", trips.sidecar),
        row("`ping`, `SidecarClient`", trips.client, true),
        row("`ping`, `SidecarManager`", trips.manager, true),
        row(`\`glob\` of ${files.length} files, \`SidecarManager\``, trips.glob),
        row("the same, `eventual`", trips.eventual),
      ],
    ),
    "",
    table(
      ["", "", ""],
      [
        burst("pings at once, `SidecarClient`", bursts.client),
        burst("pings at once, `SidecarManager`", bursts.manager),
        burst("lines at once, `cat`", bursts.cat),
        start("from the start to `ready`, `SidecarManager`", starts),
        start("from the start to the first line, `cat`", firsts),
      ],
    ),
  ].join("\n"),
);
