// What a process runs on, in the names of the platform packages and in Rust's target triples.

/** The platforms there is a package for: `@workspace-sidecar/<name>`. */
export type PlatformName =
  | "linux-x64-gnu"
  | "linux-arm64-gnu"
  | "linux-x64-musl"
  | "darwin-x64"
  | "darwin-arm64"
  | "win32-x64"
  | "win32-arm64";

/** The C library of a Linux. */
export type Libc = "gnu" | "musl";

/** What a binary is looked for, or checked, for. Everything is this process's own unless given. */
export interface TargetOptions {
  /** As in `process.platform`. */
  platform?: string | undefined;
  /** As in `process.arch`. */
  arch?: string | undefined;
  /** On Linux alone: the C library that programs are linked with. */
  libc?: Libc | undefined;
}

/** `libc` is there on Linux alone. */
export interface Target {
  platform: string;
  arch: string;
  libc?: Libc;
}

/** The target triples of each platform's binaries; the one that is released comes first. */
export const TARGET_TRIPLES: Readonly<Record<PlatformName, readonly string[]>> = {
  "linux-x64-gnu": ["x86_64-unknown-linux-gnu"],
  "linux-arm64-gnu": ["aarch64-unknown-linux-gnu"],
  "linux-x64-musl": ["x86_64-unknown-linux-musl"],
  "darwin-x64": ["x86_64-apple-darwin"],
  "darwin-arm64": ["aarch64-apple-darwin"],
  "win32-x64": ["x86_64-pc-windows-msvc", "x86_64-pc-windows-gnu"],
  "win32-arm64": ["aarch64-pc-windows-msvc", "aarch64-pc-windows-gnullvm"],
};

/** Fills in what this process runs on. */
export function targetOf(options: TargetOptions): Target {
  const { platform = process.platform, arch = process.arch } = options;
  return platform === "linux" ? { platform, arch, libc: options.libc ?? detectLibc() } : { platform, arch };
}

/** `linux-x64-musl`, `darwin-arm64`; also for what there is no package for. */
export function nameOf({ platform, arch, libc }: Target): string {
  return libc === undefined ? `${platform}-${arch}` : `${platform}-${arch}-${libc}`;
}

/**
 * The platforms whose binaries start on a target, best first; empty where there is none.
 *
 * The musl binaries are static and start on every Linux; those for gnu need its loader. Emulation is not counted on
 * (Rosetta, x64 on Windows for ARM): it may not be installed, and would make the sidecar slow without a word. npm
 * installs the package of the process's own architecture anyway.
 */
export function platformsFor(target: Target): PlatformName[] {
  const names = [nameOf(target)];
  if (target.libc === "gnu") names.push(nameOf({ ...target, libc: "musl" }));
  return names.filter((name): name is PlatformName => Object.hasOwn(TARGET_TRIPLES, name));
}

/** The file name of the program. */
export function executableOf(target: Target): string {
  return target.platform === "win32" ? "workspace-sidecar.exe" : "workspace-sidecar";
}

let detected: Libc | undefined;

function detectLibc(): Libc {
  return (detected ??= askRuntime());
}

interface RuntimeReport {
  excludeNetwork: boolean | undefined;
  getReport(): { header?: { glibcVersionRuntime?: string } };
}

function askRuntime(): Libc {
  const report = process.report as unknown as RuntimeReport | undefined;
  // A runtime that cannot tell is taken for the common case, where the musl package is the second choice.
  if (report === undefined) return "gnu";
  // With the network in it, a report looks up the names of all peers of open sockets, and may take seconds.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    return report.getReport().header?.glibcVersionRuntime === undefined ? "musl" : "gnu";
  } finally {
    report.excludeNetwork = before;
  }
}
