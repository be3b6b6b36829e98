//! Exported names.

use std::collections::HashMap;

use tree_sitter::Node;

use super::grammar::Kind;
use super::imports::has_type_modifier;
use super::source::Source;
use crate::protocol::TextRange;
use crate::protocol::tsx::{Export, ExportKind};

/// The exported names of a module, one entry a name.
///
/// A name that is declared several times (overloads; an interface and a constant; a function and a
/// namespace) is given once, where it is declared first, and is `type_only` when all its declarations are.
/// `export = x` counts as the default export. `export as namespace X` exports nothing to modules.
#[derive(Debug, Default)]
pub(super) struct Exports {
    list: Vec<Export>,
    by_name: HashMap<String, usize>,
}

impl Exports {
    /// The names, in order.
    pub(super) fn into_list(self) -> Vec<Export> {
        self.list
    }

    /// The names so far.
    pub(super) fn list(&self) -> &[Export] {
        &self.list
    }

    /// Adds what an `export_statement` exports.
    pub(super) fn add(&mut self, source: &Source<'_>, statement: Node<'_>) {
        let module = statement.child_by_field_name("source").map(|module| source.string(module));
        let mut default = false;
        let mut type_only = false;
        let mut cursor = statement.walk();
        for child in statement.children(&mut cursor) {
            let range = source.range(child);
            match source.kind(child) {
                Kind::Default => default = true,
                Kind::Type => type_only = true,
                Kind::NamespaceWord => return,
                Kind::Star if module.is_some() => {
                    let type_only = type_only || is_type_star(source, statement, child);
                    self.push(
                        "*",
                        ExportKind::All,
                        None,
                        module.as_deref(),
                        type_only,
                        source.statement_range(statement),
                    );
                }
                Kind::NamespaceExport if module.is_some() => {
                    let type_only = type_only || is_type_star(source, statement, child);
                    if let Some(name) = source.parts(child).first() {
                        self.push(&source.name(*name), ExportKind::All, None, module.as_deref(), type_only, range);
                    }
                }
                Kind::ExportClause => {
                    for specifier in source.parts(child) {
                        self.specifier(source, specifier, module.as_deref(), type_only);
                    }
                }
                Kind::Equals => {
                    let local = source.parts(statement).first().and_then(|value| local_of(source, *value));
                    self.push("default", ExportKind::Default, local, None, false, source.statement_range(statement));
                }
                _ => {}
            }
        }
        if let Some(declaration) = statement.child_by_field_name("declaration") {
            self.declaration(source, declaration, default.then(|| source.statement_range(statement)));
        }
        if let Some(value) = statement.child_by_field_name("value") {
            // An unnamed function or class is a declaration: what follows it belongs to the next statement.
            let end = match source.kind(value) {
                Kind::FunctionExpression | Kind::GeneratorFunction | Kind::Class => value.end_byte(),
                _ => source.end_of(statement),
            };
            let range = source.range_of(statement.start_byte()..end);
            self.push("default", ExportKind::Default, local_of(source, value), None, false, range);
        }
    }

    /// `a`, `a as b`, `type a` between the braces.
    fn specifier(&mut self, source: &Source<'_>, specifier: Node<'_>, module: Option<&str>, type_only: bool) {
        if source.kind(specifier) != Kind::ExportSpecifier {
            return;
        }
        let Some(name) = specifier.child_by_field_name("name") else { return };
        let local = source.name(name);
        let exported = specifier.child_by_field_name("alias").map_or_else(|| local.clone(), |alias| source.name(alias));
        let kind = match (module, exported.as_str()) {
            (Some(_), _) => ExportKind::ReExport,
            (None, "default") => ExportKind::Default,
            (None, _) => ExportKind::Named,
        };
        let type_only = type_only || has_type_modifier(source, specifier);
        self.push(&exported, kind, Some(local), module, type_only, source.range(specifier));
    }

