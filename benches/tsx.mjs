// Questions about TSX, to the sidecar and to the TypeScript compiler in turn. See scripts/bench-tsx.
//
// The compiler parses all `.tsx` files with `createSourceFile`, as a program without an index must, and looks for the
// elements; the sidecar's answers are compared with what it finds. Times of the sidecar go from the request line (for the
// first question: from the start of its process) to the parsed response.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus, release, tmpdir, type } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { tsxCorpus } from "./compare/corpus.mjs";
import { pairs, timeOf } from "./compare/pairs.mjs";
import { median, timed } from "./figures.mjs";
import { paths } from "./ripgrep.mjs";
import { Sidecar } from "./sidecar.mjs";
import { withUndo } from "./undo.mjs";

const ts = createRequire(new URL("../tests/node/package.json", import.meta.url))("typescript");
const { SyntaxKind } = ts;
const say = (what) => console.error(`… ${what}`);
const { values, positionals } = parseArgs({ options: { runs: { type: "string", default: "15" } }, allowPositionals: true });
const runs = Number(values.runs);
const binary = process.env.SIDECAR;
const tree = positionals[0] ?? (await tsxCorpus(say));
const COMMON = 0.05;

const sourceFile = (path, text) => ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false, ts.ScriptKind.TSX);
const files = (await paths(tree, ["--files", "-g", "*.tsx"])).sort();
const read = (path) => readFileSync(join(tree, path), "utf8");

