/** What is started: a program that takes the sidecar's arguments and speaks its contract. */
export interface SidecarCommand {
  /** The executable: an absolute path. */
  file: string;
  /** Arguments that come before the sidecar's own. */
  args?: string[];
  /** Environment variables on top of those that every sidecar gets. */
  env?: Record<string, string>;
}
