// Plain Node answers what the sidecar answers: compared with the real binary, question by question.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { nodeBackend, sidecarBackend } from "./support/backends.mjs";
import { compare, questions } from "./support/differential.mjs";
import { makeTree, pathsIn } from "./support/tree.mjs";

const FIXTURES = fileURLToPath(new URL("../../fixtures/workspace", import.meta.url));
const SEEDS = Number(process.env.BACKEND_SEEDS ?? 8);
const FIRST_SEED = Number(process.env.BACKEND_FIRST_SEED ?? 1);
const WINDOWS = process.platform === "win32";

/** Asks both backends of a workspace the same; prints how much was compared. */
async function compareAll(t, root, asked, name, sidecar = {}) {
  const both = [await sidecarBackend(root, sidecar), await nodeBackend(root, sidecar)];
  try {
    const counts = await compare(...both, asked, name);
    t.diagnostic(`${name}: ${JSON.stringify(counts)}`);
    return counts;
  } finally {
    await Promise.all(both.map((backend) => backend.dispose()));
  }
}

/** Calls `use` with a directory of its own. */
async function inTemp(use) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "backend-")));
  try {
    return await use(base);
  } finally {
    rmSync(base, { recursive: true, force: true });
  }
}

function write(root, files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
}

test("on the fixtures", async (t) => {
  const paths = pathsIn(FIXTURES);
  const counts = await compareAll(t, FIXTURES, questions(0, paths, { illFormed: false }), "fixtures");
  assert.ok(counts.matches > 1000 && counts.errors > 50, JSON.stringify(counts));
});

test("on random trees", { skip: WINDOWS && "they have names that Windows refuses" }, async (t) => {
  let compared = 0;
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    await inTemp(async (base) => {
      const illFormed = seed % 2 === 0;
      const root = makeTree(base, seed, { illFormed });
      const sidecar = seed % 3 === 0 ? { exclude: ["*.md", "/lib", "./src/a", "build/", "[ab].ts", "#x", "!foo"] } : {};
      const asked = questions(seed, pathsIn(root).slice(0, 150), { illFormed, count: 40 });
      const { glob, search, readFile } = await compareAll(t, root, asked, `seed ${seed}`, sidecar);
      compared += glob + search + readFile;
    });
  }
  t.diagnostic(`${compared} answers compared`);
  assert.ok(compared > SEEDS * 200);
});

test("in the order of the paths' bytes, which is not that of UTF-16", async (t) => {
  await inTemp(async (root) => {
    const stems = ["z", "\u{10000}", "😀", "\uffee", "\ue000", "é", "a-b/x", "a.b/x", "a/x", "a", "ab"];
    const names = stems.map((stem) => `${stem}.ts`);
    write(root, Object.fromEntries(names.map((name) => [name, "x"])));
    const asked = [["glob", { include: [], directories: true }], ["search", { pattern: "x", maxMatches: 9 }]];
    for (const after of names) asked.push(["glob", { include: [], after, limit: 3 }]);
    await compareAll(t, root, asked, "order");
    const node = await nodeBackend(root);
    const { files } = await node.glob({ include: [] });
    const wanted = names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(files.map(({ path }) => path), wanted);
    await node.dispose();
  });
});

test("of matches without length", async (t) => {
  await inTemp(async (root) => {
    write(root, { "a.txt": "ab x\n\nxx\r\nx", "b.txt": "\ufeffab\n", "c.txt": "\n\n", "d.txt": "", "e.txt": "x\n" });
    const asked = ["x*", "^", "$", "\\b", "(?:)", "(?:x|)", "b*", "\\B"].flatMap((pattern) => [
      ["search", { pattern, regex: true }],
      ["search", { pattern, regex: true, wholeWord: true }],
      ["search", { pattern, regex: true, maxMatches: 3 }],
    ]);
    const counts = await compareAll(t, root, [...asked, ["search", { pattern: "" }]], "without length");
    assert.ok(counts.matches > 50);
  });
});

