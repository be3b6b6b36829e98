// What of a line is shown.

/** A part of this size of the shown text is what precedes the first match, where a long line is cut. */
const LEAD = 4;

/**
 * Cuts a line around `focus` to at most `max` UTF-16 units, without splitting a pair. A quarter of what is shown
 * precedes `focus`, or more if what follows is short.
 */
export function cutLine(line: string, focus: number, max: number): { text: string; start: number } {
  if (line.length <= max) return { text: line, start: 0 };
  // The match may start in the line's end, behind what is shown.
  let start = Math.min(back(line, focus, Math.floor(max / LEAD)), line.length);
  if (line.length - start <= max) start = back(line, line.length, max);
  let end = Math.min(line.length, start + max);
  if (splitsPair(line, end)) end--;
  return { text: line.slice(start, end), start };
}

/** At most `units` units before `at`, not inside a pair. */
function back(line: string, at: number, units: number): number {
  const start = Math.max(0, at - units);
  return splitsPair(line, start) ? start + 1 : start;
}

function splitsPair(line: string, at: number): boolean {
  const [before, behind] = [line.charCodeAt(at - 1), line.charCodeAt(at)];
  return before >= 0xd800 && before <= 0xdbff && behind >= 0xdc00 && behind <= 0xdfff;
}
