// The places a binary may be at, one function each. What they do not find, they tell.

import { existsSync, readFileSync } from "node:fs";
// Not by the name `createRequire`, which webpack knows: it makes `undefined` of a call that it cannot follow.
import nodeModule from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { SidecarError } from "../errors.js";
import { HERE } from "../here.js";
import { checkExecutable, lookAt, unpacked, type Looked } from "./executable.js";
import { MANIFEST_NAME, readManifest, type LoadedManifest } from "./manifest.js";
import { executableOf, nameOf, platformsFor, TARGET_TRIPLES, type Target } from "./platform.js";

/** Names the binary itself, before every other place. */
export const ENV_VARIABLE = "SCAFFA_SIDECAR_PATH";

/** Where a binary was found: by the variable, in the build output, in the application's resources, as a package. */
export type SidecarSource = "env" | "dev" | "resources" | "package";

/** A binary that may be started. */
export interface SidecarBinary {
  /** Absolute. */
  path: string;
  source: SidecarSource;
  /** What `verifyBinary` compares with. There is none for `env` and `dev`, and need not be one for a bare binary. */
  manifest?: LoadedManifest;
}

/** A place that was looked at, or was not, and why nothing was taken from there. */
export interface Attempt {
  source: SidecarSource | "option";
  /** A path, or the name of what holds one. */
  place: string;
  reason: string;
}

/** What a place needs to know. */
export interface Surroundings {
  target: Target;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  packaged: boolean;
  resourcesPath: string | undefined;
  buildDirs: readonly string[] | undefined;
  from: string | undefined;
}

/** One place: a binary, or `undefined` and why in `attempts`. */
export type Place = (surroundings: Surroundings, attempts: Attempt[]) => SidecarBinary | undefined;

/** What the environment names. It was put there on purpose, so where it cannot be used nothing else is. */
export const fromEnvironment: Place = ({ env, cwd, target }, attempts) => {
  const value = env[ENV_VARIABLE];
  if (value === undefined || value === "") {
    attempts.push({ source: "env", place: ENV_VARIABLE, reason: value === "" ? "empty" : "not set" });
    return undefined;
  }
  return { path: namedProgram("env", value, cwd, target), source: "env" };
};

/** What names a path, and how that is taken back. */
const NAMES = {
  env: [ENV_VARIABLE, "unset it"],
  option: ["the option binary", "leave it out"],
} as const;

/** The program that somebody named, as an absolute path. Throws where it cannot be started. */
export function namedProgram(source: keyof typeof NAMES, value: string, cwd: string, target: Target): string {
  const [name, undo] = NAMES[source];
  const path = resolve(cwd, value);
  const named = `${name} is ${JSON.stringify(value)}`;
  const told = path === value ? named : `${named}, which is ${path} from the working directory`;
  try {
    const looked = lookAt(path);
    if (!("reason" in looked)) {
      checkExecutable(looked, target);
      return looked.path;
    }
    const attempts: Attempt[] = [{ source, place: path, reason: looked.reason }];
    const message = `${told}: ${looked.reason}. Point it at the binary, or ${undo}.`;
    throw new SidecarError("sidecar_not_found", message, { data: { attempts } });
  } catch (cause) {
    if (!(cause instanceof SidecarError) || cause.code !== "sidecar_unusable") throw cause;
    throw new SidecarError("sidecar_unusable", `${told}. ${cause.message}`, { data: { path }, cause });
  }
}

/** What Cargo built last. */
export const fromBuild: Place = (surroundings, attempts) => {
  const { target, packaged } = surroundings;
  if (packaged) {
    attempts.push({ source: "dev", place: "build output", reason: "not looked at, as the application is packaged" });
    return undefined;
  }
  const dirs = surroundings.buildDirs?.map((dir) => resolve(surroundings.cwd, dir)) ?? defaultBuildDirs(surroundings);
  if (dirs.length === 0) {
    attempts.push({
      source: "dev",
      place: "build output",
      reason: "not looked at, as this package is not in a checkout of workspace-sidecar",
    });
  }
  const triples = platformsFor(target).flatMap((platform) => TARGET_TRIPLES[platform]);
  let newest: Exclude<Looked, { reason: string }> | undefined;
  for (const dir of dirs) {
    for (const output of [dir, ...triples.map((triple) => join(dir, triple))]) {
      for (const profile of ["debug", "release"]) {
        const path = join(output, profile, executableOf(target));
        const looked = lookAt(path);
        if ("reason" in looked) attempts.push({ source: "dev", place: path, reason: looked.reason });
        else if (newest === undefined || looked.modifiedMs > newest.modifiedMs) newest = looked;
      }
    }
  }
  if (newest === undefined) return undefined;
  checkExecutable(newest, target);
  return { path: newest.path, source: "dev" };
};