    /// The names that an exported declaration declares. `default`: the statement, for a default export.
    fn declaration(&mut self, source: &Source<'_>, declaration: Node<'_>, default: Option<TextRange>) {
        let mut type_only = false;
        let mut names = Vec::new();
        match source.kind(declaration) {
            Kind::FunctionDeclaration
            | Kind::GeneratorFunctionDeclaration
            | Kind::FunctionSignature
            | Kind::ClassDeclaration
            | Kind::AbstractClassDeclaration
            | Kind::EnumDeclaration => names.extend(declaration.child_by_field_name("name")),
            Kind::InterfaceDeclaration | Kind::TypeAliasDeclaration => {
                type_only = true;
                names.extend(declaration.child_by_field_name("name"));
            }
            Kind::InternalModule | Kind::Module => {
                names.extend(declaration.child_by_field_name("name").and_then(|name| first_identifier(source, name)));
            }
            Kind::ImportAlias => names.extend(source.parts(declaration).first()),
            Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                for declarator in source.parts(declaration) {
                    if source.kind(declarator) == Kind::VariableDeclarator
                        && let Some(pattern) = declarator.child_by_field_name("name")
                    {
                        bound_names(source, pattern, &mut names);
                    }
                }
            }
            Kind::AmbientDeclaration => {
                // `declare` nests once at most.
                let inner = source.parts(declaration).first().copied();
                return match inner {
                    Some(inner) if source.kind(inner) != Kind::AmbientDeclaration => {
                        self.declaration(source, inner, default);
                    }
                    _ => {}
                };
            }
            _ => return,
        }
        for name in names {
            let (local, range) = (source.name(name), source.range(name));
            match default {
                Some(_) => self.push("default", ExportKind::Default, Some(local), None, type_only, range),
                None => self.push(&local, ExportKind::Named, Some(local.clone()), None, type_only, range),
            }
        }
    }

    fn push(
        &mut self,
        name: &str,
        kind: ExportKind,
        local: Option<String>,
        module: Option<&str>,
        type_only: bool,
        range: TextRange,
    ) {
        if name != "*" {
            if let Some(&at) = self.by_name.get(name) {
                self.list[at].type_only &= type_only;
                return;
            }
            self.by_name.insert(name.to_owned(), self.list.len());
        }
        let source = module.map(str::to_owned);
        self.list.push(Export { name: name.to_owned(), kind, local, source, type_only, range });
    }
}

/// Whether `type` stands in front of the `*`: the grammar does not know it there and is not shown it.
fn is_type_star(source: &Source<'_>, statement: Node<'_>, star: Node<'_>) -> bool {
    source.slice_of(statement.start_byte()..star.start_byte()).trim_end().ends_with("type")
}

/// The name of what `export default` exports, where it has one.
fn local_of(source: &Source<'_>, value: Node<'_>) -> Option<String> {
    match source.kind(value) {
        Kind::Identifier => Some(source.name(value)),
        Kind::FunctionExpression | Kind::GeneratorFunction | Kind::Class => {
            value.child_by_field_name("name").map(|name| source.name(name))
        }
        _ => None,
    }
}

/// `A` of `namespace A.B.C`; none for a module named by a string.
fn first_identifier<'tree>(source: &Source<'_>, mut name: Node<'tree>) -> Option<Node<'tree>> {
    loop {
        match source.kind(name) {
            Kind::Identifier => return Some(name),
            Kind::NestedIdentifier | Kind::MemberExpression => name = name.child(0)?,
            _ => return None,
        }
    }
}

/// The names that a pattern binds, in order.
fn bound_names<'tree>(source: &Source<'_>, pattern: Node<'tree>, names: &mut Vec<Node<'tree>>) {
    let mut open = vec![pattern];
    while let Some(node) = open.pop() {
        match source.kind(node) {
            Kind::Identifier | Kind::ShorthandPattern => names.push(node),
            Kind::ObjectPattern | Kind::ArrayPattern | Kind::RestPattern => {
                open.extend(source.parts(node).into_iter().rev());
            }
            Kind::PairPattern => open.extend(node.child_by_field_name("value")),
            Kind::AssignmentPattern | Kind::ObjectAssignmentPattern => open.extend(node.child_by_field_name("left")),
            _ => {}
        }
    }
}
