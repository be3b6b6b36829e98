// A workspace of any size with the same names and texts every time, made once and kept in the system's directory for
// temporary files.

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { below, pick, random } from "../random.mjs";

const base = join(tmpdir(), "workspace-sidecar-bench");
/** A tree made by other rules than these is made again. */
const RULES = 1;

const words = "order cart user price list item board panel theme route query cache store event detail index layout form table chart".split(" ");
const kinds = ["ts", "ts", "ts", "tsx", "tsx", "tsx", "test.ts", "d.ts", "js", "css.ts"];
const IGNORE = "node_modules/\ndist/\n*.log\n";

const upper = (word) => word[0].toUpperCase() + word.slice(1);

const lines = (() => {
  const next = random(7);
  const name = () => `${pick(next, words)}${upper(pick(next, words))}`;
  const shapes = [
    () => `import { ${name()}, use${upper(name())} } from "../${pick(next, words)}/${name()}";`,
    () => `export function ${name()}(${pick(next, words)}: ${upper(name())}): ${upper(name())} {`,
    () => `  const ${name()} = use${upper(pick(next, words))}(${below(next, 1000)}, "${name()}");`,
    () => `  const [${name()}, set${upper(name())}] = useState<${upper(name())} | null>(null);`,
    () => `  if (${name()}.${pick(next, words)} === undefined) return ${name()}(${pick(next, words)});`,
    () => `  return <${upper(name())} ${pick(next, words)}={${name()}} title="${pick(next, words)} ${pick(next, words)}" />;`,
    () => `  // The ${pick(next, words)} of the ${pick(next, words)} comes before its ${pick(next, words)}.`,
    () => `export interface ${upper(name())} { ${pick(next, words)}: string; ${pick(next, words)}?: number }`,
    () => "}",
    () => "",
  ];
  return Array.from({ length: 4000 }, () => pick(next, shapes)());
})();

/** 0.5 to 8 KB, small ones more often, as sources are. */
function text(seed) {
  const next = random(seed);
  const size = 512 * 16 ** next();
  let made = "";
  while (made.length < size) made += `${pick(next, lines)}\n`;
  return made;
}

/** Directories of 10 to 20 files, each but the first in one of the others, six in one. */
function layout(count) {
  const next = random(count);
  const directories = [];
  const paths = [];
  while (paths.length < count) {
    const number = directories.length;
    const parent = number === 0 ? "" : `${directories[Math.floor((number - 1) / 6)]}/`;
    const directory = number === 0 ? "src" : `${parent}${pick(next, words)}-${number}`;
    directories.push(directory);
    const files = Math.min(10 + below(next, 11), count - paths.length);
    for (let slot = 0; slot < files; slot += 1) {
      paths.push(`${directory}/${pick(next, words)}${upper(pick(next, words))}${slot}.${pick(next, kinds)}`);
    }
  }
  return { paths, directories };
}

/** What one package or the like has in `node_modules`, which a sidecar must leave alone. */
const ignoredPath = (number) => `node_modules/package-${Math.floor(number / 20)}/dist/module${number % 20}.js`;

export class Tree {
  #numbers = new Map();
  #touched = new Set();

  /** `files` counts the `.gitignore`, but not what it ignores. */
  constructor(files, root = join(base, `tree-${files}`)) {
    this.files = files;
    this.ignored = Math.floor(files / 10);
    this.root = root;
    Object.assign(this, layout(files - 1));
    this.paths.forEach((path, number) => this.#numbers.set(path, number));
  }

  /** Makes the tree unless it is there; says whether it did. */
  make() {
    if (existsSync(this.#stamp) && readFileSync(this.#stamp, "utf8") === this.#rules) return false;
    rmSync(this.root, { recursive: true, force: true });
    mkdirSync(this.root, { recursive: true });
    writeFileSync(join(this.root, ".gitignore"), IGNORE);
    for (const directory of this.directories) mkdirSync(join(this.root, directory));
    for (const path of this.paths) writeFileSync(join(this.root, path), this.original(path));
    for (let number = 0; number < this.ignored; number += 1) {
      const path = join(this.root, ignoredPath(number));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text(2 ** 31 + number));
    }
    // What is still to be written to the disk must not run beside the measurements.
    if (process.platform !== "win32") spawnSync("sync");
    writeFileSync(this.#stamp, this.#rules);
    return true;
  }

  /** A file beside the tree that is there only while the tree is as it was made. */
  get #stamp() {
    return `${this.root}.json`;
  }

  get #rules() {
    return JSON.stringify({ rules: RULES, files: this.files });
  }

  /** Without its stamp the tree is made again, should this run end before `restore`. */
  #touch(path) {
    if (this.#touched.size === 0) rmSync(this.#stamp, { force: true });
    this.#touched.add(path);
  }

  /** The text that a path has when nothing is measured; undefined for paths that are not of the tree. */
  original(path) {
    const number = this.#numbers.get(path);
    return number === undefined ? undefined : text(number * 31 + this.files);
  }

  /** Overwrites a file, or makes it. */
  write(path, content) {
    this.#touch(path);
    writeFileSync(join(this.root, path), content);
  }

  /** Saves as many editors do: a file beside it, renamed over it. */
  replace(path, content) {
    const beside = `${path}.tmp-save`;
    this.#touch(path);
    this.#touch(beside);
    writeFileSync(join(this.root, beside), content);
    renameSync(join(this.root, beside), join(this.root, path));
  }

  makeDirectory(path) {
    this.#touch(path);
    mkdirSync(join(this.root, path));
  }

  /** Files to write to, the same every time; few, so that a file is rewritten with as many bytes as it had. */
  sample(size) {
    const next = random(size);
    const chosen = new Set();
    while (chosen.size < Math.min(size, this.paths.length)) chosen.add(pick(next, this.paths));
    return [...chosen];
  }

  /** Undoes all writes, those of this object only. */
  restore() {
    if (this.#touched.size === 0) return;
    for (const path of this.#touched) {
      const content = this.original(path);
      if (content === undefined) rmSync(join(this.root, path), { recursive: true, force: true });
      else writeFileSync(join(this.root, path), content);
    }
    this.#touched.clear();
    writeFileSync(this.#stamp, this.#rules);
  }
}

/** Removes all trees. */
export const clean = () => rmSync(base, { recursive: true, force: true });
