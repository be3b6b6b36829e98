// What a manager starts: the binary that its options name, or the one that is found.

import type { Logger } from "../logger.js";
import { namedProgram, resolveSidecarPath, targetOf, verifyBinary } from "../resolve/index.js";
import type { SidecarCommand } from "./command.js";
import type { SidecarManagerOptions } from "./options.js";

/** What can be started. */
export interface Startable {
  command: SidecarCommand;
  /** As messages name it: the file, and who says so. */
  program: string;
}

/** Who says so. */
const SOURCES = {
  env: "SCAFFA_SIDECAR_PATH",
  dev: "the build output",
  resources: "the application's resources",
  package: "the platform package",
  option: "the option binary",
} as const;

/** What is to be started, checked. Rejects with `sidecar_not_found` or `sidecar_unusable`. */
export async function findStartable(binary: SidecarManagerOptions["binary"], logger: Logger): Promise<Startable> {
  if (typeof binary === "string") {
    return startable({ file: namedProgram("option", binary, process.cwd(), targetOf({})) }, "option");
  }
  // A command is the application's own: Node, a wrapper. It is started as it is.
  if (binary !== undefined && "file" in binary) return startable(binary, "option");
  const resolved = binary !== undefined && "source" in binary;
  const [found, target] = resolved ? [binary, {}] : [resolveSidecarPath(binary), binary];
  await verifyBinary(found, target);
  logger.debug(`starting ${found.path}`, { source: found.source });
  return startable({ file: found.path }, found.source);
}

function startable(command: SidecarCommand, source: keyof typeof SOURCES): Startable {
  return { command, program: `${command.file} (from ${SOURCES[source]})` };
}
