//! Import declarations.

use tree_sitter::Node;

use super::grammar::Kind;
use super::source::Source;
use crate::protocol::tsx::{Import, ImportKind, ImportedName, NamedRange};

/// The import that an `import_statement` declares; `None` where its module is missing.
///
/// `import x = require("y")` is an import of a value (or with `type` of a type) whose `default` is
/// `x`; `import x = A.B` names no module and is none.
pub(super) fn import(source: &Source<'_>, statement: Node<'_>) -> Option<Import> {
    let mut import = Import {
        source: String::new(),
        kind: ImportKind::SideEffect,
        default: None,
        namespace: None,
        named: Vec::new(),
        range: source.statement_range(statement),
    };
    let mut module = statement.child_by_field_name("source");
    let mut type_only = false;
    let mut cursor = statement.walk();
    for child in statement.children(&mut cursor) {
        match source.kind(child) {
            Kind::Type if !child.is_named() => type_only = true,
            Kind::ImportClause => {
                import.kind = ImportKind::Value;
                clause(source, child, type_only, &mut import);
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
    import.source = source.string(module?);
    Some(import)
}

/// What stands between `import` and `from`.
fn clause(source: &Source<'_>, clause: Node<'_>, type_only: bool, import: &mut Import) {
    for part in source.parts(clause) {
        match source.kind(part) {
            Kind::Identifier => import.default = Some(named(source, part)),
            Kind::NamespaceImport => {
                import.namespace = source.parts(part).first().map(|name| named(source, *name));
            }
            Kind::NamedImports => {
                let specifiers = source.parts(part);
                import.named.extend(specifiers.iter().filter_map(|node| specifier(source, *node, type_only)));
            }
            _ => {}
        }
    }
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
