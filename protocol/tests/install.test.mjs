// The packed tarballs, installed into an empty project as a user would, while npm's registry has none of them.

import assert from "node:assert/strict";
import { execFile, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

import { hostTriple, targetDirectory } from "../packaging/cargo.mjs";
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
