// What Cargo knows, and the release build: the same bytes from the same sources, whatever folder they are in.

import { execFileSync, spawnSync } from "node:child_process";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of Cargo.toml. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/[/\\]$/, "");

/**
 * The time that packages give for all their files, in seconds since 1970. It is the one that npm gives in its own: what
 * is in an archive depends on nothing but the files.
 */
export const SOURCE_DATE_EPOCH = Number(process.env.SOURCE_DATE_EPOCH ?? Date.UTC(1985, 9, 26, 8, 15) / 1000);

const RUSTC = process.env.RUSTC ?? "rustc";
const METADATA_BYTES = 256 * 1024 * 1024;

/** The triple of the system that the compiler runs on. */
export function hostTriple() {
  return /^host: (.+)$/m.exec(read(RUSTC, ["-vV"]))[1];
}

/**
 * The packages of one target and how they depend on each other, as `cargo metadata` gives them.
 * @param {string} triple
 */
export function metadata(triple) {
  const args = ["metadata", "--locked", "--format-version", "1", "--filter-platform", triple];
  return JSON.parse(read("cargo", args));
}

/** Where Cargo puts what it builds. */
export function targetDirectory() {
  return resolve(ROOT, process.env.CARGO_TARGET_DIR ?? "target");
}

/** The folders of this machine whose names do not belong into a binary, the more specific ones first. */
export function machinePaths() {
  const sysroot = read(RUSTC, ["--print", "sysroot"]).trim();
  const cargoHome = resolve(process.env.CARGO_HOME ?? join(homedir(), ".cargo"));
  return [
    { path: ROOT, name: "/workspace-sidecar" },
    { path: cargoHome, name: "/cargo" },
    { path: sysroot, name: "/rust" },
  ].sort((a, b) => b.path.length - a.path.length);
}

/**
 * The environment variables of a build that leaves neither paths of this machine nor the time in the binary.
 * @param {string} triple
 * @returns {Record<string, string>}
 */
export function buildEnvironment(triple) {
  const paths = machinePaths();
  const given = process.env.CARGO_ENCODED_RUSTFLAGS?.split("\x1f") ?? process.env.RUSTFLAGS?.split(/\s+/) ?? [];
  const flags = [
    ...given.filter(Boolean),
    // The last one that fits is taken.
    ...paths.toReversed().map(({ path, name }) => `--remap-path-prefix=${path}=${name}`),
    // Without Microsoft's redistributable, which an application cannot count on.
    ...(triple.endsWith("-windows-msvc") ? ["-Ctarget-feature=+crt-static"] : []),
    // The linker's own time stamp.
    ...(triple.endsWith("-windows-msvc") ? ["-Clink-arg=/Brepro"] : []),
    ...(triple.endsWith("-windows-gnu") ? ["-Clink-arg=-Wl,--no-insert-timestamp"] : []),
  ];
  // C sources name their file in what `assert` prints. Microsoft's compiler takes the start of the path away instead.
  const cflags = triple.endsWith("-msvc")
    ? paths.map(({ path }) => `/d1trimfile:${path}\\`)
    : paths.map(({ path, name }) => `-ffile-prefix-map=${path}=${name}`);
  const variable = `CFLAGS_${triple.replaceAll("-", "_")}`;
  return {
    CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f"),
    [variable]: [process.env[variable], ...cflags].filter(Boolean).join(" "),
    CARGO_INCREMENTAL: "0",
    SOURCE_DATE_EPOCH: String(SOURCE_DATE_EPOCH),
  };
}

/**
 * Builds the release binary.
 * @param {import("./targets.mjs").Target} target
 * @returns {string} its path
 */
export function build({ triple, executable }) {
  const { status, error } = spawnSync("cargo", ["build", "--release", "--locked", "--target", triple], {
    cwd: ROOT,
    stdio: "inherit",
    env: { ...process.env, ...buildEnvironment(triple) },
  });
  if (error) throw new Error(`cargo cannot be started: ${error.message}`);
  if (status !== 0) throw new Error(`cargo build for ${triple} failed; what it says is above`);
  return join(targetDirectory(), triple, "release", executable);
}

function read(program, args) {
  return execFileSync(program, args, { cwd: ROOT, encoding: "utf8", maxBuffer: METADATA_BYTES });
}
