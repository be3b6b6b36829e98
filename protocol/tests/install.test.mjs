// The packed tarballs, installed into an empty project as a user would, while npm's registry has none of them.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import * as tar from "tar";

import { hostTriple, targetDirectory } from "../packaging/cargo.mjs";
import { relativeLinks } from "../packaging/links.mjs";
import { npmCommand } from "../packaging/npm.mjs";
import { PLATFORMS, targetOf } from "../packaging/targets.mjs";
import { blocksOf, runProgram } from "./support/readme.mjs";

const run = promisify(execFile);
const PACKAGE = fileURLToPath(new URL("../packaging/package.mjs", import.meta.url));

const host = targetOf(hostTriple());
const debugBinary = process.env.SIDECAR ?? join(targetDirectory(), "debug", host.executable);
let scratch;
let packed;
let registry;

before(async () => {
  scratch = mkdtempSync(join(tmpdir(), "workspace-sidecar-install-"));
  packed = join(scratch, "packed");
  execFileSync(process.execPath, [PACKAGE, "--binary", debugBinary, "--debug-build", "--out", packed]);
  execFileSync(process.execPath, [PACKAGE, "--npm", "--out", packed]);
  registry = createServer((_request, response) => response.writeHead(404).end("{}"));
  await new Promise((resolve) => registry.listen(0, "127.0.0.1", resolve));
});

after(async () => {
  registry.closeAllConnections();
  await new Promise((resolve) => registry.close(resolve));
  rmSync(scratch, { recursive: true, force: true });
});

test("the package depends on those of all platforms, of its own version", async () => {
  const project = await install("alone", hostTarball());
  const description = installed(project, "workspace-sidecar/package.json");
  const expected = PLATFORMS.map((platform) => [`@workspace-sidecar/${platform}`, description.version]);
  assert.deepEqual(Object.entries(description.optionalDependencies), expected);
  assert.equal(description.devDependencies, undefined);
  assert.equal(description.scripts, undefined);
  // What cannot be found is no error of an optional dependency.
  assert.ok(!existsSync(join(project, "node_modules/@workspace-sidecar")));
});

test("everything that the package's description names is in it", async () => {
  const project = await install("whole", hostTarball());
  const folder = join(project, "node_modules/workspace-sidecar");
  const { exports, main, types, bin = {} } = installed(project, "workspace-sidecar/package.json");
  const named = [main, types, ...Object.values(bin), ...leaves(exports["."])];
  for (const path of named) assert.ok(existsSync(join(folder, path)), path);
  assert.ok(existsSync(join(folder, "LICENSE")));
});

test("no link of the package's documents is dead, and none leaves it", async () => {
  const folder = join(scratch, "whole/node_modules/workspace-sidecar");
  const documents = markdownOf(folder);
  for (const document of ["README.md", "docs/packaging.md", "examples/electron/README.md"]) {
    assert.ok(relativeLinks(documents.get(document)).length > 0, document);
  }
  for (const [document, text] of documents) {
    for (const { path } of relativeLinks(text)) {
      const target = join(folder, dirname(document), path);
      assert.ok(existsSync(target), `${document}: ${path}`);
      assert.ok(!relative(folder, target).startsWith(".."), `${document}: ${path}`);
    }
    assert.doesNotMatch(text, /\]\([^)]*fixtures/, document);
  }
});

test("on npm's page, what the README links to outside of the package's folder is in the repository", async () => {
  const out = join(scratch, "published");
  execFileSync(process.execPath, [PACKAGE, "--npm", "--out", out, "--repository", "https://example.org/owner/name"]);
  const { version } = installed(join(scratch, "whole"), "workspace-sidecar/package.json");
  const [tarball] = readdirSync(out).filter((name) => name.endsWith(".tgz"));
  const unpacked = join(scratch, "unpacked");
  mkdirSync(unpacked);
  await tar.extract({ file: join(out, tarball), cwd: unpacked });
  const readme = readFileSync(join(unpacked, "package/README.md"), "utf8");
  const base = `https://example.org/owner/name/tree/v${version}/`;
  const absolute = [...readme.matchAll(/\]\((https:[^)]*)\)/g)].map(([, href]) => href);
  assert.ok(absolute.length > 0);
  for (const href of absolute) {
    assert.ok(href.startsWith(base), href);
    assert.ok(existsSync(new URL(`../../${href.slice(base.length)}`, import.meta.url)), href);
  }
  // The others start from the folder that package.json names.
  for (const { path } of relativeLinks(readme)) {
    assert.ok(existsSync(new URL(`../${path}`, import.meta.url)), path);
  }
});

