// What the TypeScript compiler says is in a source: the referee for `parse` and `planPropEdits`.
//
// One JSON object per line on stdin, one JSON object per line on stdout, in the same order.
// A request that fails is answered `{"error": message}`.
//
//   {"path"} or {"text", "language": "tsx" | "ts" | "jsx" | "js"}
//     -> {"errors": number, "imports", "exports", "jsx", "symbols"}
//
//   {"before": text, "after": text, "language", "edits": [{"index", "prop", "value"?: JSON text}]}
//     -> {"errors": number, "wrong": [message]}
//
// The second compares two sources: whether the props of the elements `index` have the values in `after` (or are gone),
// as compiled code gets them, and all else is as it was. `errors` is that of `after`.
//
// The facts have the shapes of the contract, but for what only React knows: elements have no `component`.
// `errors` counts what the parser complains about; with any, how far facts go is anybody's guess.

import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import ts from "typescript";
import { answerLines } from "./answers.mjs";

const { SyntaxKind } = ts;

/** The HTML entities JSX knows, from the compiler itself, which does not export them. */
const entities = (() => {
  const source = readFileSync(new URL(import.meta.resolve("typescript")), "utf8");
  const begin = "var entities = new Map(Object.entries(";
  const start = source.indexOf(begin) + begin.length;
  const table = source.slice(start, source.indexOf("}", start) + 1);
  return new Map([...table.matchAll(/(\w+): (\d+)/g)].map(([, name, code]) => [name, Number(code)]));
})();

/** An attribute's string as React gets it. */
const decode = (text) =>
  text.replace(/&(?:#(\d+)|#x([\da-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    const code = decimal ? parseInt(decimal, 10) : hex ? parseInt(hex, 16) : entities.get(name);
    return code === undefined || code > 0x10ffff ? whole : String.fromCodePoint(code);
  });

function parse(path, text) {
  const options = { languageVersion: ts.ScriptTarget.Latest, jsDocParsingMode: ts.JSDocParsingMode.ParseNone };
  return ts.createSourceFile(path, text, options, true);
}

const nameOf = (node) => (ts.isIdentifier(node) ? ts.idText(node) : node.text);
const has = (node, kind) => ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some((each) => each.kind === kind) ?? false);

function moduleFacts(file) {
  const range = (node) => ({ start: node.getStart(file), end: node.end });
  const named = (node) => ({ name: nameOf(node), range: range(node) });
  const imports = [];
  const exports = [];
  const seen = new Map();

  /** A name is exported once: overloads and a type beside a value are one. */
  function add(name, kind, local, source, typeOnly, node) {
    const before = seen.get(name);
    if (before) {
      before.typeOnly &&= typeOnly;
      return;
    }
    const entry = { name, kind, local, source, typeOnly, range: range(node) };
    exports.push(entry);
    if (name !== "*") seen.set(name, entry);
  }

  function importDeclaration(node) {
    const clause = node.importClause;
    const entry = { source: node.moduleSpecifier.text, kind: "sideEffect", named: [], range: range(node) };
    imports.push(entry);
    if (!clause) return;
    entry.kind = clause.isTypeOnly ? "type" : "value";
    if (clause.name) entry.default = named(clause.name);
    const bindings = clause.namedBindings;
    if (!bindings) return;
    if (ts.isNamespaceImport(bindings)) entry.namespace = named(bindings.name);
    else
      entry.named = bindings.elements.map((element) => ({
        imported: nameOf(element.propertyName ?? element.name),
        local: nameOf(element.name),
        typeOnly: clause.isTypeOnly || element.isTypeOnly,
        range: range(element),
      }));
  }

  function exportDeclaration(node) {
    const source = node.moduleSpecifier?.text;
    const clause = node.exportClause;
    if (!clause) return add("*", "all", undefined, source, node.isTypeOnly, node);
    if (ts.isNamespaceExport(clause)) return add(nameOf(clause.name), "all", undefined, source, node.isTypeOnly, clause);
    for (const element of clause.elements) {
      const name = nameOf(element.name);
      const kind = source !== undefined ? "reExport" : name === "default" ? "default" : "named";
      const typeOnly = node.isTypeOnly || element.isTypeOnly;
      add(name, kind, nameOf(element.propertyName ?? element.name), source, typeOnly, element);
    }
  }

  function bound(name) {
    if (ts.isIdentifier(name)) return [name];
    return name.elements.filter(ts.isBindingElement).flatMap((element) => bound(element.name));
  }

  function declaration(node) {
    const isDefault = has(node, SyntaxKind.DefaultKeyword);
    const typeOnly = ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node);
    const names = ts.isVariableStatement(node)
      ? node.declarationList.declarations.flatMap(({ name }) => bound(name))
      : node.name && ts.isIdentifier(node.name) ? [node.name] : [];
    if (names.length === 0 && isDefault) add("default", "default", undefined, undefined, false, node);
    for (const name of names) {
      const local = nameOf(name);
      add(isDefault ? "default" : local, isDefault ? "default" : "named", local, undefined, typeOnly, name);
    }
  }

  for (const node of file.statements) {
    if (ts.isImportDeclaration(node)) importDeclaration(node);
    else if (ts.isExportDeclaration(node)) exportDeclaration(node);
    else if (ts.isExportAssignment(node)) {
      const local = ts.isIdentifier(node.expression) ? nameOf(node.expression) : undefined;
      add("default", "default", local, undefined, false, node);
    } else if (has(node, SyntaxKind.ExportKeyword)) declaration(node);
    else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      const kind = node.isTypeOnly ? "type" : "value";
      const source = node.moduleReference.expression.text;
      imports.push({ source, kind, default: named(node.name), named: [], range: range(node) });
    }
  }
  return { imports, exports };
}

