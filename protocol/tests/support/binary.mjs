// The sidecar that the tests run: the one that SCAFFA_SIDECAR_PATH names, or else what `cargo build` made.

import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const program = process.platform === "win32" ? "workspace-sidecar.exe" : "workspace-sidecar";

/** The absolute path of the binary. */
export const binary = resolve(
  process.env.SCAFFA_SIDECAR_PATH || resolve(root, process.env.CARGO_TARGET_DIR || "target", "debug", program),
);

if (!existsSync(binary)) {
  throw new Error(`${binary} is not there: run \`cargo build\`, or set SCAFFA_SIDECAR_PATH`);
}