function defaultBuildDirs({ env, cwd }: Surroundings): string[] {
  const checkout = checkoutAround();
  // Elsewhere the variable is for other projects, and what lies there is not better than what was installed.
  if (checkout === undefined) return [];
  const dirs = env.CARGO_TARGET_DIR ? [resolve(cwd, env.CARGO_TARGET_DIR)] : [];
  return [...new Set([...dirs, join(checkout, "target")])];
}

/** The checkout of the project that this package lies in; `undefined` where it was installed, or bundled. */
function checkoutAround(): string | undefined {
  try {
    const folder = dirname(dirname(nodeModule.createRequire(HERE as string).resolve("../../package.json")));
    const cargo = readFileSync(join(folder, "Cargo.toml"), "utf8");
    return /^\[package\]\s(?:(?!\[)[^\n]*\n)*?name *= *"workspace-sidecar"/m.test(cargo) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** What the application was packaged with. */
export const fromResources: Place = ({ target, packaged, resourcesPath }, attempts) => {
  const pass = (place: string, reason: string): undefined => void attempts.push({ source: "resources", place, reason });
  if (!packaged) return pass("resources", "not looked at, as the application is not packaged");
  if (resourcesPath === undefined) return pass("resources", "not looked at, as process.resourcesPath is not set");

  const triples = platformsFor(target).flatMap((platform) => TARGET_TRIPLES[platform]);
  for (const folder of ["workspace-sidecar", ...triples.map((triple) => `workspace-sidecar-${triple}`)]) {
    const binary = inBundle(join(resourcesPath, folder), "resources", target, attempts);
    if (binary !== undefined) return binary;
  }
  const bare = join(resourcesPath, executableOf(target));
  const looked = lookAt(bare);
  if ("reason" in looked) return pass(bare, looked.reason);
  checkExecutable(looked, target);
  const manifest = readManifest(join(resourcesPath, MANIFEST_NAME));
  return { path: looked.path, source: "resources", ...(manifest && { manifest }) };
};

/** What npm installed. */
export const fromPackages: Place = ({ target, from }, attempts) => {
  const pass = (place: string, reason: string): undefined => void attempts.push({ source: "package", place, reason });
  const platforms = platformsFor(target);
  if (platforms.length === 0) return pass("platform package", `there is none for ${nameOf(target)}`);

  const file = from ?? HERE;
  if (from === undefined && !isHere(file)) {
    const elsewhere = file === undefined ? "" : `, and ${file}, where it was bundled, is not on this machine`;
    return pass("platform package", `not looked for: a bundler took this code${elsewhere}`);
  }
  let finder: NodeJS.Require;
  try {
    finder = nodeModule.createRequire(file as string);
  } catch (error) {
    const must = 'the option "from" must be the absolute path or the file: URL of a file of the application';
    return pass("platform package", `not looked for: ${must} (${(error as Error).message})`);
  }
  for (const platform of platforms) {
    const name = `@workspace-sidecar/${platform}`;
    let folder: string;
    try {
      folder = dirname(finder.resolve(`${name}/package.json`));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const missing = `not installed (looked for from ${file})`;
      pass(name, code === "MODULE_NOT_FOUND" ? missing : `it cannot be found (${(error as Error).message})`);
      continue;
    }
    const binary = inBundle(folder, "package", target, attempts);
    if (binary !== undefined) return binary;
  }
  return undefined;
};

/** Whether a file is there. A bundler may have written down where one was on its own machine. */
function isHere(file: string | undefined): boolean {
  try {
    return file !== undefined && existsSync(file.startsWith("file:") ? fileURLToPath(file) : file);
  } catch {
    return false; // the URL of a path of another system
  }
}

/** The binary of a bundle's folder. Throws `sidecar_unusable` where there is one without a sound manifest. */
function inBundle(
  folder: string,
  source: SidecarSource,
  target: Target,
  attempts: Attempt[],
): SidecarBinary | undefined {
  const manifestPath = join(folder, MANIFEST_NAME);
  // It may be that only the program was kept out of an archive.
  const manifest = readManifest(unpacked(manifestPath)) ?? readManifest(manifestPath);
  const path = join(folder, manifest?.entrypoint ?? executableOf(target));
  const looked = lookAt(path);
  if ("reason" in looked) {
    const gone = "there is no such file, though its manifest.json is there: was it removed by a virus scanner?";
    attempts.push({ source, place: path, reason: manifest ? gone : looked.reason });
    return undefined;
  }
  checkExecutable(looked, target);
  if (manifest === undefined) {
    throw new SidecarError(
      "sidecar_unusable",
      `${path} cannot be checked: there is no ${MANIFEST_NAME} beside it. ` +
        "Install the package again, or copy the whole folder of the bundle.",
      { data: { path } },
    );
  }
  return { path: looked.path, source, manifest };
}
