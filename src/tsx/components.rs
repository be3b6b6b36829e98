//! React components: what is declared as one.

use std::collections::HashMap;
use std::ops::Range;

use tree_sitter::Node;

use super::budget::Budget;
use super::grammar::Kind;
use super::source::Source;
use crate::error::Result;
use crate::protocol::tsx::{Component, ComponentKind, Export, ExportKind};

/// Collects component declarations in the order of the walk.
///
/// A component has a capitalized name and is
/// - a function declaration with JSX somewhere in it,
/// - a variable whose value is an arrow function or function expression with JSX somewhere in it,
/// - a class (or a variable whose value is one) that extends `Component` or `PureComponent`, plain or as
///   a member (`React.Component`),
/// - a variable whose value is a call of `memo` or `forwardRef`, plain or of `React`, or
/// - a named function or class inside an exported `export default memo(…)`.
///
/// Values count through parentheses, `as`, `satisfies` and `!`. `range` is the declaration with its
/// modifiers (`export default async function …`); of a variable, the declarator (`Name = …`).
#[derive(Debug, Default)]
pub(super) struct Components {
    list: Vec<Candidate>,
    /// Whether they are answered, and so charged; otherwise only elements ask for their names.
    answered: bool,
    /// How many of the candidates are charged: those that are components.
    charged: usize,
    /// Depth and index of the candidates the walk is inside of.
    open: Vec<(usize, usize)>,
    /// The statements the walk is inside of that modify the declarations directly in them.
    wrappers: Vec<Wrapper>,
}

#[derive(Debug)]
struct Candidate {
    component: Component,
    /// Whether it is declared where `export { Name }` finds it.
    top: bool,
    /// Whether there is JSX in it.
    has_jsx: bool,
}

/// `export …`, `declare …` or `const …`, and where the declaration starts because of it.
#[derive(Clone, Debug)]
struct Wrapper {
    depth: usize,
    start: usize,
    top: bool,
    exported: bool,
    default: bool,
}

/// Where the walk is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Depth of the node in the tree.
    pub(super) depth: usize,
    /// Whether it is a statement of the module itself.
    pub(super) top: bool,
}

impl Components {
    /// None yet.
    pub(super) fn new(answered: bool) -> Self {
        Self { answered, ..Self::default() }
    }

    /// The components, their exports filled in from the module's.
    pub(super) fn into_list(self, exports: &[Export], also_default: Option<&str>) -> Vec<Component> {
        let mut exported: HashMap<&str, bool> = HashMap::new();
        for export in exports.iter().filter(|export| export.source.is_none() && !export.type_only) {
            if let Some(local) = &export.local {
                *exported.entry(local).or_default() |= export.kind == ExportKind::Default;
            }
        }
        if let Some(local) = also_default {
            exported.insert(local, true);
        }
        let mut components = Vec::new();
        for candidate in self.list.into_iter().filter(Candidate::is_component) {
            let mut component = candidate.component;
            if candidate.top
                && let Some(default) = exported.get(component.name.as_str())
            {
                component.exported = true;
                component.default |= default;
            }
            components.push(component);
        }
        components
    }

    /// Leaves what is not around a node at `depth`.
    pub(super) fn leave(&mut self, depth: usize) {
        while self.open.last().is_some_and(|&(open, _)| open >= depth) {
            self.open.pop();
        }
        while self.wrappers.last().is_some_and(|wrapper| wrapper.depth >= depth) {
            self.wrappers.pop();
        }
    }

    /// Notes that the walk met JSX, and gives the component it is in.
    pub(super) fn met_jsx(&mut self, budget: &mut Budget) -> Result<Option<&str>> {
        for at in (0..self.open.len()).rev() {
            let (_, index) = self.open[at];
            let was_component = self.list[index].is_component();
            // Whatever is around a candidate with JSX in it has been told already.
            if std::mem::replace(&mut self.list[index].has_jsx, true) {
                break;
            }
            if !was_component {
                self.charge(index, budget)?;
            }
        }
        Ok(self.open.last().map(|&(_, index)| self.list[index].component.name.as_str()))
    }

    /// Looks at a node in passing.
    pub(super) fn enter(
        &mut self,
        source: &Source<'_>,
        node: Node<'_>,
        kind: Kind,
        place: Place,
        budget: &mut Budget,
    ) -> Result<()> {
        let before = self.list.len();
        self.look(source, node, kind, place);
        for index in before..self.list.len() {
            if self.list[index].is_component() {
                self.charge(index, budget)?;
            }
        }
        Ok(())
    }

