//! Facts about TypeScript and JavaScript sources, as `parse` gives them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Position, TextRange};

/// A part of a `parse` result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Fact {
    /// Import declarations.
    Imports,
    /// Exported names.
    Exports,
    /// Function, arrow, class, `memo` and `forwardRef` components.
    Components,
    /// JSX elements and fragments with their attributes.
    Jsx,
    /// Declarations, nested ones too.
    Symbols,
    /// Where the source does not parse.
    Errors,
}

impl Fact {
    /// Every fact.
    pub const ALL: [Self; 6] = [Self::Imports, Self::Exports, Self::Components, Self::Jsx, Self::Symbols, Self::Errors];
}

/// Which grammar reads the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Language {
    /// `.tsx`
    Tsx,
    /// `.ts`, `.mts`, `.cts`
    Ts,
    /// `.jsx`
    Jsx,
    /// `.js`, `.mjs`, `.cjs`
    Js,
}

/// A stretch of source that does not parse.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "SyntaxProblem")] // JavaScript has a SyntaxError of its own
pub struct SyntaxError {
    /// The stretch, in UTF-16 code units.
    pub range: TextRange,
    /// Where it starts.
    pub start: Position,
    /// Where it ends, half-open.
    pub end: Position,
}

/// A name and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct NamedRange {
    /// The local name.
    pub name: String,
    /// Where it stands.
    pub range: TextRange,
}

/// An import declaration.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Import {
    /// The module specifier, unescaped.
    pub source: String,
    /// What is imported.
    pub kind: ImportKind,
    /// `import name from …`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<NamedRange>,
    /// `import * as name from …`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamedRange>,
    /// `import { … } from …`, in order.
    pub named: Vec<ImportedName>,
    /// The whole declaration.
    pub range: TextRange,
}

/// What an import declaration brings in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ImportKind {
    /// Values (and perhaps types).
    Value,
    /// `import type …`
    Type,
    /// `import "…"`
    SideEffect,
}

/// One name of `import { … }`.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportedName {
    /// The name in the other module.
    pub imported: String,
    /// The name here.
    pub local: String,
    /// `import { type … }` or `import type { … }`.
    pub type_only: bool,
    /// The specifier, `type` and `as` included.
    pub range: TextRange,
}

/// One exported name.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Export {
    /// The name others import: `default` for a default export, `*` for `export * from`, the
    /// namespace's name for `export * as`.
    pub name: String,
    /// How it is exported.
    pub kind: ExportKind,
    /// The name it has here (or, for `reExport`, in the other module), where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local: Option<String>,
    /// The other module of `export … from`, unescaped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Whether only a type is exported.
    pub type_only: bool,
    /// The specifier or declared name; the statement where there is neither.
    pub range: TextRange,
}

/// How a name is exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ExportKind {
    /// `export const a`, `export { a }`
    Named,
    /// `export default …`, `export { a as default }`
    Default,
    /// `export { a } from …`
    ReExport,
    /// `export * from …`, `export * as a from …`
    All,
}

/// A React component's declaration.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Its name.
    pub name: String,
    /// How it is written.
    pub kind: ComponentKind,
    /// Whether it is exported under any name.
    pub exported: bool,
    /// Whether it is the default export.
    pub default: bool,
    /// The declaration.
    pub range: TextRange,
    /// The name in it.
    pub name_range: TextRange,
}

/// How a component is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum ComponentKind {
    /// `function Name() {}`
    Function,
    /// `const Name = () => …` (or a function expression)
    Arrow,
    /// `class Name extends …`
    Class,
    /// `const Name = memo(…)`
    Memo,
    /// `const Name = forwardRef(…)`
    ForwardRef,
}

