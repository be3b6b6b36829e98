//! Exported names.

use std::collections::HashMap;

use tree_sitter::Node;

use super::budget::Budget;
use super::grammar::Kind;
use super::imports::has_type_modifier;
use super::lenient::attributes_end;
use super::patterns::bindings;
use super::source::Source;
use super::trivia;
use crate::error::Result;
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
    /// Whether they are answered, and so charged; otherwise only components look at them.
    answered: bool,
    by_name: HashMap<String, usize>,
}

impl Exports {
    /// None yet.
    pub(super) fn new(answered: bool) -> Self {
        Self { answered, ..Self::default() }
    }

    /// The names, in order.
    pub(super) fn into_list(self) -> Vec<Export> {
        self.list
    }

    /// The names so far.
    pub(super) fn list(&self) -> &[Export] {
        &self.list
    }

    /// Adds what an `export_statement` exports.
    pub(super) fn add(&mut self, source: &Source<'_>, statement: Node<'_>, budget: &mut Budget) -> Result<()> {
        let module = statement.child_by_field_name("source").map(|module| source.string(module));
        let mut default = false;
        let mut type_only = false;
        let mut cursor = statement.walk();
        for child in statement.children(&mut cursor) {
            let range = source.range(child);
            match source.kind(child) {
                Kind::Default => default = true,
                Kind::Type => type_only = true,
                Kind::NamespaceWord => return Ok(()),
                Kind::Star if module.is_some() => {
                    let type_only = type_only || is_type_star(source, statement, child);
                    let range = source.range_of(statement.start_byte()..end_of_all(source, statement));
                    self.push(export("*", ExportKind::All, None, type_only, range), module.as_deref(), budget)?;
                }
                Kind::NamespaceExport if module.is_some() => {
                    let type_only = type_only || is_type_star(source, statement, child);
                    if let Some(name) = source.parts(child).first() {
                        let export = export(source.name(*name), ExportKind::All, None, type_only, range);
                        self.push(export, module.as_deref(), budget)?;
                    }
                }
                Kind::ExportClause => {
                    for specifier in source.parts(child) {
                        if let Some(export) = exported(source, specifier, module.is_some(), type_only) {
                            self.push(export, module.as_deref(), budget)?;
                        }
                    }
                }
                Kind::Equals => {
                    let local = source.parts(statement).first().and_then(|value| local_of(source, *value));
                    let range = source.statement_range(statement);
                    self.push(export("default", ExportKind::Default, local, false, range), None, budget)?;
                }
                _ => {}
            }
        }
        if let Some(declaration) = statement.child_by_field_name("declaration") {
            self.declaration(source, declaration, default, budget)?;
        }
        if let Some(value) = statement.child_by_field_name("value") {
            // An unnamed function or class is a declaration: what follows it belongs to the next statement.
            let end = match source.kind(value) {
                Kind::FunctionExpression | Kind::GeneratorFunction | Kind::Class => value.end_byte(),
                _ => source.end_of(statement),
            };
            let range = source.range_of(statement.start_byte()..end);
            let local = local_of(source, value);
            self.push(export("default", ExportKind::Default, local, false, range), None, budget)?;
        }
        Ok(())
    }

    /// The names that an exported declaration declares. `default`: whether it is the default export.
    fn declaration(
        &mut self,
        source: &Source<'_>,
        declaration: Node<'_>,
        default: bool,
        budget: &mut Budget,
    ) -> Result<()> {
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
                        names.extend(bindings(source, pattern).into_iter().map(|binding| binding.name));
                    }
                }
            }
            Kind::AmbientDeclaration => {
                // `declare` nests once at most.
                let inner = source.parts(declaration).first().copied();
                return match inner {
                    Some(inner) if source.kind(inner) != Kind::AmbientDeclaration => {
                        self.declaration(source, inner, default, budget)
                    }
                    _ => Ok(()),
                };
            }
            _ => return Ok(()),
        }
        for name in names {
            let (local, range) = (source.name(name), source.range(name));
            let export = if default {
                export("default", ExportKind::Default, Some(local), type_only, range)
            } else {
                export(local.clone(), ExportKind::Named, Some(local), type_only, range)
            };
            self.push(export, None, budget)?;
        }
        Ok(())
    }

    /// Adds a name, of another `module` if there is one.
    fn push(&mut self, mut export: Export, module: Option<&str>, budget: &mut Budget) -> Result<()> {
        if export.name != "*" {
            if let Some(&at) = self.by_name.get(&export.name) {
                self.list[at].type_only &= export.type_only;
                return Ok(());
            }
            self.by_name.insert(export.name.clone(), self.list.len());
        }
        if self.answered {
            export.source = module.map(str::to_owned);
            // Charged as `false`, the longer word: a later declaration of the name can make it that.
            let type_only = std::mem::take(&mut export.type_only);
            budget.push(&mut self.list, export)?;
            if let Some(export) = self.list.last_mut() {
                export.type_only = type_only;
            }
            return Ok(());
        }
        // That there is a module is all that components ask.
        export.source = module.map(|_| String::new());
        self.list.push(export);
        Ok(())
    }
}

/// An export as it stands in the module itself.
fn export(
    name: impl Into<String>,
    kind: ExportKind,
    local: Option<String>,
    type_only: bool,
    range: TextRange,
) -> Export {
    Export { name: name.into(), kind, local, source: None, type_only, range }
}

/// `a`, `a as b`, `type a` between the braces.
fn exported(source: &Source<'_>, specifier: Node<'_>, of_module: bool, type_only: bool) -> Option<Export> {
    if source.kind(specifier) != Kind::ExportSpecifier {
        return None;
    }
    let name = specifier.child_by_field_name("name")?;
    let local = source.name(name);
    let exported = specifier.child_by_field_name("alias").map_or_else(|| local.clone(), |alias| source.name(alias));
    let kind = match exported.as_str() {
        _ if of_module => ExportKind::ReExport,
        "default" => ExportKind::Default,
        _ => ExportKind::Named,
    };
    let type_only = type_only || has_type_modifier(source, specifier);
    Some(export(exported, kind, Some(local), type_only, source.range(specifier)))
}

/// Whether `type` stands in front of the `*`: the grammar does not know it there and is not shown it.
fn is_type_star(source: &Source<'_>, statement: Node<'_>, star: Node<'_>) -> bool {
    source.slice_of(statement.start_byte()..star.start_byte()).trim_end().ends_with("type")
}

/// Where `export * from "module"` ends: behind its attributes, which the grammar is not shown.
fn end_of_all(source: &Source<'_>, statement: Node<'_>) -> usize {
    let end = source.end_of(statement);
    let behind = source.behind(end);
    let word = trivia::skip(behind);
    ["with", "assert"]
        .iter()
        .filter_map(|name| word.strip_prefix(name))
        .find_map(|attributes| Some(end + behind.len() - attributes.len() + attributes_end(attributes)?))
        .unwrap_or(end)
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
