// The program behind scripts/smoke: whether a packaged binary answers, and is what its manifest says.

import assert from "node:assert/strict";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";

import * as tar from "tar";

import { sha256 } from "./archives.mjs";
import { ROOT } from "./cargo.mjs";
import { Conversation } from "./conversation.mjs";

const USAGE = `usage: scripts/smoke BINARY | FOLDER | ARCHIVE.tar.gz [OPTIONS]

  --runner COMMAND    what starts the binary, like wine64; words are parted by spaces
  --timeout SECONDS   for the whole conversation [default: 60]
  --verbose           show all lines of the conversation, not only their start
`;
const SHOWN = 160;

const { values, positionals } = readArguments();
const scratch = mkdtempSync(join(tmpdir(), "workspace-sidecar-smoke-"));
try {
  const { binary, manifest } = await locate(resolve(positionals[0]));
  if (manifest) compareWithManifest(binary, manifest);
  await converse(binary, manifest);
  process.stdout.write(`${binary}: as it should be\n`);
} catch (error) {
  process.stderr.write(`scripts/smoke: ${positionals[0]}: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** The binary that is meant, unpacked where it is in an archive, and the manifest beside it. */
async function locate(given) {
  let folder = given;
  if (statSync(given).isFile()) {
    if (!/\.(tar\.gz|tgz)$/.test(given)) return { binary: given, manifest: readManifest(dirname(given)) };
    await tar.extract({ file: given, cwd: scratch });
    const [unpacked] = readdirSync(scratch);
    folder = join(scratch, unpacked);
  }
  const manifest = readManifest(folder);
  assert.ok(manifest, "there is no manifest.json in it");
  for (const name of ["LICENSE", "THIRD-PARTY-LICENSES.txt"]) {
    assert.ok(existsSync(join(folder, name)), `${name} is missing`);
  }
  return { binary: join(folder, manifest.entrypoint), manifest };
}

function readManifest(folder) {
  const path = join(folder, "manifest.json");
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

function compareWithManifest(binary, manifest) {
  const bytes = readFileSync(binary);
  assert.equal(bytes.length, manifest.size, "its size is not the manifest's");
  assert.equal(sha256(bytes), manifest.sha256, "its SHA-256 is not the manifest's");
  process.stdout.write(`manifest: ${manifest.platform}, ${manifest.size} bytes, ${manifest.sha256}\n`);
}

/** Asks what an editor asks, and compares the answers with what Node reads itself. */
async function converse(binary, manifest) {
  const root = join(scratch, "workspace");
  const links = join(ROOT, "fixtures/workspace/links");
  // Not every system lets its users make symbolic links, and none is needed here.
  cpSync(join(ROOT, "fixtures/workspace"), root, { recursive: true, filter: (source) => !source.startsWith(links) });
  const read = (path) => readFileSync(join(root, path), "utf8");

  const runner = values.runner?.split(" ").filter(Boolean) ?? [];
  const conversation = new Conversation([...runner, binary, "--root", root], {
    timeoutMs: Number(values.timeout) * 1000,
    onLine: (direction, line) => process.stdout.write(`${direction} ${shorten(line)}\n`),
  });
  let count = 0;
  const ask = async (method, params = {}) => {
    const id = String(++count);
    conversation.send(JSON.stringify({ id, method, params }));
    const response = await conversation.receive((message) => message.id === id);
    assert.ok(response.ok, `${method}: ${JSON.stringify(response.error)}`);
    return response.result;
  };
  const fail = async (line) => {
    conversation.send(line);
    const response = await conversation.receive((message) => message.ok === false);
    return response.error.code;
  };
  try {
    const ready = await conversation.receive(() => true);
    assert.equal(ready.event, "ready", "its first line is not the event ready");
    const versions = await ask("ping");
    for (const said of [ready.data, versions]) {
      if (manifest) assert.equal(said.version, manifest.sidecarVersion, "its version is not the manifest's");
      if (manifest) assert.equal(said.protocolVersion, manifest.protocolVersion, "its contract is not the manifest's");
    }

    const sources = readdirSync(join(root, "src/components")).filter((name) => name.endsWith(".tsx")).sort();
    const { files } = await ask("glob", { include: ["src/components/*.tsx"] });
    assert.deepEqual(files.map(({ path }) => path), sources.map((name) => `src/components/${name}`));

    const texts = sources.map((name) => read(`src/components/${name}`));
    const expected = texts.reduce((sum, text) => sum + text.split("className").length - 1, 0);
    const found = await ask("search", { pattern: "className", caseSensitive: true, include: ["src/components/*.tsx"] });
    assert.ok(expected > 0);
    assert.equal(found.matchCount, expected, "it finds other matches than there are");

    const source = "src/components/LoafCard.tsx";
    const content = await ask("readFile", { path: source, sha256: true });
    assert.equal(content.text, read(source));
    assert.equal(content.sha256, sha256(Buffer.from(read(source))));

    const { components } = await ask("parse", { path: source, facts: ["components"] });
    assert.ok(components.some(({ name }) => name === "LoafCard"), "it does not see a component in a source");

    const outside = { id: "outside", method: "readFile", params: { path: "../outside/next-door.md" } };
    assert.equal(await fail(JSON.stringify(outside)), "invalid_path");
    assert.equal(await fail("not JSON"), "parse_error");

    await ask("shutdown");
    assert.equal(await conversation.exit(), 0, "its exit status is not 0");
    process.stdout.write("exit status 0\n");
  } catch (error) {
    const log = conversation.stderr.trim();
    throw log ? new Error(`${error.message}\nits log:\n${log}`, { cause: error }) : error;
  } finally {
    await conversation.end();
  }
}

function shorten(line) {
  return values.verbose || line.length <= SHOWN ? line : `${line.slice(0, SHOWN)}… (${line.length} characters)`;
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        help: { type: "boolean", default: false },
        runner: { type: "string" },
        timeout: { type: "string", default: "60" },
        verbose: { type: "boolean", default: false },
      },
    });
    if (parsed.values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (parsed.positionals.length !== 1) throw new Error("one binary, folder or archive");
    return parsed;
  } catch (error) {
    process.stderr.write(`scripts/smoke: ${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
