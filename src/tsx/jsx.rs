//! JSX elements and their attributes.

use std::collections::HashMap;

use serde_json::Value;
use tree_sitter::Node;

use super::budget::Budget;
use super::grammar::Kind;
use super::source::Source;
use super::{entities, literal, trivia};
use crate::error::Result;
use crate::protocol::tsx::{JsxAttribute, JsxElement, JsxValue, JsxValueKind};

/// Collects elements in the order of the walk.
#[derive(Debug, Default)]
pub(super) struct Elements {
    list: Vec<JsxElement>,
    counts: HashMap<String, u64>,
    /// Depth and index of the elements the walk is inside of.
    open: Vec<(usize, u64)>,
}

impl Elements {
    /// The elements, in document order of their opening tags.
    pub(super) fn into_list(self) -> Vec<JsxElement> {
        self.list
    }

    /// Leaves what is not around a node at `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.open.last().is_some_and(|&(open, _)| open >= depth) {
            self.open.pop();
        }
    }

    /// Whether a node at `depth` that [`Self::leave`] was called for stands directly in an element.
    pub(super) fn is_parent_of(&self, depth: usize) -> bool {
        self.open.last().is_some_and(|&(open, _)| open + 1 == depth)
    }

    /// Adds an element: a `jsx_element`, a `jsx_self_closing_element`, or a `jsx_opening_element`
    /// whose closing tag is missing, which then is all there is of the element.
    pub(super) fn enter(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        depth: usize,
        component: Option<&str>,
        budget: &mut Budget,
    ) -> Result<()> {
        let opening = match source.kind(node) {
            Kind::JsxElement => node.child_by_field_name("open_tag"),
            _ => Some(node),
        };
        let Some(opening) = opening else { return Ok(()) };
        let attributes = attributes(source, opening, budget)?;
        let name_node = opening.child_by_field_name("name");
        let name = name_node.map(|name| trivia::without(source.slice(name))).unwrap_or_default();
        let name_bytes = name_node.map_or_else(
            || opening.start_byte() + 1..opening.start_byte() + 1, // behind the `<`
            |name| name.byte_range(),
        );
        let count = match self.counts.get_mut(&name) {
            Some(count) => count,
            None => self.counts.entry(name.clone()).or_default(),
        };
        let nth = *count;
        *count += 1;
        let index = self.list.len() as u64;
        let element = JsxElement {
            fragment: name_node.is_none(),
            name,
            index,
            nth,
            parent: self.open.last().map(|&(_, index)| index),
            component: component.map(str::to_owned),
            self_closing: source.kind(node) == Kind::JsxSelfClosingElement,
            range: source.range(node),
            opening_range: source.range(opening),
            name_range: source.range_of(name_bytes),
            start: source.position(node.start_byte()),
            attributes: Vec::new(),
        };
        budget.push(&mut self.list, element)?;
        if let Some(element) = self.list.last_mut() {
            element.attributes = attributes;
        }
        self.open.push((depth, index));
        Ok(())
    }
}

/// What TypeScript does not accept of an element and the grammar does: a closing tag of another
/// name, and braces among the attributes that are no spread.
pub(super) fn mistake<'tree>(source: &Source<'_>, node: Node<'tree>, kind: Kind) -> Option<Node<'tree>> {
    if kind == Kind::JsxElement {
        let name = |tag: Node<'tree>| tag.child_by_field_name("name");
        let (open, close) = (node.child_by_field_name("open_tag")?, node.child_by_field_name("close_tag")?);
        let written = |tag| name(tag).map(|name| trivia::without(source.slice(name)));
        return (written(open) != written(close)).then(|| name(close).unwrap_or(close));
    }
    let mut cursor = node.walk();
    node.named_children(&mut cursor)
        .filter(|child| source.kind(*child) == Kind::JsxExpression)
        .find(|braces| source.first_part(*braces).is_none_or(|inner| source.kind(inner) != Kind::SpreadElement))
}

