// Where the sidecar under test is.

import { join } from "node:path";
import { fileURLToPath } from "node:url";

const target = process.env.CARGO_TARGET_DIR ?? fileURLToPath(new URL("../../../target", import.meta.url));
const name = process.platform === "win32" ? "workspace-sidecar.exe" : "workspace-sidecar";

/** The path of the binary. */
export const binary = process.env.SCAFFA_SIDECAR_PATH ?? join(target, "debug", name);