function jsxFacts(file) {
  const range = (node) => ({ start: node.getStart(file), end: node.end });
  const tag = (node) => node.getText(file).replace(/\/\*[^]*?\*\/|\/\/.*|\s+/g, "");
  const jsx = [];
  const counts = new Map();
  const around = [];

  /** What is written there, and the value if it is a literal that JSON can hold. */
  function classify(node) {
    const text = (kind) => (node.text.isWellFormed() ? [kind, node.text] : [kind]);
    const number = (value) => (Number.isFinite(value) ? ["number", value] : ["number"]);
    if (!node) return ["expression"];
    if (ts.isStringLiteral(node)) return text("string");
    if (ts.isNoSubstitutionTemplateLiteral(node)) return text("template");
    if (ts.isTemplateExpression(node)) return ["template"];
    if (ts.isNumericLiteral(node)) return number(Number(node.text));
    if (ts.isPrefixUnaryExpression(node) && node.operator === SyntaxKind.MinusToken && ts.isNumericLiteral(node.operand))
      return number(-node.operand.text);
    if (node.kind === SyntaxKind.TrueKeyword) return ["boolean", true];
    if (node.kind === SyntaxKind.FalseKeyword) return ["boolean", false];
    if (node.kind === SyntaxKind.NullKeyword) return ["null", null];
    if (ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node)) return ["element"];
    return ["expression"];
  }

  function value(node) {
    if (!node) return null;
    if (ts.isStringLiteral(node)) {
      const literal = decode(node.text);
      return { kind: "string", inExpression: false, literal: literal.isWellFormed() ? literal : undefined, range: range(node) };
    }
    const inExpression = ts.isJsxExpression(node);
    const [kind, literal] = classify(inExpression ? node.expression : node);
    return { kind, inExpression, literal, range: range(node) };
  }

  function attribute(node) {
    if (ts.isJsxSpreadAttribute(node)) return { kind: "spread", range: range(node), text: node.expression.getText(file) };
    const { name, initializer } = node;
    return { kind: "attribute", name: tag(name), range: range(node), nameRange: range(name), value: value(initializer) };
  }

  function element(node) {
    const fragment = ts.isJsxFragment(node);
    const opening = ts.isJsxElement(node) ? node.openingElement : fragment ? node.openingFragment : node;
    const name = fragment ? "" : tag(opening.tagName);
    const nth = counts.get(name) ?? 0;
    counts.set(name, nth + 1);
    const start = node.getStart(file);
    // Not the compiler's own lines: it ends them at a lone CR and at U+2028, too.
    const before = file.text.slice(0, start);
    const found = {
      name,
      index: jsx.length,
      nth,
      parent: around.at(-1)?.index ?? null,
      selfClosing: ts.isJsxSelfClosingElement(node),
      fragment,
      range: range(node),
      openingRange: range(opening),
      nameRange: fragment ? { start: start + 1, end: start + 1 } : range(opening.tagName),
      start: { line: before.split("\n").length, column: start - before.lastIndexOf("\n") },
      attributes: fragment ? [] : opening.attributes.properties.map(attribute),
    };
    jsx.push(found);
    return found;
  }

  function walk(node) {
    const isElement = ts.isJsxElement(node) || ts.isJsxSelfClosingElement(node) || ts.isJsxFragment(node);
    if (isElement) around.push(element(node));
    ts.forEachChild(node, walk);
    if (isElement) around.pop();
  }
  walk(file);
  return jsx;
}

