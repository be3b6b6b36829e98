// The Zod schemas are of the types that the package exports: what goes in and what comes out, each exactly. `npm run
// check` compiles it and nothing runs it.

import type * as z from "zod";
import type * as types from "workspace-sidecar";
import * as zod from "workspace-sidecar/zod";

/** Whether two types are the same. */
type Same<A, B> = [Identical<A, B>, Fits<A, B>, Fits<B, A>] extends [true, true, true] ? true : false;
/** Sees `any`, and what is optional. */
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
/** Sees where `undefined` is let in beside what is optional. */
type Fits<A, B> = [A] extends [B] ? true : false;

/** The names of schemas that are of another type than they should be. */
type Wrong<Schemas extends Record<keyof Types, z.ZodType>, Types> = {
  [N in keyof Types]: [Same<z.output<Schemas[N]>, Types[N]>, Same<z.input<Schemas[N]>, Types[N]>] extends [true, true]
    ? never
    : N;
}[keyof Types];

/** Every type of the contract. */
interface Contract {
  Request: types.Request;
  RequestId: types.RequestId;
  Response: types.Response;
  Success: types.Success;
  AnyResult: types.AnyResult;
  Failure: types.Failure;
  Event: types.Event;
  Empty: types.Empty;
  PingResult: types.PingResult;
  StatusResult: types.StatusResult;
  IndexState: types.IndexState;
  SkippedCounts: types.SkippedCounts;
  WatcherStatus: types.WatcherStatus;
  WatchMode: types.WatchMode;
  MemoryStatus: types.MemoryStatus;
  TextIndexStatus: types.TextIndexStatus;
  FactsStatus: types.FactsStatus;
  CacheStatus: types.CacheStatus;
  ThreadStatus: types.ThreadStatus;
  SyncParams: types.SyncParams;
  SyncResult: types.SyncResult;
  StatParams: types.StatParams;
  StatResult: types.StatResult;
  StatEntry: types.StatEntry;
  FoundPath: types.FoundPath;
  Path: types.Path;
  EntryKind: types.EntryKind;
  FailedPath: types.FailedPath;
  ErrorBody: types.ErrorBody;
  ErrorCode: types.ErrorCode;
  ReadFileParams: types.ReadFileParams;
  Encoding: types.Encoding;
  ByteRange: types.ByteRange;
  ReadFileResult: types.ReadFileResult;
  FileContent: types.FileContent;
  SourceEncoding: types.SourceEncoding;
  Eol: types.Eol;
  NotModified: types.NotModified;
  ReadFilesParams: types.ReadFilesParams;
  ReadFilesResult: types.ReadFilesResult;
  ReadFilesEntry: types.ReadFilesEntry;
  GlobParams: types.GlobParams;
  GlobField: types.GlobField;
  GlobSort: types.GlobSort;
  Consistency: types.Consistency;
  GlobResult: types.GlobResult;
  GlobFile: types.GlobFile;
  FindFilesParams: types.FindFilesParams;
  FindFilesResult: types.FindFilesResult;
  FoundFile: types.FoundFile;
  SearchParams: types.SearchParams;
  CaseSensitive: types.CaseSensitive;
  Smart: types.Smart;
  SearchMode: types.SearchMode;
  SearchResult: types.SearchResult;
  SearchFile: types.SearchFile;
  SearchLine: types.SearchLine;
  SearchMatch: types.SearchMatch;
  Position: types.Position;
  TextRange: types.TextRange;
  SearchStats: types.SearchStats;
  ParseParams: types.ParseParams;
  Language: types.Language;
  Fact: types.Fact;
  ParseResult: types.ParseResult;
  SyntaxProblem: types.SyntaxProblem;
  Import: types.Import;
  ImportKind: types.ImportKind;
  NamedRange: types.NamedRange;
  ImportedName: types.ImportedName;
  Export: types.Export;
  ExportKind: types.ExportKind;
  Component: types.Component;
  ComponentKind: types.ComponentKind;
  JsxElement: types.JsxElement;
  JsxAttribute: types.JsxAttribute;
  JsxValue: types.JsxValue;
  JsxValueKind: types.JsxValueKind;
  SourceSymbol: types.SourceSymbol;
  SymbolKind: types.SymbolKind;
  UsagesParams: types.UsagesParams;
  AttributeFilter: types.AttributeFilter;
  UsagesResult: types.UsagesResult;
  UsagesFile: types.UsagesFile;
  ModuleGraphParams: types.ModuleGraphParams;
  GraphDirection: types.GraphDirection;
  ModuleGraphResult: types.ModuleGraphResult;
  ModuleEdge: types.ModuleEdge;
  ReferenceKind: types.ReferenceKind;
  UnresolvedModule: types.UnresolvedModule;
  PlanPropEditsParams: types.PlanPropEditsParams;
  PropEdit: types.PropEdit;
  ElementRef: types.ElementRef;
  ListedElement: types.ListedElement;
  ElementAt: types.ElementAt;
  PlanPropEditsResult: types.PlanPropEditsResult;
  FilePlan: types.FilePlan;
  PlanKind: types.PlanKind;
  TextEdit: types.TextEdit;
  FailedEdit: types.FailedEdit;
  FailedEditCode: types.FailedEditCode;
  QueryParams: types.QueryParams;
  QueryResult: types.QueryResult;
  QueryFile: types.QueryFile;
  QueryMatch: types.QueryMatch;
  QueryCapture: types.QueryCapture;
  QueryStats: types.QueryStats;
  WatchParams: types.WatchParams;
  WatchResult: types.WatchResult;
  UnwatchParams: types.UnwatchParams;
  ChangesParams: types.ChangesParams;
  ChangesResult: types.ChangesResult;
  Change: types.Change;
  ChangeKind: types.ChangeKind;
  CancelParams: types.CancelParams;
  CancelResult: types.CancelResult;
  ReadyData: types.ReadyData;
  Limits: types.Limits;
  FatalData: types.FatalData;
  ProgressData: types.ProgressData;
  Phase: types.Phase;
  IndexedData: types.IndexedData;
  ChangedData: types.ChangedData;
  PartialData: types.PartialData;
}

