// GitHub's workflows: that they are checked, that the checks find what is wrong, and what no linter knows of them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

import { TARGETS } from "../packaging/targets.mjs";

const LINT = fileURLToPath(new URL("../packaging/lint-workflows.mjs", import.meta.url));
const WORKFLOWS = fileURLToPath(new URL("../../.github/workflows", import.meta.url));

const BROKEN = `on: push
jobs:
  build:
    runs-on: ubuntu-oldest
    needs: nobody
    steps:
      - run: echo \${{ github.nothing }}
      - uses: actions/checkout
        wiht: {}
`;

test("the workflows pass the linter", () => {
  const { status, stdout } = lint(WORKFLOWS);
  assert.equal(status, 0, stdout);
});

test("the linter finds what is wrong with a workflow", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "workspace-sidecar-workflows-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, "broken.yml"), BROKEN);
  const { status, stdout } = lint(folder);
  assert.equal(status, 1);
  for (const finding of ["ubuntu-oldest", "nobody", "nothing", "ref is missing", "wiht"]) {
    assert.ok(stdout.includes(finding), `${finding} is not in:\n${stdout}`);
  }
  assert.match(stdout, /broken\.yml:4:14: /);
  writeFileSync(join(folder, "broken.yml"), "on: push\njobs: [\n");
  assert.equal(lint(folder).status, 1);
});

test("actions are pinned by commit, and the comment names the release", () => {
  for (const [file, source] of workflows()) {
    const uses = source.split("\n").filter((line) => /^\s*(- )?uses:/.test(line));
    assert.ok(uses.length > 0);
    for (const line of uses) assert.match(line, /uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/, file);
  }
});

test("no job may do more than it says", () => {
  for (const [file, source] of workflows()) {
    const { permissions, jobs } = parse(source);
    assert.deepEqual(permissions, { contents: "read" }, file);
    for (const [name, job] of Object.entries(jobs)) {
      const secrets = JSON.stringify(job).includes("secrets.");
      assert.ok(!secrets || job.environment, `${file}: ${name} uses a secret without an environment`);
      assert.ok(job["timeout-minutes"] > 0, `${file}: ${name} has no time limit`);
    }
  }
});

test("a release is built, packed and tested for every target there is a package for", () => {
  const { jobs } = parse(readFileSync(join(WORKFLOWS, "release.yml"), "utf8"));
  const released = TARGETS.filter((target) => target.released).map(({ triple }) => triple);
  for (const job of ["build", "smoke"]) {
    assert.deepEqual(jobs[job].strategy.matrix.include.map(({ target }) => target).sort(), released.toSorted());
  }
  assert.ok(jobs.release.needs.includes("smoke"), "what is released was tested");
});

function lint(path) {
  return spawnSync(process.execPath, [LINT, path], { encoding: "utf8" });
}

function workflows() {
  return readdirSync(WORKFLOWS).map((name) => [name, readFileSync(join(WORKFLOWS, name), "utf8")]);
}
