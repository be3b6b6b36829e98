export { namedProgram } from "./places.js";
export { targetOf } from "./platform.js";
export { resolveSidecarPath, type ResolveOptions } from "./resolve.js";
export { verifyBinary } from "./verify.js";
