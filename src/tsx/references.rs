//! References of a source to other modules.

use std::ops::Range;
use std::sync::Arc;

use memchr::memmem;
use tree_sitter::{Node, TreeCursor};

use super::grammar::Kind;
use super::source::{Source, View};
use super::{literal, prologue};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::protocol::TextRange;
use crate::protocol::modules::ReferenceKind;
use crate::protocol::tsx::Language;

/// How many nodes are visited between looks at the cancel token.
const CANCEL_INTERVAL: usize = 4096;

/// A module specifier of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The specifier, unescaped.
    pub source: Arc<str>,
    /// How the module is referred to.
    pub kind: ReferenceKind,
    /// The string literal, quotes included, in UTF-16 code units.
    pub range: TextRange,
}

/// The module references of a text, in its order: static, dynamic and type imports, re-exports, and calls of `require`,
/// however deep they stand. One whose specifier is no string literal is none.
///
/// Most sources refer to other modules at their beginning alone; they are not parsed.
///
/// # Errors
/// `cancelled`.
pub fn references(text: &str, language: Language, cancel: &CancelToken) -> Result<Vec<Reference>> {
    let places = places(text);
    match prologue::references(text, &places) {
        Some(found) => Ok(found),
        None => parsed(text, &places, language, cancel),
    }
}

/// As [`references`], from the tree.
fn parsed(text: &str, places: &[usize], language: Language, cancel: &CancelToken) -> Result<Vec<Reference>> {
    let source = Source::parse(text, language, View::Tolerant, cancel)?;
    let mut walk = Walk { source: &source, places, found: Vec::new() };
    walk.run(cancel)?;
    Ok(walk.found)
}

/// Where a reference may start, in bytes: at each `import` and `require`, and at each `export` of something that is
/// not declared there.
fn places(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let re_export = |at: &usize| {
        let behind = text[at + "export".len()..].trim_start();
        behind.starts_with(['{', '*', '/']) || behind.starts_with("type")
    };
    let mut places: Vec<usize> =
        memmem::find_iter(bytes, "import").chain(memmem::find_iter(bytes, "require")).collect();
    places.extend(memmem::find_iter(bytes, "export").filter(re_export));
    places.sort_unstable();
    places
}

struct Walk<'source, 'text> {
    source: &'source Source<'text>,
    /// Those that were not passed yet, in order.
    places: &'source [usize],
    found: Vec<Reference>,
}

