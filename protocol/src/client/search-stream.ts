// A search whose files arrive while it runs.

import type { SidecarError } from "../errors.js";
import type { SearchFile, SearchResult } from "../protocol.js";

/**
 * The files of a search, in path order, as they are found; `result` has the totals. Leaving a loop over it early cancels
 * the search. It can be gone through once. What has arrived and was not taken is held: `maxMatches` bounds it.
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
  let wake: () => void = () => {};

  const finish = (how: { error?: SidecarError }) => {
    end = how;
    wake();
  };
  const result = source(
    (files) => {
      arrived.push(files);
      wake();
    },
    signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]),
  );
  // Both sides tell of a failure; nobody has to look at both.
  result.then(
    () => finish({}),
    (error: SidecarError) => finish({ error }),
  );

  return {
    result,
    cancel: () => stop.abort(),
    async *[Symbol.asyncIterator]() {
      try {
        for (;;) {
          const files = arrived.shift();
          if (files !== undefined) yield* files;
          else if (end === undefined) await new Promise<void>((resolve) => (wake = resolve));
          else if (end.error === undefined) return;
          else throw end.error;
        }
      } finally {
        if (end === undefined) stop.abort();
      }
    },
  };
}
