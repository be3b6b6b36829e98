export { SidecarClient, type ClientOptions, type SidecarStreams } from "./client/client.js";
export type { SearchStream } from "./client/search-stream.js";
export { SidecarError, isErrorCode, type HostErrorCode, type SidecarErrorCode } from "./errors.js";
export type * from "./protocol.js";
export { ERROR_CODES, METHODS, PROTOCOL_VERSION } from "./protocol.js";
export type { Arguments, Method, Params, RequestOptions, Requester, Result, SidecarMethods } from "./requests.js";
