// GitHub's workflows: that they are checked, that the checks find what is wrong, and what no linter knows of them.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import * as tar from "tar";
import { parse } from "yaml";

import { TARGETS } from "../packaging/targets.mjs";

const LINT = fileURLToPath(new URL("../packaging/lint-workflows.mjs", import.meta.url));
const WORKFLOWS = fileURLToPath(new URL("../../.github/workflows", import.meta.url));

const UNIX = { skip: process.platform === "win32" };

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

test("publishing puts the main package last, and goes on where it stopped", UNIX, (t) => {
  const names = ["@workspace-sidecar/darwin-x64", "@workspace-sidecar/win32-arm64", "workspace-sidecar"];
  assert.deepEqual(publish(t, { tag: "v1.2.3", names }), [
    "publish ./workspace-sidecar-darwin-x64-1.2.3.tgz --provenance --access public --tag latest",
    "publish ./workspace-sidecar-win32-arm64-1.2.3.tgz --provenance --access public --tag latest",
    "publish ./workspace-sidecar-1.2.3.tgz --provenance --access public --tag latest",
  ]);
  assert.deepEqual(publish(t, { tag: "v1.2.3", names, published: "@workspace-sidecar/darwin-x64@1.2.3" }), [
    "publish ./workspace-sidecar-win32-arm64-1.2.3.tgz --provenance --access public --tag latest",
    "publish ./workspace-sidecar-1.2.3.tgz --provenance --access public --tag latest",
  ]);
  assert.deepEqual(publish(t, { tag: "v2.0.0-rc.1", names: names.slice(1) }), [
    "publish ./workspace-sidecar-win32-arm64-2.0.0-rc.1.tgz --provenance --access public --tag next",
    "publish ./workspace-sidecar-2.0.0-rc.1.tgz --provenance --access public --tag next",
  ]);
});

/** Runs the step that publishes, with a stand-in for npm; it returns what that was asked to publish. */
function publish(t, { tag, names, published = "none" }) {
  const folder = mkdtempSync(join(tmpdir(), "workspace-sidecar-publish-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const version = tag.slice(1);
  for (const path of ["packed", "bin", "package"]) mkdirSync(join(folder, path));
  for (const name of names) {
    writeFileSync(join(folder, "package/package.json"), JSON.stringify({ name, version }));
    const file = join(folder, "packed", `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    tar.create({ file, cwd: folder, gzip: true, sync: true }, ["package"]);
  }
  const npm = `#!/bin/sh
case "$1" in
  view) [ "$2" = "${published}" ] && echo "${version}" || exit 1 ;;
  *) echo "$*" >> "${folder}/calls" ;;
esac
`;
  return runStep(folder, { job: "publish", step: "Publish", program: "npm", source: npm, tag });
}

test("a release is drafted once: run again, its draft is brought up to date, and what is published is left alone", UNIX, (t) => {
  const created = (tag, ...kind) => [
    `release create ${tag} --verify-tag --draft`, ...kind, `--title ${tag} --generate-notes assets/a.tgz assets/b.zip`,
  ].join(" ");
  assert.deepEqual(draft(t, { tag: "v1.2.3", drafted: "" }), [created("v1.2.3")]);
  assert.deepEqual(draft(t, { tag: "v1.2.3-rc.1", drafted: "" }), [created("v1.2.3-rc.1", "--prerelease")]);
  const upload = "release upload v1.2.3 --clobber assets/a.tgz assets/b.zip";
  assert.deepEqual(draft(t, { tag: "v1.2.3", drafted: "true" }), [upload]);
  assert.deepEqual(draft(t, { tag: "v1.2.3", drafted: "false" }), []);
  // That it cannot be known is no reason to make another one.
  assert.throws(() => draft(t, { tag: "v1.2.3", drafted: undefined }), /no network/);
});

/** Runs the step that drafts, with a stand-in for gh that says whether there is a draft; what that was asked to do. */
function draft(t, { tag, drafted }) {
  const folder = mkdtempSync(join(tmpdir(), "workspace-sidecar-draft-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const path of ["assets", "bin"]) mkdirSync(join(folder, path));
  for (const name of ["a.tgz", "b.zip"]) writeFileSync(join(folder, "assets", name), "");
  const source = `#!/bin/sh
case "$*" in
  "release list "*"tagName,isDraft"*) ${drafted === undefined ? "echo no network >&2; exit 1" : `echo "${drafted}"`} ;;
  *) echo "$*" >> "${folder}/calls" ;;
esac
`;
  return runStep(folder, { job: "release", step: "Draft", program: "gh", source, tag });
}

/** Runs a step of the release in `folder` with a stand-in for a program; gives the lines that this wrote to `calls`. */
function runStep(folder, { job, step, program, source, tag }) {
  writeFileSync(join(folder, "bin", program), source, { mode: 0o755 });
  writeFileSync(join(folder, "calls"), "");
  const { jobs } = parse(readFileSync(join(WORKFLOWS, "release.yml"), "utf8"));
  const { run } = jobs[job].steps.find(({ name }) => name === step);
  const env = { PATH: [join(folder, "bin"), process.env.PATH].join(delimiter), GITHUB_REF_NAME: tag };
  // As GitHub starts bash.
  const args = ["--noprofile", "--norc", "-eo", "pipefail"];
  const script = join(folder, "step.sh");
  writeFileSync(script, run);
  const { status, stderr } = spawnSync("bash", [...args, script], { cwd: folder, env, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  return readFileSync(join(folder, "calls"), "utf8").split("\n").slice(0, -1);
}

function lint(path) {
  return spawnSync(process.execPath, [LINT, path], { encoding: "utf8" });
}

function workflows() {
  return readdirSync(WORKFLOWS).map((name) => [name, readFileSync(join(WORKFLOWS, name), "utf8")]);
}
