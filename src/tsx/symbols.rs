//! Declarations.

use std::ops::Range;

use tree_sitter::Node;

use super::budget::Budget;
use super::grammar::Kind;
use super::patterns::bindings;
use super::source::Source;
use super::trivia;
use crate::error::Result;
use crate::protocol::tsx::{Symbol, SymbolKind};

/// Collects declarations in the order of the walk.
///
/// These are functions, classes with their members, interfaces with theirs, type aliases, enums with theirs,
/// namespaces, and variables, wherever they are written. Expressions and types declare nothing themselves (function and
/// class expressions, object literals, type literals), but what is written in them counts: the members of
/// `const A = class { b() {} }` belong to `A`. Neither parameters, unless they are properties, nor what a `catch` binds
/// nor imports are declarations here.
#[derive(Debug, Default)]
pub(super) struct Symbols {
    list: Vec<Symbol>,
    /// Nodes the walk is inside of that say something about declarations in them.
    around: Vec<Around>,
}

/// A node around what comes.
#[derive(Clone, Copy, Debug)]
struct Around {
    depth: usize,
    /// The innermost declaration that what is inside is written in.
    container: Option<u64>,
    role: Role,
}

/// What a node says about declarations directly in it.
#[derive(Clone, Copy, Debug)]
enum Role {
    /// `export …`, `declare …`: they start where it starts. `default`: where the word stands, if it does.
    Modifiers { start: usize, default: Option<(usize, usize)> },
    /// `const …`, `let …`
    Variables(SymbolKind),
    /// The members of a class. `decorated`: where the decorators of the next one start.
    ClassBody { decorated: Option<usize> },
    /// The members of an interface.
    InterfaceBody,
    /// The members of an enum.
    EnumBody,
    /// A constructor, whose parameters may be properties of what `outer` is.
    Constructor { outer: Option<u64> },
    /// Any other declaration.
    Declaration,
}

impl Symbols {
    /// The declarations, in document order.
    pub(super) fn into_list(self) -> Vec<Symbol> {
        self.list
    }

    /// Leaves what is not around a node at `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.around.last().is_some_and(|around| around.depth >= depth) {
            self.around.pop();
        }
    }

    /// Looks at a node in passing.
    pub(super) fn enter(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        kind: Kind,
        depth: usize,
        budget: &mut Budget,
    ) -> Result<()> {
        let mut declared = Declared { symbols: self, source, node, depth, budget };
        match kind {
            Kind::ExportStatement => declared.modifiers(),
            Kind::AmbientDeclaration => declared.ambient()?,
            Kind::FunctionDeclaration | Kind::GeneratorFunctionDeclaration | Kind::FunctionSignature => {
                declared.named(SymbolKind::Function)?;
            }
            Kind::ClassDeclaration | Kind::AbstractClassDeclaration => declared.named(SymbolKind::Class)?,
            Kind::InterfaceDeclaration => declared.named(SymbolKind::Interface)?,
            Kind::TypeAliasDeclaration => declared.named(SymbolKind::TypeAlias)?,
            Kind::EnumDeclaration => declared.named(SymbolKind::Enum)?,
            Kind::InternalModule | Kind::Module => declared.namespace()?,
            Kind::LabeledStatement => declared.label()?,
            Kind::FunctionExpression | Kind::GeneratorFunction => declared.default_export(SymbolKind::Function)?,
            Kind::Class => declared.default_export(SymbolKind::Class)?,
            Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                let constant = node.child(0).is_some_and(|word| source.kind(word) == Kind::Const);
                declared.open(Role::Variables(if constant { SymbolKind::Constant } else { SymbolKind::Variable }));
            }
            Kind::VariableDeclarator => declared.variable()?,
            Kind::ForInStatement => declared.loop_variable()?,
            Kind::ClassBody => declared.open(Role::ClassBody { decorated: None }),
            Kind::InterfaceBody => declared.open(Role::InterfaceBody),
            Kind::EnumBody => declared.open(Role::EnumBody),
            Kind::Decorator => declared.decorator(),
            Kind::MethodDefinition
            | Kind::MethodSignature
            | Kind::AbstractMethodSignature
            | Kind::FieldDefinition
            | Kind::PropertySignature => declared.member(kind)?,
            Kind::EnumAssignment
            | Kind::PropertyIdentifier
            | Kind::PrivateIdentifier
            | Kind::ComputedName
            | Kind::String
            | Kind::Number => declared.enum_member(kind)?,
            Kind::RequiredParameter | Kind::OptionalParameter => declared.parameter()?,
            _ => {}
        }
        Ok(())
    }
}

