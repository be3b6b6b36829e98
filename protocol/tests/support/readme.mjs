// The examples of a README, and a way to run them.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";

const WAIT_MS = 60_000;

/** The JavaScript of a README, with the headings that it is under. */
export function blocksOf(readme) {
  const blocks = [];
  let heading = "";
  let block;
  for (const line of readFileSync(readme, "utf8").split("\n")) {
    if (block !== undefined && line === "```") block = void blocks.push(block);
    else if (block !== undefined) block.code += `${line}\n`;
    else if (line.startsWith("## ")) heading = line.slice(3);
    else if (line === "```js") block = { heading, code: "" };
  }
  return blocks;
}

/**
 * Runs a program until it ends by itself. Each of `steps` is a pattern of what it has to have printed, one after the
 * other, and perhaps what to do then.
 */
export async function runProgram(file, { cwd, env, args = [], steps }) {
  const stdio = ["ignore", "pipe", "pipe"];
  const child = spawn(process.execPath, [file, ...args], { cwd, env, stdio, timeout: WAIT_MS });
  const awaited = [...steps];
  let output = "";
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  child.stdout.setEncoding("utf8").on("data", (text) => {
    output += text;
    while (awaited.length > 0 && awaited[0][0].test(output)) awaited.shift()[1]?.();
  });
  const [code, signal] = await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (...end) => resolve(end));
  });
  const what = `${file} ended with ${code ?? signal}\n${output}\n${errors}`;
  assert.deepEqual(awaited.map(([pattern]) => pattern), [], `was not printed; ${what}`);
  assert.equal(code, 0, what);
}
