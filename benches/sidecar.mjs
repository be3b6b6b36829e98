// A client of one sidecar process, such as an editor's main process has.

import { spawn } from "node:child_process";
import { Lines } from "./lines.mjs";

export class Sidecar {
  /** The data of the event `ready`, once it came. */
  ready = null;
  #waiting = new Map();
  #listeners = new Map();
  #lines = new Lines();
  #last = 0;
  #ended = null;

  constructor(binary, root, ...args) {
    this.started = performance.now();
    this.child = spawn(binary, ["--root", root, "--log-level", "off", ...args], { stdio: ["pipe", "pipe", "inherit"] });
    this.child.stdout.setEncoding("utf8").on("data", (chunk) => this.#lines.read(chunk, (line) => this.#take(JSON.parse(line))));
    this.child.stdin.on("error", () => {}); // the process is gone; `close` says so
    this.child.on("error", (error) => this.#fail(error));
    this.child.on("close", (code, signal) => this.#fail(new Error(`the sidecar ended (${signal ?? code})`)));
    this.on("ready", (data) => (this.ready = data));
    this.on("fatal", ({ message }) => this.#fail(new Error(message)));
  }

  get pid() {
    return this.child.pid;
  }

  /** Calls `listener` with the data of every such event; returns what stops that. */
  on(name, listener, onEnd = () => {}) {
    const entry = { listener, onEnd };
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(entry);
    return () => this.#listeners.get(name).delete(entry);
  }

  /** The data of the next such event. */
  event(name) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const off = this.on(
        name,
        (data) => {
          off();
          resolve(data);
        },
        reject,
      );
    });
  }

  request(method, params = {}) {
    return new Promise((resolve, reject) => {
      if (this.#ended) return reject(this.#ended);
      const id = String(++this.#last);
      this.#waiting.set(id, { resolve, reject });
      this.child.stdin.write(`${JSON.stringify({ id, method, params })}\n`);
    });
  }

  end() {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return Promise.resolve();
    const ended = new Promise((resolve) => this.child.on("exit", resolve));
    this.child.stdin.end();
    return ended;
  }

  #take(message) {
    if (message.event) {
      for (const { listener } of this.#listeners.get(message.event) ?? []) listener(message.data);
      return;
    }
    const { resolve, reject } = this.#waiting.get(message.id) ?? {};
    this.#waiting.delete(message.id);
    if (message.ok) resolve?.(message.result);
    else reject?.(Object.assign(new Error(message.error.message), message.error));
  }

  #fail(error) {
    this.#ended ??= error;
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
    for (const entries of this.#listeners.values()) for (const { onEnd } of entries) onEnd(this.#ended);
    this.#listeners.clear();
  }
}
