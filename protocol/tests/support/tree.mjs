// Random workspaces: ignore files, odd names, encodings, line ends, links. The same seed makes the same tree.

import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { random } from "./random.mjs";

const DIRECTORIES = [
  "src", "lib", "a", "a.b", "a-b", "dist", "build", "tmp", "node_modules", ".hidden", "deep er", "ünï", "𠮷", "\uff5e",
  "[x]", "{b}", "e\u0301", "packages", "logs.log", "foo", "bar",
];
const FILES = [
  "a.ts", "b.ts", "c.tsx", "App.TSX", "index.js", "keep.log", "debug.log", "x", ".env", ".a.ts", "#x", "!x", "x ",
  "é.ts", "ü.md", "😀.ts", "\uff5e.ts", "[a].ts", "{a,b}.ts", "a b.md", "foo", "bar", "README.md", "a.b.c", "a,b", "*",
  "b\\c", "Straße.txt", "\ufffd.ts", "c:x",
];
const RULES = [
  "*.log", "!keep.log", "/dist/", "build/", "dist", "**/tmp/**", "tmp/**", "a/**/b.ts", "foo/", "/foo", "foo", "!foo",
  "\\#x", "\\!x", "x\\ ", "x ", "a.ts   ", "[a-c]*", "[!a]*.ts", "[^a].ts", "{a,b}.ts", "*.{ts,tsx}", "**/é.ts", "é*",
  "?", "??.ts", "# a comment", "#x", "", "   ", "!", "src/*", "!src/*.ts", "/*", "!/src", "!/lib/", "[", "a[", "[a",
  "{a", "a}", "\\", "a\\", "[é-ü].ts", "[ü-é].ts", "ü.md\r", "\ta.ts", "*.md\t", "**", "**/", "/**", "a/", "a/*",
  "!a/b.ts", "*/b.ts", "a/**", "**/a", "**foo", "foo**", "[]x]*", "[a-]*", "\\*", "\\{a,b\\}.ts", "{,a}.ts", "{}",
  "{a,}{b,}", "deep er/", "deep\\ er/", ".*", "!.env", "node_modules", "node_modules/", "*.TSX", "packages/*/dist",
  "//", "/", "b\\\\c", "*\u3000", "a.ts\u0085",
];
const WORDS = [
  "useState", "usestate", "import", "from", "foo", "Foo", "FOO", "bar", "foo_bar", "foobar", "kelvin", "\u212aelvin",
  "\u017fnow", "Straße", "STRASSE", "é", "e\u0301", "😀", "😀foo", "foo😀", "𠮷野家", "x1", "42", "1,234", "a+b", "(x)",
  "$x", "foo.bar", "foo-bar", "\u2028", "\f", "\ufeff", "\ufffd", "İ", "Σίσυφος", "ΣΊΣΥΦΟΣ",
];
const ENDS = ["\n", "\r\n", "\n", "\r", "\r\r\n", "\n\n"];

/** Makes a tree in `base`; the workspace is `base/ws`. `illFormed`: with bytes that are no text, too. */
export function makeTree(base, seed, { illFormed = true } = {}) {
  const { below, chance, pick, some } = random(seed);
  const root = join(base, "ws");
  const rules = () => {
    const lines = some(RULES, 7).map((rule) => Buffer.from(rule + pick(["\n", "\n", "\r\n"])));
    if (chance(0.1)) lines.unshift(Buffer.from("\ufeff"));
    if (illFormed && chance(0.1)) lines.splice(below(lines.length + 1), 0, Buffer.from("\xff.ts\n", "latin1"));
    return Buffer.concat(lines);
  };
  const text = () => {
    const most = chance(0.05) ? 3000 : 12;
    return Array.from({ length: below(most) }, () => pick(WORDS) + pick([" ", " ", "", ...ENDS])).join("");
  };
  const content = () => {
    const plain = Buffer.from(text());
    switch (below(12)) {
      case 0: return Buffer.concat([Buffer.from("\ufeff"), plain]);
      case 1: return Buffer.from(`\ufeff${text()}`, "utf16le");
      case 2: return Buffer.from(`\ufeff${text()}`, "utf16le").swap16();
      case 3: return Buffer.concat([plain, Buffer.from("\0foo")]);
      case 4: return illFormed ? Buffer.concat([plain, Buffer.from("\xe2\x82 foo \xff\nfoo", "latin1"), plain]) : plain;
      case 5: return illFormed ? Buffer.from("\ufefffoo\ud800 foo\nx", "utf16le").subarray(0, -1) : plain;
      case 6: return Buffer.alloc(0);
      default: return plain;
    }
  };
  const fill = (directory, depth) => {
    mkdirSync(directory, { recursive: true });
    const attempt = (make) => {
      try {
        make();
      } catch (error) {
        // Names meet by chance.
        if (!["EEXIST", "EISDIR", "ENOTDIR", "ELOOP", "ENOENT"].includes(error.code)) throw error;
      }
    };
    for (const name of some(FILES, 8)) attempt(() => writeFileSync(join(directory, name), content()));
    const noUtf8 = Buffer.concat([Buffer.from(`${directory}/a`), Buffer.from([0xff])]);
    if (chance(0.1)) attempt(() => writeFileSync(noUtf8, "foo"));
    if (chance(0.4)) attempt(() => writeFileSync(join(directory, ".gitignore"), rules()));
    if (chance(0.2)) attempt(() => writeFileSync(join(directory, ".ignore"), rules()));
    if (chance(0.1)) attempt(() => writeFileSync(join(directory, ".rgignore"), rules()));
    if (chance(0.15)) {
      attempt(() => {
        mkdirSync(join(directory, ".git/info"), { recursive: true });
        writeFileSync(join(directory, ".git/info/exclude"), rules());
      });
    }
    const absolute = [join(base, "outside.txt"), join(root, "a.ts"), join(root, "none")];
    const targets = ["a.ts", "src", "../a.ts", "..", ".", "nowhere", "../../outside.txt", "loop", ...absolute];
    if (chance(0.3)) attempt(() => symlinkSync(pick(targets), join(directory, pick(["link", "loop", "l.ts"]))));
    const beneath = depth === 0 ? [pick(DIRECTORIES), "src", "a", "lib"] : some(DIRECTORIES, 4 - depth);
    for (const name of beneath) attempt(() => fill(join(directory, name), depth + 1));
  };
  mkdirSync(base, { recursive: true });
  writeFileSync(join(base, "outside.txt"), "foo outside\n");
  if (chance(0.3)) writeFileSync(join(base, ".gitignore"), rules());
  if (chance(0.2)) writeFileSync(join(base, ".ignore"), rules());
  fill(root, 0);
  return root;
}

/** The paths of all that is in a tree, as far as it can be named; links are not followed. */
export function pathsIn(root, beneath = "") {
  return readdirSync(join(root, beneath), { withFileTypes: true }).flatMap((entry) => {
    const path = beneath === "" ? entry.name : `${beneath}/${entry.name}`;
    return [path, ...(entry.isDirectory() ? pathsIn(root, path) : [])];
  });
}
