// What a good sidecar answers about an empty workspace in which every path that is asked for is an empty file.

import type { Limits, PROTOCOL_VERSION, ReadyData } from "../protocol.js";
import type { Method, Result } from "../requests.js";

/** What the answers tell of the process. */
export interface Facts {
  root: string;
  clock: string;
  inFlight: number;
  uptimeMs: number;
}

type Params = Record<string, unknown>;

/** Methods that change what the process is or holds, and so are more than an answer. */
type Stateful = "watch" | "unwatch" | "changes" | "cancel" | "shutdown";

// BLAKE3 and SHA-256 of no bytes.
const EMPTY_HASH = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const EMPTY_SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const version = "0.0.0-fake";
const protocolVersion: typeof PROTOCOL_VERSION = 1;

const limits: Limits = {
  maxRequestBytes: 16 * 1024 * 1024,
  maxResponseBytes: 64 * 1024 * 1024,
  maxInFlight: 256,
  maxFileBytes: 512 * 1024 * 1024,
  maxParseBytes: 4 * 1024 * 1024,
  maxQueuedBytes: 64 * 1024 * 1024,
  syncTimeoutMs: 2000,
};

const listing = ({ clock }: Facts) => ({ limitHit: false, clock, synced: true });

/** The usual answers. */
export const ANSWERS: { [M in Exclude<Method, Stateful>]: (facts: Facts, params: Params) => Result<M> } = {
  ping: ({ uptimeMs }) => ({ version, protocolVersion, pid: process.pid, uptimeMs }),
  status: ({ root, clock, inFlight, uptimeMs }) => ({
    state: "ready",
    root,
    clock,
    files: 0,
    directories: 0,
    bytes: 0,
    textFiles: 0,
    binaryFiles: 0,
    skipped: { notUtf8Path: 0, invalidPath: 0, tooLarge: 0, unreadable: 0 },
    watcher: { mode: "native", directories: 1, polled: 0, events: 0, overflows: 0, rescans: 0, drift: 0 },
    memory: { rssBytes: process.memoryUsage.rss(), indexBytes: 0 },
    textIndex: { ready: true, bytes: 0, dirtyFiles: 0 },
    facts: { sources: 0, bytes: 0 },
    cache: { enabled: false },
    threads: { abandoned: 0 },
    inFlight,
    uptimeMs,
  }),
  sync: ({ clock }) => ({ clock, synced: true }),
  stat: (_, params) => ({
    entries: paths(params).map((path) => ({
      path,
      kind: "file",
      size: 0,
      mtimeMs: 0,
      hash: EMPTY_HASH,
      indexed: false,
    })),
  }),
  readFile: (facts, params) => emptyFile(facts, params, String(params["path"])),
  readFiles: (facts, params) => ({ files: paths(params).map((path) => emptyFile(facts, params, path)) }),
  glob: (facts) => ({ files: [], ...listing(facts) }),
  findFiles: (facts) => ({ files: [], ...listing(facts) }),
  search: (facts) => ({
    files: [],
    fileCount: 0,
    matchCount: 0,
    stats: { filesConsidered: 0, candidates: 0, filesScanned: 0, binarySkipped: 0, indexed: true, elapsedMs: 0 },
    ...listing(facts),
  }),
  parse: (_, params) => ({
    ...(typeof params["path"] === "string" ? { path: params["path"] } : {}),
    hash: EMPTY_HASH,
    language: "tsx",
    errors: [],
    imports: [],
    exports: [],
    components: [],
    jsx: [],
    symbols: [],
  }),
  usages: (facts) => ({ files: [], ...listing(facts) }),
  moduleGraph: ({ clock }) => ({ nodes: [], edges: [], unresolved: [], clock, synced: true }),
  planPropEdits: () => ({ plan: [], failed: [] }),
  query: (facts) => ({
    files: [],
    matchCount: 0,
    stats: {
      filesConsidered: 0,
      candidates: 0,
      filesParsed: 0,
      notTextSkipped: 0,
      tooLargeSkipped: 0,
      tooSlowSkipped: 0,
      unreadableSkipped: 0,
      indexed: true,
      elapsedMs: 0,
    },
    ...listing(facts),
  }),
};

/** The usual `ready`. */
export function readyData({ root, clock }: Facts): ReadyData {
  const stateful: Stateful[] = ["watch", "unwatch", "changes", "cancel", "shutdown"];
  const methods = [...Object.keys(ANSWERS), ...stateful];
  return { protocolVersion, version, pid: process.pid, root, methods, limits, clock };
}

function emptyFile({ clock }: Facts, params: Params, path: string): Result<"readFile"> {
  const base64 = params["encoding"] === "base64";
  return {
    path,
    encoding: base64 ? "base64" : "utf8",
    ...(base64 ? { base64: "" } : { text: "" }),
    size: 0,
    mtimeMs: 0,
    hash: EMPTY_HASH,
    ...(params["sha256"] === true ? { sha256: EMPTY_SHA256 } : {}),
    bom: false,
    eol: "none",
    clock,
  };
}

function paths(params: Params): string[] {
  return Array.isArray(params["paths"]) ? params["paths"].map(String) : [];
}
