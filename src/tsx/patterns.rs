//! What a pattern binds.

use tree_sitter::Node;

use super::grammar::Kind;
use super::source::Source;

/// A name that a pattern binds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Binding<'tree> {
    /// The name.
    pub(super) name: Node<'tree>,
    /// What binds it, with its key, default and dots: `b: c = 1` of `{ a, b: c = 1 }`. The name itself where it is the
    /// whole pattern.
    pub(super) element: Node<'tree>,
}

/// What a pattern binds, in order.
pub(super) fn bindings<'tree>(source: &Source<'_>, pattern: Node<'tree>) -> Vec<Binding<'tree>> {
    let mut bindings = Vec::new();
    let mut open = vec![Binding { name: pattern, element: pattern }];
    while let Some(Binding { name: node, element }) = open.pop() {
        let inside = |name| Binding { name, element };
        match source.kind(node) {
            Kind::Identifier | Kind::ShorthandPattern => bindings.push(inside(node)),
            Kind::ObjectPattern | Kind::ArrayPattern => {
                open.extend(source.parts(node).into_iter().rev().map(|part| Binding { name: part, element: part }));
            }
            Kind::RestPattern => open.extend(source.first_part(node).map(inside)),
            Kind::PairPattern => open.extend(node.child_by_field_name("value").map(inside)),
            Kind::AssignmentPattern | Kind::ObjectAssignmentPattern => {
                open.extend(node.child_by_field_name("left").map(inside));
            }
            _ => {}
        }
    }
    bindings
}
