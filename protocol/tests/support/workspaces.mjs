// Workspaces that a test may change.

import { cpSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const fixtures = fileURLToPath(new URL("../../../fixtures", import.meta.url));

/** A copy of the fixtures, with what lies next to the workspace; `name` is part of its path. */
export function copyWorkspace(name) {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), `${name}-`));
  cpSync(fixtures, directory, { recursive: true, verbatimSymlinks: true });
  return {
    root: join(directory, "workspace"),
    remove: () => rmSync(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  };
}
