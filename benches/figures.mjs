// Taking times, and what a report says of them.

export async function timed(work) {
  const start = performance.now();
  const value = await work();
  return [performance.now() - start, value];
}

export const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

/** The nearest rank: a time that was measured. */
export function percentile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

export const median = (times) => percentile(times, 0.5);

export function ms(time) {
  if (time === undefined) return "–";
  const size = Math.abs(time);
  return `${time.toFixed(size < 10 ? 2 : size < 100 ? 1 : 0)} ms`;
}

export const seconds = (time) => `${(time / 1000).toFixed(time < 10_000 ? 2 : 1)} s`;
export const megabytes = (bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
export const count = (number) => (number === undefined ? "n/a" : number.toLocaleString("en-US"));
export const yes = (value) => (value ? "yes" : "**no**");

/** A table of Markdown. */
export function table(head, rows) {
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