fn attributes(source: &Source<'_>, opening: Node<'_>, budget: &mut Budget) -> Result<Vec<JsxAttribute>> {
    let mut attributes = Vec::new();
    let mut cursor = opening.walk();
    for child in opening.named_children(&mut cursor) {
        let attribute = match source.kind(child) {
            Kind::JsxAttribute => attribute(source, child),
            Kind::JsxExpression => spread(source, child),
            _ => None,
        };
        if let Some(attribute) = attribute {
            budget.push(&mut attributes, attribute)?;
        }
    }
    Ok(attributes)
}

/// `{...text}`
fn spread(source: &Source<'_>, braces: Node<'_>) -> Option<JsxAttribute> {
    let spread = *source.parts(braces).first()?;
    if source.kind(spread) != Kind::SpreadElement {
        return None;
    }
    let text = source.slice(*source.parts(spread).first()?).to_owned();
    Some(JsxAttribute::Spread { range: source.range(braces), text })
}

/// `name`, `name="…"`, `name={…}`, `name=<…/>`
fn attribute(source: &Source<'_>, node: Node<'_>) -> Option<JsxAttribute> {
    let parts = source.parts(node);
    let (&name, rest) = parts.split_first()?;
    Some(JsxAttribute::Attribute {
        name: trivia::without(source.slice(name)),
        range: source.range(node),
        name_range: source.range(name),
        value: rest.iter().find_map(|part| value(source, *part)),
    })
}

/// An attribute's initializer.
fn value(source: &Source<'_>, node: Node<'_>) -> Option<JsxValue> {
    let (kind, in_expression, literal) = match source.kind(node) {
        Kind::String => {
            let text = literal::unquoted(source.slice(node));
            (JsxValueKind::String, false, text.and_then(entities::decode).map(Value::String))
        }
        Kind::JsxElement | Kind::JsxSelfClosingElement => (JsxValueKind::Element, false, None),
        Kind::JsxExpression => {
            let (kind, literal) = match source.parts(node).as_slice() {
                [expression] => classify(source, *expression),
                _ => (JsxValueKind::Expression, None),
            };
            (kind, true, literal)
        }
        _ => return None,
    };
    Some(JsxValue { kind, in_expression, literal, range: source.range(node) })
}

/// What an expression is, and its value where it is a literal.
fn classify(source: &Source<'_>, expression: Node<'_>) -> (JsxValueKind, Option<Value>) {
    let number = |node: Node<'_>, negative| {
        let text = source.slice(node);
        if text.ends_with('n') {
            // A `bigint`, which JSON does not have.
            return (JsxValueKind::Expression, None);
        }
        (JsxValueKind::Number, literal::number(text, negative))
    };
    match source.kind(expression) {
        Kind::String => (JsxValueKind::String, literal::string(source.slice(expression)).map(Value::String)),
        Kind::Number => number(expression, false),
        Kind::UnaryExpression => {
            match (expression.child_by_field_name("operator"), expression.child_by_field_name("argument")) {
                (Some(operator), Some(argument))
                    if source.kind(operator) == Kind::Minus && source.kind(argument) == Kind::Number =>
                {
                    number(argument, true)
                }
                _ => (JsxValueKind::Expression, None),
            }
        }
        Kind::True => (JsxValueKind::Boolean, Some(Value::Bool(true))),
        Kind::False => (JsxValueKind::Boolean, Some(Value::Bool(false))),
        Kind::Null => (JsxValueKind::Null, Some(Value::Null)),
        Kind::TemplateString => {
            let plain = !source.parts(expression).iter().any(|part| source.kind(*part) == Kind::TemplateSubstitution);
            let literal = plain.then(|| literal::template(source.slice(expression))).flatten();
            (JsxValueKind::Template, literal.map(Value::String))
        }
        Kind::JsxElement | Kind::JsxSelfClosingElement => (JsxValueKind::Element, None),
        _ => (JsxValueKind::Expression, None),
    }
}