test("the examples depend on the package's version, and bring nothing of the clone", async () => {
  const folder = join(scratch, "whole/node_modules/workspace-sidecar");
  const { version } = installed(join(scratch, "whole"), "workspace-sidecar/package.json");
  const example = installed(join(scratch, "whole"), "workspace-sidecar/examples/electron/package.json");
  assert.equal(example.dependencies["workspace-sidecar"], version);
  assert.ok(existsSync(join(folder, "examples/electron/forge.config.cjs")));
  assert.ok(existsSync(join(folder, "examples/tauri/tauri.conf.json")));
  const files = readdirSync(join(folder, "examples"), { recursive: true }).map((file) => file.replaceAll("\\", "/"));
  assert.deepEqual(files.filter((file) => /node_modules|dist|package-lock|\.npmrc/.test(file)), []);
});

test("with the platform's package, the sidecar is found, is what its manifest says, and answers", async () => {
  const project = await install("both", hostTarball(), platformTarball());
  writeFileSync(join(project, "greeting.txt"), "Good morning\n");
  const script = `
    import { SidecarManager, resolveSidecarPath, verifyBinary } from "workspace-sidecar";
    const binary = resolveSidecarPath();
    await verifyBinary(binary);
    const sidecar = new SidecarManager({ root: process.cwd() });
    await sidecar.start();
    const { files } = await sidecar.search({ pattern: "morning" });
    await sidecar.stop();
    console.log(JSON.stringify({ binary, files: files.map(({ path }) => path) }));`;
  const { SCAFFA_SIDECAR_PATH, CARGO_TARGET_DIR, ...env } = process.env;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: project, env });
  const { binary, files } = JSON.parse(stdout);
  assert.equal(binary.source, "package");
  assert.equal(binary.manifest.platform, host.platform);
  assert.deepEqual(files, ["greeting.txt"]);
});

test("the quick start of the README works as it is pasted", async () => {
  const project = join(scratch, "both");
  const quickStart = blocksOf(join(project, "node_modules/workspace-sidecar/README.md")).find(
    ({ heading }) => heading === "Quick start",
  );
  writeFileSync(join(project, "try.mjs"), quickStart.code);
  const save = () => writeFileSync(join(project, "farewell.txt"), "Good night\n");
  const { SCAFFA_SIDECAR_PATH, CARGO_TARGET_DIR, ...env } = process.env;
  await runProgram("try.mjs", {
    cwd: project,
    env,
    steps: [[/^try\.mjs: \d+$/m], [/^Now save/m, save], [/farewell\.txt/]],
  });
});

test("the packages' commands can be called", { skip: process.platform === "win32" }, async () => {
  const project = join(scratch, "both");
  const command = (name, ...args) => run(join(project, "node_modules/.bin", name), args, { cwd: project });
  assert.match((await command("workspace-sidecar", "--version")).stdout, /^workspace-sidecar \d/);
  const sealed = await command("workspace-sidecar-seal", `node_modules/@workspace-sidecar/${host.platform}`);
  assert.match(sealed.stdout, /is true already/);
});

/** An empty project with tarballs installed into it; it returns its folder. */
async function install(name, ...files) {
  const project = join(scratch, name);
  mkdirSync(project);
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true }\n');
  const { port } = registry.address();
  const [program, ...first] = npmCommand();
  const offline = ["--registry", `http://127.0.0.1:${port}`, "--cache", join(scratch, "cache")];
  const args = ["install", "--no-audit", "--no-fund", ...offline, ...files.map((file) => join(packed, file))];
  await run(program, [...first, ...args], { cwd: project });
  return project;
}

function installed(project, path) {
  return JSON.parse(readFileSync(join(project, "node_modules", path), "utf8"));
}

/** The Markdown of a package: its files' names, and their texts. */
function markdownOf(folder) {
  const names = readdirSync(folder, { recursive: true }).map((file) => file.replaceAll("\\", "/"));
  const documents = names.filter((name) => name.endsWith(".md"));
  return new Map(documents.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

function hostTarball() {
  return readdirSync(packed).find((name) => /^workspace-sidecar-\d.*\.tgz$/.test(name));
}

function platformTarball() {
  return readdirSync(packed).find((name) => name.startsWith(`workspace-sidecar-${host.platform}-`));
}

/** The paths in a tree of export conditions. */
function leaves(conditions) {
  return typeof conditions === "string" ? [conditions] : Object.values(conditions).flatMap(leaves);
}
