//! Values that a source writes down as literals, and what to change for them to be others.

use std::ops::Range;

use tree_sitter::Node;

use super::json::{Json, MAX_DEPTH};
use super::write;
use crate::tsx::grammar::Kind;
use crate::tsx::literal;
use crate::tsx::source::Source;

/// A stretch of the tree, in bytes, and what takes its place.
pub(super) type Replacement = (Range<usize>, String);

/// Appends what makes the expression `node` have the value `new`; nothing where it has it. Lists of the same length
/// and objects with the same keys are kept as they are written, but for what differs inside.
///
/// # Errors
/// What `node` is, if it is no literal.
pub(super) fn rewrite(
    source: &Source<'_>,
    node: Node<'_>,
    new: &Json,
    quote: char,
    out: &mut Vec<Replacement>,
) -> Result<(), &'static str> {
    match new {
        Json::Array(new) => {
            if let Some(items) = items(source, node).filter(|items| items.len() == new.len()) {
                return items.into_iter().zip(new).try_for_each(|(item, new)| rewrite(source, item, new, quote, out));
            }
        }
        Json::Object(new) => {
            if let Some(entries) = entries(source, node)
                && entries.iter().map(|(key, _)| key).eq(new.iter().map(|(key, _)| key))
            {
                let values = entries.into_iter().map(|(_, value)| value);
                return values.zip(new).try_for_each(|(value, (_, new))| rewrite(source, value, new, quote, out));
            }
        }
        _ => {}
    }
    let old = read(source, node)?;
    if old != *new {
        let own = match (source.kind(node), new) {
            (Kind::String | Kind::TemplateString, Json::String(_)) => source.slice(node).chars().next(),
            _ => None,
        };
        out.push((node.byte_range(), write::expression(new, own.unwrap_or(quote))));
    }
    Ok(())
}

/// The value of an expression that is a literal, also an object or a list of nothing but such. A comment in one
/// would be lost with it, so there may be none.
///
/// # Errors
/// What it is, if it is no literal.
pub(super) fn read(source: &Source<'_>, node: Node<'_>) -> Result<Json, &'static str> {
    let what = match source.kind(node) {
        Kind::TemplateString => "a template with substitutions",
        Kind::JsxElement | Kind::JsxSelfClosingElement => "a JSX element",
        Kind::Object => "an object with more than literals in it",
        Kind::Array => "a list with more than literals in it",
        _ => "an expression",
    };
    if has_comment(source, node) { None } else { value(source, node, 0) }.ok_or(what)
}

fn value(source: &Source<'_>, node: Node<'_>, depth: usize) -> Option<Json> {
    if depth > MAX_DEPTH {
        return None;
    }
    let number = |node, sign: f64| Some(Json::Number(sign * literal::double(source.slice(node))?));
    match source.kind(node) {
        Kind::Null => Some(Json::Null),
        Kind::True => Some(Json::Boolean(true)),
        Kind::False => Some(Json::Boolean(false)),
        Kind::String => Some(Json::String(literal::string_units(source.slice(node)))),
        Kind::TemplateString => {
            let plain = !source.parts(node).iter().any(|part| source.kind(*part) == Kind::TemplateSubstitution);
            plain.then(|| literal::template_units(source.slice(node))).flatten().map(Json::String)
        }
        Kind::Number => number(node, 1.0),
        Kind::UnaryExpression => {
            let (operator, argument) = (node.child_by_field_name("operator")?, node.child_by_field_name("argument")?);
            let negative = source.kind(operator) == Kind::Minus && source.kind(argument) == Kind::Number;
            negative.then(|| number(argument, -1.0)).flatten()
        }
        Kind::Array => {
            let items = items(source, node)?;
            items.into_iter().map(|item| value(source, item, depth + 1)).collect::<Option<_>>().map(Json::Array)
        }
        Kind::Object => {
            let entries = entries(source, node)?.into_iter();
            let read = entries.map(|(key, entry)| Some((key, value(source, entry, depth + 1)?)));
            read.collect::<Option<Vec<_>>>().map(Json::object)
        }
        _ => None,
    }
}

/// The items of a list without holes.
fn items<'tree>(source: &Source<'_>, node: Node<'tree>) -> Option<Vec<Node<'tree>>> {
    if source.kind(node) != Kind::Array {
        return None;
    }
    let mut items = Vec::new();
    let mut expects_item = true;
    let mut cursor = node.walk();
    for child in node.children(&mut cursor) {
        match source.kind(child) {
            Kind::Comma if expects_item => return None,
            Kind::Comma => expects_item = true,
            kind if child.is_named() && !kind.is_comment() => {
                items.push(child);
                expects_item = false;
            }
            _ => {}
        }
    }
    Some(items)
}

/// Keys and values of an object that consists of them alone.
fn entries<'tree>(source: &Source<'_>, node: Node<'tree>) -> Option<Vec<(Vec<u16>, Node<'tree>)>> {
    if source.kind(node) != Kind::Object {
        return None;
    }
    let entry = |pair: Node<'tree>| {
        if source.kind(pair) != Kind::Pair {
            return None; // A method, a shorthand, a spread.
        }
        Some((key(source, pair.child_by_field_name("key")?)?, pair.child_by_field_name("value")?))
    };
    source.parts(node).into_iter().map(entry).collect()
}

/// A key that is written down. `__proto__: …` is none: it sets the object's prototype.
fn key(source: &Source<'_>, node: Node<'_>) -> Option<Vec<u16>> {
    let units = match source.kind(node) {
        Kind::PropertyIdentifier => literal::identifier(source.slice(node)).encode_utf16().collect(),
        Kind::String => literal::string_units(source.slice(node)),
        Kind::Number => write::number(literal::double(source.slice(node))?).encode_utf16().collect(),
        Kind::ComputedName => {
            let inner = source.first_part(node).filter(|inner| source.kind(*inner) == Kind::String)?;
            return Some(literal::string_units(source.slice(inner)));
        }
        _ => return None,
    };
    (!units.iter().copied().eq("__proto__".encode_utf16())).then_some(units)
}

fn has_comment(source: &Source<'_>, node: Node<'_>) -> bool {
    let mut cursor = node.walk();
    let mut depth = 0_usize;
    loop {
        if source.kind(cursor.node()).is_comment() {
            return true;
        }
        if cursor.goto_first_child() {
            depth += 1;
            continue;
        }
        while !cursor.goto_next_sibling() {
            if depth == 0 || !cursor.goto_parent() {
                return false;
            }
            depth -= 1;
        }
    }
}
