// A backend for a workspace: which one, and what is said about it.

import { onAbort } from "../abort.js";
import { callOut } from "../callbacks.js";
import { abortSignal, anything, callable, checkOptions, checkRoot, oneOf, type Check } from "../checks.js";
import { SidecarError } from "../errors.js";
import { consoleLogger, silentLogger } from "../logger.js";
import { SidecarManager } from "../manager/manager.js";
import { checkSidecarOptions, type SidecarManagerOptions } from "../manager/options.js";
import { openRoot } from "./node/files.js";
import { PathFilter } from "./node/filter.js";
import type { BackendKind, WorkspaceBackend } from "./types.js";
import { isCrash, isGone, Workspace } from "./workspace.js";

/** Whether a sidecar is used. */
export type SidecarMode =
  /** If there is one that works; otherwise plain Node answers, and a warning says so. */
  | "on"
  /** Plain Node answers. */
  | "off"
  /** Without one, there is no backend, and if it is lost later, calls reject. */
  | "required";

/** Which workspace is opened, and how. */
export interface WorkspaceBackendOptions {
  /** The workspace. A relative path is taken from the working directory of this process. */
  root: string;
  /** Whether a sidecar is used. Default `on`. */
  mode?: SidecarMode;
  /**
   * How the sidecar is started and watched over. `exclude` and `requestTimeoutMs` (the `timeoutMs` of calls that have
   * none: default 30000, 0 for none) apply to plain Node, too. Without a `logger`, nothing is logged but one warning.
   */
  sidecar?: Omit<SidecarManagerOptions, "root">;
  /**
   * Called at most once: plain Node takes the place of a sidecar. The message says why, what that means and what to do.
   * Default: `sidecar.logger`, or else the console.
   */
  onWarning?: (message: string, error: SidecarError) => void;
  /** Called when the answers begin to come from another kind of backend, after the warning; never before it is made. */
  onSwitch?: (kind: BackendKind, error: SidecarError) => void;
  /**
   * Gives up opening: rejects with `cancelled`, once the sidecar that was being started is gone. It has no effect on a
   * backend that is there: `dispose` ends that.
   */
  signal?: AbortSignal | undefined;
}

const OPTIONS = {
  root: anything,
  mode: oneOf("on", "off", "required"),
  sidecar: anything,
  onWarning: callable,
  onSwitch: callable,
  signal: abortSignal,
} satisfies Record<keyof WorkspaceBackendOptions, Check>;

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * Opens a workspace. Rejects with a `SidecarError`: in every mode, with `not_found`, `not_a_file`, `permission_denied`
 * or `io_error` if the root cannot be opened, `invalid_glob` for `exclude`, `invalid_params` for wrong options, and
 * `cancelled` where `signal` was aborted before it was open; in mode `required`, also with what kept the sidecar from
 * starting.
 */
export async function createWorkspaceBackend(options: WorkspaceBackendOptions): Promise<WorkspaceBackend> {
  checkRoot(options);
  checkOptions(options, OPTIONS);
  const { mode = "on", sidecar: managed = {}, signal } = options;
  checkSidecarOptions(managed, "sidecar");
  const { exclude = [], requestTimeoutMs = DEFAULT_TIMEOUT_MS, logger = silentLogger } = managed;
  const root = await unlessAborted(signal, openRoot(options.root));
  // What is wrong with them is said before a process is started with them.
  new PathFilter([], [...exclude]);

  const warn = (error: SidecarError) => {
    const message = warning(options.root, error);
    if (options.onWarning !== undefined) callOut(options.onWarning, message, error);
    else callOut(() => (managed.logger ?? consoleLogger).warn(message, { code: error.code }));
  };
  const workspace = (sidecar: SidecarManager | undefined) =>
    new Workspace({
      tree: { root, exclude },
      sidecar,
      fallsBack: mode === "on",
      timeoutMs: requestTimeoutMs,
      onSwitch: (error) => {
        warn(error);
        if (options.onSwitch !== undefined) callOut(options.onSwitch, "node", error);
      },
    });
  if (mode === "off") return workspace(undefined);

  const sidecar = new SidecarManager({ ...managed, root, logger });
  try {
    await unlessAborted(signal, sidecar.start());
    return workspace(sidecar);
  } catch (error) {
    await sidecar.stop();
    // What the sidecar says of a root that is gone by now is the caller's error, too.
    await unlessAborted(signal, openRoot(options.root));
    if (mode === "required" || !(isGone(error) || isCrash(error))) throw error;
    warn(error);
    return workspace(undefined);
  }
}

/** Waits, but no longer than until `signal` is aborted: then it rejects with `cancelled`. */
async function unlessAborted<T>(signal: AbortSignal | undefined, work: Promise<T>): Promise<T> {
  const cancelled = () => new SidecarError("cancelled", "opening the workspace was cancelled", { cause: signal?.reason });
  let unlisten = () => {};
  const aborted = new Promise<never>((_, reject) => {
    if (signal?.aborted) reject(cancelled());
    else unlisten = onAbort(signal, () => reject(cancelled()));
  });
  try {
    return await Promise.race([aborted, work]);
  } finally {
    unlisten();
  }
}

function warning(root: string, error: SidecarError): string {
  const report = error.code === "crash_loop" ? "Please report it with its log, which `sidecar.logger` takes. " : "";
  return (
    `${root}: there is no sidecar, plain Node reads this workspace instead. Answers are the same, but every listing ` +
    "and search reads the whole tree, and changes are noticed later. " +
    `${report}Open the workspace again to try the sidecar anew. What happened (${error.code}): ${error.message}`
  );
}
