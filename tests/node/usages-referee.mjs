// Which JSX elements are which export, by the TypeScript compiler's checker: the referee for `usages`.
//
// One JSON object per line on stdin, one JSON object per line on stdout, in the same order.
// A request that fails is answered `{"error": message}`.
//
//   {"root", "files": [path]}
//     -> {"exports": [{"path", "name", "found": {path: [index]}}], "unknown": [{"path", "name"}]}
//
// Every name that one of the files exports is there (of a module under a name, what that exports, behind a dot), with the
// elements whose tags have its symbol, aliases resolved: the files they are in, and their numbers in document order.
// `unknown` are names that lead nowhere. The files are one program, with the options of the root's `tsconfig.json`, but
// resolved as bundlers do.

import { realpathSync } from "node:fs";
import path from "node:path";
import ts from "typescript";
import { answerLines } from "./answers.mjs";

function options(root) {
  const file = path.join(root, "tsconfig.json");
  const host = { ...ts.sys, onUnRecoverableConfigFileDiagnostic() {} };
  const parsed = ts.sys.fileExists(file) ? ts.getParsedCommandLineOfConfigFile(file, {}, host) : undefined;
  return {
    ...parsed?.options,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    jsx: ts.JsxEmit.Preserve,
    allowJs: true,
    noLib: true,
    types: [],
  };
}

function usages({ root, files }) {
  const real = realpathSync(root);
  const program = ts.createProgram(files.map((file) => path.join(real, file)), options(real));
  const checker = program.getTypeChecker();

  /** What a symbol is after all; undefined if nobody knows. */
  function target(symbol) {
    const found = symbol && symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return found && !checker.isUnknownSymbol(found) ? checker.getExportSymbolOfSymbol(found) : undefined;
  }

  /** The elements of each symbol. */
  const elements = new Map();
  for (const file of files) {
    const source = program.getSourceFile(path.join(real, file));
    let index = 0;
    const walk = (node) => {
      if (ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node)) {
        const tag = ts.isJsxElement(node) ? node.openingElement.tagName : node.tagName;
        const isComponent = tag && (ts.isIdentifier(tag) ? !/^[a-z]|-/.test(tag.text) : ts.isPropertyAccessExpression(tag));
        const symbol = isComponent ? target(checker.getSymbolAtLocation(tag)) : undefined;
        if (symbol) {
          if (!elements.has(symbol)) elements.set(symbol, {});
          (elements.get(symbol)[file] ??= []).push(index);
        }
        index += 1;
      }
      ts.forEachChild(node, walk);
    };
    walk(source);
  }

  const exports = [];
  const unknown = [];
  const add = (file, module, prefix) => {
    for (const symbol of checker.getExportsOfModule(module)) {
      const name = `${prefix}${symbol.name}`;
      const found = target(symbol);
      const isModule = found?.declarations?.some(ts.isSourceFile) ?? false;
      if (isModule) {
        if (!prefix) add(file, found, `${name}.`);
      } else if (found) exports.push({ path: file, name, found: elements.get(found) ?? {} });
      else unknown.push({ path: file, name });
    }
  };
  for (const file of files) {
    const module = checker.getSymbolAtLocation(program.getSourceFile(path.join(real, file)));
    // A file without imports and exports is no module.
    if (module) add(file, module, "");
  }
  return { exports, unknown };
}

await answerLines(usages);
