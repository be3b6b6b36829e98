#!/usr/bin/env node
// The command `workspace-sidecar-seal`.

import { SidecarError } from "./errors.js";
import { sealBundle } from "./resolve/seal.js";

const USAGE = `Usage: workspace-sidecar-seal DIR

Writes the size and SHA-256 of the binary in DIR into DIR/manifest.json. Run it after the binary was signed: signing
changes its bytes, and a binary that is not as its manifest says is not started.

Exits with 0 when the manifest is true, 1 when it could not be made so, 2 when the arguments are wrong.
`;

async function main(args: string[]): Promise<number> {
  const [dir, ...more] = args;
  if (dir === "--help" || dir === "-h") {
    process.stdout.write(USAGE);
    return 0;
  }
  if (dir === undefined || dir === "" || dir.startsWith("-") || more.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  try {
    const { path, size, sha256, changed } = await sealBundle(dir);
    process.stdout.write(`${path}: ${changed ? "sealed" : "is true already"}: ${size} bytes, SHA-256 ${sha256}\n`);
    return 0;
  } catch (error) {
    if (!(error instanceof SidecarError)) throw error;
    process.stderr.write(`workspace-sidecar-seal: ${error.message}\n`);
    return 1;
  }
}

// `exitCode`, not `exit`: what was written to a pipe is still on its way.
void main(process.argv.slice(2)).then((code) => {
  process.exitCode = code;
});
