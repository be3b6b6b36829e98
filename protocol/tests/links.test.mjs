// The links of packed Markdown: which of them stay, which lead elsewhere, and which are plain text.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";

import { rewriteLinks } from "../packaging/links.mjs";

const LAYOUT = [["package/README.md", "README.md"], ["package/docs", "docs"], ["hosts", "examples"]];
const WEB = "https://example.org/owner/name/tree/v1.2.3";

/** A file of the package, what is in it, what it becomes with an address on the web, and without where that differs. */
const CASES = {
  "what the package has is linked in there": [
    "docs/a.md",
    "[the one](../../hosts/one#top)",
    "[the one](../examples/one#top)",
  ],
  "a text that is a path becomes the other path": [
    "docs/a.md",
    "[`hosts/one`](../../hosts/one/)",
    "[`examples/one`](../examples/one)",
  ],
  "what it has not is linked on the web": ["docs/a.md", "[x](../../src/x.rs#L1)", `[x](${WEB}/src/x.rs#L1)`, "x"],
  "npm's page starts from the package's folder": [
    "README.md",
    "[one](../hosts/one)",
    `[one](${WEB}/hosts/one)`,
    "[one](examples/one)",
  ],
  "links within the folder stay": ["README.md", "[a](docs/a.md), [b](#b)", "[a](docs/a.md), [b](#b)"],
  "links to the web stay": [
    "README.md",
    "[a](https://example.org/../a), [b](mailto:b@example.org)",
    "[a](https://example.org/../a), [b](mailto:b@example.org)",
  ],
  "code stays": [
    "README.md",
    "```js\nrules[0](../gone)\n```\n[a](docs/a.md)",
    "```js\nrules[0](../gone)\n```\n[a](docs/a.md)",
  ],
  "a text may go over lines": [
    "README.md",
    "see [all\nof it](../src/x.rs).",
    `see [all\nof it](${WEB}/src/x.rs).`,
    "see all\nof it.",
  ],
};

for (const [name, [file, before, withWeb, without = withWeb]] of Object.entries(CASES)) {
  test(name, (t) => {
    assert.equal(rewrite(t, file, before, WEB), withWeb);
    assert.equal(rewrite(t, file, before), without);
  });
}

test("a link that was dead before is not packed", (t) => {
  const dead = /docs[\\/]a\.md: the link \.\.\/gone\.md is dead$/;
  assert.throws(() => rewrite(t, "docs/a.md", "[x](../gone.md)", WEB), dead);
});

/** The text of a file of the package, rewritten. */
function rewrite(t, file, text, web) {
  const scratch = mkdtempSync(join(tmpdir(), "workspace-sidecar-links-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const [root, stage] = [join(scratch, "root"), join(scratch, "stage")];
  const write = (path) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, "");
  };
  const sources = ["package/README.md", "package/docs/a.md", "hosts/one/main.js", "src/x.rs"];
  for (const path of sources) write(join(root, path));
  for (const path of ["README.md", "docs/a.md", "examples/one/main.js"]) write(join(stage, path));
  writeFileSync(join(stage, file), text);
  rewriteLinks({ root, stage, layout: LAYOUT, web });
  return readFileSync(join(stage, file), "utf8");
}