impl Walk<'_, '_> {
    /// Goes down, right and up as `walk::facts` does, but only where a reference may start.
    fn run(&mut self, cancel: &CancelToken) -> Result<()> {
        let mut cursor = self.source.root().walk();
        for visited in 0_usize.. {
            if visited % CANCEL_INTERVAL == 0 {
                cancel.check()?;
            }
            let node = cursor.node();
            if self.may_hold(node) && self.visit(node, &cursor) && cursor.goto_first_child() {
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a reference may start inside `node`. Nodes come in the order of the text.
    fn may_hold(&mut self, node: Node<'_>) -> bool {
        let Range { start, end } = self.source.bytes_of(node);
        let passed = self.places.partition_point(|place| *place < start);
        self.places = &self.places[passed..];
        self.places.first().is_some_and(|place| *place < end)
    }

    /// Takes a node's reference; says whether there may be more inside.
    fn visit(&mut self, node: Node<'_>, cursor: &TreeCursor<'_>) -> bool {
        match self.source.kind(node) {
            // The keyword is called the same.
            Kind::ImportStatement => self.import(node),
            Kind::ExportStatement => return !self.re_export(node),
            Kind::CallExpression => {
                self.call(node);
                return true;
            }
            Kind::Identifier | Kind::TypeIdentifier => self.masked(node, cursor),
            // `export import a = require("…")` is unknown to the grammar: it sees a name and a string.
            Kind::ImportAlias => {
                let require = self.source.parts(node).into_iter().find(|part| self.is_called(*part, "require"));
                if let Some(require) = require {
                    self.push_behind(require, "require", ReferenceKind::Require);
                }
            }
            _ => return true,
        }
        false
    }

    fn import(&mut self, statement: Node<'_>) {
        let mut module = statement.child_by_field_name("source");
        let mut kind = ReferenceKind::SideEffect;
        let mut type_only = false;
        let mut cursor = statement.walk();
        for child in statement.children(&mut cursor) {
            match self.source.kind(child) {
                Kind::Type if !child.is_named() => type_only = true,
                Kind::ImportClause => kind = ReferenceKind::Value,
                Kind::ImportRequireClause => {
                    kind = ReferenceKind::Require;
                    module = child.child_by_field_name("source");
                }
                _ => {}
            }
        }
        if let Some(module) = module {
            self.push(module, if type_only { ReferenceKind::Type } else { kind });
        }
    }

    /// Takes the module of `export … from`; false if there is none.
    fn re_export(&mut self, statement: Node<'_>) -> bool {
        let Some(module) = statement.child_by_field_name("source") else { return false };
        // Not by the tree, in which a `type` before `*` is left out.
        let words = self.source.slice(statement).strip_prefix("export").unwrap_or_default();
        let words = skip_trivia(words);
        let is_type = words.strip_prefix("type").is_some_and(|behind| skip_trivia(behind).starts_with(['{', '*']));
        self.push(module, if is_type { ReferenceKind::TypeReExport } else { ReferenceKind::ReExport });
        true
    }

    /// Takes the module of `import("…")` or `require("…")`.
    fn call(&mut self, call: Node<'_>) {
        let Some(function) = call.child_by_field_name("function") else { return };
        let kind = match self.source.kind(function) {
            Kind::Import => ReferenceKind::Dynamic,
            Kind::Identifier if self.source.slice(function) == "require" => ReferenceKind::Require,
            _ => return,
        };
        // `require?.("…")` may call nothing.
        let arguments = function.next_sibling().filter(|next| Some(*next) == call.child_by_field_name("arguments"));
        if let Some(module) = arguments.and_then(|arguments| self.source.first_part(arguments)) {
            self.push(module, kind);
        }
    }

    /// Takes the module of an `import("…")` that the grammar was shown as a name; see `tolerant::view`.
    fn masked(&mut self, name: Node<'_>, cursor: &TreeCursor<'_>) {
        if !self.is_called(name, "import") {
            return;
        }
        // `import("…").A.B`, and the same behind `typeof` in a type, are members of members.
        let mut around = cursor.clone();
        let mut kind = self.source.kind(name);
        while matches!(kind, Kind::Identifier | Kind::MemberExpression | Kind::NestedIdentifier) && around.goto_parent()
        {
            kind = self.source.kind(around.node());
        }
        let in_type = matches!(kind, Kind::TypeIdentifier | Kind::NestedTypeIdentifier | Kind::TypeQuery);
        self.push_behind(name, "import", if in_type { ReferenceKind::Type } else { ReferenceKind::Dynamic });
    }

    /// Whether what the grammar takes for a name is `word` alone, or a call of it.
    fn is_called(&self, name: Node<'_>, word: &str) -> bool {
        let behind = self.source.slice(name).strip_prefix(word);
        behind.is_some_and(|behind| behind.is_empty() || behind.trim_start().starts_with('('))
    }

    /// Takes the module of `("…")` behind a word that a name begins with, which the grammar was not shown or did not
    /// expect.
    fn push_behind(&mut self, name: Node<'_>, word: &str, kind: ReferenceKind) {
        let text = self.source.text();
        let behind = text[self.source.bytes_of(name).start + word.len()..].trim_start();
        let Some(quoted) = behind.strip_prefix('(').map(str::trim_start) else { return };
        let start = text.len() - quoted.len();
        let Some(quote) = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\'')) else { return };
        let Some(length) = quoted[1..].find(quote) else { return };
        let literal = start..start + length + 2;
        let source = literal::string_lossy(&text[literal.clone()]).into();
        self.found.push(Reference { source, kind, range: self.source.range_in_text(literal) });
    }

    fn push(&mut self, module: Node<'_>, kind: ReferenceKind) {
        let is_plain = |template: Node<'_>| {
            let mut cursor = template.walk();
            template.children(&mut cursor).all(|part| self.source.kind(part) != Kind::TemplateSubstitution)
        };
        match self.source.kind(module) {
            Kind::String => {}
            Kind::TemplateString if is_plain(module) => {}
            _ => return,
        }
        let source = self.source.string(module).into();
        self.found.push(Reference { source, kind, range: self.source.range(module) });
    }
}

/// What follows white space and comments.
fn skip_trivia(text: &str) -> &str {
    let mut rest = text.trim_start();
    loop {
        let behind = if let Some(comment) = rest.strip_prefix("//") {
            comment.find('\n').map(|end| &comment[end..])
        } else if let Some(comment) = rest.strip_prefix("/*") {
            comment.find("*/").map(|end| &comment[end + 2..])
        } else {
            return rest;
        };
        rest = behind.unwrap_or_default().trim_start();
    }
}

#[cfg(test)]
mod tests;
