export { SidecarError, isErrorCode, type HostErrorCode, type SidecarErrorCode } from "./errors.js";
export type * from "./protocol.js";
export { ERROR_CODES, METHODS, PROTOCOL_VERSION } from "./protocol.js";
export type { Arguments, Method, Params, RequestOptions, Requester, Result, SidecarMethods } from "./requests.js";
