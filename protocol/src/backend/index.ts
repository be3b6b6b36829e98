export { createWorkspaceBackend, type SidecarMode, type WorkspaceBackendOptions } from "./create.js";
export type {
  BackendKind,
  WorkspaceBackend,
  WorkspaceChange,
  WorkspaceChanges,
  WorkspaceFile,
  WorkspaceGlobParams,
  WorkspaceGlobResult,
  WorkspaceReadParams,
  WorkspaceSearchFile,
  WorkspaceSearchParams,
  WorkspaceSearchResult,
  WorkspaceStatEntry,
  WorkspaceStatResult,
  WorkspaceWatch,
} from "./types.js";
