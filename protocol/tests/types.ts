// How a program uses the package's types. `npm run check` compiles it and nothing runs it: it proves
// that a correct use is accepted, and, by `@ts-expect-error`, that a wrong one is not.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";

import { SidecarError, type SidecarManager } from "workspace-sidecar";
import type {
  Change,
  ChangedData,
  ErrorCode,
  Event,
  Events,
  JsxElement,
  Limits,
  Methods,
  QueryCapture,
  QueryFile,
  Request,
  Response,
  SearchFile,
  SearchLine,
  SearchMatch,
  SourceSymbol,
} from "workspace-sidecar";

// -- A client ----------------------------------------------------------------------------------

type Method = keyof Methods;

/** `params` may be left out where nothing in them is required. */
type Arguments<M extends Method> = undefined extends Methods[M]["params"]
  ? [params?: Methods[M]["params"]]
  : {} extends Methods[M]["params"]
    ? [params?: Methods[M]["params"]]
    : [params: Methods[M]["params"]];

interface Client {
  request<M extends Method>(method: M, ...params: Arguments<M>): Promise<Methods[M]["result"]>;
}


/** Starts a sidecar. Restarts, time-outs and its exit are left to the reader. */
export function connect(program: string, root: string, onEvent: (event: Event) => void): Client {
  const child = spawn(program, ["--root", root], { stdio: ["pipe", "pipe", "inherit"] });
  const waiting = new Map<string, { resolve(result: unknown): void; reject(error: Error): void }>();

  let rest = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) receive(JSON.parse(line) as Response | Event);
  });

  function receive(frame: Response | Event) {
    if ("event" in frame) return onEvent(frame);
    const asked = frame.id === null ? undefined : waiting.get(frame.id);
    if (!asked || frame.id === null) return;
    waiting.delete(frame.id);
    if (frame.ok) asked.resolve(frame.result);
    else asked.reject(SidecarError.of(frame.error));
  }

  return {
    request: <M extends Method>(method: M, ...[params]: Arguments<M>) =>
      new Promise<Methods[M]["result"]>((resolve, reject) => {
        const id = randomUUID();
        waiting.set(id, { resolve: (result) => resolve(result as Methods[M]["result"]), reject });
        child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
      }),
  };
}

// -- Right uses --------------------------------------------------------------------------------

export async function rightUses(client: Client) {
  const { protocolVersion, uptimeMs } = await client.request("ping");
  (protocolVersion + uptimeMs) satisfies number;

  const listed = await client.request("glob", { include: ["**/*.{ts,tsx}"], exclude: ["**/*.test.ts"], limit: 100 });
  listed.files.map((file) => file.path) satisfies string[];
  listed.limitHit satisfies boolean;
  listed.clock satisfies string;

  await client.request("glob", { include: ["*.css"], fields: ["size", "hash"], sort: "mtime", consistency: "eventual" });

  const meant = await client.request("findFiles", { query: "comp/ordform", include: ["src/**"] });
  meant.files.map(({ path, score, positions }) => [path, score, positions]) satisfies [string, number, number[]][];
  meant.limitHit satisfies boolean;

  const read = await client.request("readFile", { path: "src/App.tsx", encoding: "utf8", sha256: true });
  if ("text" in read) read.text satisfies string | null | undefined;

  const found = await client.request("search", { pattern: "useState", wholeWord: true, caseSensitive: "smart", include: ["*.tsx"] });
  for (const file of found.files) for (const match of matchesOf(file)) offsets(match);

  const graph = await client.request("moduleGraph", { paths: ["src/App.tsx"], direction: "importedBy", depth: 2 });
  graph.nodes satisfies string[];
  graph.edges.map(({ from, to, package: name, source, kind }) => [from, to ?? name, source, kind]) satisfies unknown[];
  graph.unresolved.map(({ from, source }) => [from, source]) satisfies [string, string][];

  const used = await client.request("usages", {
    name: "TextField",
    importedFrom: "src/components/TextField.tsx",
    attributes: [{ name: "label" }, { name: "ref", value: null }],
    limit: 100,
  });
  used.files.map(({ path, hash, elements }) => [path, hash, elements]) satisfies [string, string, JsxElement[]][];
  used.skipped satisfies string[] | undefined;
  [used.limitHit, used.synced] satisfies boolean[];

  const { entries } = await client.request("stat", { paths: ["README.md", "no/such/file"] });
  entries.map((entry) => entry.path) satisfies string[];
}

