//! The attributes of one opening tag, and how it is written with others.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::Node;

use super::constant::{self, Replacement};
use super::json::Json;
use super::write::{self, Quotes};
use crate::protocol::edits::FailedEditCode;
use crate::tsx::entities;
use crate::tsx::grammar::Kind;
use crate::tsx::literal;
use crate::tsx::source::Source;
use crate::tsx::trivia::without as without_trivia;

/// An opening tag that parses, and what shall become of it.
pub(super) struct Tag<'tree, 'text> {
    source: &'tree Source<'text>,
    quotes: Quotes,
    /// Everything in it, tokens and comments too, in order.
    parts: Vec<Part<'tree>>,
    /// The parts that are attributes of a name, in order.
    named: HashMap<String, Vec<usize>>,
    /// The last part that is a spread.
    last_spread: Option<usize>,
    /// Inside of attributes.
    replacements: Vec<Replacement>,
    /// As they are written, in order.
    additions: Vec<String>,
}

struct Part<'tree> {
    node: Node<'tree>,
    kind: PartKind,
    removed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PartKind {
    /// `<`, the name, type arguments.
    Head,
    /// An attribute or a spread.
    Item,
    Comment,
    /// `/>`, `>`
    Close,
}

/// Why an edit is not made.
pub(super) type Refusal = (FailedEditCode, String);

