// ripgrep, run as programs run it today: a process for every search, its JSON parsed.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

const suffix = process.platform === "win32" ? ".exe" : "";
const rgPath = fileURLToPath(
  new URL(`../tests/node/node_modules/@vscode/ripgrep-${process.platform}-${process.arch}/bin/rg${suffix}`, import.meta.url),
);

/** Searches `where` in `tree` by the sidecar's rules of what is searched, and counts what is printed. */
export function ripgrep(tree, args, where = ".") {
  return new Promise((resolve, reject) => {
    const child = spawn(rgPath, ["--json", "--hidden", "--no-require-git", "-g", "!.git", ...args, where], {
      cwd: tree,
      stdio: ["ignore", "pipe", "inherit"],
    });
    let [files, matches, rest] = [0, 0, ""];
    child.stdout.setEncoding("utf8").on("data", (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop();
      for (const line of lines) {
        const { type, data } = JSON.parse(line);
        if (type === "begin") files += 1;
        else if (type === "match") matches += data.submatches.length;
      }
    });
    child.on("error", reject).on("close", () => resolve({ files, matches }));
  });
}
