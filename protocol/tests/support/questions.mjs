// Questions about a copy of the fixtures, each with what the answer must be. What is expected comes from the disk, and
// differs from nearly every other question's, so that an answer that went to another's promise is noticed.

import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** Folders of which everything is indexed, and is UTF-8. */
const FOLDERS = ["src/components", "src/hooks", "src/utils", "src/styles", "docs", "packages/starter/src"];

/** Bad requests: what to ask, and the code that it must be answered with. `n` shows in the message. */
const MISTAKES = [
  (n) => ["readFile", { path: `missing-${n}.ts` }, "not_found"],
  (n) => ["readFile", { path: `../missing-${n}.ts` }, "invalid_path"],
  (n) => ["search", { pattern: `(${n}`, regex: true }, "invalid_pattern"],
  (n) => ["glob", { include: [`{missing-${n}`] }, "invalid_glob"],
  (n) => ["glob", { include: ["**"], [`mistake${n}`]: true }, "invalid_params"],
];

export class Questions {
  #root;
  #random;
  #last = 0;
  /** By path: content, as bytes and as text. */
  #files = new Map();
  #words = new Map();

  constructor(root, random) {
    this.#root = root;
    this.#random = random;
    for (const folder of FOLDERS) {
      for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const bytes = readFileSync(join(root, folder, entry.name));
        this.#files.set(`${folder}/${entry.name}`, { bytes, text: bytes.toString("utf8") });
      }
    }
    for (const [path, { text }] of this.#files) this.#words.set(path, [...new Set(text.match(/[A-Za-z]{4,}/g))]);
  }

  /** The names of the kinds of questions there are. */
  static kinds = ["ping", "stat", "readFile", "glob", "search", "findFiles", "mistake"];

  /**
   * A question, of a random kind if none is given: `ask` sends it, `check` and `checkError` throw where that is not how
   * it is to be answered.
   */
  next(kind = this.#random.pick(Questions.kinds)) {
    this.#last += 1;
    const { method, params, check, failure } = this[kind]();
    const about = `${method} ${JSON.stringify(params)}`;
    return {
      kind,
      about,
      ask: (sidecar, options) => sidecar.request(method, params, options),
      check: (result) => check(result, about),
      checkError: (error) => {
        assert.equal(error.code, failure, `${about}: ${error.stack}`);
        assert.ok(error.message.includes(this.#numberOf(params)), `${about}: ${error.message}`);
        assert.equal(error.method, method);
      },
    };
  }

  /** A streamed search, with the files that it must find. */
  stream() {
    this.#last += 1;
    const { params, expected } = this.#searched();
    return { params, expected };
  }

  ping() {
    return {
      method: "ping",
      params: {},
      check: ({ pid, protocolVersion }) => {
        assert.ok(Number.isInteger(pid));
        assert.equal(protocolVersion, 1);
      },
    };
  }

  stat() {
    const [path] = this.#file();
    const missing = `missing-${this.#last}`;
    return {
      method: "stat",
      params: { paths: [path, missing] },
      check: ({ entries: [there, gone] }, about) => {
        const { size, mtimeMs } = statSync(join(this.#root, path));
        assert.deepEqual([there.path, there.kind, there.size], [path, "file", size], about);
        assert.ok(Math.abs(there.mtimeMs - mtimeMs) < 1, about);
        assert.deepEqual([gone.path, gone.error.code], [missing, "not_found"], about);
      },
    };
  }

  readFile() {
    const [path, { bytes }] = this.#file();
    const start = this.#random.below(bytes.length);
    const end = start + this.#random.below(bytes.length - start + 1);
    return {
      method: "readFile",
      params: { path, encoding: "base64", range: { start, end } },
      check: (result, about) => {
        assert.deepEqual([result.path, result.size], [path, bytes.length], about);
        assert.equal(result.base64, bytes.toString("base64", start, end), about);
      },
    };
  }

  glob() {
    const folder = this.#random.pick(FOLDERS);
    const letter = this.#random.pick([..."abcdefghilmnoprstu"]);
    const extension = this.#random.pick(["ts", "tsx", "css", "md"]);
    const expected = [...this.#files.keys()].filter((path) => {
      const [name, suffix] = [path.slice(folder.length + 1), `.${extension}`];
      return path === `${folder}/${name}` && name.endsWith(suffix) && name.slice(0, -suffix.length).includes(letter);
    });
    // The number makes no difference to what is found.
    const include = [`${folder}/*${letter}*.${extension}`, `missing-${this.#last}`];
    return {
      method: "glob",
      params: { include },
      check: ({ files, limitHit }, about) => {
        assert.deepEqual(files.map(({ path }) => path), expected.sort(), about);
        assert.equal(limitHit, false, about);
      },
    };
  }

  search() {
    const { params, expected } = this.#searched();
    return {
      method: "search",
      params,
      check: ({ files, fileCount, matchCount }, about) => {
        assert.deepEqual(files.map(({ path, matchCount }) => [path, matchCount]), expected, about);
        assert.equal(fileCount, expected.length, about);
        assert.equal(matchCount, expected.reduce((sum, [, count]) => sum + count, 0), about);
      },
    };
  }

  findFiles() {
    const [path] = this.#file();
    return {
      method: "findFiles",
      params: { query: path, limit: 3 },
      check: ({ files: [best] }, about) => assert.equal(best.path, path, about),
    };
  }

  mistake() {
    const [method, params, failure] = this.#random.pick(MISTAKES)(this.#last);
    return { method, params, failure, check: (result, about) => assert.fail(`${about}: ${JSON.stringify(result)}`) };
  }

  #numberOf(params) {
    return /(\d+)/.exec(JSON.stringify(params))[1];
  }

  #file() {
    return this.#random.pick([...this.#files]);
  }

  #searched() {
    const [source] = this.#file();
    const word = this.#random.pick(this.#words.get(source) ?? ["nowhere"]);
    const folder = this.#random.pick([source.slice(0, source.lastIndexOf("/")), ...FOLDERS]);
    const expected = [...this.#files]
      .filter(([path]) => path.startsWith(`${folder}/`))
      .map(([path, { text }]) => [path, text.split(word).length - 1])
      .filter(([, count]) => count > 0)
      .sort(([one], [other]) => (one < other ? -1 : 1));
    return { params: { pattern: word, include: [`${folder}/**`] }, expected };
  }
}