test("of long lines, and of files of many pieces", async (t) => {
  await inTemp(async (root) => {
    const line = `${"😀é-".repeat(40)}needle${"𠮷x ".repeat(60)}`;
    const illFormed = Buffer.from("\xff needle \xe2\x82\n", "latin1");
    const nth = (at) => (at % 977 === 0 ? `Needle ${at} é` : `line ${at}`);
    const many = Array.from({ length: 30_000 }, (_, at) => nth(at)).join("\n");
    write(root, {
      "line.txt": `${line}needle\r\n${line}`,
      "many.txt": many,
      "bom.txt": `\ufeff${many}`,
      "le.txt": Buffer.from(`\ufeff${many}`, "utf16le"),
      "be.txt": Buffer.from(`\ufeff${many}\n`, "utf16le").swap16(),
      "lossy.txt": Buffer.concat([Buffer.from(many), illFormed, Buffer.from("\ufffd needle")]),
      "late-nul.bin": Buffer.concat([Buffer.alloc(64 * 1024, "needle\n"), Buffer.from([0])]),
      "nul.bin": Buffer.concat([Buffer.alloc(64 * 1024 - 1, "needle\n"), Buffer.from([0])]),
      "long.txt": `${"x".repeat(300_000)}needle${"y".repeat(300_000)}`,
    });
    const asked = [0, 1, 2, 3, 7, 20, 333, 1000].flatMap((maxLineLength) => [
      ["search", { pattern: "needle", caseSensitive: false, maxLineLength }],
      ["search", { pattern: "needle", maxLineLength, wholeWord: true }],
      ["search", { pattern: "[Nn]eedle", regex: true, maxLineLength, maxMatchesPerFile: 5 }],
    ]);
    const reads = pathsIn(root).flatMap((path) => [
      ["readFile", path],
      ["readFile", path, { range: { start: 65_530, end: 65_550 } }],
      ["readFile", path, { range: { start: 10 ** 9, end: 2 * 10 ** 9 } }],
      ["readFile", path, { encoding: "base64", maxBytes: 1000 }],
    ]);
    const counts = await compareAll(t, root, [...asked, ...reads], "long lines");
    assert.ok(counts.matches > 1000);
  });
});

test("of repositories, and what is no regular file", { skip: WINDOWS && "it has no FIFOs" }, async (t) => {
  await inTemp(async (base) => {
    const root = join(base, "ws");
    write(base, {
      "main/.git/info/exclude": "*.excluded\n/sub\n",
      "main/.git/worktrees/ws/commondir": "../..\n",
      "ws/.git": `gitdir: ${join(base, "main/.git/worktrees/ws")}\n`,
      "ws/a.excluded": "x", "ws/a.ts": "x", "ws/sub/a.ts": "x", "ws/deep/sub/a.ts": "x",
      "ws/inner/.git/info/exclude": "only-here\n", "ws/inner/only-here": "x", "ws/only-here": "x",
      "ws/broken/.git": "gitdir: /nowhere\n", "ws/broken/a.excluded": "x",
      "ws/fifo-rules/a.ts": "x", "ws/directory-rules/.gitignore/a.ts": "x",
      "rules": "linked.ts\n", "ws/linked/linked.ts": "x", "ws/linked/other.ts": "x", "ws/dangling/a.ts": "x",
      "ws/file": "x",
    });
    symlinkSync(join(base, "rules"), join(root, "linked/.gitignore"));
    symlinkSync("nowhere", join(root, "dangling/.gitignore"));
    symlinkSync("loop-b", join(root, "loop-a"));
    symlinkSync("loop-a", join(root, "loop-b"));
    symlinkSync(join(base, "rules"), join(root, "out"));
    symlinkSync("../ws/a.ts", join(root, "out-and-in"));
    symlinkSync("fifo", join(root, "to-fifo"));
    symlinkSync("/dev/null", join(root, "device"));
    execFileSync("mkfifo", [join(root, "fifo"), join(root, "fifo-rules/.gitignore")]);
    const odd = ["file/", "file/x", "linked", "linked/", "out/x", "loop-a/x", "fifo/x", "sub/../a.ts"];
    const paths = [...pathsIn(root), ...odd];
    const asked = questions(3, paths, { illFormed: false, count: 0 });
    const counts = await compareAll(t, root, asked, "repositories");
    assert.ok(counts.errors > 20);
  });
});

test("where the user has ignore rules of their own", async (t) => {
  const before = process.env.XDG_CONFIG_HOME;
  await inTemp(async (base) => {
    write(base, {
      "config/git/ignore": "*.own\n/rooted\n", "ws/a.own": "", "ws/rooted": "", "ws/b/rooted": "",
      "ws/.gitignore": "!keep.own\n", "ws/keep.own": "",
    });
    process.env.XDG_CONFIG_HOME = join(base, "config");
    try {
      await compareAll(t, join(base, "ws"), questions(1, [], { illFormed: false, count: 0 }), "own rules");
      const node = await nodeBackend(join(base, "ws"));
      const { files } = await node.glob({ include: [] });
      assert.deepEqual(files.map(({ path }) => path), [".gitignore", "b/rooted", "keep.own"]);
      await node.dispose();
    } finally {
      if (before === undefined) delete process.env.XDG_CONFIG_HOME;
      else process.env.XDG_CONFIG_HOME = before;
    }
  });
});

const ROOT_USER = process.getuid?.() === 0;
test("where the system denies access", { skip: (WINDOWS || ROOT_USER) && "nothing is denied here" }, async (t) => {
  await inTemp(async (root) => {
    write(root, { "denied.ts": "x", "closed/a.ts": "x", "open/a.ts": "x" });
    execFileSync("chmod", ["000", join(root, "denied.ts"), join(root, "closed")]);
    try {
      const asked = questions(1, ["denied.ts", "closed", "closed/a.ts", "open/a.ts"], { illFormed: false, count: 0 });
      await compareAll(t, root, [...asked, ["search", { pattern: "x" }]], "denied");
    } finally {
      execFileSync("chmod", ["700", join(root, "closed")]);
    }
  });
});