function matchesOf(file: SearchFile): SearchMatch[] {
  return (file.lines ?? []).flatMap((line: SearchLine) => (line.context ? [] : line.matches));
}

/** The two ways in which a match says where it is. */
function offsets({ start, end, range }: SearchMatch): [from: number, to: number, where: string] {
  return [range.start, range.end, `${start.line}:${start.column}-${end.line}:${end.column}`];
}

/** The name of an event decides what its data is. */
export function onEvent(event: Event): string {
  switch (event.event) {
    case "ready":
      return `${event.data.root}, ${event.data.methods.length} methods, ${lineLimit(event.data.limits)}`;
    case "indexed":
      return `${event.data.files} files in ${event.data.elapsedMs} ms`;
    case "partial":
      return event.data.files.map((file: SearchFile) => `${file.matchCount} in ${file.path}`).join(", ");
    case "changed":
      return `${event.data.changes.length} changes for ${event.data.subscription}`;
    case "fatal":
      // @ts-expect-error: what is fatal has a message and no files
      event.data.files;
      return event.data.message;
    default:
      // Another event may come with a later version.
      return event.event;
  }
}

/** The files that an editor shows, each with the hash of the text it has. */
type Open = Map<string, string>;

/** Subscribes for as long as `work` takes. */
export async function whileWatching(client: Client, work: () => Promise<void>): Promise<Change[]> {
  const { subscription, clock } = await client.request("watch", { include: ["src/**"], exclude: ["*.snap"], settleMs: 100 });
  await client.request("watch"); // everything, with the default pause
  try {
    await work();
  } finally {
    await client.request("unwatch", { subscription });
  }
  const told = await client.request("changes", { since: clock, include: ["src/**"], consistency: "synced" });
  told.clock satisfies string;
  [told.fresh, told.synced] satisfies boolean[];
  return told.changes;
}

/** Which of the files shown have to be loaded again, and which are gone. */
export function affected(event: Event, open: Open): { reload: string[]; gone: string[] } {
  const found = { reload: [] as string[], gone: [] as string[] };
  // @ts-expect-error: an event of any name has no changes
  event.data.changes;
  if (event.event !== "changed") return found;
  const { fresh, limitHit, changes } = event.data satisfies ChangedData;
  // A list that did not fit the line was left out.
  if (limitHit) return { ...found, reload: [...open.keys()] };
  const told = new Map(changes.map((change) => [change.path, change]));
  for (const [path, hash] of open) {
    const change = told.get(path);
    if (change ? isGone(change) : fresh) found.gone.push(path);
    else if (change && change.hash !== hash) found.reload.push(path);
  }
  return found;
}

function isGone({ kind, size, mtimeMs, hash }: Change): boolean {
  // What is gone has none of these.
  [size, mtimeMs] satisfies (number | undefined)[];
  hash satisfies string | undefined;
  // @ts-expect-error: a rename is a deletion and a creation
  if (kind === "renamed") return false;
  return kind === "deleted";
}

/** What an editor's inspector saves: the edits of each file, if all of them can be made. */
export async function promote(client: Client, { path, hash, element }: { path: string; hash: string; element: JsxElement }) {
  const at = { path, element: { name: element.name, index: element.index }, ifHash: hash };
  const { plan, failed } = await client.request("planPropEdits", {
    edits: [
      { ...at, prop: "title", value: "Rye" },
      { ...at, prop: "ref", value: null },
      { path, element: { range: element.range }, prop: "hidden" }, // removed
    ],
    allOrNothing: true,
  });
  const why = failed.map(({ index, code, message }) => [index, code satisfies "notFound" | "unpromotable" | "unsupportedPattern", message]);
  if (why.length) throw new Error(why.join("\n"));
  return plan.map(({ kind, filePath, expectedSha256, edits }) => {
    kind satisfies "text";
    return { filePath, expectedSha256, edits: edits.map(({ range, newText }): [number, number, string] => [range.start, range.end, newText]) };
  });
}

