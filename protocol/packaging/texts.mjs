// Texts of licences, for what comes without its own.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * The MIT licence.
 * @param {string[]} copyright the lines that name the holders
 */
export function mitText(copyright) {
  return readText("MIT.txt").replace("<copyright>", copyright.join("\n"));
}

/** @param {string} name a file of `texts` */
export function readText(name) {
  return tidy(readFileSync(fileURLToPath(new URL(`texts/${name}`, import.meta.url)), "utf8"));
}

/**
 * The same on every platform, however a checkout or a crate ends its lines.
 * @param {string} text
 */
export function tidy(text) {
  const lines = text.replace(/^\uFEFF/, "").split(/\r\n|[\r\n\f]/);
  return lines.map((line) => line.trimEnd()).join("\n").replace(/^\n+|\n+$/g, "");
}
