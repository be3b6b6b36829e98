// Where the binary is: the order of the places, and what is said when it is in none of them.

import { join } from "node:path";

import { checkOptions, flag, oneOf, record, text, texts, type Check } from "../checks.js";
import { SidecarError } from "../errors.js";
import {
  ENV_VARIABLE,
  fromBuild,
  fromEnvironment,
  fromPackages,
  fromResources,
  type Attempt,
  type Place,
  type SidecarBinary,
  type Surroundings,
} from "./places.js";
import { nameOf, platformsFor, targetOf, type TargetOptions } from "./platform.js";

/** How a binary is looked for. Everything has a default. */
export interface ResolveOptions extends TargetOptions {
  /** Where `SCAFFA_SIDECAR_PATH` and `CARGO_TARGET_DIR` are read; `process.env` by default. */
  env?: Readonly<Record<string, string | undefined>> | undefined;
  /** What relative paths are relative to; `process.cwd()` by default. */
  cwd?: string | undefined;
  /**
   * Cargo's target directories, `[]` for none. By default, where this package lies in a checkout of the project, that
   * of `CARGO_TARGET_DIR` and the checkout's `target`.
   */
  buildDirs?: readonly string[] | undefined;
  /**
   * Whether the application is packaged: then its resources are looked at, and otherwise the build output. By default
   * it is when there is a resources folder and it was not started as `electron <folder>`. Outside of Electron's main
   * process the second cannot be known: pass `app.isPackaged` on to there.
   */
  packaged?: boolean | undefined;
  /** The folder of a packaged application's resources; Electron's `process.resourcesPath` by default. */
  resourcesPath?: string | undefined;
  /**
   * From which file (path or `file:` URL) the platform packages are looked for, as `require` does; this package by
   * default, or the file that a bundler put it into. Pass a file of the application where that one lies elsewhere than
   * the `node_modules` that the packages are in.
   */
  from?: string | undefined;
}

/** What each option must be. */
export const RESOLVE_OPTIONS = {
  platform: text,
  arch: text,
  libc: oneOf("gnu", "musl"),
  env: record,
  cwd: text,
  buildDirs: texts,
  packaged: flag,
  resourcesPath: text,
  from: text,
} satisfies Record<keyof ResolveOptions, Check>;

/** First come, first taken. */
const PLACES: readonly Place[] = [fromEnvironment, fromBuild, fromResources, fromPackages];

/**
 * Finds the binary: what `SCAFFA_SIDECAR_PATH` names; or else the newest build output, while developing; or else in the
 * packaged application's resources; or else in the installed platform package.
 *
 * Throws `sidecar_not_found`, whose message lists where it was looked for (`data.attempts` has the same),
 * `sidecar_unusable` where there is a binary that cannot be started, and `invalid_params` for wrong options. What is in
 * the binary is not looked at: `verifyBinary` does that.
 */
export function resolveSidecarPath(options: ResolveOptions = {}): SidecarBinary {
  checkOptions(options, RESOLVE_OPTIONS);
  const surroundings = surroundingsOf(options);
  const attempts: Attempt[] = [];
  for (const place of PLACES) {
    const binary = place(surroundings, attempts);
    if (binary !== undefined) return binary;
  }
  throw notFound(surroundings, attempts);
}

/** What Electron adds to `process`. */
interface ElectronProcess {
  resourcesPath?: unknown;
  defaultApp?: unknown;
}

function surroundingsOf(options: ResolveOptions): Surroundings {
  const electron = process as unknown as ElectronProcess;
  const own = typeof electron.resourcesPath === "string" ? electron.resourcesPath : undefined;
  const resourcesPath = options.resourcesPath ?? own;
  return {
    target: targetOf(options),
    env: options.env ?? process.env,
    cwd: options.cwd ?? process.cwd(),
    // `app.isPackaged` says it, but to import "electron" would tie this package to it. Electron's own executable sets
    // `defaultApp` when it is told on its command line which application to run; `resourcesPath` is Electron's then.
    packaged: options.packaged ?? (resourcesPath !== undefined && !electron.defaultApp),
    resourcesPath,
    buildDirs: options.buildDirs,
    from: options.from,
  };
}

function notFound(surroundings: Surroundings, attempts: Attempt[]): SidecarError {
  const name = nameOf(surroundings.target);
  const lines = attempts.map(({ place, reason }) => `  ${place}: ${reason}`);
  const message = [`No workspace-sidecar binary was found for ${name}. Looked at:`, ...lines, advice(surroundings)];
  return new SidecarError("sidecar_not_found", message.join("\n"), { data: { attempts } });
}

function advice({ target, packaged, resourcesPath, from }: Surroundings): string {
  const [platform] = platformsFor(target);
  if (platform === undefined) {
    return `No binaries are released for this platform: build one (cargo build --release), and set ${ENV_VARIABLE}.`;
  }
  if (packaged && resourcesPath !== undefined) {
    const folder = join(resourcesPath, "workspace-sidecar");
    return (
      `What to do: package the application with the bundle of ${platform} as ${folder} ` +
      '(electron-builder: "extraResources"; Electron Forge: packagerConfig.extraResource).'
    );
  }
  const install =
    `What to do: install the dependencies again, with optional ones (npm install --include=optional), which brings ` +
    `@workspace-sidecar/${platform}, or install the tarball of the platform; or build the binary (cargo build ` +
    `--release) and set ${ENV_VARIABLE} to its path.`;
  const bundled =
    "Where it is installed, but a bundler put this code elsewhere: give the option binary: { from: … } a file of " +
    "the application that lies beside its node_modules.";
  return from === undefined ? `${install}\n${bundled}` : install;
}