/// A node that may declare something.
struct Declared<'look, 'text, 'tree> {
    symbols: &'look mut Symbols,
    source: &'look Source<'text>,
    node: Node<'tree>,
    depth: usize,
    budget: &'look mut Budget,
}

impl<'tree> Declared<'_, '_, 'tree> {
    /// What the nearest node around, at any distance, says of the container.
    fn container(&self) -> Option<u64> {
        self.symbols.around.last().and_then(|around| around.container)
    }

    /// The role of the node directly around.
    fn parent(&self) -> Option<Role> {
        self.symbols.around.last().filter(|around| around.depth + 1 == self.depth).map(|around| around.role)
    }

    /// Enters the node in a role.
    fn open(&mut self, role: Role) {
        let container = self.container();
        self.symbols.around.push(Around { depth: self.depth, container, role });
    }

    /// Where the declaration starts.
    fn start(&self) -> usize {
        match self.parent() {
            Some(Role::Modifiers { start, .. }) => start,
            _ => self.node.start_byte(),
        }
    }

    /// Adds a declaration in the innermost one around. `inside`: the role in which what is written in it is entered, if
    /// anything can be.
    fn push(
        &mut self,
        kind: SymbolKind,
        text: String,
        bytes: Range<usize>,
        name: Range<usize>,
        inside: Option<Role>,
    ) -> Result<()> {
        let symbol = Symbol {
            name: text,
            kind,
            container: self.container(),
            range: self.source.range_of(bytes),
            name_range: self.source.range_of(name),
        };
        self.push_symbol(symbol, inside)
    }

    fn push_symbol(&mut self, symbol: Symbol, inside: Option<Role>) -> Result<()> {
        let index = self.symbols.list.len() as u64;
        self.budget.push(&mut self.symbols.list, symbol)?;
        if let Some(role) = inside {
            self.symbols.around.push(Around { depth: self.depth, container: Some(index), role });
        }
        Ok(())
    }

    /// `export …`, `declare …`
    fn modifiers(&mut self) {
        let mut cursor = self.node.walk();
        let default = self.node.children(&mut cursor).find(|child| self.source.kind(*child) == Kind::Default);
        let default = default.map(|word| (word.start_byte(), word.end_byte()));
        self.open(Role::Modifiers { start: self.start(), default });
    }

    /// `declare global {}`, or a modifier.
    fn ambient(&mut self) -> Result<()> {
        let mut cursor = self.node.walk();
        let global = self.node.children(&mut cursor).find(|child| self.source.kind(*child) == Kind::Global);
        let Some(global) = global else {
            self.modifiers();
            return Ok(());
        };
        let (start, end) = (self.start(), self.source.end_of(self.node));
        self.push(SymbolKind::Namespace, "global".to_owned(), start..end, global.byte_range(), Some(Role::Declaration))
    }

    /// `global {}`, which the grammar is shown as a label.
    fn label(&mut self) -> Result<()> {
        let Some(label) = self.node.child_by_field_name("label") else { return Ok(()) };
        let colon = self.node.child(1).map(|colon| self.source.slice(colon));
        if self.source.slice(label) != "global" || colon == Some(":") {
            return Ok(());
        }
        let (name, bytes) = (label.byte_range(), self.node.byte_range());
        self.push(SymbolKind::Namespace, "global".to_owned(), bytes, name, Some(Role::Declaration))
    }

    /// A declaration with a name.
    fn named(&mut self, kind: SymbolKind) -> Result<()> {
        let Some(name) = self.node.child_by_field_name("name") else { return Ok(()) };
        let (start, end) = (self.start(), self.source.end_of(self.node));
        self.push(kind, self.source.name(name), start..end, name.byte_range(), Some(Role::Declaration))
    }

    /// `namespace a.b {}`, `declare module "a" {}`
    fn namespace(&mut self) -> Result<()> {
        let Some(name) = self.node.child_by_field_name("name") else { return Ok(()) };
        let text = match self.source.kind(name) {
            Kind::String => self.source.string(name),
            _ => trivia::without(self.source.slice(name)),
        };
        let (start, mut end) = (self.start(), self.source.end_of(self.node));
        if self.node.child_by_field_name("body").is_none() {
            // The grammar takes the semicolon for a statement of its own.
            end = self.source.with_separator(end, &[';']);
        }
        self.push(SymbolKind::Namespace, text, start..end, name.byte_range(), Some(Role::Declaration))
    }

    /// `export default function () {}`, `export default class {}`, which the grammar takes for expressions.
    fn default_export(&mut self, kind: SymbolKind) -> Result<()> {
        let Some(Role::Modifiers { start, default: Some((from, to)) }) = self.parent() else { return Ok(()) };
        let (text, name) = match self.node.child_by_field_name("name") {
            Some(name) => (self.source.name(name), name.byte_range()),
            None => ("default".to_owned(), from..to),
        };
        self.push(kind, text, start..self.node.end_byte(), name, Some(Role::Declaration))
    }

