// The system's watchers: when to look again. They are never asked what happened.

import { watch, type FSWatcher } from "node:fs";
import { join } from "node:path";

/** Where one watcher sees the whole tree; elsewhere Node would imitate that by watching every file there is. */
const IS_RECURSIVE = process.platform === "darwin" || process.platform === "win32";

/** Watches directories, as far as the system lets it. */
export class Hints {
  readonly #root: string;
  readonly #onHint: () => void;
  #watchers = new Map<string, FSWatcher>();
  /** `""` is the root. */
  #directories: ReadonlySet<string> = new Set([""]);

  constructor(root: string, onHint: () => void) {
    this.#root = root;
    this.#onHint = onHint;
  }

  /** Whether every directory is watched. */
  get areComplete(): boolean {
    // No others are watched.
    return this.#watchers.size === (IS_RECURSIVE ? 1 : this.#directories.size);
  }

  /** Watches the root and these directories, and no others. Returns whether some were not watched before. */
  follow(directories: string[]): boolean {
    this.#directories = new Set(["", ...directories]);
    const wanted = IS_RECURSIVE ? new Set([""]) : this.#directories;
    for (const [path, watcher] of this.#watchers) {
      if (!wanted.has(path)) this.#drop(path, watcher);
    }
    let added = false;
    for (const path of wanted) {
      if (!this.#watchers.has(path)) added = this.#add(path) || added;
    }
    return added;
  }

  close(): void {
    for (const [path, watcher] of this.#watchers) this.#drop(path, watcher);
  }

  #add(path: string): boolean {
    try {
      const watcher = watch(join(this.#root, path), { persistent: false, recursive: IS_RECURSIVE }, (kind, name) => {
        // A directory that was moved or deleted takes its watcher along; one that takes its place needs its own.
        if (!IS_RECURSIVE && kind === "rename") this.#dropBeneath(path, name);
        if (this.#concerns(name)) this.#onHint();
      });
      watcher.on("error", () => {
        this.#drop(path, watcher);
        this.#onHint();
      });
      this.#watchers.set(path, watcher);
      return true;
    } catch {
      // Too many watches, or gone already: what no watcher tells, the next look finds.
      return false;
    }
  }

  #dropBeneath(path: string, name: string | null): void {
    const child = path === "" ? name : `${path}/${name}`;
    if (child === null || !this.#watchers.has(child)) return;
    for (const [watched, watcher] of this.#watchers) {
      if (watched === child || watched.startsWith(`${child}/`)) this.#drop(watched, watcher);
    }
  }

  /** Whether a file by this name, relative to the root, may be one that is listed. */
  #concerns(name: string | null): boolean {
    if (!IS_RECURSIVE || name === null) return true;
    const path = name.replaceAll("\\", "/");
    const slash = path.lastIndexOf("/");
    return this.#directories.has(slash < 0 ? "" : path.slice(0, slash));
  }

  #drop(path: string, watcher: FSWatcher): void {
    if (this.#watchers.get(path) === watcher) this.#watchers.delete(path);
    watcher.close();
  }
}
