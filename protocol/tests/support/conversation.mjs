// A client whose sidecar is the test: what it writes is looked at, what it reads is made up.

import { EventEmitter } from "node:events";
import { Writable } from "node:stream";

import { SidecarClient } from "workspace-sidecar";

/**
 * A conversation. Everything happens at once: what is `read` has been acted on when the call returns. `pipe`: where the
 * client writes in place of `written`.
 */
export function conversation(pipe) {
  const output = new EventEmitter();
  const written = [];
  const input =
    pipe ??
    new Writable({
      decodeStrings: false,
      write(line, _encoding, done) {
        written.push(JSON.parse(line));
        done();
      },
    });
  const events = [];
  const broken = [];
  const client = new SidecarClient(
    { input, output },
    { onEvent: (event) => events.push(event), onBroken: (error) => broken.push(error) },
  );
  const read = (bytes) => output.emit("data", Buffer.from(bytes));
  /** The client reads these messages, in one chunk. */
  const tell = (...messages) => read(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  return {
    client,
    input,
    events,
    broken,
    /** Every message that the client wrote. */
    written,
    methods: () => written.map(({ method }) => method),
    read,
    tell,
    answer: (id, result = {}) => tell({ id, ok: true, result }),
  };
}

/** The `ready` of a sidecar with these bounds. */
export const ready = (limits = {}) => ({
  event: "ready",
  data: {
    protocolVersion: 1,
    version: "0",
    pid: 1,
    root: "/",
    methods: [],
    clock: "1",
    limits: { maxInFlight: 256, maxRequestBytes: 1 << 24, maxResponseBytes: 1 << 26, ...limits },
  },
});

/** Whether a promise is settled by now. */
export async function settled(promise) {
  const undecided = Symbol("undecided");
  await new Promise(setImmediate);
  return (await Promise.race([promise.catch(() => {}), undecided])) !== undecided;
}