/** What compiled code gets for an attribute that is written so. */
function compiled(attribute, prop) {
  const compilerOptions = { jsx: ts.JsxEmit.React, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext };
  const { outputText } = ts.transpileModule(`<x ${attribute} />`, { fileName: "x.tsx", compilerOptions });
  let props;
  new Function("React", outputText)({ createElement: (_, given) => (props = given) });
  return props[prop];
}

function judge({ before, after, language, edits }) {
  const [old, now] = [before, after].map((text) => parse(`text.${language}`, text));
  const [was, is] = [jsxFacts(old), jsxFacts(now)];
  const wrong = [];
  const same = (what, one, other) => {
    // Objects have an order, too.
    if (!isDeepStrictEqual(one, other) || JSON.stringify(one) !== JSON.stringify(other))
      wrong.push(`${what}: ${JSON.stringify(one)} became ${JSON.stringify(other)}`);
  };
  const outline = ({ name, nth, parent, selfClosing, fragment }) => ({ name, nth, parent, selfClosing, fragment });
  same("elements", was.map(outline), is.map(outline));
  if (wrong.length) return { errors: now.parseDiagnostics.length, wrong };

  const slice = (text, { start, end }) => text.slice(start, end);
  const edited = [...new Set(edits.map(({ index }) => index))];
  /** Attributes that no edit is for, as they are written; not what other elements with edits are in. */
  const others = (text, elements, element) => {
    const props = edits.filter(({ index }) => index === element.index).map(({ prop }) => prop);
    const holds = ({ start, end }) => edited.some((at) => start <= elements[at].range.start && elements[at].range.end <= end);
    const kept = element.attributes.filter(({ name }) => !props.includes(name));
    return kept.map((attribute) => (holds(attribute.range) ? attribute.name : slice(text, attribute.range)));
  };
  for (const element of was) same(`<${element.name}>`, others(before, was, element), others(after, is, is[element.index]));

  for (const { index, prop, value } of edits) {
    const { attributes } = is[index];
    const at = attributes.findLastIndex(({ name }) => name === prop);
    if (value === undefined) {
      if (at >= 0) wrong.push(`${prop} of element ${index} is still there`);
    } else if (at < 0) wrong.push(`${prop} of element ${index} is missing`);
    else {
      same(`${prop} of element ${index}`, JSON.parse(value), compiled(slice(after, attributes[at].range), prop));
      if (attributes.slice(at).some(({ kind }) => kind === "spread")) wrong.push(`${prop} of element ${index} may be overridden`);
    }
  }
  return { errors: now.parseDiagnostics.length, wrong };
}

