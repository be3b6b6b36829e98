// The example of an Electron application, with the real sidecar and without Electron: its main process and its preload
// script run as they are, and the test is the page.

import assert from "node:assert/strict";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, after, test } from "node:test";
import { fileURLToPath } from "node:url";

import { build } from "esbuild";

import { binary } from "./support/binary.mjs";

const example = fileURLToPath(new URL("../../fixtures/hosts/electron", import.meta.url));
const packageFolder = fileURLToPath(new URL("..", import.meta.url));
const double = fileURLToPath(new URL("support/electron.cjs", import.meta.url));
const WAIT_MS = 20_000;

process.env.SCAFFA_SIDECAR_PATH = binary;

let home;
/** Electron's names, and `chosen`, the folders that the user will choose. */
let electron;
let window;
let page;

before(async () => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "electron-host-")));
  const app = join(home, "app");
  await build({
    entryPoints: ["main", "preload", "workspace-service", "ipc"].map((name) => join(example, "src", `${name}.ts`)),
    outdir: join(app, "dist"),
    format: "cjs",
    platform: "node",
    target: "node20",
  });
  const modules = join(app, "node_modules");
  mkdirSync(join(modules, "electron"), { recursive: true });
  cpSync(double, join(modules, "electron", "index.js"));
  symlinkSync(packageFolder, join(modules, "workspace-sidecar"), "junction");

  const require = createRequire(join(app, "dist", "main.js"));
  electron = require("electron");
  require("./main.js");
  await electron.app.whenReady();
  [window] = electron.BrowserWindow.getAllWindows();
  page = new Page(window);
});

after(() => rmSync(home, { recursive: true, force: true, maxRetries: 5 }));

/** What a page is told, and waits for what it is yet to be told. */
class Page {
  told = [];
  #listeners = new Set();

  constructor(window) {
    this.workspace = window.world.workspace;
    this.workspace.onStatus((status) => this.#take({ status }));
    this.workspace.onChanged((changed) => this.#take({ changed }));
  }

  #take(message) {
    this.told.push(message);
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /** The first of what is told from now on that `wanted` takes; `wanted` gives what it found in it. */
  async next(wanted) {
    const from = this.told.length;
    const timeout = AbortSignal.timeout(WAIT_MS);
    for (;;) {
      for (const message of this.told.slice(from)) {
        const found = wanted(message);
        if (found) return found;
      }
      await new Promise((resolve, reject) => {
        this.#listeners.add(resolve);
        timeout.onabort = () => reject(new Error(`not told in time; last: ${JSON.stringify(this.told.slice(-5))}`));
      });
    }
  }

  /** Searches as the page does; what it was told of each file comes with the totals. */
  async search(query) {
    const files = [];
    const reply = await this.workspace.search(query, (file) => files.push(file));
    assert.ok(reply.ok, JSON.stringify(reply));
    // What was told of them may come behind the reply.
    await new Promise((resolve) => setImmediate(resolve));
    return { ...reply.value, files };
  }
}

const state = (wanted) => ({ status }) => status?.state === wanted && status;
const processOf = ({ detail }) => Number(/process (\d+)/.exec(detail)[1]);

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    assert.equal(error.code, "ESRCH");
    return false;
  }
}

