// What the TypeScript compiler says of modules: the referee for `moduleGraph`.
//
// One JSON object per line on stdin, one JSON object per line on stdout, in the same order.
// A request that fails is answered `{"error": message}`.
//
//   {"text", "language": "tsx" | "ts" | "jsx" | "js"} -> {"sources": the specifiers in it}
//   {"root", "from", "source", "require": boolean}
//     -> {"path": where it leads to, relative to the root, links resolved; or null}
//
// Specifiers are resolved with the options of the nearest `tsconfig.json`, but always as bundlers do.

import { realpathSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { answerLines } from "./answers.mjs";

function sources(text, language) {
  const name = `/text.${language}`;
  const file = ts.createSourceFile(name, text, ts.ScriptTarget.Latest, true);
  const host = {
    ...ts.createCompilerHost({}),
    getSourceFile: (asked) => (asked === name ? file : undefined),
    fileExists: (asked) => asked === name,
  };
  ts.createProgram([name], { noResolve: true, noLib: true, types: [], allowJs: true }, host);
  // The program knows `require` in JavaScript alone; the quick look (which misses `export * as`) everywhere.
  const { importedFiles } = ts.preProcessFile(text, true, true);
  // A module that is declared again, to add to it, is no reference of the kinds we tell.
  const declared = new Set();
  const walk = (node) => {
    if (ts.isModuleDeclaration(node) && ts.isStringLiteral(node.name)) declared.add(node.name.getStart(file));
    ts.forEachChild(node, walk);
  };
  walk(file);
  const quick = importedFiles.filter(({ pos }) => !declared.has(pos)).map(({ fileName }) => fileName);
  return [...file.imports.map((literal) => literal.text), ...quick];
}

const configs = new Map();

function options(directory) {
  const file = ts.findConfigFile(directory, ts.sys.fileExists);
  if (!configs.has(file)) {
    const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} };
    const parsed = file && ts.getParsedCommandLineOfConfigFile(file, {}, host);
    configs.set(file, {
      ...parsed?.options,
      module: ts.ModuleKind.ESNext,
      moduleResolution: ts.ModuleResolutionKind.Bundler,
      allowJs: true,
      resolveJsonModule: true,
    });
  }
  return configs.get(file);
}

function resolve({ root, from, source, require }) {
  const real = realpathSync(root);
  const file = path.join(real, from);
  const mode = require ? ts.ModuleKind.CommonJS : ts.ModuleKind.ESNext;
  const resolved = ts.resolveModuleName(source, file, options(path.dirname(file)), ts.sys, undefined, undefined, mode);
  const found = resolved.resolvedModule?.resolvedFileName;
  return { path: found ? path.relative(real, found).replaceAll(path.sep, "/") : null };
}

function answer(request) {
  return request.text === undefined ? resolve(request) : { sources: sources(request.text, request.language) };
}

await answerLines(answer);
