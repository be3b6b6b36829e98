// Where the binary is looked for, in which order, and what is said of each place.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

import { build } from "esbuild";
import { SidecarError, resolveSidecarPath } from "workspace-sidecar";

import { bundle, copyOfPackage, folder, installed, linux, packageFolder, program, thrown, write } from "./bundles.mjs";

// On Windows whatever is there may be executed.
const hasPermissions = process.platform !== "win32";
const permissions = { skip: !hasPermissions && "there are no such permissions" };
const windows = { platform: "win32", arch: "x64" };

/** Options under which nothing of this machine is found. */
function nowhere(dir, target = linux) {
  return { ...target, env: {}, cwd: dir, buildDirs: [], packaged: false, from: join(dir, "main.js") };
}

async function failure(options) {
  const error = await thrown(() => resolveSidecarPath(options));
  assert.ok(error instanceof SidecarError, error.stack);
  return error;
}

test("SCAFFA_SIDECAR_PATH names the binary, absolute or from the working directory", (t) => {
  const dir = folder(t);
  const path = program(join(dir, "bin/my sidecar"));
  for (const value of [path, "bin/my sidecar", "./bin/../bin/my sidecar"]) {
    const options = { ...nowhere(dir), env: { SCAFFA_SIDECAR_PATH: value } };
    assert.deepEqual(resolveSidecarPath(options), { path, source: "env" });
  }
});

test("SCAFFA_SIDECAR_PATH is read in process.env", (t) => {
  const path = program(join(folder(t), "workspace-sidecar"));
  process.env.SCAFFA_SIDECAR_PATH = path;
  t.after(() => delete process.env.SCAFFA_SIDECAR_PATH);
  assert.deepEqual(resolveSidecarPath(), { path, source: "env" });
});

test("an empty SCAFFA_SIDECAR_PATH is none", (t) => {
  const dir = folder(t);
  const path = program(join(dir, "target/debug/workspace-sidecar"));
  const options = { ...nowhere(dir), buildDirs: ["target"], env: { SCAFFA_SIDECAR_PATH: "" } };
  assert.deepEqual(resolveSidecarPath(options), { path, source: "dev" });
});

test("a SCAFFA_SIDECAR_PATH that cannot be used is an error, though there is a binary elsewhere", async (t) => {
  const dir = folder(t);
  program(join(dir, "target/debug/workspace-sidecar"));
  installed(dir, "linux-x64-gnu");
  mkdirSync(join(dir, "a folder"));
  write(join(dir, "text"), "no program");
  const told = (value) => `SCAFFA_SIDECAR_PATH is ${JSON.stringify(value)}`;
  const [gone, below, inside, text] = ["gone", "text/below", "a folder", "text"].map((name) => join(dir, name));
  const cases = [
    ["gone", "sidecar_not_found", `${told("gone")}, which is ${gone} from the working directory: there is no`],
    [below, "sidecar_not_found", `${told(below)}: there is no such file.`],
    [inside, "sidecar_not_found", `${told(inside)}: this is a directory, not a program.`],
  ];
  if (hasPermissions) cases.push([text, "sidecar_unusable", `${told(text)}. ${text} is not executable: its`]);
  for (const [value, code, start] of cases) {
    const error = await failure({ ...nowhere(dir), buildDirs: ["target"], env: { SCAFFA_SIDECAR_PATH: value } });
    assert.equal(error.code, code, value);
    assert.ok(error.message.startsWith(start), error.message);
  }
});

