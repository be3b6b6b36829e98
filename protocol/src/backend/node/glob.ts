// `glob` in plain Node.

import { lstat } from "node:fs/promises";
import { join } from "node:path";

import { SidecarError } from "../../errors.js";
import type { WorkspaceGlobParams, WorkspaceGlobResult } from "../types.js";
import { describe } from "./errors.js";
import { PathFilter } from "./filter.js";
import { checkPath, compareByBytes } from "./paths.js";
import { mapAhead } from "./scheduling.js";
import { walk, type Tree } from "./walk.js";

type Item = WorkspaceGlobResult["files"][number];

const AHEAD = 32;

/** Lists a workspace. */
export async function glob(
  tree: Tree,
  params: WorkspaceGlobParams,
  signal: AbortSignal,
): Promise<WorkspaceGlobResult> {
  const { directories = false, sort = "path", limit = Infinity, after, fields = [] } = params;
  const filter = new PathFilter(params.include, params.exclude, params.caseSensitive ?? true);
  if (after !== undefined) checkPath(after);
  const listing = await walk(tree, signal);
  const isDirectory = new Set(directories ? listing.directories : []);
  let paths = [...listing.files, ...isDirectory].filter((path) => filter.accepts(path));
  if (isDirectory.size > 0) paths.sort(compareByBytes);

  const stats = fields.some((field) => field !== "kind") || sort === "mtime";
  if (sort === "path") {
    if (after !== undefined) paths = paths.filter((path) => compareByBytes(path, after) > 0);
    // What is gone meanwhile leaves its place to what follows.
    const items = await describeAll(tree.root, stats ? paths : paths.slice(0, limit), limit, stats, signal);
    return { files: items.map((item) => shown(item, params, isDirectory)), limitHit: paths.length > limit };
  }
  const items = await describeAll(tree.root, paths, Infinity, stats, signal);
  items.sort((a, b) => (b.mtimeMs ?? 0) - (a.mtimeMs ?? 0));
  let start = 0;
  if (after !== undefined) {
    start = items.findIndex((item) => item.path === after) + 1;
    if (start === 0) {
      const message = `\`after\`: ${after} is not in the listing (any more)`;
      throw new SidecarError("invalid_params", message, { data: { param: "after" } });
    }
  }
  const listed = items.slice(start, start + limit);
  return {
    files: listed.map((item) => shown(item, params, isDirectory)),
    limitHit: items.length > start + listed.length,
  };
}

/** The first `limit` of the paths, with sizes and times if `stats` is set. */
async function describeAll(
  root: string,
  paths: string[],
  limit: number,
  stats: boolean,
  signal: AbortSignal,
): Promise<Item[]> {
  if (!stats) return paths.map((path) => ({ path }));
  const items: Item[] = [];
  if (limit === 0) return items;
  const look = async (path: string): Promise<Item | undefined> => {
    try {
      const { size, mtimeMs } = await lstat(join(root, path));
      return { path, size, mtimeMs };
    } catch (error) {
      const described = describe(path, error);
      if (described.code === "not_found" || described.code === "permission_denied") return undefined;
      throw described;
    }
  };
  for await (const item of mapAhead(paths, AHEAD, look)) {
    signal.throwIfAborted();
    if (item !== undefined && items.push(item) >= limit) break;
  }
  return items;
}

/** What was asked for. */
function shown(item: Item, { fields = [] }: WorkspaceGlobParams, directories: ReadonlySet<string>): Item {
  const { path, size, mtimeMs } = item;
  return {
    path,
    ...(fields.includes("size") && size !== undefined ? { size } : {}),
    ...(fields.includes("mtimeMs") && mtimeMs !== undefined ? { mtimeMs } : {}),
    ...(fields.includes("kind") ? { kind: directories.has(path) ? "directory" : "file" } : {}),
  };
}
