// The environment of the process: made anew from what it needs, rather than handed on.

// What a host has in its environment (NODE_OPTIONS, ELECTRON_RUN_AS_NODE, LD_PRELOAD, keys and tokens) is not for a
// process that reads files. What is needed: where the user's git settings lie (their excludes apply), where temporary
// files go, and what programs on Windows cannot do without.
const ALLOWED = new Set([
  "HOME",
  "XDG_CONFIG_HOME",
  "GIT_CONFIG_GLOBAL",
  "GIT_CONFIG_SYSTEM",
  "TMPDIR",
  "PATH",
  "LANG",
  "LC_ALL",
  "LC_CTYPE",
  "TZ",
  "RUST_BACKTRACE",
  // Windows
  "SYSTEMROOT",
  "SYSTEMDRIVE",
  "WINDIR",
  "USERPROFILE",
  "HOMEDRIVE",
  "HOMEPATH",
  "APPDATA",
  "LOCALAPPDATA",
  "TEMP",
  "TMP",
]);

/**
 * The environment to start a sidecar with: what is allowed of `base`, and `extra`. Names are compared without case on
 * Windows. What is not a string, or has a NUL, is left out.
 */
export function sidecarEnvironment(
  base: NodeJS.ProcessEnv,
  extra: Record<string, string> = {},
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const same = (name: string) => (platform === "win32" ? name.toUpperCase() : name);
  /** By the name that they are the same by: on Windows, `Path` of `base` gives way to `PATH` of `extra`. */
  const environment = new Map<string, [name: string, value: string]>();
  const add = (variables: NodeJS.ProcessEnv, takes: (name: string) => boolean) => {
    for (const [name, value] of Object.entries(variables)) {
      if (typeof value !== "string" || `${name}${value}`.includes("\0") || !takes(same(name))) continue;
      environment.set(same(name), [name, value]);
    }
  };
  add(base, (name) => ALLOWED.has(name));
  add(extra, () => true);
  return Object.fromEntries(environment.values());
}
