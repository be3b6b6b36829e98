// The processes there are.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** All processes: id, parent's id, whether it is a zombie, command line. Not for Windows. */
export function processes() {
  return process.platform === "linux" ? fromProc() : fromPs();
}

function fromProc() {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        const stat = readFileSync(`/proc/${name}/stat`, "utf8");
        // The program's name stands in parentheses and may hold anything.
        const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ").trim();
        return [{ pid: Number(name), parent: Number(parent), zombie: state === "Z", command }];
      } catch {
        return []; // It has ended.
      }
    });
}

function fromPs() {
  const columns = ["-A", "-ww", "-o", "pid=,ppid=,stat=,command="];
  return execFileSync("ps", columns, { encoding: "utf8", maxBuffer: 64 << 20 })
    .split("\n")
    // `ps` itself is a child of this process.
    .filter((line) => !line.endsWith(columns.at(-1)))
    .flatMap((line) => {
      const [, pid, parent, state, command] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
      if (pid === undefined) return [];
      return [{ pid: Number(pid), parent: Number(parent), zombie: state.startsWith("Z"), command }];
    });
}