test("the newest build output is taken, of every profile, target and directory", (t) => {
  const dir = folder(t);
  const outputs = [
    "a/debug/workspace-sidecar",
    "a/release/workspace-sidecar",
    "a/x86_64-unknown-linux-gnu/debug/workspace-sidecar",
    "a/x86_64-unknown-linux-musl/release/workspace-sidecar",
    "b/debug/workspace-sidecar",
    "b/x86_64-unknown-linux-gnu/release/workspace-sidecar",
  ];
  // These are no build outputs for this target, however new.
  program(join(dir, "a/aarch64-apple-darwin/debug/workspace-sidecar"), 2_000_000_000);
  program(join(dir, "a/debug/deps/workspace-sidecar"), 2_000_000_000);
  program(join(dir, "a/debug/workspace-sidecar.exe"), 2_000_000_000);
  for (const newest of outputs) {
    outputs.forEach((path, at) => program(join(dir, path), path === newest ? 1_700_000_100 : 1_700_000_000 + at));
    const found = resolveSidecarPath({ ...nowhere(dir), buildDirs: ["a", join(dir, "b")] });
    assert.deepEqual(found, { path: join(dir, newest), source: "dev" });
  }
  // Of those that are equally new, the first.
  for (const path of outputs) program(join(dir, path), 1_700_000_000);
  const found = resolveSidecarPath({ ...nowhere(dir), buildDirs: ["b", "a"] });
  assert.equal(found.path, join(dir, "b/debug/workspace-sidecar"));
});

test("a build output that lost its permission is an error when it is the newest", permissions, async (t) => {
  const dir = folder(t);
  const older = program(join(dir, "target/debug/workspace-sidecar"), 1_700_000_000);
  const newer = program(join(dir, "target/release/workspace-sidecar"), 1_700_000_001);
  const options = { ...nowhere(dir), buildDirs: ["target"] };
  chmodSync(older, 0o644);
  assert.equal(resolveSidecarPath(options).path, newer);
  chmodSync(newer, 0o644);
  assert.equal((await failure(options)).code, "sidecar_unusable");
});

test("build output is looked for in CARGO_TARGET_DIR and in the checkout around the package", async (t) => {
  const dir = folder(t);
  const home = copyOfPackage(join(dir, "checkout/protocol"));
  write(join(dir, "checkout/Cargo.toml"), '[package]\nname = "workspace-sidecar"\nversion = "0.1.0"\n');
  const built = program(join(dir, "checkout/target/debug/workspace-sidecar"), 1_700_000_000);
  const elsewhere = program(join(dir, "shared/release/workspace-sidecar"), 1_700_000_001);
  const options = { ...nowhere(dir), buildDirs: undefined };
  const both = [createRequire(home)(home), await import(pathToFileURL(join(home, "dist/esm/index.js")))];

  for (const { resolveSidecarPath } of both) {
    assert.deepEqual(resolveSidecarPath(options), { path: built, source: "dev" });
    const env = { CARGO_TARGET_DIR: "shared" };
    assert.deepEqual(resolveSidecarPath({ ...options, env }), { path: elsewhere, source: "dev" });
    assert.throws(() => resolveSidecarPath({ ...options, packaged: true }), /not looked at, as the application is/);
  }
  // Another Rust project has the package in its own folder.
  write(join(dir, "checkout/Cargo.toml"), '[package]\nname = "an-editor"\n[[bin]]\nname = "workspace-sidecar"\n');
  for (const { resolveSidecarPath } of both) {
    assert.throws(() => resolveSidecarPath(options), /build output: not looked at, as this package is not/);
    // There, the variable is for that project: what it built is not taken for what was installed.
    const env = { CARGO_TARGET_DIR: join(dir, "shared") };
    const path = installed(dir, "linux-x64-gnu");
    assert.deepEqual(resolveSidecarPath({ ...options, env }).path, path);
    rmSync(join(dir, "node_modules"), { recursive: true });
  }
});

