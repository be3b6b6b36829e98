//! What a text must hold for a query to match it.

use memchr::memmem;
use regex_syntax::hir::{Class, Hir, HirKind};
use tree_sitter::CaptureQuantifier;

use super::predicates::{Arg, Predicate};
use crate::trigram::Plan;

/// For each pattern, what all of its matches hold; a text needs what one of them does. Every false "no" would be a match
/// that is not found: what is not understood needs nothing.
///
/// Only predicates count. The tokens of a pattern (`"import"`) do not: where a text is wrong, the parser inserts some.
#[derive(Clone, Debug)]
pub(super) struct Needs(Vec<Vec<Need>>);

/// What a captured node's text is like; it is in the text as it is written.
#[derive(Clone, Debug)]
enum Need {
    /// One of these.
    OneOf(Vec<String>),
    /// Something that a regular expression matches, whatever is around it.
    Like(Hir),
}

impl Needs {
    /// Of a query, whose patterns have these predicates.
    pub(super) fn of(query: &tree_sitter::Query, predicates: &[Vec<&Predicate>]) -> Self {
        let pattern = |(pattern, predicates): (usize, &Vec<&Predicate>)| {
            let always = |name: &str| {
                let index = query.capture_index_for_name(name);
                let quantifier = index.and_then(|index| query.capture_quantifiers(pattern).get(index as usize));
                matches!(quantifier, Some(CaptureQuantifier::One | CaptureQuantifier::OneOrMore))
            };
            predicates.iter().filter_map(|predicate| need(predicate, &always)).collect()
        };
        Self(predicates.iter().enumerate().map(pattern).collect())
    }

    /// Whether a text holds what one of the patterns needs, as far as that is quickly told.
    pub(super) fn may_match(&self, text: &str) -> bool {
        let holds = |need: &Need| match need {
            Need::OneOf(texts) => texts.iter().any(|one| memmem::find(text.as_bytes(), one.as_bytes()).is_some()),
            Need::Like(_) => true,
        };
        self.0.iter().any(|needs| needs.iter().all(holds))
    }

    /// It as a plan for the index.
    pub(super) fn plan(&self) -> Plan {
        let pattern = |needs: &Vec<Need>| Plan::all_of(needs.iter().map(Need::plan).collect());
        Plan::any_of(self.0.iter().map(pattern).collect())
    }
}

impl Need {
    fn plan(&self) -> Plan {
        match self {
            Self::OneOf(texts) => {
                Plan::of(&Hir::alternation(texts.iter().map(|text| Hir::literal(text.as_bytes())).collect()))
            }
            Self::Like(hir) => Plan::of(hir),
        }
    }
}

/// What a predicate says about a node that there always is, by `always` for its capture.
fn need(predicate: &Predicate, always: &dyn Fn(&str) -> bool) -> Option<Need> {
    let [Arg::Capture(capture), rest @ ..] = predicate.args.as_slice() else { return None };
    let is_any = predicate.name.starts_with("any-") && predicate.name != "any-of?";
    if !is_any && !always(capture) {
        // Without a node, it holds.
        return None;
    }
    let texts = rest.iter().map(|arg| if let Arg::Text(text) = arg { Some(text.clone()) } else { None });
    match (predicate.name.as_str(), rest) {
        ("eq?" | "any-eq?", [Arg::Text(_)]) | ("any-of?", _) => texts.collect::<Option<_>>().map(Need::OneOf),
        ("match?" | "any-match?", [Arg::Text(pattern)]) => {
            let parsed = regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern).ok()?;
            Some(Need::Like(anywhere(&parsed)))
        }
        _ => None,
    }
}

/// A pattern without what it asks of its surroundings: `^` is the start of the node there, not of the text. The parser
/// bounds how deep patterns nest.
fn anywhere(hir: &Hir) -> Hir {
    match hir.kind() {
        HirKind::Look(_) | HirKind::Empty => Hir::empty(),
        HirKind::Literal(literal) => Hir::literal(literal.0.clone()),
        HirKind::Class(class) => Hir::class(Class::clone(class)),
        HirKind::Repetition(repetition) => Hir::repetition(repetition.with(anywhere(&repetition.sub))),
        HirKind::Capture(capture) => anywhere(&capture.sub),
        HirKind::Concat(parts) => Hir::concat(parts.iter().map(anywhere).collect()),
        HirKind::Alternation(branches) => Hir::alternation(branches.iter().map(anywhere).collect()),
    }
}
