// Ratios between the sidecar and its peers on one tree, alternating within one run.
// usage: node benches/compare.mjs SIDECAR TREE [RUNS]   (see scripts/bench)

import { spawn, spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const [sidecarPath, tree, runs = "20"] = process.argv.slice(2);
if (!tree) {
  console.error("usage: node benches/compare.mjs SIDECAR TREE [RUNS]");
  process.exit(2);
}
const require = createRequire(new URL("../tests/node/package.json", import.meta.url));
const fastGlob = require("fast-glob");
const suffix = process.platform === "win32" ? ".exe" : "";
const rgPath = fileURLToPath(
  new URL(`../tests/node/node_modules/@vscode/ripgrep-${process.platform}-${process.arch}/bin/rg${suffix}`, import.meta.url),
);

class Sidecar {
  waiting = new Map();
  events = new Map();
  last = 0;

  constructor(...args) {
    this.started = performance.now();
    this.child = spawn(sidecarPath, ["--root", tree, "--log-level", "off", ...args], { stdio: ["pipe", "pipe", "inherit"] });
    createInterface({ input: this.child.stdout }).on("line", (line) => {
      const message = JSON.parse(line);
      if (message.event) this.events.get(message.event)?.(message.data);
      else this.waiting.get(message.id)?.(message);
    });
  }

  event(name) {
    return new Promise((resolve) => this.events.set(name, resolve));
  }

  async request(method, params) {
    const id = String(++this.last);
    const answer = new Promise((resolve) => this.waiting.set(id, resolve));
    this.child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    const message = await answer;
    this.waiting.delete(id);
    if (!message.ok) throw new Error(message.error.message);
    return message.result;
  }

  end() {
    const ended = new Promise((resolve) => this.child.on("exit", resolve));
    this.child.stdin.end();
    return ended;
  }
}

/** Runs `rg --json` as a program would, and counts what it prints. */
function ripgrep(args) {
  return new Promise((resolve, reject) => {
    const child = spawn(rgPath, ["--json", "--hidden", "--no-require-git", "-g", "!.git", ...args, "."], {
      cwd: tree,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let [files, matches, rest] = [0, 0, ""];
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const { type, data } = JSON.parse(line);
        if (type === "begin") files += 1;
        else if (type === "match") matches += data.submatches.length;
      }
    });
    child.on("error", reject).on("close", () => resolve({ files, matches }));
  });
}

async function timed(work) {
  const start = performance.now();
  const value = await work();
  return [performance.now() - start, value];
}

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];
const ms = (time) => `${time.toFixed(time < 10 ? 2 : 0)} ms`;
const rows = [];

/** Alternates both sides, once each for warming up, then as often as asked for. */
async function compare(what, peer, ours, theirs, count = Number(runs)) {
  const times = [[], []];
  let [mine, other] = [];
  for (let run = 0; run <= count; run += 1) {
    let time;
    [time, other] = await timed(theirs);
    if (run > 0) times[1].push(time);
    [time, mine] = await timed(ours);
    if (run > 0) times[0].push(time);
  }
  const [a, b] = times.map(median);
  rows.push(`| ${what} | ${ms(a)} | ${ms(b)} (${peer}) | ${(b / a).toFixed(2)} × | ${mine ?? ""} | ${other ?? ""} |`);
}

const sidecar = new Sidecar();
const { files, bytes } = await sidecar.event("indexed");

const queries = [
  ["no match", { pattern: "zq9XvKw_no_such_thing" }, ["-F", "zq9XvKw_no_such_thing"]],
  ["a literal", { pattern: "useState" }, ["-F", "useState"]],
  ["case-insensitive", { pattern: "usestate", caseSensitive: false }, ["-F", "-i", "usestate"]],
  ["whole word", { pattern: "Provider", wholeWord: true }, ["-F", "-w", "Provider"]],
  ["a regex", { pattern: "use[A-Z]\\w+\\(", regex: true }, ["-e", "use[A-Z]\\w+\\("]],
  ["a regex without literals", { pattern: "[0-9]{5}[a-f]", regex: true }, ["-e", "[0-9]{5}[a-f]"]],
];
const told = ({ files, matches }) => `${matches} in ${files}`;
for (const [what, params, args] of queries) {
  await compare(
    `search: ${what}`,
    "rg --json",
    async () => {
      const found = await sidecar.request("search", { ...params, maxMatches: 2 ** 40 });
      if (found.limitHit || !found.synced) throw new Error("the answer is cut or not synced");
      return told({ files: found.fileCount, matches: found.matchCount });
    },
    async () => told(await ripgrep(args)),
  );
}
await compare(
  "glob `**/*.tsx`",
  "fast-glob",
  async () => (await sidecar.request("glob", { include: ["**/*.tsx"] })).files.length,
  async () => (await fastGlob("**/*.tsx", { cwd: tree, dot: true, ignore: ["**/.git/**"], followSymbolicLinks: false })).length,
);
await sidecar.end();

const threads = availableParallelism();
if (spawnSync("b3sum", ["--version"]).status === 0) {
  await compare(
    "first index",
    "b3sum",
    async () => {
      const own = new Sidecar("--threads", String(threads));
      const { files } = await own.event("indexed");
      own.end();
      return files;
    },
    async () => {
      const script = `find . -name .git -prune -o -type f -print0 | xargs -0 b3sum --num-threads ${threads}`;
      spawnSync("sh", ["-c", script], { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
    },
    Math.min(Number(runs), 7),
  );
}

console.log(`${files} files, ${(bytes / 1e6).toFixed(0)} MB; ${threads} threads of ${cpus()[0]?.model.trim()}; medians of ${runs} runs.`);
console.log("Synced answers, from the request line to the parsed response.\n");
console.log("| what | sidecar | peer | faster by | found | peer found |");
console.log("| --- | --- | --- | --- | --- | --- |");
console.log(rows.join("\n"));
