// A workspace behind each of the two backends.

import { createWorkspaceBackend } from "workspace-sidecar";

import { binary } from "./binary.mjs";

/** Behind the real binary. */
export const sidecarBackend = (root, sidecar = {}) =>
  createWorkspaceBackend({ root, mode: "required", sidecar: { binary, logLevel: "off", ...sidecar } });

/** Read by plain Node. */
export const nodeBackend = (root, sidecar = {}) => createWorkspaceBackend({ root, mode: "off", sidecar });

/** A promise that fails when it takes too long. */
export async function within(promise, what, timeoutMs = 20_000) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
