// The platforms that packages are made for, under the names that Rust, Node and npm have for them.

/**
 * @typedef {object} Target
 * @property {string} triple Rust's name
 * @property {string} platform the npm platform package, without its scope
 * @property {string} os as `process.platform`, and `os` in package.json
 * @property {string} cpu as `process.arch`, and `cpu` in package.json
 * @property {"glibc" | "musl"} [libc] as `libc` in package.json
 * @property {string} executable the binary's file name
 * @property {boolean} released whether the platform package is built for this triple
 */

/** @type {readonly (readonly [triple: string, platform: string, released?: false])[]} */
const TABLE = [
  ["x86_64-unknown-linux-gnu", "linux-x64-gnu"],
  ["aarch64-unknown-linux-gnu", "linux-arm64-gnu"],
  ["x86_64-unknown-linux-musl", "linux-x64-musl"],
  ["x86_64-apple-darwin", "darwin-x64"],
  ["aarch64-apple-darwin", "darwin-arm64"],
  ["x86_64-pc-windows-msvc", "win32-x64"],
  ["aarch64-pc-windows-msvc", "win32-arm64"],
  // What MinGW builds runs wherever the other does; it is for trying out Windows on other systems.
  ["x86_64-pc-windows-gnu", "win32-x64", false],
];

/** @type {readonly Target[]} */
export const TARGETS = TABLE.map(([triple, platform, released = true]) => {
  const [os, cpu, libc] = platform.split("-");
  return {
    triple,
    platform,
    os,
    cpu,
    ...(libc && { libc: libc === "gnu" ? "glibc" : libc }),
    executable: os === "win32" ? "workspace-sidecar.exe" : "workspace-sidecar",
    released,
  };
});

/** The names of all platform packages, in the order of the table. */
export const PLATFORMS = TARGETS.filter((target) => target.released).map((target) => target.platform);

/**
 * @param {string} triple
 * @returns {Target}
 */
export function targetOf(triple) {
  const target = TARGETS.find((candidate) => candidate.triple === triple);
  if (target) return target;
  throw new Error(`there is no package for ${triple}; known: ${TARGETS.map((known) => known.triple).join(", ")}`);
}

/**
 * Whether a binary for the target can be run by this process's system.
 * @param {Target} target
 */
export function runsHere(target) {
  if (target.os !== process.platform || target.cpu !== process.arch) return false;
  // Static binaries start everywhere; those for glibc need its loader.
  return target.libc !== "glibc" || process.report.getReport().header.glibcVersionRuntime !== undefined;
}
