// The notices of what is in the binary: each crate with its licence and the full text of it.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";

import parseExpression from "spdx-expression-parse";

import { runtimeComponents } from "./runtime.mjs";
import { mitText, tidy } from "./texts.mjs";

/**
 * @typedef {object} Text
 * @property {string} name of the file it is from
 * @property {string} text
 */

/**
 * @typedef {object} Component
 * @property {string} name
 * @property {string} version
 * @property {string} licence an SPDX expression
 * @property {string} source where it comes from
 * @property {Text[]} texts
 */

// All ask for no more than to be named. None that asks for more is to be added: whoever takes the sidecar along would
// have to do what it asks for.
const ACCEPTED = new Set([
  "0BSD",
  "Apache-2.0",
  "Apache-2.0 WITH LLVM-exception",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BSL-1.0",
  "CC0-1.0",
  "ISC",
  "MIT",
  "MIT-0",
  "Unicode-3.0",
  "Unlicense",
  "Zlib",
]);

const TEXT_FILE = /^(licen[cs]e|copying|copyright|notice|unlicense)/i;
const LICENCE_FILE = /^(licen[cs]e|copying|unlicense)/i;
// Offered beside others, and not used.
const UNUSED_FILE = /GPL/;
// Not in the binary, whatever licence it has.
const ASIDE = new Set(["benches", "ci", "examples", "fuzz", "target", "test", "tests"]);

/**
 * What THIRD-PARTY-LICENSES.txt says. Throws where a crate's licence is not known or not accepted, naming the crate.
 * @param {import("./targets.mjs").Target} target
 * @param {object} metadata of `cargo metadata` for the target
 */
export function notices(target, metadata) {
  const components = [...linkedCrates(metadata).map(component), ...runtimeComponents(target)].sort(inOrder);
  const own = metadata.packages.find((crate) => crate.id === metadata.resolve.root);
  return render(`${own.name} ${own.version} for ${target.triple}`, components);
}

/**
 * The crates whose code is in the binary: what the program depends on when it runs. Procedural macros are among them,
 * as what they write is in the binary, with all that they need; build scripts and what tests alone use are not.
 * @param {object} metadata
 */
export function linkedCrates(metadata) {
  const { root, nodes } = metadata.resolve;
  const dependencies = new Map(nodes.map((node) => [node.id, node.deps]));
  const linked = new Set([root]);
  for (const id of linked) {
    for (const { pkg, dep_kinds: kinds } of dependencies.get(id)) {
      if (kinds.some(({ kind }) => kind === null)) linked.add(pkg);
    }
  }
  return metadata.packages.filter(({ id }) => id !== root && linked.has(id));
}

/**
 * Whether what an SPDX expression allows includes what is accepted. Throws where it is not such an expression.
 * @param {string} expression
 */
export function isAccepted(expression) {
  return accepts(parseExpression(normalize(expression)));
}

function accepts(node) {
  if ("conjunction" in node) {
    const [left, right] = [accepts(node.left), accepts(node.right)];
    return node.conjunction === "or" ? left || right : left && right;
  }
  return ACCEPTED.has(node.exception ? `${node.license} WITH ${node.exception}` : node.license);
}

/** Cargo once had a slash for "or". */
function normalize(expression) {
  return expression.replaceAll("/", " OR ");
}

/** @returns {Component} */
function component(crate) {
  const { name, version, license, authors } = crate;
  const called = `${name} ${version}`;
  const source = crate.repository ?? crate.homepage ?? "not given";
  if (!license) throw new Error(`${called} names no licence: find out (${source}) whether it may be in the binary`);
  let accepted;
  try {
    accepted = isAccepted(license);
  } catch (error) {
    throw new Error(`${called} has the licence "${license}", which is no SPDX expression: ${error.message}`);
  }
  if (!accepted) {
    throw new Error(`${called} has the licence "${license}", which packaging/licences.mjs does not accept`);
  }
  const texts = shipped(dirname(crate.manifest_path));
  // One further down is of something that the crate has from elsewhere.
  if (!texts.some(({ name: file }) => LICENCE_FILE.test(file) && !file.includes("/"))) {
    texts.unshift(standardText(called, license, authors));
  }
  return { name, version, licence: normalize(license), source, texts };
}

/** The files of a crate's folder that hold licences, those of what it has in it from elsewhere included. */
function shipped(folder, below = folder) {
  const texts = [];
  for (const entry of readdirSync(below, { withFileTypes: true }).sort(inOrder)) {
    const path = join(below, entry.name);
    if (entry.isDirectory() && !ASIDE.has(entry.name) && !entry.name.startsWith(".")) {
      texts.push(...shipped(folder, path));
    } else if (entry.isFile() && isText(entry.name)) {
      texts.push({ name: relative(folder, path).replaceAll("\\", "/"), text: tidy(readFileSync(path, "utf8")) });
    }
  }
  return texts;
}

function isText(name) {
  return TEXT_FILE.test(name) && !UNUSED_FILE.test(name) && !/\.(rs|c|h|js|toml|json)$/.test(name);
}

/** Some crates name a licence and leave its text out. */
function standardText(called, expression, authors) {
  const ids = normalize(expression).split(/ OR |[()]/);
  if (!ids.includes("MIT")) {
    throw new Error(`${called} comes without the text of "${expression}", of which packaging/texts.mjs has none`);
  }
  const holders = authors.map((author) => author.replace(/ *<.*>/, "")).join(", ") || `the authors of ${called}`;
  return { name: "MIT, as its manifest says", text: mitText([`Copyright (c) ${holders}`]) };
}

/** Many crates share a text to the letter: each is there once. */
function render(title, components) {
  const numbers = new Map();
  const texts = [];
  const list = components.map(({ name, version, licence, source, texts: own }) => {
    const references = own.map(({ name: file, text }) => {
      const key = text.replace(/\s+/g, " ");
      if (!numbers.has(key)) {
        numbers.set(key, texts.length);
        texts.push({ text, users: [] });
      }
      const number = numbers.get(key);
      texts[number].users.push(`${name} ${version} (${file})`);
      return `[${number + 1}]`;
    });
    return `${name} ${version}\n  licence: ${licence}\n  source: ${source}\n  texts: ${references.join(" ")}`;
  });
  const rule = "=".repeat(100);
  return [
    `Third-party software in ${title}`,
    "Each component is followed by its licence, where it comes from, and the numbers of its texts, which are below.\n" +
      "Where there is a choice of licences, it is used under one that asks for no more than this notice.",
    ...list,
    ...texts.map(({ text, users }, index) => `${rule}\n[${index + 1}] ${users.join(", ")}\n${rule}\n\n${text}`),
    "",
  ].join("\n\n").replace(/\n+$/, "\n");
}

function inOrder(a, b) {
  const [left, right] = [`${a.name} ${a.version ?? ""}`, `${b.name} ${b.version ?? ""}`];
  return left < right ? -1 : left > right ? 1 : 0;
}