test("resources are looked at in a packaged application, and build output is not", async (t) => {
  const dir = folder(t);
  const resourcesPath = join(dir, "resources");
  const shipped = bundle(join(resourcesPath, "workspace-sidecar"));
  const built = program(join(dir, "target/debug/workspace-sidecar"));
  const { packaged: _, ...options } = { ...nowhere(dir), buildDirs: ["target"] };
  const cases = [
    // What Electron sets, what is passed, what is found.
    [{}, {}, built],
    [{ resourcesPath }, {}, shipped],
    [{ resourcesPath: join(dir, "electron's own"), defaultApp: true }, {}, built],
    [{ resourcesPath, defaultApp: true }, { packaged: true }, shipped],
    [{ resourcesPath }, { packaged: false }, built],
    [{}, { resourcesPath }, shipped],
    [{ defaultApp: true }, { resourcesPath }, built],
  ];
  for (const [electron, passed, path] of cases) {
    Object.assign(process, electron);
    try {
      assert.equal(resolveSidecarPath({ ...options, ...passed }).path, path, JSON.stringify([electron, passed]));
    } finally {
      delete process.resourcesPath;
      delete process.defaultApp;
    }
  }
  const { message } = await failure({ ...options, packaged: true });
  assert.match(message, /resources: not looked at, as process\.resourcesPath is not set/);
});

test("a bundle of the resources comes with its manifest, and a bare binary where it has one", async (t) => {
  const resourcesPath = folder(t);
  const options = { ...nowhere(resourcesPath, windows), packaged: true, resourcesPath };
  const bare = program(join(resourcesPath, "workspace-sidecar.exe"));
  assert.deepEqual(resolveSidecarPath(options), { path: bare, source: "resources" });

  bundle(resourcesPath, { platform: "win32-x64", entrypoint: "workspace-sidecar.exe" });
  const found = resolveSidecarPath(options);
  assert.equal(found.manifest.path, join(resourcesPath, "manifest.json"));
  assert.equal(found.manifest.platform, "win32-x64");

  // A manifest of other software beside the application is none of ours, until there is a binary that needs one.
  rmSync(bare);
  write(join(resourcesPath, "manifest.json"), '{ "name": "an editor" }');
  assert.equal((await failure(options)).code, "sidecar_not_found");
});

test("a bundle without a binary is passed over, and one without a manifest is an error", async (t) => {
  const resourcesPath = folder(t);
  const options = { ...nowhere(resourcesPath), packaged: true, resourcesPath };
  const first = bundle(join(resourcesPath, "workspace-sidecar"));
  const second = bundle(join(resourcesPath, "workspace-sidecar-x86_64-unknown-linux-gnu"));
  rmSync(first);
  assert.equal(resolveSidecarPath(options).path, second);
  renameSync(second, `${second}.quarantine`);
  const gone = await failure(options);
  assert.equal(gone.code, "sidecar_not_found");
  assert.ok(gone.message.includes(`${second}: there is no such file, though its manifest.json is there`), gone.message);

  program(first);
  rmSync(join(resourcesPath, "workspace-sidecar/manifest.json"));
  const error = await failure(options);
  assert.equal(error.code, "sidecar_unusable");
  assert.ok(error.message.startsWith(`${first} cannot be checked: there is no manifest.json`), error.message);
});

test("the manifest says which file of the bundle is the program", (t) => {
  const dir = folder(t);
  const path = installed(dir, "linux-x64-gnu", { entrypoint: "sidecar-2.bin" });
  assert.equal(resolveSidecarPath(nowhere(dir)).path, path);
});

test("the platform package is found from the application's file, as require finds it", (t) => {
  const dir = folder(t);
  const path = installed(dir, "linux-x64-gnu");
  const main = join(dir, "main.js");
  for (const from of [main, join(dir, "dist/main/index.js"), pathToFileURL(main).href]) {
    const found = resolveSidecarPath({ ...nowhere(dir), from });
    assert.deepEqual([found.path, found.source], [path, "package"]);
  }
});

test("both kinds of module find the platform package that is installed beside this one", (t) => {
  const dir = folder(t);
  copyOfPackage(join(dir, "node_modules/workspace-sidecar"));
  const path = installed(dir, "linux-x64-musl");
  const print = `console.log(resolveSidecarPath({ platform: "linux", arch: "x64" }).path)`;
  const kinds = {
    commonjs: `const { resolveSidecarPath } = require("workspace-sidecar"); ${print}`,
    module: `import { resolveSidecarPath } from "workspace-sidecar"; ${print}`,
  };
  const { SCAFFA_SIDECAR_PATH: _, CARGO_TARGET_DIR: __, ...env } = process.env;
  for (const [kind, script] of Object.entries(kinds)) {
    const args = [`--input-type=${kind}`, "-e", script];
    const out = execFileSync(process.execPath, args, { cwd: dir, env, timeout: 30_000 });
    assert.equal(out.toString().trim(), path, kind);
  }
});

