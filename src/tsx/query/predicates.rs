//! Predicates as they are written: `(#eq? @name "value")`.
//!
//! The library evaluates those about texts, but tells nobody what they ask for. So they are read here, too: to say what is
//! unknown, to find out what a text needs, and for `any-…`, which the library takes for true where no node fits.

use regex_automata::meta::Regex;
use regex_automata::util::syntax;

use super::invalid_at;
use crate::error::{Code, Error, Result};
use crate::tsx::source::Source;

/// A predicate.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Predicate {
    /// Where its parenthesis stands.
    pub(super) at: usize,
    /// With its `?` or `!`.
    pub(super) name: String,
    pub(super) args: Vec<Arg>,
}

/// What a predicate is about.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Arg {
    /// `@name`
    Capture(String),
    /// `"text"`, its escapes resolved, or a plain word.
    Text(String),
}

/// Those that the library evaluates, and `set!`, which only says something about a match.
const KNOWN: [&str; 11] = [
    "eq?",
    "not-eq?",
    "any-eq?",
    "any-not-eq?",
    "match?",
    "not-match?",
    "any-match?",
    "any-not-match?",
    "any-of?",
    "not-any-of?",
    "set!",
];

/// The predicates of a query, in order. What is not well formed is left to the library, which says it better.
///
/// # Errors
/// `invalid_query` for a predicate that nobody evaluates, and for letters outside of strings and comments that no
/// grammar knows.
pub(super) fn scan(source: &str) -> Result<Vec<Predicate>> {
    let mut found = Vec::new();
    let mut rest = source;
    let at = |rest: &str| source.len() - rest.len();
    while let Some(next) = rest.chars().next() {
        match next {
            ';' => rest = rest.find('\n').map_or("", |end| &rest[end..]),
            '"' => match string(rest) {
                Some((_, behind)) => rest = behind,
                None => return Ok(found),
            },
            '(' => {
                let start = at(rest);
                rest = skip(&rest[1..]);
                if let Some(predicate) = rest.strip_prefix(['#', '.'])
                    && predicate.starts_with(|next: char| next.is_ascii_alphabetic())
                {
                    let end = predicate.find(|next: char| !is_word(next)).unwrap_or(predicate.len());
                    let name = &predicate[..end];
                    if !KNOWN.contains(&name) {
                        return Err(invalid_at(source, start, &unknown_predicate(name)));
                    }
                    let Some((args, behind)) = arguments(&predicate[end..]) else { return Ok(found) };
                    found.push(Predicate { at: start, name: name.to_owned(), args });
                    rest = behind;
                }
            }
            _ if !next.is_ascii() => return Err(invalid_at(source, at(rest), "it is not well formed here")),
            _ => rest = &rest[1..],
        }
    }
    Ok(found)
}

/// The arguments up to the closing parenthesis, and what is behind it.
fn arguments(text: &str) -> Option<(Vec<Arg>, &str)> {
    let mut args = Vec::new();
    let mut rest = skip(text);
    loop {
        let next = rest.chars().next()?;
        let behind = match next {
            ')' => return Some((args, &rest[1..])),
            '"' => {
                let (value, behind) = string(rest)?;
                args.push(Arg::Text(value));
                behind
            }
            '@' => {
                let end = rest[1..].find(|next: char| !is_word(next)).map_or(rest.len(), |end| end + 1);
                args.push(Arg::Capture(rest[1..end].to_owned()));
                &rest[end..]
            }
            _ if is_word(next) => {
                let end = rest.find(|next: char| !is_word(next)).unwrap_or(rest.len());
                args.push(Arg::Text(rest[..end].to_owned()));
                &rest[end..]
            }
            _ => return None,
        };
        rest = skip(behind);
    }
}

/// What a word of a query may hold, as the library has it.
fn is_word(next: char) -> bool {
    next.is_ascii_alphanumeric() || matches!(next, '_' | '-' | '.' | '?' | '!')
}

/// Behind white space and comments.
fn skip(text: &str) -> &str {
    let mut rest = text.trim_start();
    while rest.starts_with(';') {
        rest = rest.find('\n').map_or("", |end| rest[end..].trim_start());
    }
    rest
}

