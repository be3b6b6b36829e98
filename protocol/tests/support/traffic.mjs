// Lines as they really are: what a sidecar over a copy of the fixtures is sent and what it writes, with every method
// and every event.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import { binary } from "./binary.mjs";

const fixtures = fileURLToPath(new URL("../../../fixtures", import.meta.url));
const reference = fileURLToPath(new URL("../../REFERENCE.md", import.meta.url));

/** No answer of a workspace this small takes as long. */
const PATIENCE_MS = 30_000;

/** The requests that the reference text shows, one for each method. */
export async function examples() {
  const text = (await readFile(reference, "utf8")).replaceAll("\r\n", "\n");
  return [...text.matchAll(/^```json\n(\{.*\})\n```$/gm)].map(([, line]) => JSON.parse(line));
}

/** A process, and the lines to and from it. */
class Conversation {
  sent = [];
  received = [];
  #waiting = new Set();

  constructor(args) {
    this.process = spawn(binary, args, { stdio: ["pipe", "pipe", "ignore"] });
    this.exited = once(this.process, "exit");
    createInterface({ input: this.process.stdout }).on("line", (line) => {
      this.received.push(JSON.parse(line));
      for (const look of this.#waiting) look();
    });
  }

  write(line) {
    this.process.stdin.write(`${line}\n`);
  }

  /** The first line from `from` on that is as asked for, there already or still to come. */
  receive(what, matches, from = 0) {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.received.slice(from).find(matches);
        if (!found) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve(found);
      };
      const timer = setTimeout(() => reject(new Error(`no ${what} after ${PATIENCE_MS} ms`)), PATIENCE_MS);
      this.#waiting.add(look);
      look();
    });
  }

  event(name) {
    return this.receive(name, (line) => line.event === name);
  }

  ask(method, params) {
    const id = String(this.sent.length + 1);
    const request = params ? { id, method, params } : { id, method };
    this.sent.push(request);
    this.write(JSON.stringify(request));
    return this.receive(`answer to ${method}`, (line) => line.id === id);
  }
}

/** What is asked beside the examples, so that every type of the contract is seen. */
const questions = [
  ["stat", { paths: ["src", "links/slug.ts", "src/App.tsx", "nowhere.ts", "../outside"] }],
  ["readFile", { path: "public/loaf.png", encoding: "base64", range: { start: 0, end: 16 } }],
  ["readFile", { path: "src/legacy/dairy-orders.csv" }],
  ["readFile", { path: "src/legacy/closing.md", maxBytes: 1 }],
  ["readFiles", { paths: ["src/data/motto.txt", "nowhere.ts", "src/legacy/allergens.ts"] }],
  ["glob", { include: ["src/*"], directories: true, fields: ["size", "mtimeMs", "hash", "kind"], sort: "mtime" }],
  ["glob", { include: [], limit: 1, after: "docs/notes.md", consistency: "eventual", syncTimeoutMs: 100 }],
  ["glob", { include: ["["] }],
  ["search", { pattern: "loaf", caseSensitive: "smart", contextBefore: 1, contextAfter: 1, include: ["docs/**"] }],
  ["search", { pattern: "Bread|bun", regex: true, caseSensitive: false, mode: "count", maxMatchesPerFile: 1 }],
  ["search", { pattern: "useBoard", stream: true }],
  ["parse", { path: "src/components/OrderForm.tsx", tree: true }],
  ["parse", { path: "src/components/SmokeDetector.tsx" }],
  ["parse", { path: "src/components/LoafCard.stories.tsx" }],
  ["parse", { text: 'export * as a from "b";\nimport c, * as d from "e";\nlet = ;', language: "ts" }],
  ["parse", { text: "", language: "tsx" }],
  ["usages", { name: "input", attributes: [{ name: "type", value: "text" }], limit: 1 }],
  ["moduleGraph"],
  [
    "planPropEdits",
    {
      edits: [
        { path: "nowhere.tsx", element: { range: { start: 0, end: 1 } }, prop: "a", value: null },
        { path: "src/App.tsx", element: { name: "Nobody", index: 0 }, prop: "b", value: [1, { c: "d" }] },
      ],
    },
  ],
  ["query", { query: "(identifier) @name", path: "src/types.ts", maxMatches: 2 }],
  ["unwatch", { subscription: "nobody's" }],
  ["status"],
];

/** An index this small may be there before its progress is told. */
const progress = { event: "progress", data: { phase: "index", files: 12, filesTotal: 34, bytes: 5678 } };

/** Every line of a conversation, in `requests` (parsed) and `lines` (what came back, parsed). */
export async function traffic() {
  const directory = await mkdtemp(join(tmpdir(), "sidecar-traffic-"));
  const root = join(directory, "workspace");
  await cp(fixtures, directory, { recursive: true, verbatimSymlinks: true });
  const sidecar = new Conversation(["--root", root, "--progress"]);
  const unable = new Conversation(["--root", join(directory, "nowhere")]);
  try {
    const ready = await sidecar.event("ready");
    await sidecar.event("indexed");
    const { result: watched } = await sidecar.ask("watch", { include: ["src/**"], settleMs: 0 });
    const known = { unwatch: { subscription: watched.subscription }, changes: { since: ready.data.clock } };

    const changes = { created: "export {};\n", modified: "export default 1;\n", deleted: undefined };
    for (const [kind, text] of Object.entries(changes)) {
      const from = sidecar.received.length;
      const path = join(root, "src/new.ts");
      await (text === undefined ? rm(path) : writeFile(path, text));
      const told = (line) => line.event === "changed" && line.data.changes.some((change) => change.kind === kind);
      await sidecar.receive(`event of what was ${kind}`, told, from);
    }

    for (const [method, params] of questions) await sidecar.ask(method, params);
    const { result: file } = await sidecar.ask("readFile", { path: "README.md" });
    await sidecar.ask("readFile", { path: "README.md", ifHashNot: file.hash });
    await sidecar.ask("changes", { since: "another process's" });
    sidecar.write("no request");
    await sidecar.receive("answer to what is no request", (line) => line.id === null);
    // The last of them is `shutdown`.
    for (const { method, params } of await examples()) await sidecar.ask(method, known[method] ?? params);
    await unable.event("fatal");
    await Promise.all([sidecar.exited, unable.exited]);
    return { requests: sidecar.sent, lines: [...sidecar.received, ...unable.received, progress] };
  } finally {
    for (const { process, exited } of [sidecar, unable]) {
      process.kill("SIGKILL");
      await exited;
    }
    await rm(directory, { recursive: true, force: true });
  }
}