/// A JSX element or fragment. Elements come in document order of their opening tags.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JsxElement {
    /// The tag as written, `Foo.Bar` and `svg:path` included; empty for a fragment.
    pub name: String,
    /// Position in the list.
    pub index: u64,
    /// How many elements of the same name come before it.
    pub nth: u64,
    /// The `index` of the element around it, across expressions too.
    pub parent: Option<u64>,
    /// The name of the component it is written in.
    pub component: Option<String>,
    /// `<a />`
    pub self_closing: bool,
    /// `<>…</>`
    pub fragment: bool,
    /// The whole element.
    pub range: TextRange,
    /// The opening (or only) tag.
    pub opening_range: TextRange,
    /// The tag's name; empty, behind the `<`, for a fragment.
    pub name_range: TextRange,
    /// Where the element starts.
    pub start: Position,
    /// Attributes and spreads, in order.
    pub attributes: Vec<JsxAttribute>,
}

/// An attribute or a spread of an opening tag.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum JsxAttribute {
    /// `name`, `name="…"`, `name={…}`
    Attribute {
        /// The name as written.
        name: String,
        /// The whole attribute.
        range: TextRange,
        /// The name.
        name_range: TextRange,
        /// The initializer; `null` for the shorthand.
        value: Option<JsxValue>,
    },
    /// `{...text}`
    Spread {
        /// The whole spread, braces included.
        range: TextRange,
        /// The expression behind the dots.
        text: String,
    },
}

/// The initializer of an attribute.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct JsxValue {
    /// What is written there.
    pub kind: JsxValueKind,
    /// Whether it stands in braces.
    pub in_expression: bool,
    /// The JSON value of a literal, as React would see it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<Value>,
    /// The initializer as written, braces or quotes included.
    pub range: TextRange,
}

/// What an attribute's initializer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum JsxValueKind {
    /// A string literal.
    String,
    /// A number literal, also a negative one.
    Number,
    /// `true` or `false`.
    Boolean,
    /// `null`.
    Null,
    /// A template literal.
    Template,
    /// A JSX element or fragment.
    Element,
    /// Anything else.
    Expression,
}

/// A declaration. Declarations come in document order, each behind the one it is written in.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "SourceSymbol")] // JavaScript has a Symbol of its own
pub struct Symbol {
    /// Its name: `constructor` for a constructor, `default` for an unnamed default export, `a.b` for `namespace a.b`,
    /// the module's name for `declare module "…"`; of a member, a string's value, and anything else (`#a`, `[a]`, `1`)
    /// as written.
    pub name: String,
    /// What is declared.
    pub kind: SymbolKind,
    /// The position in the list of the declaration that it is written in.
    pub container: Option<u64>,
    /// The declaration with its modifiers and decorators; of a variable, the declarator (`a = 1`) or what binds the name
    /// in a pattern (`b: a = 1`).
    pub range: TextRange,
    /// The name in it.
    pub name_range: TextRange,
}

/// What a declaration declares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SymbolKind {
    /// `function a() {}`, also each of its overloads
    Function,
    /// `class A {}`
    Class,
    /// A method of a class or an interface, also each of its overloads.
    Method,
    /// A property of a class or an interface, also one that is declared by a parameter (`constructor(readonly a) {}`).
    Property,
    /// `get a() {}`
    Getter,
    /// `set a(b) {}`
    Setter,
    /// `constructor() {}`
    Constructor,
    /// Each name of a `let` or `var`.
    Variable,
    /// Each name of a `const`, a `using` or an `await using`.
    Constant,
    /// `interface A {}`
    Interface,
    /// `type A = …`
    TypeAlias,
    /// `enum A {}`
    Enum,
    /// A member of an enum.
    EnumMember,
    /// `namespace A {}`, `declare module "a" {}`, `declare global {}`
    Namespace,
}

/// The facts of one source; those not asked for are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
pub struct Facts {
    /// Where the source does not parse, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<SyntaxError>>,
    /// Import declarations, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imports: Option<Vec<Import>>,
    /// Exported names, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exports: Option<Vec<Export>>,
    /// Components, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub components: Option<Vec<Component>>,
    /// Elements, in document order of their opening tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jsx: Option<Vec<JsxElement>>,
    /// Declarations, in document order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<Symbol>>,
}