function lineLimit(limits: Limits): string {
  return `${limits.maxRequestBytes} bytes a line`;
}

/** What an editor does with an element: show where it is, and which of its props are plain values. */
export function literals(element: JsxElement): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const attribute of element.attributes) {
    if (attribute.kind === "spread") values[`...${attribute.text}`] = undefined;
    else values[attribute.name] = attribute.value ? attribute.value.literal : true;
  }
  return values;
}

/** The whole answer of `parse` is optional but for what was asked. */
export async function elements(client: Client): Promise<JsxElement[]> {
  const { jsx, errors } = await client.request("parse", { path: "src/App.tsx", facts: ["jsx", "errors"] });
  if (errors?.length) throw new Error(`line ${errors[0]?.start.line} does not parse`);
  return jsx?.filter((element) => element.parent === null) ?? [];
}

/** Where a hook is called, file by file: what a query captures. */
export async function calls(client: Client, hook: string): Promise<Map<string, QueryCapture[]>> {
  const query = `((call_expression function: (identifier) @callee) @call (#eq? @callee "${hook}"))`;
  const { files, limitHit, stats } = await client.request("query", { query, include: ["src/**"], language: "tsx" });
  if (limitHit) throw new Error(`of ${stats.filesConsidered} files, not all are there`);
  // @ts-expect-error: a file is parsed as what it is, and nothing else is known
  await client.request("query", { query, language: "python" });
  const captures = (file: QueryFile) => file.matches.flatMap((match) => match.captures);
  return new Map(files.map((file) => [file.path, captures(file).filter(({ name }) => name === "callee")]));
}

/** What is declared where, as an outline shows it. */
export async function outline(client: Client, path: string): Promise<string[]> {
  const { symbols = [] } = await client.request("parse", { path, facts: ["symbols"] });
  const depth = ({ container }: SourceSymbol): number => {
    const around = container === null ? undefined : symbols[container];
    return around ? depth(around) + 1 : 0;
  };
  return symbols.map((symbol) => `${"  ".repeat(depth(symbol))}${symbol.kind} ${symbol.name}`);
}

/** Lines as they are written. */
export const lines: Request[] = [
  { id: "1", method: "ping" },
  { id: "2", method: "sync", params: { paths: ["src"] }, timeoutMs: 1000 },
  { id: "3", method: "glob", params: { include: ["*.ts"] } },
  { id: "6", method: "watch" },
  { id: "7", method: "changes", params: { since: "", syncTimeoutMs: 5000 } },
  // @ts-expect-error: `glob` has to be told what to include
  { id: "4", method: "glob" },
  // @ts-expect-error: a subscription has a name
  { id: "8", method: "unwatch", params: {} },
  // @ts-expect-error: what is optional is left out, not undefined or null
  { id: "5", method: "ping", timeoutMs: null },
];

/** The events by name are those on the lines. */
export type SameEvents = Event["event"] extends keyof Events ? (keyof Events extends Event["event"] ? true : never) : never;
true satisfies SameEvents;

/** Codes are known words: a typing error in one does not compile. */
export function isWorthRetrying(code: ErrorCode): boolean {
  // @ts-expect-error: codes are written in snake_case
  if (code === "timedOut") return true;
  return code === "timeout" || code === "cancelled";
}

// -- Wrong uses --------------------------------------------------------------------------------

