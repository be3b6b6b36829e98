//! Import declarations.

use tree_sitter::Node;

use super::budget::Budget;
use super::grammar::Kind;
use super::source::Source;
use crate::error::Result;
use crate::protocol::tsx::{Import, ImportKind, ImportedName, NamedRange};

/// Adds the import that an `import_statement` declares; none where its module is missing.
///
/// `import x = require("y")` is an import of a value (or with `type` of a type) whose `default` is
/// `x`; `import x = A.B` names no module and is none.
pub(super) fn import(
    source: &Source<'_>,
    statement: Node<'_>,
    imports: &mut Vec<Import>,
    budget: &mut Budget,
) -> Result<()> {
    let mut import = Import {
        source: String::new(),
        kind: ImportKind::SideEffect,
        default: None,
        namespace: None,
        named: Vec::new(),
        range: source.statement_range(statement),
    };
    let mut module = statement.child_by_field_name("source");
    let mut named_imports = Vec::new();
    let mut type_only = false;
    let mut cursor = statement.walk();
    for child in statement.children(&mut cursor) {
        match source.kind(child) {
            Kind::Type if !child.is_named() => type_only = true,
            Kind::ImportClause => {
                import.kind = ImportKind::Value;
                named_imports.extend(clause(source, child, &mut import));
            }
            Kind::ImportRequireClause => {
                import.kind = ImportKind::Value;
                import.default = source.parts(child).first().map(|name| named(source, *name));
                module = child.child_by_field_name("source");
            }
            _ => {}
        }
    }
    if type_only {
        import.kind = ImportKind::Type;
    }
    let Some(module) = module else { return Ok(()) };
    import.source = source.string(module);
    let mut named = Vec::new();
    for node in named_imports {
        if let Some(name) = specifier(source, node, type_only) {
            budget.push(&mut named, name)?;
        }
    }
    budget.push(imports, import)?;
    if let Some(import) = imports.last_mut() {
        import.named = named;
    }
    Ok(())
}

/// What stands between `import` and `from`; gives the specifiers between braces.
fn clause<'tree>(source: &Source<'_>, clause: Node<'tree>, import: &mut Import) -> Vec<Node<'tree>> {
    let mut specifiers = Vec::new();
    for part in source.parts(clause) {
        match source.kind(part) {
            Kind::Identifier => import.default = Some(named(source, part)),
            Kind::NamespaceImport => {
                import.namespace = source.parts(part).first().map(|name| named(source, *name));
            }
            Kind::NamedImports => {
                specifiers.extend(source.parts(part));
            }
            _ => {}
        }
    }
    specifiers
}

/// One name between the braces.
fn specifier(source: &Source<'_>, specifier: Node<'_>, type_only: bool) -> Option<ImportedName> {
    if source.kind(specifier) != Kind::ImportSpecifier {
        return None;
    }
    let name = specifier.child_by_field_name("name")?;
    let imported = source.name(name);
    let local = specifier.child_by_field_name("alias").map_or_else(|| imported.clone(), |alias| source.name(alias));
    let type_only = type_only || has_type_modifier(source, specifier);
    Some(ImportedName { imported, local, type_only, range: source.range(specifier) })
}

/// Whether a specifier starts with the word `type` as a modifier.
pub(super) fn has_type_modifier(source: &Source<'_>, specifier: Node<'_>) -> bool {
    specifier.child(0).is_some_and(|first| source.kind(first) == Kind::Type && !first.is_named())
}

fn named(source: &Source<'_>, name: Node<'_>) -> NamedRange {
    NamedRange { name: source.name(name), range: source.range(name) }
}