    /// Charges a candidate that is known to be a component now.
    fn charge(&mut self, index: usize, budget: &mut Budget) -> Result<()> {
        if self.answered {
            self.charged += 1;
            budget.charge(&self.list[index].component)?;
            budget.separate(self.charged)?;
        }
        Ok(())
    }

    fn look(&mut self, source: &Source<'_>, node: Node<'_>, kind: Kind, place: Place) {
        match kind {
            Kind::ExportStatement => {
                let default = has_child(source, node, Kind::Default);
                self.wrappers.push(Wrapper {
                    depth: place.depth,
                    start: node.start_byte(),
                    top: place.top,
                    exported: place.top,
                    default: place.top && default,
                });
                if let Some(value) = node.child_by_field_name("value") {
                    self.default_value(source, node, value, place);
                }
            }
            Kind::AmbientDeclaration | Kind::LexicalDeclaration | Kind::VariableDeclaration => {
                let outer = self.modifiers(node, place);
                self.wrappers.push(Wrapper { depth: place.depth, ..outer });
            }
            Kind::FunctionDeclaration | Kind::GeneratorFunctionDeclaration => {
                self.declaration(source, node, ComponentKind::Function, place);
            }
            Kind::ClassDeclaration | Kind::AbstractClassDeclaration if is_component_class(source, node) => {
                self.declaration(source, node, ComponentKind::Class, place);
            }
            Kind::VariableDeclarator => self.variable(source, node, place),
            _ => {}
        }
    }

    /// What the statement directly around a node says about it.
    fn modifiers(&self, node: Node<'_>, place: Place) -> Wrapper {
        match self.wrappers.last() {
            Some(wrapper) if wrapper.depth + 1 == place.depth => wrapper.clone(),
            _ => Wrapper {
                depth: place.depth,
                start: node.start_byte(),
                top: place.top,
                exported: false,
                default: false,
            },
        }
    }

    fn declaration(&mut self, source: &Source<'_>, node: Node<'_>, kind: ComponentKind, place: Place) {
        if let Some(name) = node.child_by_field_name("name") {
            let modifiers = self.modifiers(node, place);
            self.push(source, name, kind, modifiers.start..source.end_of(node), place.depth, &modifiers);
        }
    }

    fn variable(&mut self, source: &Source<'_>, node: Node<'_>, place: Place) {
        let (Some(name), Some(value)) = (node.child_by_field_name("name"), node.child_by_field_name("value")) else {
            return;
        };
        if source.kind(name) != Kind::Identifier {
            return;
        }
        let value = unwrapped(source, value);
        let kind = match source.kind(value) {
            Kind::ArrowFunction | Kind::FunctionExpression => ComponentKind::Arrow,
            Kind::Class if is_component_class(source, value) => ComponentKind::Class,
            Kind::CallExpression => match wrapping_call(source, value) {
                Some(kind) => kind,
                None => return,
            },
            _ => return,
        };
        let modifiers = self.modifiers(node, place);
        self.push(source, name, kind, node.start_byte()..source.end_of(node), place.depth, &modifiers);
    }

    /// `export default memo(function Name() {})`, `export default class Name extends Component {}`
    fn default_value(&mut self, source: &Source<'_>, statement: Node<'_>, value: Node<'_>, place: Place) {
        let outer = unwrapped(source, value);
        let kind = match source.kind(outer) {
            Kind::CallExpression => wrapping_call(source, outer),
            Kind::Class if is_component_class(source, outer) => Some(ComponentKind::Class),
            _ => None,
        };
        let inner = innermost(source, value);
        let named = matches!(source.kind(inner), Kind::FunctionExpression | Kind::Class);
        if let (Some(kind), true, Some(name)) = (kind, named, inner.child_by_field_name("name")) {
            let within = Place { depth: place.depth + 1, ..place };
            let modifiers = Wrapper { top: false, ..self.modifiers(statement, within) };
            self.push(source, name, kind, statement.start_byte()..source.end_of(statement), place.depth, &modifiers);
        }
    }

