// The links of packed Markdown. In the repository they are relative; of what they lead to, a package has only a part,
// and in other folders.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join, posix } from "node:path";

import { writePlain } from "./bundle.mjs";

/**
 * Where a path of the repository is in the package, and back. Both are with `/`, and without one at the end.
 * @typedef {readonly (readonly [repository: string, package: string])[]} Layout
 */

/**
 * Makes the links of all Markdown in a package lead somewhere. What the package has is linked in there; the rest, in
 * the repository on the web, or, where that has no address, not at all. Throws where a link was dead before.
 * @param {object} options
 * @param {string} options.root the repository's folder
 * @param {string} options.stage the package's folder
 * @param {Layout} options.layout of all that is in the package
 * @param {string} [options.web] the address of the same version's files: `https://github.com/owner/name/tree/v1.2.3`
 */
export function rewriteLinks({ root, stage, layout, web }) {
  const markdown = readdirSync(stage, { recursive: true }).map((file) => file.replaceAll("\\", "/"));
  for (const file of markdown.filter((name) => name.endsWith(".md"))) {
    const source = moved(file, layout.map(([from, to]) => [to, from]));
    const rewritten = mapLinks(readFileSync(join(stage, file), "utf8"), ({ text, path, fragment }) => {
      const target = posix.join(posix.dirname(source), path).replace(/\/$/, "");
      if (!existsSync(join(root, target))) throw new Error(`${join(root, source)}: the link ${path} is dead`);
      const packed = moved(target, layout);
      const isPacked = packed !== undefined && existsSync(join(stage, packed));
      // npm's page of a package has its README, whose links start from the package's folder in the repository.
      const isOnPage = file === "README.md" && !target.startsWith(`${posix.dirname(source)}/`);
      if (isPacked && !(isOnPage && web)) {
        const href = posix.relative(posix.dirname(file), packed) + fragment;
        const label = text.replaceAll("`", "") === target ? text.replace(target, packed) : text;
        return `[${label}](${href})`;
      }
      return web ? `[${text}](${web}/${target}${fragment})` : text;
    });
    writePlain(join(stage, file), rewritten);
  }
}

/**
 * The relative links of a Markdown text.
 * @param {string} markdown
 * @returns {{ text: string, path: string, fragment: string }[]} `fragment` with its `#`, or empty
 */
export function relativeLinks(markdown) {
  const links = [];
  mapLinks(markdown, (link) => {
    links.push(link);
    return "";
  });
  return links;
}

/** Replaces links to files. Those with a scheme, those within the same text, and what looks like one in code stay. */
function mapLinks(markdown, replace) {
  const blocks = markdown.split(/^( *```[^]*?^ *```)$/m);
  const link = /\[([^[\]]*)\]\((?![a-z][a-z+.-]*:|#)([^()\s#]+)(#[^()\s]*)?\)/gi;
  return blocks
    .map((block) => {
      if (/^ *```/.test(block)) return block;
      return block.replace(link, (_whole, text, path, fragment = "") => replace({ text, path, fragment }));
    })
    .join("");
}

/** A path below another folder; `undefined` where the layout has none for it. */
function moved(path, layout) {
  for (const [from, to] of layout) {
    if (path === from) return to;
    if (path.startsWith(`${from}/`)) return posix.join(to, path.slice(from.length + 1));
  }
  return undefined;
}
