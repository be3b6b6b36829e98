//! One pass over the tree for all facts.

use tree_sitter::Node;

use super::budget::Budget;
use super::components::{Components, Place, default_name};
use super::exports::Exports;
use super::grammar::Kind;
use super::imports::import;
use super::jsx::{Elements, mistake};
use super::source::Source;
use super::symbols::Symbols;
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::protocol::tsx::{Fact, Facts, Import, SyntaxError};

/// How many nodes are visited between looks at the cancel token.
const CANCEL_INTERVAL: usize = 4096;

/// Walks the tree and collects the facts that are `wanted`.
///
/// The cursor goes down, right and up; nothing recurses, however deep the text nests. What facts
/// need to know of the nodes around one, they keep on stacks with the depth they hold for.
pub(super) fn facts(source: &Source<'_>, wanted: &[Fact], max_bytes: usize, cancel: &CancelToken) -> Result<Facts> {
    let wants = |fact| wanted.contains(&fact);
    let (errors, jsx, components) = (wants(Fact::Errors), wants(Fact::Jsx), wants(Fact::Components));
    let symbols = wants(Fact::Symbols);
    let mut budget = Budget::new(max_bytes);
    budget.charge(&Facts {
        errors: errors.then(Vec::new),
        imports: wants(Fact::Imports).then(Vec::new),
        exports: wants(Fact::Exports).then(Vec::new),
        components: components.then(Vec::new),
        jsx: jsx.then(Vec::new),
        symbols: symbols.then(Vec::new),
    })?;
    let mut walk = Walk {
        source,
        // Components carry the exports of their names, elements the names of their components.
        collects: Collects {
            errors,
            imports: wants(Fact::Imports),
            exports: wants(Fact::Exports) || components,
            components: components || jsx,
            jsx,
            symbols,
        },
        budget,
        modules: 0,
        error: None,
        errors: Vec::new(),
        imports: Vec::new(),
        exports: Exports::new(wants(Fact::Exports)),
        default_name: None,
        components: Components::new(components),
        elements: Elements::default(),
        symbols: Symbols::default(),
    };
    walk.run(cancel)?;
    // A closing tag comes behind what is inside its element.
    walk.errors.sort_by_key(|error| (error.range.start, error.range.end));
    walk.errors.dedup();
    let components = components.then(|| walk.components.into_list(walk.exports.list(), walk.default_name.as_deref()));
    Ok(Facts {
        errors: errors.then_some(walk.errors),
        imports: wants(Fact::Imports).then_some(walk.imports),
        exports: wants(Fact::Exports).then(|| walk.exports.into_list()),
        components,
        jsx: jsx.then(|| walk.elements.into_list()),
        symbols: symbols.then(|| walk.symbols.into_list()),
    })
}

/// What is collected, which may be more than is answered.
#[expect(clippy::struct_excessive_bools, reason = "a set")]
struct Collects {
    errors: bool,
    imports: bool,
    exports: bool,
    components: bool,
    jsx: bool,
    symbols: bool,
}

struct Walk<'source, 'text> {
    source: &'source Source<'text>,
    collects: Collects,
    budget: Budget,
    /// How many of the innermost nodes around the current one, from the root, hold statements of the
    /// module itself: the program, and errors directly in it.
    modules: usize,
    /// Depth of the outermost error the walk is inside of.
    error: Option<usize>,
    errors: Vec<SyntaxError>,
    imports: Vec<Import>,
    exports: Exports,
    default_name: Option<String>,
    components: Components,
    elements: Elements,
    symbols: Symbols,
}

impl Walk<'_, '_> {
    fn run(&mut self, cancel: &CancelToken) -> Result<()> {
        let mut cursor = self.source.root().walk();
        let mut depth = 0;
        for visited in 0_usize.. {
            if visited % CANCEL_INTERVAL == 0 {
                cancel.check()?;
            }
            if self.visit(cursor.node(), depth)? && cursor.goto_first_child() {
                depth += 1;
                continue;
            }
            while !cursor.goto_next_sibling() {
                if !cursor.goto_parent() {
                    return Ok(());
                }
                depth -= 1;
            }
        }
        Ok(())
    }

    /// Takes a node's facts; says whether there may be more inside.
    fn visit(&mut self, node: Node<'_>, depth: usize) -> Result<bool> {
        let kind = self.source.kind(node);
        self.modules = self.modules.min(depth);
        let top = self.modules == depth;
        let holds_statements = top && matches!(kind, Kind::Program | Kind::Error);
        if holds_statements {
            self.modules = depth + 1;
        }
        if self.collects.errors {
            self.error = self.error.filter(|&error| error < depth);
            if self.error.is_none() && (node.is_error() || node.is_missing()) {
                self.error = Some(depth);
                self.error(node)?;
            }
            if self.error.is_none()
                && matches!(kind, Kind::JsxElement | Kind::JsxSelfClosingElement | Kind::JsxOpeningElement)
                && let Some(mistake) = mistake(self.source, node, kind)
            {
                self.error(mistake)?;
            }
        }
        match kind {
            Kind::ImportStatement if top && self.collects.imports => {
                import(self.source, node, &mut self.imports, &mut self.budget)?;
            }
            Kind::ExportStatement if top && self.collects.exports => {
                self.exports.add(self.source, node, &mut self.budget)?;
                if let Some(name) = default_name(self.source, node) {
                    self.default_name.get_or_insert(name);
                }
            }
            _ => {}
        }
        self.elements.leave(depth);
        if self.collects.components {
            self.components.leave(depth);
            self.components.enter(self.source, node, kind, Place { depth, top }, &mut self.budget)?;
        }
        if matches!(kind, Kind::JsxElement | Kind::JsxSelfClosingElement | Kind::JsxOpeningElement) {
            self.element(node, kind, depth)?;
        }
        if self.collects.symbols {
            self.symbols.leave(depth);
            self.symbols.enter(self.source, node, kind, depth, &mut self.budget)?;
        }
        Ok(holds_statements || self.collects.components || self.collects.errors || self.collects.symbols)
    }

    fn element(&mut self, node: Node<'_>, kind: Kind, depth: usize) -> Result<()> {
        if kind == Kind::JsxOpeningElement && self.elements.is_parent_of(depth) {
            return Ok(()); // The element has been entered already.
        }
        let component = self.components.met_jsx(&mut self.budget)?;
        if self.collects.jsx {
            self.elements.enter(self.source, node, depth, component, &mut self.budget)?;
        }
        Ok(())
    }

    fn error(&mut self, node: Node<'_>) -> Result<()> {
        let error = SyntaxError {
            range: self.source.range(node),
            start: self.source.position(node.start_byte()),
            end: self.source.position(node.end_byte()),
        };
        self.budget.push(&mut self.errors, error)
    }
}