    fn push(
        &mut self,
        source: &Source<'_>,
        name: Node<'_>,
        kind: ComponentKind,
        bytes: Range<usize>,
        depth: usize,
        modifiers: &Wrapper,
    ) {
        let text = source.name(name);
        if !text.starts_with(char::is_uppercase) {
            return;
        }
        let component = Component {
            name: text,
            kind,
            exported: modifiers.exported,
            default: modifiers.default,
            range: source.range_of(bytes),
            name_range: source.range(name),
        };
        self.open.push((depth, self.list.len()));
        self.list.push(Candidate { component, top: modifiers.top, has_jsx: false });
    }
}

impl Candidate {
    fn is_component(&self) -> bool {
        self.has_jsx || !matches!(self.component.kind, ComponentKind::Function | ComponentKind::Arrow)
    }
}

/// The name that `export default Name`, `export default memo(Name)` and the like export, if `statement` is one.
pub(super) fn default_name(source: &Source<'_>, statement: Node<'_>) -> Option<String> {
    let value = statement.child_by_field_name("value")?;
    let inner = innermost(source, value);
    (source.kind(inner) == Kind::Identifier).then(|| source.name(inner))
}

/// What is inside calls of `memo` and `forwardRef`.
fn innermost<'tree>(source: &Source<'_>, value: Node<'tree>) -> Node<'tree> {
    let mut value = unwrapped(source, value);
    while wrapping_call(source, value).is_some()
        && let Some(argument) = value.child_by_field_name("arguments").and_then(|list| list.named_child(0))
    {
        value = unwrapped(source, argument);
    }
    value
}

/// An expression without the parentheses and type operators around it.
fn unwrapped<'tree>(source: &Source<'_>, mut expression: Node<'tree>) -> Node<'tree> {
    loop {
        let inner = match source.kind(expression) {
            Kind::ParenthesizedExpression
            | Kind::AsExpression
            | Kind::SatisfiesExpression
            | Kind::NonNullExpression => source.first_part(expression),
            Kind::MemberExpression | Kind::BinaryExpression => misread_assertion(source, expression),
            _ => None,
        };
        match inner {
            Some(inner) => expression = inner,
            None => return expression,
        }
    }
}

/// The `f() as () => A` in what the grammar makes of `f() as () => A.B | C`: `(f() as () => A).B | C`.
/// A member of an assertion without parentheses is never what is meant.
fn misread_assertion<'tree>(source: &Source<'_>, mut expression: Node<'tree>) -> Option<Node<'tree>> {
    while source.kind(expression) == Kind::BinaryExpression {
        expression = expression.child_by_field_name("left")?;
    }
    if source.kind(expression) != Kind::MemberExpression {
        return None;
    }
    while source.kind(expression) == Kind::MemberExpression {
        expression = expression.child_by_field_name("object")?;
    }
    matches!(source.kind(expression), Kind::AsExpression | Kind::SatisfiesExpression).then_some(expression)
}

/// Which of `memo(…)` and `forwardRef(…)`, plain or of `React`, a call is.
fn wrapping_call(source: &Source<'_>, call: Node<'_>) -> Option<ComponentKind> {
    if source.kind(call) != Kind::CallExpression {
        return None;
    }
    let callee = call.child_by_field_name("function")?;
    let name = match source.kind(callee) {
        Kind::Identifier => callee,
        Kind::MemberExpression if source.slice(callee.child_by_field_name("object")?) == "React" => {
            callee.child_by_field_name("property")?
        }
        _ => return None,
    };
    match source.slice(name) {
        "memo" => Some(ComponentKind::Memo),
        "forwardRef" => Some(ComponentKind::ForwardRef),
        _ => None,
    }
}

/// Whether a class extends `Component` or `PureComponent`.
fn is_component_class(source: &Source<'_>, class: Node<'_>) -> bool {
    let mut cursor = class.walk();
    let base = class
        .named_children(&mut cursor)
        .find(|child| source.kind(*child) == Kind::ClassHeritage)
        .and_then(|heritage| source.first_part(heritage))
        .filter(|clause| source.kind(*clause) == Kind::ExtendsClause)
        .and_then(|clause| clause.child_by_field_name("value"));
    let Some(base) = base else { return false };
    let name = match source.kind(base) {
        Kind::MemberExpression => base.child_by_field_name("property"),
        _ => Some(base),
    };
    name.is_some_and(|name| matches!(source.slice(name), "Component" | "PureComponent"))
}

fn has_child(source: &Source<'_>, node: Node<'_>, kind: Kind) -> bool {
    let mut cursor = node.walk();
    node.children(&mut cursor).any(|child| source.kind(child) == kind)
}