/// The value of the string that a text starts with, and what is behind it.
fn string(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text[1..].char_indices();
    while let Some((at, next)) = chars.next() {
        match next {
            '"' => return Some((value, &text[at + 2..])),
            '\n' => return None,
            '\\' => value.push(match chars.next()?.1 {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                '0' => '\0',
                other => other,
            }),
            _ => value.push(next),
        }
    }
    None
}

/// Refuses what [`scan`] may not have come to: predicates that nobody evaluates.
///
/// # Errors
/// `invalid_query`.
pub(super) fn check(source: &str, query: &tree_sitter::Query) -> Result<()> {
    for pattern in 0..query.pattern_count() {
        let unknown = query.general_predicates(pattern).first().map(|predicate| &*predicate.operator);
        let property = query.property_predicates(pattern).first().map(|_| "is?");
        if let Some(name) = unknown.or(property) {
            return Err(invalid_at(source, query.start_byte_for_pattern(pattern), &unknown_predicate(name)));
        }
    }
    Ok(())
}

fn unknown_predicate(name: &str) -> String {
    format!("there is no predicate #{name}; there are #{}", KNOWN.join(", #"))
}

/// The predicates of each pattern.
pub(super) fn by_pattern<'scanned>(
    query: &tree_sitter::Query,
    predicates: &'scanned [Predicate],
) -> Vec<Vec<&'scanned Predicate>> {
    (0..query.pattern_count())
        .map(|pattern| {
            let bytes = query.start_byte_for_pattern(pattern)..query.end_byte_for_pattern(pattern);
            predicates.iter().filter(|predicate| bytes.contains(&predicate.at)).collect()
        })
        .collect()
}

/// `any-…`: at least one of the captured nodes is as it says.
#[derive(Debug)]
pub(super) struct AnyPredicate {
    capture: u32,
    operand: Operand,
    positive: bool,
}

#[derive(Debug)]
enum Operand {
    Text(String),
    Regex(Regex),
    Capture(u32),
}

impl AnyPredicate {
    /// Those among the predicates of a pattern. What they ask for has been checked by the library.
    pub(super) fn of(query: &tree_sitter::Query, predicates: &[&Predicate]) -> Result<Vec<Self>> {
        let index = |name: &str| query.capture_index_for_name(name);
        let mut found = Vec::new();
        for predicate in predicates {
            let (Some(name), [Arg::Capture(capture), operand]) =
                (predicate.name.strip_prefix("any-"), predicate.args.as_slice())
            else {
                continue;
            };
            let operand = match (name, operand) {
                ("eq?" | "not-eq?", Arg::Text(text)) => Operand::Text(text.clone()),
                ("eq?" | "not-eq?", Arg::Capture(other)) => match index(other) {
                    Some(other) => Operand::Capture(other),
                    None => continue,
                },
                ("match?" | "not-match?", Arg::Text(pattern)) => Operand::Regex(regex(pattern)?),
                _ => continue,
            };
            if let Some(capture) = index(capture) {
                found.push(Self { capture, operand, positive: !name.starts_with("not-") });
            }
        }
        Ok(found)
    }

    /// Whether it holds for a match.
    pub(super) fn holds(&self, one: &tree_sitter::QueryMatch<'_, '_>, source: &Source<'_>) -> bool {
        let mut nodes = one.nodes_for_capture_index(self.capture).map(|node| source.slice(node));
        match &self.operand {
            Operand::Text(text) => nodes.any(|node| (node == text) == self.positive),
            Operand::Regex(regex) => nodes.any(|node| regex.is_match(node) == self.positive),
            Operand::Capture(other) => {
                let others = one.nodes_for_capture_index(*other).map(|node| source.slice(node));
                nodes.zip(others).any(|(node, other)| (node == other) == self.positive)
            }
        }
    }
}

/// A regular expression as the library reads it.
fn regex(pattern: &str) -> Result<Regex> {
    let config = syntax::Config::new().utf8(false);
    Regex::builder()
        .syntax(config)
        .build(pattern)
        .map_err(|_| Error::new(Code::InvalidQuery, format!("`query`: {pattern:?} is no regular expression")))
}