test("this package may be bundled into a file of the application, in each format", async (t) => {
  const dir = folder(t);
  const path = installed(dir, "linux-x64-gnu");
  const contents = `
    import { resolveSidecarPath } from "workspace-sidecar";
    for (const from of [undefined, process.argv[2]]) {
      try { console.log(resolveSidecarPath({ platform: "linux", arch: "x64", libc: "gnu", from }).path); }
      catch (error) { console.log(error.message); }
    }`;
  const stdin = { contents, resolveDir: packageFolder };
  const options = { stdin, bundle: true, platform: "node", logOverride: { "empty-import-meta": "silent" } };
  const { SCAFFA_SIDECAR_PATH: _, CARGO_TARGET_DIR: __, ...env } = process.env;
  const run = async (outfile, more) => {
    await build({ ...options, format: outfile.endsWith(".cjs") ? "cjs" : "esm", outfile, ...more });
    const args = [outfile, join(dir, "main.js")];
    return execFileSync(process.execPath, args, { env, timeout: 30_000 }).toString().trim().split("\n");
  };
  // Of the package's modules, `import` takes those of ES, `require` those of CommonJS, whatever is made of them.
  for (const conditions of [["import"], ["require"]]) {
    for (const name of ["main.mjs", "main.cjs"]) {
      assert.deepEqual(await run(join(dir, name), { conditions }), [path, path], `${name} of ${conditions}`);
    }
  }
  // Elsewhere than the packages, which option says where they are is in the error.
  const away = join(folder(t), "main.cjs");
  const told = await run(away);
  assert.equal(told.pop(), path);
  assert.ok(told.some((line) => line.includes(`linux-x64-gnu: not installed (looked for from ${away})`)), told);
  assert.match(told.at(-1), /a bundler put this code elsewhere: give the option binary: \{ from: … \}/);
});

test("the fake sidecar's program is that of the installed package, wherever a bundler put the rest", async (t) => {
  const dir = folder(t);
  copyOfPackage(join(dir, "node_modules/workspace-sidecar"));
  const contents = `
    import { fakeSidecar } from "workspace-sidecar/testing";
    console.log(fakeSidecar().args[0]);`;
  for (const [format, name] of [["esm", "main.mjs"], ["cjs", "main.cjs"]]) {
    const outfile = join(dir, name);
    const stdin = { contents, resolveDir: dir };
    await build({ stdin, bundle: true, platform: "node", format, outfile, logLevel: "error" });
    const path = execFileSync(process.execPath, [outfile], { timeout: 30_000 }).toString().trim();
    assert.equal(path, join(dir, "node_modules/workspace-sidecar/dist/cjs/testing/program.js"), format);
  }
});

test("each target has its packages, best first", async (t) => {
  const dir = folder(t);
  const table = [
    ["linux", "x64", "gnu", ["linux-x64-gnu", "linux-x64-musl"]],
    ["linux", "x64", "musl", ["linux-x64-musl"]],
    ["linux", "arm64", "gnu", ["linux-arm64-gnu"]],
    ["linux", "arm64", "musl", []],
    ["darwin", "x64", undefined, ["darwin-x64"]],
    ["darwin", "arm64", undefined, ["darwin-arm64"]],
    ["win32", "x64", undefined, ["win32-x64"]],
    ["win32", "arm64", undefined, ["win32-arm64"]],
    ["freebsd", "x64", undefined, []],
  ];
  for (const [platform, arch, libc, expected] of table) {
    const { message, data } = await failure(nowhere(dir, { platform, arch, libc }));
    const tried = data.attempts.map(({ place }) => place).filter((place) => place.startsWith("@workspace-sidecar/"));
    assert.deepEqual(tried, expected.map((name) => `@workspace-sidecar/${name}`));
    if (expected.length > 0) assert.ok(message.includes(`which brings @workspace-sidecar/${expected[0]}`), message);
    else assert.match(message, /platform package: there is none for .*\nNo binaries are released for this platform/);
  }
});