/** The tags of all elements of a source, as often as they are there. */
function tags(file) {
  const found = new Map();
  const visit = (node) => {
    if (node.kind === SyntaxKind.JsxOpeningElement || node.kind === SyntaxKind.JsxSelfClosingElement) {
      const name = node.tagName.getText(file);
      found.set(name, (found.get(name) ?? 0) + 1);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Parses everything; how often an element of this name is in which file. */
function usagesByCompiler(name) {
  const found = new Map();
  for (const path of files) {
    const count = tags(sourceFile(path, read(path))).get(name);
    if (count) found.set(path, count);
  }
  return found;
}

const parseAll = () => files.forEach((path) => sourceFile(path, read(path)));

/** Components, some that nearly no file uses and one that many do. */
function names() {
  const inFiles = new Map();
  for (const path of files) for (const name of tags(sourceFile(path, read(path))).keys()) inFiles.set(name, (inFiles.get(name) ?? 0) + 1);
  const near = (count) =>
    [...inFiles]
      .filter(([name]) => /^[A-Z]\w+$/.test(name))
      .sort(([a, x], [b, y]) => Math.abs(x - count) - Math.abs(y - count) || (a < b ? -1 : 1))[0][0];
  return { rare: near(10), common: near(Math.round(files.length * COMMON)) };
}

async function usages(sidecar, params) {
  const { files: found, limitHit, synced } = await sidecar.request("usages", { limit: 2 ** 40, include: ["*.tsx"], ...params, syncTimeoutMs: 120_000 });
  if (limitHit || !synced) throw new Error(`the answer is cut or not synced: ${JSON.stringify({ limitHit, synced })}`);
  return new Map(found.map(({ path, elements }) => [path, elements.length]));
}

function compare(what, ours, theirs) {
  const differ = [...new Set([...ours.keys(), ...theirs.keys()])].filter((path) => ours.get(path) !== theirs.get(path));
  for (const path of differ.slice(0, 3)) console.error(`!!! ${what}: ${path}: ${ours.get(path) ?? 0} by the sidecar, ${theirs.get(path) ?? 0} by the compiler`);
  if (differ.length > 0) process.exitCode = 1;
}

/** Waits until the facts of all JSX sources are known. */
async function warm(sidecar) {
  for (let last = -1; ; ) {
    const { facts } = await sidecar.request("status");
    if (facts.sources > 0 && facts.sources === last) return facts;
    last = facts.sources;
    await new Promise((resolve) => setTimeout(resolve, 1000)); // nothing tells when it is done
  }
}

const bytes = files.reduce((sum, path) => sum + Buffer.byteLength(read(path)), 0);
say("picking components");
const { rare, common } = names();
const rows = [];
const ms = (time) => `${time < 10 ? time.toFixed(2) : time.toFixed(0)} ms`;
const row = (what, { ours, peer, faster }, wanted) => rows.push(`| ${what} | ${ms(ours)} | ${ms(peer)} | ${faster.toFixed(faster < 10 ? 2 : 0)} × | ${wanted} |`);

say("cold usages");
for (const name of [rare, common]) {
  const expected = usagesByCompiler(name);
  const cold = async () => {
    const sidecar = new Sidecar(binary, tree);
    const found = await usages(sidecar, { name });
    const time = performance.now() - sidecar.started;
    await sidecar.end();
    compare(`cold usages of ${name}`, found, expected);
    return time;
  };
  row(`\`usages\` of \`${name}\` in ${expected.size} files, the first question to a new process`, await pairs(runs, cold, timeOf(parseAll)), "≥ 2 ×");
}

const sidecar = new Sidecar(binary, tree);
await sidecar.event("indexed");
const facts = await warm(sidecar);
say("warm usages");
for (const name of [rare, common]) {
  const expected = usagesByCompiler(name);
  const ask = timeOf(() => usages(sidecar, { name }), (found) => compare(`usages of ${name}`, found, expected));
  row(`\`usages\` of \`${name}\`, warm`, await pairs(runs, ask, timeOf(parseAll)), "≥ 200 ×");
}
await sidecar.end();

say("one changed file");
const size = (path) => Buffer.byteLength(read(path));
const fifty = [...files].sort((a, b) => Math.abs(size(a) - 50_000) - Math.abs(size(b) - 50_000))[0];
const own = mkdtempSync(join(tmpdir(), "workspace-sidecar-bench-tsx-"));
await withUndo(
  () => rmSync(own, { recursive: true, force: true }),
  async () => {
    cpSync(join(tree, fifty), join(own, "file.tsx"));
    const sidecar = new Sidecar(binary, own);
    await sidecar.event("indexed");
    let [edits, text] = [0, read(fifty)];
    // Somebody types: another letter in the middle of it each time.
    const at = text.indexOf("\n", text.length / 2);
    const edit = () => {
      edits += 1;
      text = `${text.slice(0, at)} /* ${edits} */${text.slice(at)}`;
      writeFileSync(join(own, "file.tsx"), text);
    };
    for (const facts of [["imports", "exports", "components", "jsx", "symbols", "errors"], ["imports", "exports", "jsx"], ["errors"]]) {
      const ours = async () => {
        edit();
        const [time] = await timed(() => sidecar.request("parse", { path: "file.tsx", facts }));
        return time;
      };
      const theirs = timeOf(() => sourceFile("file.tsx", text));
      for (let warmUp = 0; warmUp < 20; warmUp += 1) [await theirs(), await ours()];
      const times = await pairs(10 * runs, ours, theirs);
      rows.push(`| \`parse\` of ${facts.join(", ")} of a changed file of ${(size(fifty) / 1000).toFixed(0)} kB | ${ms(times.ours)} | ${ms(times.peer)} | ${times.slower.toFixed(2)} × its time | ≤ 1.5 × |`);
    }
    await sidecar.end();
  },
);

const parsing = median(await Promise.all([1, 2, 3].map(async () => (await timed(parseAll))[0])));
console.log(
  [
    "# The sidecar and the TypeScript compiler",
    "",
    `${availableParallelism()} threads of ${cpus()[0]?.model.trim()}; ${type()} ${release()}, Node ${process.versions.node}, TypeScript ${ts.version}.`,
    `${files.length} \`.tsx\` files, ${(bytes / 1e6).toFixed(1)} MB; \`createSourceFile\` of all takes ${ms(parsing)} (${(bytes / 1000 / parsing).toFixed(1)} MB/s, reading included).`,
    `Medians of ${runs} runs, in turn with the compiler. The facts of ${facts.sources} sources take ${(facts.bytes / 1e6).toFixed(1)} MB of memory, ${(facts.bytes / bytes).toFixed(2)} MB for each MB of \`.tsx\`.`,
    "",
    "| | the sidecar | `ts.createSourceFile` | | required |",
    "| --- | --- | --- | --- | --- |",
    ...rows,
  ].join("\n"),
);
