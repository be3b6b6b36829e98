// The program behind scripts/package.

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";

import { checksums, filesOf, packTar, packZip } from "./archives.mjs";
import { checkBinary, writeBundle } from "./bundle.mjs";
import { SOURCE_DATE_EPOCH, build, buildEnvironment, hostTriple, targetDirectory } from "./cargo.mjs";
import { packHost, packPlatform } from "./npm.mjs";
import { targetOf } from "./targets.mjs";

const USAGE = `usage: scripts/package [TRIPLE] [OPTIONS]     packs the sidecar for a target [default: this machine's]
       scripts/package --npm [OPTIONS]        packs the npm package, which depends on those of all platforms
       scripts/package --build-env [TRIPLE]   prints the environment of the release build, for bash

  --binary PATH     the binary, instead of building it
  --debug-build     the binary may have symbols and name folders of this machine; for trying out
  --out DIR         where to put everything [default: target/package]
  --repository URL  what npm's provenance and the links of README.md name, like https://github.com/owner/name
`;

/** What there is to check and to publish: not the folders, as their archives are there. */
const ARTEFACT = /^(workspace-sidecar-[^/]+\.(tar\.gz|zip|tgz)|tauri\/[^/]+)$/;

const { values, positionals } = readArguments();
try {
  const out = resolve(values.out ?? join(targetDirectory(), "package"));
  if (values.help) process.stdout.write(USAGE);
  else if (values["build-env"]) process.stdout.write(buildEnv(positionals[0] ?? hostTriple()));
  else if (values.npm) packNpm(out);
  else await packTarget(out, targetOf(positionals[0] ?? hostTriple()));
} catch (error) {
  process.stderr.write(`scripts/package: ${error.message}\n${error.stderr ?? ""}`);
  process.exitCode = 1;
}

async function packTarget(out, target) {
  const debugBuild = values["debug-build"];
  const binary = values.binary ? resolve(values.binary) : build(target);
  checkBinary(binary, target, { debugBuild });

  const name = `workspace-sidecar-${target.triple}`;
  const bundle = join(out, name);
  const manifest = writeBundle(bundle, binary, target);
  const mtime = new Date(SOURCE_DATE_EPOCH * 1000);
  await packTar(bundle, join(out, `${name}.tar.gz`), { mtime, executables: [target.executable] });
  if (target.os === "win32") await packZip(bundle, join(out, `${name}.zip`), { mtime });

  // Tauri looks for its external binaries under the triple's name.
  const tauri = join(out, "tauri", target.os === "win32" ? `${name}.exe` : name);
  mkdirSync(join(out, "tauri"), { recursive: true });
  copyFileSync(binary, tauri);
  chmodSync(tauri, 0o755);

  await packPlatform({ bundle, manifest, target, out, repository: values.repository });
  writeSums(out);
  process.stdout.write(`${JSON.stringify(manifest, null, 2)}\n`);
}

function packNpm(out) {
  mkdirSync(out, { recursive: true });
  packHost({ out, repository: values.repository });
  writeSums(out);
}

/** All artefacts in the folder: a release packs several targets into one. */
function writeSums(out) {
  const artefacts = filesOf(out).filter((file) => ARTEFACT.test(file));
  const sums = checksums(out, artefacts);
  writeFileSync(join(out, "SHA256SUMS"), sums);
  process.stderr.write(`${out}:\n${sums}`);
}

function buildEnv(triple) {
  const quote = (value) => `$'${value.replace(/[\\']/g, "\\$&").replaceAll("\x1f", "\\x1f")}'`;
  return Object.entries(buildEnvironment(targetOf(triple).triple))
    .map(([name, value]) => `export ${name}=${quote(value)}\n`)
    .join("");
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        binary: { type: "string" },
        "build-env": { type: "boolean", default: false },
        "debug-build": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
        npm: { type: "boolean", default: false },
        out: { type: "string" },
        repository: { type: "string" },
      },
    });
    if (parsed.positionals.length > 1) throw new Error(`one target at a time, not ${parsed.positionals.join(", ")}`);
    return parsed;
  } catch (error) {
    process.stderr.write(`scripts/package: ${error.message}\n\n${USAGE}`);
    process.exit(2);
  }
}