    /// `a = 1` of `const a = 1`
    fn variable(&mut self) -> Result<()> {
        let Some(Role::Variables(kind)) = self.parent() else { return Ok(()) };
        let Some(pattern) = self.node.child_by_field_name("name") else { return Ok(()) };
        if self.source.kind(pattern) == Kind::Identifier {
            let bytes = self.node.start_byte()..self.source.end_of(self.node);
            return self.push(kind, self.source.name(pattern), bytes, pattern.byte_range(), Some(Role::Declaration));
        }
        self.bound(kind, pattern)
    }

    /// `for (const a of b) {}`
    fn loop_variable(&mut self) -> Result<()> {
        let field = |name| self.node.child_by_field_name(name);
        let (Some(word), Some(pattern)) = (field("kind"), field("left")) else { return Ok(()) };
        let constant = self.source.kind(word) == Kind::Const;
        self.bound(if constant { SymbolKind::Constant } else { SymbolKind::Variable }, pattern)
    }

    /// Each name that a pattern binds.
    fn bound(&mut self, kind: SymbolKind, pattern: Node<'tree>) -> Result<()> {
        for binding in bindings(self.source, pattern) {
            let name = self.source.name(binding.name);
            self.push(kind, name, binding.element.byte_range(), binding.name.byte_range(), None)?;
        }
        Ok(())
    }

    /// The decorators of a method stand before it, and not in it.
    fn decorator(&mut self) {
        let (depth, start) = (self.depth, self.node.start_byte());
        if let Some(Around { depth: around, role: Role::ClassBody { decorated }, .. }) = self.symbols.around.last_mut()
            && *around + 1 == depth
        {
            decorated.get_or_insert(start);
        }
    }

    /// A member of a class or an interface.
    fn member(&mut self, node_kind: Kind) -> Result<()> {
        let depth = self.depth;
        let start = match self.symbols.around.last_mut() {
            Some(around) if around.depth + 1 == depth => match &mut around.role {
                Role::ClassBody { decorated } => decorated.take().unwrap_or(self.node.start_byte()),
                Role::InterfaceBody => self.node.start_byte(),
                _ => return Ok(()),
            },
            _ => return Ok(()),
        };
        let in_class = matches!(self.parent(), Some(Role::ClassBody { .. }));
        let Some(name) = self.node.child_by_field_name("name") else { return Ok(()) };
        let mut is_static = false;
        let mut kind = match node_kind {
            Kind::FieldDefinition | Kind::PropertySignature => SymbolKind::Property,
            _ => SymbolKind::Method,
        };
        if kind == SymbolKind::Method {
            let mut cursor = self.node.walk();
            for word in self.node.children(&mut cursor).take_while(|word| *word != name) {
                match self.source.kind(word) {
                    Kind::Get => kind = SymbolKind::Getter,
                    Kind::Set => kind = SymbolKind::Setter,
                    Kind::Static => is_static = true,
                    _ => {}
                }
            }
        }
        let text = self.member_name(name);
        let mut role = Role::Declaration;
        let is_word = matches!(self.source.kind(name), Kind::PropertyIdentifier | Kind::String);
        if kind == SymbolKind::Method && in_class && !is_static && is_word && text == "constructor" {
            kind = SymbolKind::Constructor;
            role = Role::Constructor { outer: self.container() };
        }
        let mut end = self.source.end_of(self.node);
        // What separates members belongs to them, but for those with a body.
        if node_kind != Kind::MethodDefinition {
            end = self.source.with_separator(end, if in_class { &[';'] } else { &[';', ','] });
        }
        self.push(kind, text, start..end, name.byte_range(), Some(role))
    }

    /// `a`, `a = 1` of an enum.
    fn enum_member(&mut self, kind: Kind) -> Result<()> {
        let Some(Role::EnumBody) = self.parent() else { return Ok(()) };
        let name = match kind {
            Kind::EnumAssignment => self.node.child_by_field_name("name"),
            _ => Some(self.node),
        };
        let Some(name) = name else { return Ok(()) };
        let text = self.member_name(name);
        self.push(SymbolKind::EnumMember, text, self.node.byte_range(), name.byte_range(), Some(Role::Declaration))
    }