function makeWorkspace(name, files) {
  const root = join(home, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

/** Has the user choose a folder; the process that serves it. */
async function open(root) {
  electron.chosen.push(root);
  const ready = page.next(state("ready"));
  assert.deepEqual(await page.workspace.open(), { ok: true, value: root });
  return processOf(await ready);
}

/** Writes a file, and waits until the page is told of it. */
async function tellsOf(root, path) {
  const changed = page.next(({ changed }) => changed?.changes.find((change) => change.path === path));
  writeFileSync(join(root, path), "export const rye = 1;\n");
  assert.equal((await changed).kind, "created");
}

test("the page has the workspace and nothing else", () => {
  assert.deepEqual(Object.keys(window.world), ["workspace"]);
  const { contextIsolation, sandbox, nodeIntegration } = window.options.webPreferences;
  assert.deepEqual({ contextIsolation, sandbox, nodeIntegration }, {
    contextIsolation: true,
    sandbox: true,
    nodeIntegration: undefined,
  });
  assert.deepEqual(window.webContents.windowOpenHandler({ url: "https://example.com" }), { action: "deny" });
  assert.equal(window.file, "index.html");
});

test("a dialog that is cancelled opens nothing", async () => {
  assert.deepEqual(await page.workspace.open(), { ok: true, value: null });
  assert.deepEqual(page.told, []);
});

test("without a binary, plain Node answers", async (t) => {
  process.env.SCAFFA_SIDECAR_PATH = join(home, "no-such-binary");
  t.after(() => (process.env.SCAFFA_SIDECAR_PATH = binary));
  const root = makeWorkspace("shop", { "till.ts": "export const till = 1;\n", "node_modules/drawer/till.js": "till\n" });
  electron.chosen.push(root);
  const fallback = page.next(state("fallback"));
  await page.workspace.open();
  assert.match((await fallback).detail, /no-such-binary/);
  const { files, matchCount } = await page.search({ pattern: "till" });
  assert.deepEqual({ paths: files.map(({ path }) => path), matchCount }, { paths: ["till.ts"], matchCount: 1 });
  await tellsOf(root, "receipt.ts");
});

test("a folder that is gone has nobody to answer", async () => {
  electron.chosen.push(join(home, "gone"));
  const failed = page.next(state("failed"));
  await page.workspace.open();
  assert.match((await failed).detail, /gone/);
});

test("a day with two workspaces", async (t) => {
  const bakery = makeWorkspace("bakery", {
    "src/oven.ts": "const heat = 240;\n",
    "notes.md": "heat, then bake\n",
    "node_modules/yeast/index.js": "heat\n",
  });
  const mill = makeWorkspace("mill", { "stone.ts": "export const grind = 1;\n" });
  let pid;

  await t.test("opens one, and finds what is in it", async () => {
    const starting = page.next(state("starting"));
    pid = await open(bakery);
    assert.equal((await starting).root, bakery);
    const { files, fileCount, matchCount, limitHit } = await page.search({ pattern: "heat" });
    assert.deepEqual(files.map(({ path }) => path), ["notes.md", "src/oven.ts"]);
    assert.deepEqual({ fileCount, matchCount, limitHit }, { fileCount: 2, matchCount: 2, limitHit: false });
    assert.equal((await page.search({ pattern: "h.*t = \\d+", regex: true })).matchCount, 1);
  });

  await t.test("a search takes the place of the one before", async () => {
    const early = page.workspace.search({ pattern: "h" }, () => assert.fail("of a search that nobody waits for"));
    const late = await page.search({ pattern: "heat" });
    const { ok, error } = await early;
    assert.deepEqual({ ok, code: error.code }, { ok: false, code: "cancelled" });
    assert.equal(late.fileCount, 2);
  });

  await t.test("what a page must not send is refused, and errors keep their codes", async () => {
    const none = () => assert.fail("a file of a search that was refused");
    for (const query of [null, "heat", { pattern: 5 }, { pattern: "heat", include: [] }]) {
      const { ok, error } = await page.workspace.search(query, none);
      assert.deepEqual({ ok, code: error.code }, { ok: false, code: "invalid_params" }, JSON.stringify(query));
    }
    const { error } = await page.workspace.search({ pattern: "(", regex: true }, none);
    assert.equal(error.code, "invalid_pattern");
    assert.match(error.message, /\(/);
  });

  await t.test("tells of a file that is written", async () => {
    await tellsOf(bakery, "src/rye.ts");
  });

  await t.test("a sidecar that is killed comes back, and tells all there is", async () => {
    const restarting = page.next(state("restarting"));
    const ready = page.next(state("ready"));
    const fresh = page.next(({ changed }) => changed?.fresh && changed);
    process.kill(pid, "SIGKILL");
    await restarting;
    const successor = processOf(await ready);
    assert.notEqual(successor, pid);
    assert.deepEqual((await fresh).changes.map(({ path }) => path), ["notes.md", "src/oven.ts", "src/rye.ts"]);
    assert.equal((await page.search({ pattern: "rye" })).fileCount, 1);
    pid = successor;
  });

  await t.test("opening another ends the first one's process", async () => {
    electron.chosen.push(mill);
    const ready = page.next(state("ready"));
    assert.deepEqual(await page.workspace.open(), { ok: true, value: mill });
    assert.ok(!isAlive(pid), "the first one's process is there");
    pid = processOf(await ready);
    assert.equal((await page.search({ pattern: "heat" })).fileCount, 0);
    assert.equal((await page.search({ pattern: "grind" })).fileCount, 1);
  });

  await t.test("plain Node replaces a sidecar that crashes and crashes, until it is opened again", async () => {
    const fallback = page.next(state("fallback"));
    for (let crashed = pid; crashed !== undefined; ) {
      const next = page.next(({ status }) => ["ready", "fallback"].includes(status?.state) && status);
      process.kill(crashed, "SIGKILL");
      const { state, ...status } = await next;
      crashed = state === "ready" ? processOf(status) : undefined;
    }
    assert.match((await fallback).detail, /crashed 5 times/);
    assert.equal((await page.search({ pattern: "grind" })).fileCount, 1);
    await tellsOf(mill, "flour.ts");
    pid = await open(mill);
    assert.equal((await page.search({ pattern: "rye" })).fileCount, 1);
  });

  await t.test("quitting waits until the process is gone", async () => {
    assert.ok(isAlive(pid), "it is gone before");
    const quitting = once(electron.app, "will-quit", { signal: AbortSignal.timeout(WAIT_MS) });
    window.close(); // the last one: the application quits
    await quitting;
    assert.ok(!isAlive(pid), "nothing waited for the process");
  });
});
