export { resolveSidecarPath, type ResolveOptions } from "./resolve.js";
export { verifyBinary } from "./verify.js";