    /// `readonly a` of a constructor's parameters: a property of its class.
    fn parameter(&mut self) -> Result<()> {
        let Some(&Around { depth, role: Role::Constructor { outer }, .. }) = self.symbols.around.last() else {
            return Ok(());
        };
        if depth + 2 != self.depth {
            return Ok(());
        }
        let mut cursor = self.node.walk();
        let is_modifier = |word: &Node<'_>| {
            matches!(self.source.kind(*word), Kind::AccessibilityModifier | Kind::OverrideModifier | Kind::Readonly)
        };
        let Some(name) = self.node.child_by_field_name("pattern") else { return Ok(()) };
        if self.source.kind(name) != Kind::Identifier || !self.node.children(&mut cursor).any(|word| is_modifier(&word))
        {
            return Ok(());
        }
        let property = Symbol {
            name: self.source.name(name),
            kind: SymbolKind::Property,
            container: outer,
            range: self.source.range(self.node),
            name_range: self.source.range(name),
        };
        self.push_symbol(property, Some(Role::Declaration))
    }

    fn member_name(&self, name: Node<'_>) -> String {
        match self.source.kind(name) {
            Kind::String => self.source.string(name),
            Kind::PropertyIdentifier | Kind::PrivateIdentifier => self.source.name(name),
            _ => self.source.slice(name).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::tsx::{Fact, Language};
    use crate::tsx::budget::tests::measured;

    /// Each declaration's kind, name and text, behind as many dots as there are declarations around it.
    fn symbols(text: &str, language: Language) -> String {
        let units: Vec<u16> = text.encode_utf16().collect();
        let found = measured(text, language, &[Fact::Symbols]).symbols.unwrap();
        let mut depths = Vec::new();
        let shown = found.iter().map(|symbol| {
            let depth = symbol.container.map_or(0, |container| depths[container as usize] + 1);
            depths.push(depth);
            let kind = serde_json::to_value(symbol.kind).unwrap();
            let slice = |range: crate::protocol::TextRange| {
                String::from_utf16(&units[range.start as usize..range.end as usize]).unwrap()
            };
            assert!(slice(symbol.range).contains(&slice(symbol.name_range)));
            format!("{}{} {}<{}>", ".".repeat(depth), kind.as_str().unwrap(), symbol.name, slice(symbol.range))
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn declarations() {
        for (text, shown) in [
            ("function a() {}", "function a<function a() {}>"),
            ("export async function* a(b) {} // c", "function a<export async function* a(b) {}>"),
            (
                "declare function a(): b; declare module 'c';",
                "function a<declare function a(): b;> namespace c<declare module 'c';>",
            ),
            ("const a = 1, b = () => { let c }", "constant a<a = 1> constant b<b = () => { let c }> .variable c<c>"),
            ("var { a, b: [c = 1], ...d } = e", "variable a<a> variable c<c = 1> variable d<...d>"),
            ("for (const a of b) { for (var c in d); }", "constant a<a> variable c<c>"),
            ("class A { b }", "class A<class A { b }> .property b<b>"),
            (
                "class A { @b c() {} 'd' = 1; [e] }",
                "class A<class A { @b c() {} 'd' = 1; [e] }> .method c<@b c() {}> .property d<'d' = 1;> .property [e]<[e]>",
            ),
            (
                "class A { #b; constructor(private c, d) {} }",
                "class A<class A { #b; constructor(private c, d) {} }> .property #b<#b;> .constructor constructor<constructor(private c, d) {}> .property c<private c>",
            ),
            // TypeScript's parser takes it for a constructor, JavaScript does not.
            (
                "class A { static constructor() {} }",
                "class A<class A { static constructor() {} }> .method constructor<static constructor() {}>",
            ),
            (
                "const A = class { get b() {} set b(c) {} }",
                "constant A<A = class { get b() {} set b(c) {} }> .getter b<get b() {}> .setter b<set b(c) {}>",
            ),
            (
                "interface A { b: c, d(): { e: f } /* g */ }",
                "interface A<interface A { b: c, d(): { e: f } /* g */ }> .property b<b: c,> .method d<d(): { e: f }>",
            ),
            ("type A = { b: c }", "typeAlias A<type A = { b: c }>"),
            ("enum A { b, 'c' = 1 }", "enum A<enum A { b, 'c' = 1 }> .enumMember b<b> .enumMember c<'c' = 1>"),
            (
                "namespace A . B { type C = d }",
                "namespace A.B<namespace A . B { type C = d }> .typeAlias C<type C = d>",
            ),
            ("declare global { var a: b }", "namespace global<declare global { var a: b }> .variable a<a: b>"),
            ("export default class {}", "class default<export default class {}>"),
            ("a(function b() {}, class C {}, { d() {}, e: 1 })", ""),
            ("import a, { b } from 'c'; try {} catch (d) {}", ""),
        ] {
            assert_eq!(symbols(text, Language::Ts), shown, "{text}");
        }
    }
}
