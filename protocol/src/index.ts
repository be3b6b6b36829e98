export * from "./backend/index.js";
export { SidecarClient, type ClientOptions, type SidecarStreams } from "./client/client.js";
export type { SearchStream } from "./client/search-stream.js";
export { SidecarError, isErrorCode, type HostErrorCode, type SidecarErrorCode } from "./errors.js";
export { consoleLogger, silentLogger, type Logger } from "./logger.js";
export type { SidecarCommand } from "./manager/command.js";
export type { EndCause } from "./manager/end-cause.js";
export { sidecarEnvironment } from "./manager/environment.js";
export type { HeartbeatOptions } from "./manager/heartbeat.js";
export {
  SidecarManager,
  type RestartInfo,
  type SidecarManagerEvents,
  type SidecarState,
} from "./manager/manager.js";
export type { SidecarManagerOptions } from "./manager/options.js";
export type { StopOptions } from "./manager/process.js";
export type { RestartOptions } from "./manager/restart-policy.js";
export type { Changes, Subscription } from "./manager/subscription.js";
export type * from "./protocol.js";
export { ERROR_CODES, METHODS, PROTOCOL_VERSION } from "./protocol.js";
export type {
  Arguments,
  ManagedMethod,
  Method,
  Params,
  RequestOptions,
  Requester,
  Result,
  SidecarMethods,
} from "./requests.js";
export type { BundleManifest, LoadedManifest } from "./resolve/manifest.js";
export type { SidecarBinary, SidecarSource } from "./resolve/places.js";
export type { Libc, PlatformName, TargetOptions } from "./resolve/platform.js";
export { resolveSidecarPath, type ResolveOptions } from "./resolve/resolve.js";
export { sealBundle, type Seal } from "./resolve/seal.js";
export { verifyBinary } from "./resolve/verify.js";
