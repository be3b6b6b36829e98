// The report: what ran on what, and the table.

import { count, megabytes, ms, seconds, table } from "../figures.mjs";
import { isTime, ratioOf, reached, rises } from "./rows.mjs";

const figure = ({ kind }) => (value) => {
  if (value === undefined || Number.isNaN(value)) return "–";
  if (kind === "share") return `${Number((value * 100).toFixed(1))} %`;
  if (kind === "bytes") return megabytes(value);
  const digits = Number.isInteger(value) || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)} ×`;
};

const time = (value) => (value >= 10_000 ? seconds(value) : ms(value));
const code = (text) => `\`${text.replaceAll("|", "\\|")}\``;
const marks = { goal: "goal", required: "required", missed: "**missed**" };

function foundCell({ found, note }) {
  const { files, matches, note: other } = found ?? {};
  const told = [matches === undefined ? undefined : `${count(matches)} in`, files === undefined ? undefined : `${count(files)} files`];
  return [told.filter(Boolean).join(" "), other, note].filter(Boolean).join("; ");
}

function cells(row, result) {
  const asked = result.asked ? ` ${code(result.asked)}` : "";
  if (result.ours === undefined) return [row.what + asked, foundCell(result), "–", "–", result.problems ? "**failed**" : "–", "–", "–", "–"];
  const side = isTime(row) ? time : megabytes;
  const bound = (value) => (value === undefined ? "–" : `${rises(row) ? "≥" : "≤"} ${figure(row)(value)}`);
  const ratio = ratioOf(row, result);
  return [
    row.what + asked,
    foundCell(result),
    side(result.ours),
    result.peer === undefined ? "–" : `${side(result.peer)} (${result.name})`,
    row.kind === "bytes" ? "–" : figure(row)(ratio),
    bound(row.required),
    bound(row.goal),
    marks[reached(row, ratio)] ?? "–",
  ];
}

/**
 * The table of the rows that were measured, `results` by their ids. What is asked of the rows is asked in the corpus:
 * without `targets` it is left out.
 */
export function resultsTable(rows, results, { targets = true } = {}) {
  const head = ["", "found", "sidecar", "peer", "ratio", "required", "goal", "reached"];
  const columns = targets ? head.length : head.indexOf("required");
  const measured = rows.filter(({ id }) => results.has(id));
  const lines = measured.map((row) => cells(row, results.get(row.id)));
  return table(head.slice(0, columns), lines.map((line) => line.slice(0, columns)));
}

/** Every problem of every row, a line each; nothing if there is none. */
export function problemLines(rows, results) {
  return rows.flatMap(({ id, what }) => {
    const problems = results.get(id)?.problems ?? [];
    const more = problems.length > 5 ? [`${what}: and ${problems.length - 5} more`] : [];
    return [...problems.slice(0, 5).map((problem) => `${what}: ${problem}`), ...more];
  });
}

/** A tree, as a report tells it. */
export function treeLine(name, { files, texts, bytes, textBytes, large }) {
  const sizes = `${count(files.length)} files, ${megabytes(bytes)}`;
  return `${name}: ${sizes}; ${count(texts.length)} of them text, ${megabytes(textBytes)}; ${count(large)} above 1 MiB.`;
}
