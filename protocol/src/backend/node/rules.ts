// Which files of rules decide about a directory, and in which order: nearer directories before farther ones, and of
// each kind `.rgignore`, `.ignore`, `.gitignore`, the repository's excludes, the user's own.

import { readFile, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

import { IgnoreFile, type Verdict } from "./ignore-file.js";

/** Names of files whose rules apply to the directory they lie in, the strongest first. */
export const RULE_FILES: readonly string[] = [".rgignore", ".ignore", ".gitignore"];

/** Files with more bytes than this are no rules, and a directory with one is not walked. */
const MAX_BYTES = 16 << 20;
const MAX_GIT_TEXT_BYTES = 64 * 1024;

/** Rules that apply to the whole workspace, relative to it. */
interface General {
  from: number;
  /** The user's own excludes: the weakest. */
  user: IgnoreFile | undefined;
  /** What the workspace was opened without: the strongest, and the other way round, as it is for ripgrep's `--glob`. */
  overrides: IgnoreFile;
}

/** The rules that apply in a directory. */
export class Rules {
  readonly #general: General;
  readonly #parent: Rules | undefined;
  /** Where a path relative to the directory begins in an absolute one, in bytes. */
  readonly #from: number;
  /** By kind, as in `RULE_FILES`, then the repository's excludes. */
  readonly #files: (IgnoreFile | undefined)[];

  constructor(general: General, directory: string, files: (IgnoreFile | undefined)[], parent?: Rules) {
    this.#general = general;
    this.#from = offsetOf(directory);
    this.#files = files;
    this.#parent = parent;
  }

  /** Those of a directory beneath. */
  beneath(directory: string, files: (IgnoreFile | undefined)[]): Rules {
    return new Rules(this.#general, directory, files, this);
  }

  /** Whether something in the directory is passed over. `path` is absolute, `/`-separated. */
  ignores(path: string, isDirectory: boolean): boolean {
    const bytes = Buffer.from(path);
    const { from, user, overrides } = this.#general;
    if (overrides.verdict(bytes, from, isDirectory) === "keep") return true;
    for (let kind = 0; kind <= RULE_FILES.length; kind++) {
      for (let rules: Rules | undefined = this; rules !== undefined; rules = rules.#parent) {
        const verdict: Verdict = rules.#files[kind]?.verdict(bytes, rules.#from, isDirectory);
        if (verdict !== undefined) return verdict === "ignore";
      }
    }
    return user?.verdict(bytes, from, isDirectory) === "ignore";
  }
}

/** Where a path relative to `directory` begins in an absolute one, in bytes. */
function offsetOf(directory: string): number {
  return Buffer.byteLength(directory) + (directory.endsWith("/") ? 0 : 1);
}

/** An absolute path of the operating system with `/` between its parts. */
export function slashed(path: string): string {
  return process.platform === "win32" ? path.replaceAll("\\", "/") : path;
}

/**
 * The rules of a directory that holds `names`, in which those of `parent` apply, too; nothing if it must not be walked,
 * because a file of rules in it is a FIFO, a device or of absurd size.
 */
export async function rulesIn(directory: string, names: Iterable<string>, parent: Rules): Promise<Rules | undefined> {
  const there = new Set(names);
  const loadIfThere = (name: string) => (there.has(name) ? load(join(directory, name)) : undefined);
  const files = await Promise.all(RULE_FILES.map(loadIfThere));
  if (files.includes("insane")) return undefined;
  const excludes = there.has(".git") ? await repositoryExcludes(join(directory, ".git")) : undefined;
  const all = [...files, excludes].map((file) => (file === "insane" || file?.isEmpty ? undefined : file));
  return all.some((file) => file !== undefined) ? parent.beneath(slashed(directory), all) : parent;
}

/** The rules that apply to a workspace from outside: `exclude`, those of the directories above it, the user's own. */
export async function rulesAbove(root: string, exclude: readonly string[]): Promise<Rules> {
  const above: string[] = [];
  for (let at = root; dirname(at) !== at; ) above.unshift((at = dirname(at)));
  // `./x` is `x` at the root, which ignore rules write as `/x`.
  const lines = exclude.map((glob) => `!${glob.replace(/^\.\//, "/")}\n`).join("");
  const general = {
    from: offsetOf(slashed(root)),
    user: await userExcludes(),
    overrides: new IgnoreFile(Buffer.from(lines)),
  };
  let rules = new Rules(general, slashed(root), []);
  for (const directory of above) {
    const files = await Promise.all(RULE_FILES.map((name) => load(join(directory, name))));
    const all = [...files, await repositoryExcludes(join(directory, ".git"))];
    const sane = all.map((file) => (file === "insane" ? undefined : file));
    if (sane.some((file) => file !== undefined)) rules = rules.beneath(slashed(directory), sane);
  }
  return rules;
}

/** Reads a file of rules, links followed; nothing if there is none that can be read. */
async function load(path: string): Promise<IgnoreFile | "insane" | undefined> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return undefined;
    if (!found.isFile() || found.size > MAX_BYTES) return "insane";
    return new IgnoreFile(await readFile(path));
  } catch {
    return undefined;
  }
}

/** The excludes of a repository, given its `.git`: a directory, or a file that points to one, as worktrees have it. */
async function repositoryExcludes(git: string): Promise<IgnoreFile | undefined> {
  const kind = await stat(git).catch(() => undefined);
  if (kind === undefined) return undefined;
  let place = git;
  if (kind.isFile()) {
    const there = (await firstLine(git))?.match(/^gitdir: (.*)$/s)?.[1];
    const common = there === undefined ? undefined : await firstLine(join(there, "commondir"));
    if (there === undefined || common === undefined) return undefined;
    place = common.startsWith(".") ? join(there, common) : common;
  }
  const file = await load(join(place, "info", "exclude"));
  return file === "insane" ? undefined : file;
}

async function firstLine(path: string): Promise<string | undefined> {
  const text = await shortText(path);
  return text === undefined || text === "" ? undefined : (text.split("\n", 1)[0] ?? "").replace(/\r$/, "");
}

async function shortText(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() && found.size <= MAX_GIT_TEXT_BYTES ? await readFile(path, "utf8") : undefined;
  } catch {
    return undefined;
  }
}

/** What git's `core.excludesFile` names, or the file that git takes where it names none. */
async function userExcludes(): Promise<IgnoreFile | undefined> {
  const { GIT_CONFIG_GLOBAL, GIT_CONFIG_SYSTEM, XDG_CONFIG_HOME } = process.env;
  const config = XDG_CONFIG_HOME || join(homedir(), ".config");
  const settings = [GIT_CONFIG_GLOBAL, join(homedir(), ".gitconfig"), join(config, "git", "config")];
  let path = join(config, "git", "ignore");
  for (const place of [...settings, GIT_CONFIG_SYSTEM || "/etc/gitconfig"]) {
    const text = place ? await shortText(place) : undefined;
    const named = text?.match(/^\s*excludesfile\s*=\s*"?\s*(\S+?)\s*"?\s*$/im)?.[1];
    if (named === undefined) continue;
    path = named.replaceAll("~", homedir());
    break;
  }
  const file = await load(path);
  return file === "insane" ? undefined : file;
}