test("the C library is asked for once, without the network", (t) => {
  const dir = folder(t);
  copyOfPackage(join(dir, "node_modules/workspace-sidecar"));
  const script = `
    const { resolveSidecarPath } = require("workspace-sidecar");
    const asked = [];
    const report = {
      excludeNetwork: false,
      getReport() { asked.push(this.excludeNetwork); return { header: JSON.parse(process.argv[1]) }; },
    };
    Object.defineProperty(process, "report", { value: report });
    const names = [1, 2].map(() => {
      try { resolveSidecarPath({ platform: "linux", arch: "x64", buildDirs: [], env: {} }); }
      catch (error) { return /found for (\\S+)\\./.exec(error.message)[1]; }
    });
    console.log(JSON.stringify({ names, asked, after: report.excludeNetwork }));`;
  const answers = (header) => {
    const args = ["--input-type=commonjs", "-e", script, JSON.stringify(header)];
    return JSON.parse(execFileSync(process.execPath, args, { cwd: dir, timeout: 30_000 }).toString());
  };
  const once = { asked: [true], after: false };
  assert.deepEqual(answers({ glibcVersionRuntime: "2.36" }), { ...once, names: ["linux-x64-gnu", "linux-x64-gnu"] });
  assert.deepEqual(answers({}), { ...once, names: ["linux-x64-musl", "linux-x64-musl"] });
});

test("a program that is not executable is an error, with the command that mends it", permissions, async (t) => {
  const dir = folder(t);
  const resourcesPath = join(dir, "the app's resources");
  const inPackage = installed(dir, "linux-x64-gnu");
  installed(dir, "linux-x64-musl");
  chmodSync(inPackage, 0o644);
  const packaged = await failure(nowhere(dir));
  assert.equal(packaged.code, "sidecar_unusable");
  const told = `${inPackage} is not executable: its permissions are 644. Run: chmod +x ${inPackage}\n`;
  assert.ok(packaged.message.startsWith(told), packaged.message);

  const inResources = bundle(join(resourcesPath, "workspace-sidecar"));
  chmodSync(inResources, 0o600);
  const shipped = await failure({ ...nowhere(dir), packaged: true, resourcesPath });
  const quoted = `'${inResources.replace("'", "'\\''")}'`;
  assert.ok(shipped.message.includes(`permissions are 600. Run: chmod +x ${quoted}\n`), shipped.message);
});

test("a program that others may execute, but not this user, is an error", permissions, (t) => {
  const dir = folder(t);
  chmodSync(dir, 0o755);
  copyOfPackage(join(dir, "node_modules/workspace-sidecar"));
  const path = program(join(dir, "workspace-sidecar"));
  // Root may execute whatever anybody may, so it becomes somebody else.
  const root = process.getuid() === 0;
  chmodSync(path, root ? 0o744 : 0o655);
  const script = `
    try { require("workspace-sidecar").resolveSidecarPath({ platform: "linux" }); }
    catch (error) { console.log(error.code, error.message); }`;
  const as = root ? { uid: 65_534, gid: 65_534 } : {};
  const env = { SCAFFA_SIDECAR_PATH: path };
  const args = ["--input-type=commonjs", "-e", script];
  const out = execFileSync(process.execPath, args, { cwd: dir, env, timeout: 30_000, ...as }).toString();
  const named = `SCAFFA_SIDECAR_PATH is ${JSON.stringify(path)}`;
  assert.ok(out.startsWith(`sidecar_unusable ${named}. ${path} may not be executed by this user (EACCES`), out);
});

test("on Windows there is no such permission", (t) => {
  const dir = folder(t);
  const path = installed(dir, "win32-x64", { platform: "win32-x64", entrypoint: "workspace-sidecar.exe" });
  chmodSync(path, 0o644);
  assert.equal(resolveSidecarPath(nowhere(dir, windows)).path, path);
});

