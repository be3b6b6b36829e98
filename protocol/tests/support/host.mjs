// An application with a sidecar, as a process of its own: `node host.mjs SCENARIO BINARY ROOT`. Tells what it does as
// lines of JSON, and ends when nothing keeps it alive any more.

import { closeSync, openSync } from "node:fs";
import { devNull } from "node:os";

import { SidecarManager, silentLogger } from "workspace-sidecar";

const [scenario, binary, root] = process.argv.slice(2);
const tell = (what) => console.log(JSON.stringify(what));
/** Whatever of these a host waited for would last longer than anybody waits for its end. */
const LONG_MS = 120_000;
const long = { startTimeoutMs: LONG_MS, requestTimeoutMs: LONG_MS, heartbeat: { intervalMs: LONG_MS } };
const manager = (options) => new SidecarManager({ root, binary, logger: silentLogger, ...long, ...options });
const code = (error) => error.code;
const script = (text) => ({ file: process.execPath, args: ["-e", text, "--"] });
const ENDS_AT_ONCE = script("process.exit(1)");
const NEVER_READY = script("setInterval(() => {}, 1000)");
/** Leaves a process behind that holds its output open, and writes its pid into a file. */
const OUTLIVED = 'sleep 120 & echo $! > "$0.outlives"; exit 6';

const scenarios = {
  // These do not end by themselves: they are killed.
  async idle() {
    const sidecar = manager();
    await sidecar.start();
    await sidecar.glob({ include: ["**"] });
    tell({ pid: sidecar.pid, busy: true });
  },
  async indexing() {
    const sidecar = manager();
    await sidecar.start();
    const { state } = await sidecar.status();
    tell({ pid: sidecar.pid, busy: state === "scanning" || state === "indexing" });
  },
  async searching() {
    const sidecar = manager();
    await sidecar.start();
    const slow = { pattern: "(x+x+)+y", regex: true, useIndex: false, mode: "count", consistency: "eventual" };
    // Each time one ends, the next is asked, so that there is always something that runs when the end comes. One that is
    // rejected ends this host with its error: nobody would wait for anything any more.
    const again = () => sidecar.search(slow, { timeoutMs: 0 }).then(again);
    for (let at = 0; at < 8; at++) void again();
    while ((await sidecar.status()).inFlight < 2);
    tell({ pid: sidecar.pid, busy: true });
  },

  // These end, and nothing may keep the process from ending.
  async stopped() {
    const sidecar = manager();
    await sidecar.start();
    const { signal } = new AbortController();
    const reader = (async () => {
      for await (const _ of sidecar.watch({}, { signal }));
    })();
    await Promise.all([sidecar.glob({ include: ["**"] }, { signal }), sidecar.searchStream({ pattern: "a" }).result]);
    await sidecar.glob({ include: ["**"] }, { signal: AbortSignal.abort() }).catch(() => {});
    const last = sidecar.search({ pattern: "x" }).catch(code);
    await sidecar.stop();
    await reader;
    tell({ pid: null, last: typeof (await last) });
  },
  async startedTwice() {
    const sidecar = manager();
    await sidecar.start();
    await sidecar.stop();
    await sidecar.start();
    await sidecar.stop();
    tell({ pid: null });
  },
  async neverReady() {
    const sidecar = manager({ binary: NEVER_READY, startTimeoutMs: 300 });
    const started = sidecar.start().catch(code);
    const waits = sidecar.glob({ include: ["**"] }).catch(code);
    tell({ code: await started, waits: await waits });
  },
  async endsAtOnce() {
    const sidecar = manager({ binary: ENDS_AT_ONCE, restart: { minDelayMs: 1, maxDelayMs: 1 } });
    const started = sidecar.start().catch(code);
    const waits = sidecar.glob({ include: ["**"] }).catch(code);
    tell({ code: await started, waits: await waits });
  },
  async stoppedInBackOff() {
    const sidecar = manager({ binary: ENDS_AT_ONCE, restart: { minDelayMs: LONG_MS, maxDelayMs: LONG_MS } });
    const started = sidecar.start().catch(code);
    sidecar.on("restarting", () => void sidecar.stop());
    tell({ code: await started });
  },
  async notFound() {
    const sidecar = manager({ binary: "/no/such/binary" });
    tell({ code: await sidecar.start().catch(code) });
  },
  /** Another process holds the sidecar's output open. */
  async outlived() {
    const binary = { file: "/bin/sh", args: ["-c", OUTLIVED, root] };
    const sidecar = manager({ binary, restart: false });
    tell({ code: await sidecar.start().catch(code) });
  },
  /** There are no descriptors left; later there are. */
  async noDescriptors() {
    const sidecar = manager({ restart: { minDelayMs: 1, maxDelayMs: 1, maxCrashes: 3 } });
    const open = [];
    try {
      for (;;) open.push(openSync(devNull));
    } catch (error) {
      if (error.code !== "EMFILE") throw error;
    }
    const error = await sidecar.start().catch((error) => error);
    for (const descriptor of open) closeSync(descriptor);
    await sidecar.start();
    await sidecar.stop();
    tell({ code: error.code, message: error.message });
  },
};

await scenarios[scenario]();
