// The chart: how many times as fast as its peer each row is, on a logarithmic scale. SVG, written by hand.

import { isTime, ratioOf, rises } from "./rows.mjs";

const WIDTH = 900;
const LABELS = 370;
const RIGHT = 70;
const TOP = 52;
const STEP = 24;
const BAR = 14;

/** Light by default; a reader's dark scheme changes texts and lines. */
const STYLE = `
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #24292f }
  .title { font-size: 15px; font-weight: 600 }
  .small { font-size: 11px }
  .peer, .small { fill: #57606a }
  .grid { stroke: #d0d7de }
  .one { stroke: #57606a }
  .ahead { fill: #218bff }
  .behind { fill: #e16f24 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .peer, .small { fill: #9198a1 }
    .grid { stroke: #3d444d }
    .one { stroke: #9198a1 }
  }`;

const escape = (text) => text.replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[letter]);
const times = (value) => `${value.toFixed(value >= 100 ? 0 : value >= 10 ? 1 : 2)} ×`;

/** A bar for each measured row that compares times: how many times as fast as the peer, so that longer is better. */
export function bars(rows, results) {
  const measured = rows.filter((row) => isTime(row) && Number.isFinite(results.get(row.id)?.ours));
  return measured.map((row) => {
    const result = results.get(row.id);
    const ratio = ratioOf(row, result);
    return { label: row.what.replaceAll("`", ""), peer: result.name, value: rises(row) ? ratio : 1 / ratio };
  });
}

/** Draws the bars, each from 1 to its value. */
export function chart(title, drawn) {
  const values = drawn.map(({ value }) => value);
  const low = Math.floor(Math.log10(Math.min(1, ...values)));
  const high = Math.ceil(Math.log10(Math.max(10, ...values)));
  const x = (value) => LABELS + ((Math.log10(value) - low) / (high - low)) * (WIDTH - LABELS - RIGHT);
  const bottom = TOP + drawn.length * STEP;

  const parts = [`<text class="title" x="12" y="22">${escape(title)}</text>`];
  for (let power = low; power <= high; power += 1) {
    const at = x(10 ** power).toFixed(1);
    parts.push(
      `<line class="${power === 0 ? "one" : "grid"}" x1="${at}" y1="${TOP - 4}" x2="${at}" y2="${bottom + 4}"/>`,
      `<text class="small" x="${at}" y="${TOP - 10}" text-anchor="middle">${10 ** power} ×</text>`,
    );
  }
  drawn.forEach(({ label, peer, value }, number) => {
    const top = TOP + number * STEP + (STEP - BAR) / 2;
    const [from, to] = [x(Math.min(1, value)), x(Math.max(1, value))];
    const width = Math.max(1, to - from).toFixed(1);
    parts.push(
      `<text x="${LABELS - 12}" y="${top + 11}" text-anchor="end">${escape(label)}<tspan class="peer">\u00a0/ ${escape(peer)}</tspan></text>`,
      `<rect class="${value < 1 ? "behind" : "ahead"}" x="${from.toFixed(1)}" y="${top}" width="${width}" height="${BAR}" rx="2"/>`,
      `<text class="small" x="${(to + 6).toFixed(1)}" y="${top + 11}">${times(value)}</text>`,
    );
  });
  parts.push(`<text class="small" x="12" y="${bottom + 26}">Behind each stroke, what it is compared with. Logarithmic scale; longer is better.</text>`);
  const height = bottom + 38;
  const box = `viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${box} role="img" aria-label="${escape(title)}">\n<style>${STYLE}\n</style>\n${parts.join("\n")}\n</svg>\n`;
}