test("what lies in an archive of Electron is taken from beside it", async (t) => {
  for (const archive of ["app.asar", "app-arm64.asar"]) {
    const dir = join(folder(t), archive);
    const beside = `${dir}.unpacked`;
    const options = nowhere(dir);
    // Electron lets require and fs see the archive's files; a folder does so here.
    const packed = installed(dir, "linux-x64-gnu");
    const error = await failure(options);
    assert.equal(error.code, "sidecar_unusable");
    assert.ok(error.message.startsWith(`${packed} is inside the archive`), error.message);
    assert.match(error.message, /"asarUnpack": \["\*\*\/node_modules\/@workspace-sidecar\/\*\*"\]/);

    // The manifest may have stayed in the archive.
    const unpacked = program(join(beside, "node_modules/@workspace-sidecar/linux-x64-gnu/workspace-sidecar"));
    const alone = resolveSidecarPath(options);
    assert.equal(alone.path, unpacked);
    assert.equal(alone.manifest.path, join(dir, "node_modules/@workspace-sidecar/linux-x64-gnu/manifest.json"));

    installed(beside, "linux-x64-gnu");
    const whole = resolveSidecarPath(options);
    assert.deepEqual([whole.path, whole.source], [unpacked, "package"]);
    assert.equal(whole.manifest.path, join(beside, "node_modules/@workspace-sidecar/linux-x64-gnu/manifest.json"));
    const byName = { ...options, env: { SCAFFA_SIDECAR_PATH: packed } };
    assert.equal(resolveSidecarPath(byName).path, unpacked);
  }
  // A name that only looks like it.
  const other = folder(t);
  const path = installed(join(other, "my-app.asar"), "linux-x64-gnu");
  assert.equal(resolveSidecarPath(nowhere(join(other, "my-app.asar"))).path, path);
});

test("what was not found is told place by place, with what to do", async (t) => {
  const dir = folder(t);
  mkdirSync(join(dir, "target/release/workspace-sidecar"), { recursive: true });
  writeFileSync(join(dir, "target/debug"), "a file where a folder should be");
  const { code, message, data } = await failure({ ...nowhere(dir), buildDirs: ["target"] });
  assert.equal(code, "sidecar_not_found");
  const output = (...parts) => `  ${join(dir, "target", ...parts, "workspace-sidecar")}`;
  assert.deepEqual(message.split("\n"), [
    "No workspace-sidecar binary was found for linux-x64-gnu. Looked at:",
    "  SCAFFA_SIDECAR_PATH: not set",
    `${output("debug")}: there is no such file`,
    `${output("release")}: this is a directory, not a program`,
    `${output("x86_64-unknown-linux-gnu", "debug")}: there is no such file`,
    `${output("x86_64-unknown-linux-gnu", "release")}: there is no such file`,
    `${output("x86_64-unknown-linux-musl", "debug")}: there is no such file`,
    `${output("x86_64-unknown-linux-musl", "release")}: there is no such file`,
    "  resources: not looked at, as the application is not packaged",
    `  @workspace-sidecar/linux-x64-gnu: not installed (looked for from ${join(dir, "main.js")})`,
    `  @workspace-sidecar/linux-x64-musl: not installed (looked for from ${join(dir, "main.js")})`,
    "What to do: install the dependencies again, with optional ones (npm install --include=optional), which brings " +
      "@workspace-sidecar/linux-x64-gnu, or install the tarball of the platform; or build the binary (cargo build " +
      "--release) and set SCAFFA_SIDECAR_PATH to its path.",
  ]);
  assert.equal(data.attempts.length, message.split("\n").length - 2);

  const resourcesPath = join(dir, "resources");
  const resource = (...parts) => `  ${join(resourcesPath, ...parts, "workspace-sidecar.exe")}: there is no such file`;
  const packaged = await failure({ ...nowhere(dir, windows), packaged: true, resourcesPath });
  assert.deepEqual(packaged.message.split("\n"), [
    "No workspace-sidecar binary was found for win32-x64. Looked at:",
    "  SCAFFA_SIDECAR_PATH: not set",
    "  build output: not looked at, as the application is packaged",
    resource("workspace-sidecar"),
    resource("workspace-sidecar-x86_64-pc-windows-msvc"),
    resource("workspace-sidecar-x86_64-pc-windows-gnu"),
    resource(),
    `  @workspace-sidecar/win32-x64: not installed (looked for from ${join(dir, "main.js")})`,
    `What to do: package the application with the bundle of win32-x64 as ${join(resourcesPath, "workspace-sidecar")} ` +
      '(electron-builder: "extraResources"; Electron Forge: packagerConfig.extraResource).',
  ]);
  const relative = await failure({ ...nowhere(dir), from: "main.js" });
  assert.match(relative.message, /platform package: not looked for: the option "from" must be the absolute path/);
});

