// A search whose files arrive while it runs.

import { onAbort } from "../abort.js";
import type { SidecarError } from "../errors.js";
import { once } from "../iterating.js";
import type { SearchFile, SearchResult } from "../protocol.js";

/**
 * The files of a search, in path order, as they are found; `result` has the totals. Leaving a loop over it early
 * cancels the search. It can be gone through once. What has arrived and was not taken is held: `maxMatches` bounds it.
 */
export interface SearchStream extends AsyncIterable<SearchFile> {
  /** The totals, once all files are there; `files` is empty. Rejects as the loop does. */
  readonly result: Promise<SearchResult>;
  /** Stops the search; the loop and `result` reject with `cancelled`. */
  cancel(): void;
}

/** What runs a search: tells `onFiles` of files until the promise settles. */
export type StreamSource = (onFiles: (files: SearchFile[]) => void, signal: AbortSignal) => Promise<SearchResult>;

/** A stream over what `source` tells. The search begins at once. */
export function searchStream(source: StreamSource, signal?: AbortSignal): SearchStream {
  const stop = new AbortController();
  const arrived: SearchFile[][] = [];
  let end: { error?: SidecarError } | undefined;
  let left = false;
  let wake: () => void = () => {};

  const abort = () => stop.abort(signal?.reason);
  if (signal?.aborted) abort();
  // Not `AbortSignal.any`: a signal that lives on would keep something of every search.
  const unlisten = onAbort(signal, abort);
  const finish = (how: { error?: SidecarError }) => {
    end = how;
    unlisten();
    wake();
  };
  const result = source((files) => {
    arrived.push(files);
    wake();
  }, stop.signal);
  // Both sides tell of a failure; nobody has to look at both.
  result.then(
    () => finish({}),
    (error: SidecarError) => finish({ error }),
  );

  async function* files(): AsyncGenerator<SearchFile, void, undefined> {
    while (!left) {
      const next = arrived.shift();
      if (next !== undefined) yield* next;
      else if (end === undefined) await new Promise<void>((resolve) => (wake = resolve));
      else if (end.error === undefined) return;
      else throw end.error;
    }
  }
  const leave = () => {
    left = true;
    arrived.length = 0;
    if (end === undefined) stop.abort();
    wake();
  };

  return { result, cancel: () => stop.abort(), [Symbol.asyncIterator]: once("the files of a search", files, leave) };
}