/** Every declaration, in document order; the contract has the definition. */
function symbols(file) {
  const found = [];
  const inClass = (node) => ts.isClassLike(node.parent);
  const isMember = (node) => inClass(node) || ts.isInterfaceDeclaration(node.parent);

  function kindOf(node) {
    switch (node.kind) {
      case SyntaxKind.FunctionDeclaration:
        return "function";
      case SyntaxKind.ClassDeclaration:
        return "class";
      case SyntaxKind.InterfaceDeclaration:
        return "interface";
      case SyntaxKind.TypeAliasDeclaration:
        return "typeAlias";
      case SyntaxKind.EnumDeclaration:
        return "enum";
      case SyntaxKind.EnumMember:
        return "enumMember";
      case SyntaxKind.ModuleDeclaration:
        return "namespace";
      case SyntaxKind.MethodDeclaration:
      case SyntaxKind.MethodSignature:
        return isMember(node) && "method";
      case SyntaxKind.PropertyDeclaration:
      case SyntaxKind.PropertySignature:
        return isMember(node) && "property";
      case SyntaxKind.GetAccessor:
        return isMember(node) && "getter";
      case SyntaxKind.SetAccessor:
        return isMember(node) && "setter";
      case SyntaxKind.Constructor:
        return "constructor";
      case SyntaxKind.Parameter:
        return ts.isParameterPropertyDeclaration(node, node.parent) && "property";
      case SyntaxKind.VariableDeclaration:
        return ts.isVariableDeclarationList(node.parent) && (isConstant(node.parent) ? "constant" : "variable");
    }
  }

  const isConstant = (list) => (list.flags & (ts.NodeFlags.Const | ts.NodeFlags.Using)) !== 0;

  function add(name, kind, container, node, nameNode, nameEnd = nameNode.end) {
    const range = { start: node.getStart(file), end: node.end };
    found.push({ name, kind, container, range, nameRange: { start: nameNode.getStart(file), end: nameEnd } });
    return found.length - 1;
  }

  /** The elements of a pattern that bind a name. */
  function bindings(pattern) {
    return pattern.elements
      .filter(ts.isBindingElement)
      .flatMap((element) => (ts.isIdentifier(element.name) ? [element] : bindings(element.name)));
  }

  function text(name) {
    if (ts.isIdentifier(name) || ts.isPrivateIdentifier(name)) return ts.idText(name);
    return ts.isStringLiteral(name) ? name.text.toWellFormed() : name.getText(file);
  }

  /** Adds what a node declares; the container of what is written in it. */
  function declared(node, container, outer) {
    const kind = kindOf(node);
    if (!kind) return container;
    if (kind === "namespace") {
      let inner = node;
      const names = [text(node.name)];
      while (inner.body && ts.isModuleDeclaration(inner.body)) names.push(text((inner = inner.body).name));
      return add(names.join("."), kind, container, node, node.name, inner.name.end);
    }
    if (kind === "constructor") {
      const words = [SyntaxKind.ConstructorKeyword, SyntaxKind.StringLiteral];
      return add(kind, kind, container, node, node.getChildren(file).find((child) => words.includes(child.kind)));
    }
    if (!node.name) {
      const word = node.modifiers?.find((modifier) => modifier.kind === SyntaxKind.DefaultKeyword);
      return word ? add("default", kind, container, node, word) : container;
    }
    if (ts.isParameter(node)) return add(text(node.name), kind, outer, node, node.name);
    if (!ts.isObjectBindingPattern(node.name) && !ts.isArrayBindingPattern(node.name))
      return add(text(node.name), kind, container, node, node.name);
    for (const element of bindings(node.name)) add(text(element.name), kind, container, element, element.name);
    return container;
  }

  function walk(node, container, outer) {
    const isInner = ts.isModuleDeclaration(node) && ts.isModuleDeclaration(node.parent);
    const inside = isInner ? container : declared(node, container, outer);
    ts.forEachChild(node, (child) => walk(child, inside, inside === container ? outer : container));
  }
  walk(file, null, null);
  return found;
}

function answer(request) {
  if (request.edits) return judge(request);
  const { path, text, language } = request;
  const file = parse(path ?? `text.${language}`, text ?? readFileSync(path, "utf8"));
  return { errors: file.parseDiagnostics.length, ...moduleFacts(file), jsx: jsxFacts(file), symbols: symbols(file) };
}

await answerLines(answer);