/**
 * Every subset of the places, in the documented order: the first that is there wins. Each place is told how to put
 * itself there, below `dir`, and gives the path that is to be found.
 */
function everySubset(t, target, options, places) {
  const root = folder(t);
  const names = Object.keys(places);
  for (let subset = 0; subset < 2 ** names.length; subset++) {
    // A folder of its own: Node remembers which packages it found.
    const dir = join(root, String(subset));
    const env = {};
    const there = names.filter((_, at) => subset & (1 << at));
    const paths = there.map((name) => places[name](dir, env));
    const all = { ...nowhere(dir, target), env, ...options(dir) };
    if (there.length === 0) {
      assert.throws(() => resolveSidecarPath(all), { code: "sidecar_not_found" });
    } else {
      assert.equal(resolveSidecarPath(all).path, paths[0], there.join(", "));
    }
    rmSync(dir, { recursive: true, force: true });
  }
}

const named = (dir, env) => (env.SCAFFA_SIDECAR_PATH = program(join(dir, "named")));

test("while developing, the first place in the order wins, whichever others there are", (t) => {
  everySubset(t, linux, () => ({ buildDirs: ["target", "other"] }), {
    named,
    newest: (dir) => program(join(dir, "other/release/workspace-sidecar"), 1_700_000_300),
    older: (dir) => program(join(dir, "target/x86_64-unknown-linux-musl/release/workspace-sidecar"), 1_700_000_200),
    oldest: (dir) => program(join(dir, "target/debug/workspace-sidecar"), 1_700_000_100),
    gnu: (dir) => installed(dir, "linux-x64-gnu"),
    musl: (dir) => installed(dir, "linux-x64-musl"),
  });
});

test("in a packaged application, the first place in the order wins, whichever others there are", (t) => {
  const resources = (dir) => ({ packaged: true, resourcesPath: join(dir, "resources"), buildDirs: ["target"] });
  everySubset(t, linux, resources, {
    named,
    folder: (dir) => bundle(join(dir, "resources/workspace-sidecar")),
    gnuFolder: (dir) => bundle(join(dir, "resources/workspace-sidecar-x86_64-unknown-linux-gnu")),
    muslFolder: (dir) => bundle(join(dir, "resources/workspace-sidecar-x86_64-unknown-linux-musl")),
    gnu: (dir) => installed(dir, "linux-x64-gnu"),
    musl: (dir) => installed(dir, "linux-x64-musl"),
  });
  const exe = { platform: "win32-x64", entrypoint: "workspace-sidecar.exe" };
  everySubset(t, windows, resources, {
    named,
    folder: (dir) => bundle(join(dir, "resources/workspace-sidecar"), exe),
    msvcFolder: (dir) => bundle(join(dir, "resources/workspace-sidecar-x86_64-pc-windows-msvc"), exe),
    gnuFolder: (dir) => bundle(join(dir, "resources/workspace-sidecar-x86_64-pc-windows-gnu"), exe),
    bare: (dir) => program(join(dir, "resources/workspace-sidecar.exe")),
    package: (dir) => installed(dir, "win32-x64", exe),
  });
});
