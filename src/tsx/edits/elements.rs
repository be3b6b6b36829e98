//! The elements of a source, and what its strings look like.

use tree_sitter::Node;

use super::write::Quotes;
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::tsx::grammar::Kind;
use crate::tsx::jsx::mistake;
use crate::tsx::source::Source;

/// How many nodes are visited between looks at the cancel token.
const CANCEL_INTERVAL: usize = 4096;

/// The elements of a source, in the order and with the indices of `parse`.
pub(super) struct Elements<'tree> {
    /// By index.
    pub(super) list: Vec<Element<'tree>>,
    /// The quotes that most strings have.
    pub(super) quotes: Quotes,
}

/// An element or a fragment.
#[derive(Clone, Copy)]
pub(super) struct Element<'tree> {
    /// All of it.
    pub(super) node: Node<'tree>,
    /// The opening (or only) tag.
    pub(super) opening: Node<'tree>,
    /// Whether it is in source that does not parse, or does not parse itself.
    pub(super) broken: bool,
}

impl<'tree> Elements<'tree> {
    /// Visits each node once.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn of(source: &'tree Source<'_>, cancel: &CancelToken) -> Result<Self> {
        let mut walk =
            Walk { source, list: Vec::new(), open: Vec::new(), error: None, attribute: None, counts: [0; 4] };
        let mut cursor = source.root().walk();
        let mut depth = 0;
        'nodes: for visited in 0_usize.. {
            if visited % CANCEL_INTERVAL == 0 {
                cancel.check()?;
            }
            walk.visit(cursor.node(), depth);
            if cursor.goto_first_child() {
                depth += 1;
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    break 'nodes;
                }
                depth -= 1;
            }
        }
        let [double, single, js_double, js_single] = walk.counts;
        let quotes = Quotes {
            attribute: if single > double { '\'' } else { '"' },
            expression: if js_single > js_double { '\'' } else { '"' },
        };
        Ok(Self { list: walk.list, quotes })
    }
}

struct Walk<'tree, 'text> {
    source: &'tree Source<'text>,
    list: Vec<Element<'tree>>,
    /// Depths of the elements the walk is inside of.
    open: Vec<usize>,
    /// Depth of the outermost error the walk is inside of.
    error: Option<usize>,
    /// Depth of the innermost attribute the walk is inside of.
    attribute: Option<usize>,
    /// Strings in double and in single quotes: of attributes, and others.
    counts: [usize; 4],
}

impl<'tree> Walk<'tree, '_> {
    fn visit(&mut self, node: Node<'tree>, depth: usize) {
        let kind = self.source.kind(node);
        self.error = self.error.filter(|&error| error < depth);
        self.attribute = self.attribute.filter(|&attribute| attribute < depth);
        while self.open.last().is_some_and(|&open| open >= depth) {
            self.open.pop();
        }
        match kind {
            Kind::Error => self.error = self.error.or(Some(depth)),
            Kind::JsxAttribute => self.attribute = Some(depth),
            Kind::String => {
                let of_attribute = self.attribute.is_some_and(|attribute| attribute + 1 == depth);
                let single = self.source.slice(node).starts_with('\'');
                self.counts[usize::from(!of_attribute) * 2 + usize::from(single)] += 1;
            }
            Kind::JsxElement => {
                if let Some(opening) = node.child_by_field_name("open_tag") {
                    self.element(node, opening, kind, depth);
                }
            }
            // The tag of an element that has been met already, unless its closing tag is missing.
            Kind::JsxOpeningElement if self.open.last().is_some_and(|&open| open + 1 == depth) => {}
            Kind::JsxSelfClosingElement | Kind::JsxOpeningElement => self.element(node, node, kind, depth),
            _ => {}
        }
    }

    fn element(&mut self, node: Node<'tree>, opening: Node<'tree>, kind: Kind, depth: usize) {
        let mistaken = |node, kind| mistake(self.source, node, kind).is_some();
        let broken = self.error.is_some()
            || opening.has_error()
            || kind == Kind::JsxOpeningElement
            || mistaken(opening, Kind::JsxOpeningElement)
            || (kind == Kind::JsxElement && mistaken(node, kind));
        self.list.push(Element { node, opening, broken });
        self.open.push(depth);
    }
}
