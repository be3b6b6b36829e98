// Notices of what is in the binary: complete, in one order, and no licence in it that asks for more.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { ROOT, metadata } from "../packaging/cargo.mjs";
import { isAccepted, notices } from "../packaging/licences.mjs";
import { TARGETS, targetOf } from "../packaging/targets.mjs";

for (const target of TARGETS) {
  test(`every crate in the binary for ${target.triple} is named, with its licence and texts`, () => {
    const known = metadata(target.triple);
    const text = render(target.triple);
    assert.equal(notices(target, known), text);
    const crates = crateTree(target.triple);
    assert.ok(crates.length > 50, `${crates.length} crates`);
    for (const crate of crates) {
      const { license } = known.packages.find(({ name, version }) => `${name} ${version}` === crate);
      const entry = text.split("\n\n").find((paragraph) => paragraph.startsWith(`${crate}\n`));
      assert.ok(entry, `${crate} is missing`);
      assert.ok(entry.includes(`licence: ${license.replaceAll("/", " OR ")}\n`), entry);
      const numbers = [...entry.matchAll(/\[(\d+)\]/g)];
      assert.ok(numbers.length > 0, `${crate} has no text`);
      for (const [reference] of numbers) {
        const heading = text.split("\n").find((line) => line.startsWith(`${reference} `));
        assert.ok(heading?.includes(`${crate} (`), `text ${reference} is not of ${crate}`);
      }
    }
  });
}

test("the grammars and what the compiler adds are named", () => {
  const gnu = render("x86_64-unknown-linux-gnu");
  assert.match(gnu, /^tree-sitter-typescript \S+\n {2}licence: MIT\n/m);
  assert.match(gnu, /^Rust's standard library/m);
  assert.match(gnu, /Copyright \(c\) The Rust Project Developers/);
  assert.doesNotMatch(gnu, /^musl as Rust/m);
  assert.match(render("x86_64-unknown-linux-musl"), /^musl as Rust .*\n {2}licence: MIT\n/m);
});

test("a text that several crates share is there once, and none is of a licence that is not used", () => {
  const text = render("x86_64-unknown-linux-gnu");
  const headings = text.split("\n").filter((line) => /^\[\d+\] /.test(line));
  assert.equal(new Set(headings).size, headings.length);
  assert.ok(headings.some((heading) => heading.split(", ").length > 10));
  assert.doesNotMatch(text, /GNU GENERAL PUBLIC LICENSE/);
});

test("licences are accepted by what they allow", () => {
  for (const expression of ["MIT", "MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(MIT OR GPL-2.0-only) AND Unicode-3.0"]) {
    assert.ok(isAccepted(expression), expression);
  }
  const refused = ["GPL-3.0-only", "MIT AND MPL-2.0", "LGPL-2.1-or-later", "Apache-2.0 WITH Classpath-exception-2.0"];
  for (const expression of refused) {
    assert.ok(!isAccepted(expression), expression);
  }
});

test("packaging stops at a crate whose licence is not accepted, not known or not there, and names it", (t) => {
  const of = (crate) => () => notices(targetOf("x86_64-unknown-linux-gnu"), oneCrate(t, crate));
  assert.throws(of({ license: "GPL-3.0-only" }), /sticky 1\.2\.3 has the licence "GPL-3\.0-only".*does not accept/);
  assert.throws(of({ license: "MIT AND AGPL-3.0-only" }), /sticky 1\.2\.3/);
  assert.throws(of({ license: null }), /sticky 1\.2\.3 names no licence/);
  assert.throws(of({ license: "Beerware v42" }), /sticky 1\.2\.3 .* no SPDX expression/);
  assert.throws(of({ license: "Apache-2.0" }), /sticky 1\.2\.3 comes without the text/);
});

test("texts of a crate are found wherever they lie, or come from its manifest", (t) => {
  const of = (files) => notices(targetOf("x86_64-unknown-linux-gnu"), oneCrate(t, { license: "MIT", files }));
  const others = { "vendor/LICENSE": "Or not.", "tests/LICENSE": "Not at all.", "license.rs": "fn" };
  const shipped = of({ "LICENSE.md": "Do as you like.\r\n", ...others });
  assert.match(shipped, /\[\d+\] sticky 1\.2\.3 \(LICENSE\.md\)\n=+\n\nDo as you like\.\n/);
  assert.match(shipped, /sticky 1\.2\.3 \(vendor\/LICENSE\)/);
  assert.doesNotMatch(shipped, /tests\/LICENSE|license\.rs|\r/);
  const standard = of({ NOTICE: "Made with butter." });
  assert.match(standard, /sticky 1\.2\.3 \(MIT, as its manifest says\)\n=+\n\nMIT License\n/);
  assert.match(standard, /\nCopyright \(c\) Ada, Bo\n/);
  assert.match(standard, /Made with butter\./);
  assert.match(of({ "vendor/LICENSE": "Or not." }), /sticky 1\.2\.3 \(MIT, as its manifest says\)/);
});

test("what only builds and tests ask for is not named", (t) => {
  const known = oneCrate(t, { license: "GPL-3.0-only", kind: "build" });
  assert.doesNotMatch(notices(targetOf("x86_64-unknown-linux-gnu"), known), /sticky/);
});

const rendered = new Map();

function render(triple) {
  if (!rendered.has(triple)) rendered.set(triple, notices(targetOf(triple), metadata(triple)));
  return rendered.get(triple);
}

/** Name and version of each crate that the program is linked with, as Cargo's own listing has them. */
function crateTree(triple) {
  const args = ["tree", "--locked", "--edges", "normal", "--prefix", "none", "--target", triple];
  const lines = execFileSync("cargo", args, { cwd: ROOT, encoding: "utf8" }).split("\n");
  const crates = lines.flatMap((line) => /^(\S+) v(\S+)/.exec(line)?.slice(1, 3).join(" ") ?? []);
  return [...new Set(crates)].filter((crate) => !crate.startsWith("workspace-sidecar "));
}

/** What `cargo metadata` would tell of a program that depends on one crate. */
function oneCrate(t, { license, kind = null, files = {} }) {
  const folder = mkdtempSync(join(tmpdir(), "workspace-sidecar-crate-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  const crate = { id: "sticky", name: "sticky", version: "1.2.3", license, authors: ["Ada <ada@example.org>", "Bo"] };
  return {
    packages: [
      { id: "own", name: "workspace-sidecar", version: "0.1.0" },
      { ...crate, repository: null, homepage: null, manifest_path: join(folder, "Cargo.toml") },
    ],
    resolve: {
      root: "own",
      nodes: [
        { id: "own", deps: [{ pkg: "sticky", dep_kinds: [{ kind }] }] },
        { id: "sticky", deps: [] },
      ],
    },
  };
}