/** One of the fields of each. */
type Field<T extends { [N in keyof T]: { [F in K]: unknown } }, K extends string> = { [N in keyof T]: T[N][K] };

type Schemas = Omit<typeof zod, "methods" | "events">;

/** Compiles for `never` alone. */
function none<_Names extends never>(): void {}

none<Wrong<Schemas, Contract>>();
none<Exclude<keyof Schemas, keyof Contract>>();
none<Wrong<{ [M in keyof types.Methods]: (typeof zod.methods)[M]["params"] }, Field<types.Methods, "params">>>();
none<Wrong<{ [M in keyof types.Methods]: (typeof zod.methods)[M]["result"] }, Field<types.Methods, "result">>>();
none<Wrong<typeof zod.events, types.Events>>();

// What does not fit is told: else nothing above would prove anything.
// @ts-expect-error: of another type.
none<Wrong<{ a: z.ZodType<string, string> }, { a: number }>>();
// @ts-expect-error: of another type before it is parsed.
none<Wrong<{ a: z.ZodType<string, number> }, { a: string }>>();
// @ts-expect-error: optional, rather than perhaps undefined.
none<Wrong<{ a: z.ZodType<{ b?: string }, { b?: string }> }, { a: { b?: string | undefined } }>>();
// @ts-expect-error: optional, rather than required.
none<Wrong<{ a: z.ZodType<{ b?: string }, { b?: string }> }, { a: { b: string } }>>();
// @ts-expect-error: unchecked.
none<Wrong<{ a: z.ZodType<any, any> }, { a: string }>>();
// @ts-expect-error: a field more.
none<Wrong<{ a: z.ZodType<{ b: 1; c: 2 }, { b: 1; c: 2 }> }, { a: { b: 1 } }>>();

// -- Uses --------------------------------------------------------------------------------------

/** What a boundary of an app does: the type of what was checked follows from the method. */
export function checked<M extends keyof types.Methods>(method: M, value: unknown): types.Methods[M]["result"] {
  return zod.methods[method].result.parse(value);
}

/** A schema has its type by it, under the same name. */
export function found(params: zod.GlobParams, line: unknown): string[] {
  const { include }: zod.GlobParams = params;
  const event = zod.Event.parse(line);
  if (event.event === "changed") return event.data.changes.map((change) => change.path);
  const response = zod.Response.parse(line);
  return response.ok ? include : [response.error.code];
}

/** Schemas of one's own, from those of the contract. */
export const Listing = zod.GlobParams.pick({ include: true, limit: true }).required({ limit: true });
none<Exclude<keyof z.infer<typeof Listing>, "include" | "limit">>();
export const codes: types.ErrorCode[] = zod.ErrorCode.options;

// @ts-expect-error: `after` was not picked.
Listing.shape.after;
// @ts-expect-error: there is no such method.
zod.methods.writeFile;