/// An attribute's value.
enum Value<'tree> {
    /// `name`
    Shorthand,
    /// `name="…"`
    Text(Node<'tree>),
    /// `name={…}`, the expression.
    Expression(Node<'tree>),
    /// Something that is no literal.
    Other(&'static str),
}

impl<'tree, 'text> Tag<'tree, 'text> {
    /// Looks at a tag.
    pub(super) fn new(source: &'tree Source<'text>, opening: Node<'tree>, quotes: Quotes) -> Self {
        let mut tag = Self {
            source,
            quotes,
            parts: Vec::new(),
            named: HashMap::new(),
            last_spread: None,
            replacements: Vec::new(),
            additions: Vec::new(),
        };
        let mut cursor = opening.walk();
        for node in opening.children(&mut cursor) {
            let at = tag.parts.len();
            let kind = match source.kind(node) {
                kind if kind.is_comment() => PartKind::Comment,
                Kind::JsxAttribute => {
                    let name = source.first_part(node).map(|name| without_trivia(source.slice(name)));
                    tag.named.entry(name.unwrap_or_default()).or_default().push(at);
                    PartKind::Item
                }
                Kind::JsxExpression => {
                    tag.last_spread = Some(at);
                    PartKind::Item
                }
                _ if matches!(source.slice(node), ">" | "/>" | "/") => PartKind::Close,
                _ => PartKind::Head,
            };
            tag.parts.push(Part { node, kind, removed: false });
        }
        tag
    }

    /// Gives a prop a value. Of attributes of the same name, the last one counts.
    ///
    /// # Errors
    /// `unpromotable`.
    pub(super) fn set(&mut self, prop: &str, new: &Json) -> Result<(), Refusal> {
        let Some(&at) = self.named.get(prop).and_then(|attributes| attributes.last()) else {
            self.additions.push(match new {
                Json::Boolean(true) => prop.to_owned(),
                _ => format!("{prop}={}", write::initializer(new, self.quotes)),
            });
            return Ok(());
        };
        if self.last_spread.is_some_and(|spread| spread > at) {
            return Err(unpromotable(prop, "a spread behind it may override it"));
        }
        let attribute = self.parts[at].node;
        match self.value(attribute) {
            Value::Shorthand => {
                if *new != Json::Boolean(true) {
                    let end = attribute.end_byte();
                    self.replacements.push((end..end, format!("={}", write::initializer(new, self.quotes))));
                }
            }
            Value::Text(node) => {
                let written = self.source.slice(node);
                if *new != Json::String(text(written)) {
                    let attribute = written.chars().next().unwrap_or(self.quotes.attribute);
                    let quotes = Quotes { attribute, ..self.quotes };
                    self.replacements.push((node.byte_range(), write::initializer(new, quotes)));
                }
            }
            Value::Expression(node) => {
                let mut found = Vec::new();
                constant::rewrite(self.source, node, new, self.quotes.expression, &mut found)
                    .map_err(|what| no_literal(prop, what))?;
                self.replacements.append(&mut found);
            }
            Value::Other(what) => return Err(no_literal(prop, what)),
        }
        Ok(())
    }

    /// Takes a prop away: all attributes of that name.
    ///
    /// # Errors
    /// `unpromotable`.
    pub(super) fn remove(&mut self, prop: &str) -> Result<(), Refusal> {
        let attributes = self.named.get(prop).map(Vec::as_slice).unwrap_or_default();
        for &at in attributes {
            let problem = match self.value(self.parts[at].node) {
                Value::Shorthand | Value::Text(_) => None,
                Value::Expression(node) => constant::read(self.source, node).err(),
                Value::Other(what) => Some(what),
            };
            if let Some(what) = problem {
                return Err(no_literal(prop, what));
            }
        }
        for &at in attributes {
            self.parts[at].removed = true;
        }
        Ok(())
    }

    fn value(&self, attribute: Node<'tree>) -> Value<'tree> {
        let parts = self.source.parts(attribute);
        let Some(&initializer) = parts.get(1) else { return Value::Shorthand };
        match self.source.kind(initializer) {
            Kind::String => Value::Text(initializer),
            Kind::JsxExpression => match self.source.parts(initializer).as_slice() {
                [expression] => Value::Expression(*expression),
                _ => Value::Other("an expression"),
            },
            _ => Value::Other("a JSX element"),
        }
    }

    /// What has to be replaced, in no order. Nothing overlaps; what is inserted where something else begins comes first.
    pub(super) fn into_replacements(mut self) -> Vec<Replacement> {
        let mut all = std::mem::take(&mut self.replacements);
        if !self.additions.is_empty() {
            all.push(self.addition());
        }
        let mut at = 0;
        while at < self.parts.len() {
            if !self.parts[at].removed {
                at += 1;
                continue;
            }
            let first = at;
            while self.parts.get(at + 1).is_some_and(|next| next.removed) && !self.gap(at + 1).contains('\n') {
                at += 1;
            }
            all.push((self.removal(first, at), String::new()));
            at += 1;
        }
        all
    }

    /// New attributes stand behind all others, so they override the spreads, each on a line of its own if the last one
    /// has its own.
    fn addition(&self) -> Replacement {
        let is_item = |part: &Part<'_>| part.kind == PartKind::Item;
        let is_kept = |part: &Part<'_>| part.kind == PartKind::Head || (is_item(part) && !part.removed);
        let separator = self.parts.iter().rposition(is_item).map_or(" ", |last| self.separator(last));
        let mut anchor = self.parts.iter().rposition(is_kept).unwrap_or_default();
        if separator != " " {
            // A comment behind an attribute on the same line is about that attribute.
            while self.parts.get(anchor + 1).is_some_and(|next| next.kind == PartKind::Comment)
                && !self.gap(anchor + 1).contains('\n')
            {
                anchor += 1;
            }
        }
        let end = self.parts.get(anchor).map_or(0, |part| part.node.end_byte());
        let text = self.additions.iter().flat_map(|addition| [separator, addition]).collect();
        (end..end, text)
    }

    /// What stands between an item and the one before it, without comments: a line break with the indentation behind
    /// it, or a space.
    fn separator(&self, at: usize) -> &'text str {
        let end = self.parts[at].node.start_byte();
        let mut before = self.parts[..at].iter().rev();
        let start = before.find(|part| part.kind != PartKind::Comment).map_or(end, |part| part.node.end_byte());
        let gap = self.source.slice_of(start..end);
        match line_break(gap) {
            Some(at) => {
                let line = &gap[at..];
                &line[..line.len() - line.trim_start_matches(['\r', '\n', ' ', '\t']).len()]
            }
            None => " ",
        }
    }

    /// The white space in front of a part.
    fn gap(&self, at: usize) -> &'text str {
        let end = self.parts[at].node.start_byte();
        let start = at.checked_sub(1).map_or(end, |before| self.parts[before].node.end_byte());
        self.source.slice_of(start..end)
    }

    /// What to delete for some parts that follow each other: with the white space in front of them, or behind them
    /// where they begin a line; the whole line where there is nothing else on it.
    fn removal(&self, first: usize, last: usize) -> Range<usize> {
        let (start, end) = (self.parts[first].node.start_byte(), self.parts[last].node.end_byte());
        let in_front = self.gap(first);
        let behind = if last + 1 < self.parts.len() { self.gap(last + 1) } else { "" };
        let blanks = behind.len() - behind.trim_start_matches([' ', '\t']).len();
        let ends_line = behind[blanks..].starts_with('\n') || behind[blanks..].starts_with("\r\n");
        // The white space behind a line comment ends it.
        let comment =
            first.checked_sub(1).is_some_and(|before| self.source.slice(self.parts[before].node).starts_with("//"));
        match line_break(in_front) {
            Some(at) if ends_line => start - (in_front.len() - at)..end + blanks,
            None if !comment => {
                // Without white space on either side, two names would become one.
                let next = self.parts.get(last + 1).map(|part| part.kind);
                let separate = !behind.is_empty() || matches!(next, Some(PartKind::Close | PartKind::Comment));
                if separate { start - in_front.len()..end } else { start..end }
            }
            _ => start..end + blanks,
        }
    }
}

/// Where the last line break of white space begins.
fn line_break(space: &str) -> Option<usize> {
    let at = space.rfind('\n')?;
    Some(if space[..at].ends_with('\r') { at - 1 } else { at })
}

/// The value of an attribute string, quotes included.
fn text(written: &str) -> Vec<u16> {
    entities::decode_units(literal::unquoted(written).unwrap_or_default())
}

fn unpromotable(prop: &str, why: &str) -> Refusal {
    (FailedEditCode::Unpromotable, format!("`{prop:.100}`: {why}"))
}

fn no_literal(prop: &str, what: &str) -> Refusal {
    unpromotable(prop, &format!("its value is {what}, not a literal"))
}