export async function wrongUses(client: Client) {
  // @ts-expect-error: there is no such method
  await client.request("writeFile", { path: "src/App.tsx" });

  // @ts-expect-error: `glob` has to be told what to include
  await client.request("glob", { exclude: ["dist/**"] });
  // @ts-expect-error: ... and so it cannot go without params
  await client.request("glob");
  // @ts-expect-error: `include` is a list
  await client.request("glob", { include: "**/*.ts" });
  // @ts-expect-error: "soon" is no consistency
  await client.request("glob", { include: ["*"], consistency: "soon" });

  // @ts-expect-error: `findFiles` has to be told what to find
  await client.request("findFiles", { limit: 10 });
  // @ts-expect-error: ... and tells where, not in which ranges
  (await client.request("findFiles", { query: "app" })).files[0]?.matches;

  // @ts-expect-error: files are read as UTF-8 or base64
  await client.request("readFile", { path: "src/App.tsx", encoding: "latin1" });
  // @ts-expect-error: unknown fields are refused, as the sidecar does
  await client.request("readFile", { path: "src/App.tsx", follow: true });

  // @ts-expect-error: a pattern is a string
  await client.request("search", { pattern: /useState/ });
  // @ts-expect-error: the modes are "matches", "files" and "count"
  await client.request("search", { pattern: "useState", mode: "lines" });

  // @ts-expect-error: `stat` takes a list
  await client.request("stat", { paths: "README.md" });

  // @ts-expect-error: the pause is `settleMs`
  await client.request("watch", { debounce: 100 });
  // @ts-expect-error: ... and a number
  await client.request("watch", { settleMs: "100" });
  // @ts-expect-error: a single glob is a list, too
  await client.request("watch", { include: "src/**" });
  // @ts-expect-error: an element is named with its index
  await client.request("planPropEdits", { edits: [{ path: "src/App.tsx", element: { name: "Board" }, prop: "x", value: 1 }] });
  // @ts-expect-error: an edit says of which prop
  await client.request("planPropEdits", { edits: [{ path: "src/App.tsx", element: { name: "Board", index: 0 } }] });

  // @ts-expect-error: `usages` has to be told of what
  await client.request("usages", { importedFrom: "antd" });
  // @ts-expect-error: an attribute has a name, whatever its value
  await client.request("usages", { name: "Button", attributes: [{ value: 1 }] });

  // @ts-expect-error: `watch` tells in events, not in its result
  (await client.request("watch")).changes;
  // @ts-expect-error: `unwatch` has to be told what to end
  await client.request("unwatch");
  // @ts-expect-error: `changes` has to be told since when
  await client.request("changes", { include: ["src/**"] });
  // @ts-expect-error: a clock is a text; it is not to be counted with
  await client.request("changes", { since: 17 });

  // @ts-expect-error: results have their own fields and no others
  (await client.request("ping")).files;
}

// -- The package's client ------------------------------------------------------------------------

/** What a method gives depends on what it is asked. */
export async function readsFiles(sidecar: SidecarManager) {
  const { text } = await sidecar.readFile({ path: "src/App.tsx" });
  text satisfies string;
  const { base64 } = await sidecar.readFile({ path: "logo.png", encoding: "base64" }, { timeoutMs: 1000 });
  base64 satisfies string;
  const known = await sidecar.readFile({ path: "src/App.tsx", ifHashNot: "10c2…" });
  // @ts-expect-error It may not have been read.
  known.text satisfies string | undefined;
  if (!("notModified" in known)) known.text satisfies string | undefined;
  const { entries } = await sidecar.stat({ paths: ["src"] }, { signal: AbortSignal.timeout(1000) });
  entries.length satisfies number;
  await sidecar.ping();
  // @ts-expect-error Something to search for is needed.
  await sidecar.search({});
  // @ts-expect-error Its files would be told to nobody: `searchStream`.
  await sidecar.search({ pattern: "useState", stream: true });
}

// -- What a manager is not asked for ------------------------------------------------------------

export async function wrongRequests(sidecar: SidecarManager) {
  await sidecar.request("glob", { include: ["*"] });
  // @ts-expect-error: `stop` ends it
  await sidecar.request("shutdown");
  // @ts-expect-error: `watch` is a method of its own, whichever process tells of changes
  await sidecar.request("watch", {});
  // @ts-expect-error: a subscription has `close`
  await sidecar.request("unwatch", { subscription: "1" });
  // @ts-expect-error: a request has its `signal`
  await sidecar.request("cancel", { id: "1" });
}

/** Events have names of their own, and what their listeners are called with. */
export async function listens(sidecar: SidecarManager) {
  sidecar.on("restarting", ({ delayMs }) => void (delayMs satisfies number)).once("stopped", () => {});
  const [state] = await once(sidecar, "state");
  sidecar.off("state", () => {});
  // @ts-expect-error: there is no such event
  sidecar.on("redy", () => {});
  // @ts-expect-error: nothing is told of a stop but that it is over
  sidecar.on("stopped", (error: SidecarError) => error);
  return state;
}
