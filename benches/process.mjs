// What the operating system tells of a process.

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

let ticksPerSecond;

/** Processor time used so far, in milliseconds; undefined where there is no /proc. */
export function cpuMs(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }));
  // The program's name stands in parentheses and may hold anything; utime and stime are fields 14 and 15.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return ((Number(fields[11]) + Number(fields[12])) / ticksPerSecond) * 1000;
}

/** The processor time of `work`, for a report. */
export async function cpuOf(pid, work) {
  const before = cpuMs(pid);
  const value = await work();
  const used = before === undefined ? "n/a (no /proc here)" : `${(cpuMs(pid) - before).toFixed(0)} ms`;
  return [used, value];
}

/** The most memory a process ever had resident, in bytes; undefined where there is no /proc. */
export function peakBytes(pid) {
  try {
    const [, kibibytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    return Number(kibibytes) * 1024;
  } catch {
    return undefined;
  }
}
