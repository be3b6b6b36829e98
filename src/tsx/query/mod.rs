//! Tree-sitter queries: what matches in one text.
//!
//! The library runs them and evaluates their text predicates. Around it: errors with their place, both grammars at once,
//! limits, and what a text must hold for a query to match it (`needs`), so that others need not be parsed.

mod needs;
mod predicates;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use tree_sitter::{QueryCursor, QueryCursorOptions, QueryError, QueryErrorKind, StreamingIterator as _};

use self::needs::Needs;
use self::predicates::AnyPredicate;
use super::apart::{self, Stop};
use super::grammar::Grammar;
use super::source::{Source, View};
use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};
use crate::protocol::query::{QueryCapture, QueryMatch};
use crate::protocol::tsx::Language;
use crate::text::LineIndex;
use crate::trigram::Plan;

/// Longer queries are refused: they are compiled in one step that cannot be stopped.
pub const MAX_QUERY_BYTES: usize = 64 * 1024;
/// The stack that compiling takes for each byte of a query, as patterns nest, and besides.
const STACK_PER_BYTE: usize = 1024;
const STACK: usize = 1 << 20;
/// How long compiling may take: a few milliseconds, but for a query that repeats repetitions, which could take hours.
const MAX_COMPILE_TIME: Duration = Duration::from_secs(5);
/// How long matching one text may take.
const MAX_TIME: Duration = Duration::from_secs(30);
/// How many matches of one text may be under way. A pattern that repeats something beneath something that repeats
/// would begin millions, each of them compared with the others; beyond this, some are lost, and the limit is told.
const MAX_UNDER_WAY: u32 = 4096;

/// A compiled query.
#[derive(Clone, Debug)]
pub struct Query {
    /// For each language that it was compiled for; none where its grammar does not have what the query asks for.
    compiled: Vec<(Language, Option<Arc<Compiled>>)>,
    needs: Needs,
    plan: Plan,
}

/// A query in terms of one grammar.
#[derive(Debug)]
struct Compiled {
    query: tree_sitter::Query,
    /// What the library gets wrong, for each pattern.
    any: Vec<Vec<AnyPredicate>>,
}

/// How much to take of one text.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Matches.
    pub matches: usize,
    /// UTF-16 code units of a capture's text.
    pub text: usize,
    /// Bytes of JSON.
    pub bytes: usize,
}

/// What matches in one text.
#[derive(Debug, Default, PartialEq)]
pub struct Found {
    /// The matches, in the order of the tree.
    pub matches: Vec<QueryMatch>,
    /// Whether there are more, behind these.
    pub cut: bool,
    /// Whether some were lost because too many were under way.
    pub lost: bool,
    /// About how many bytes of JSON there are, with the match at which [`Limits::bytes`] cut, if it did.
    pub bytes: usize,
}

impl Query {
    /// Compiles a query for texts in any of `languages`.
    ///
    /// # Errors
    /// `invalid_query`, with the place, where it fits none of their grammars; `cancelled`; those of [`apart::run`].
    pub fn compile(source: &str, languages: &[Language], cancel: &CancelToken) -> Result<Self> {
        if source.len() > MAX_QUERY_BYTES {
            let message = format!("`query`: its {} bytes are more than the {MAX_QUERY_BYTES} allowed", source.len());
            return Err(Error::new(Code::InvalidQuery, message));
        }
        let predicates = predicates::scan(source)?;
        let mut grammars: Vec<&'static Grammar> = Vec::new();
        for language in languages {
            let grammar = Grammar::of(*language);
            if !grammars.iter().any(|other| std::ptr::eq(*other, grammar)) {
                grammars.push(grammar);
            }
        }
        let stop = Stop::within(MAX_COMPILE_TIME, "compiling `query`", cancel);
        let (text, asked) = (source.to_owned(), grammars.clone());
        // Each query of the library is used on this thread and others.
        let results = apart::run(STACK + source.len() * STACK_PER_BYTE, &stop, move |_| {
            asked.iter().map(|grammar| tree_sitter::Query::new(&grammar.language, &text)).collect::<Vec<_>>()
        })?;
        let mut needs = None;
        let mut failure = None;
        let mut compiled = Vec::new();
        for result in results {
            match result {
                Ok(query) => {
                    predicates::check(source, &query)?;
                    let by_pattern = predicates::by_pattern(&query, &predicates);
                    needs.get_or_insert_with(|| Needs::of(&query, &by_pattern));
                    let any = by_pattern.iter().map(|predicates| AnyPredicate::of(&query, predicates));
                    let any = any.collect::<Result<_>>()?;
                    compiled.push(Some(Arc::new(Compiled { query, any })));
                }
                Err(error) => {
                    // The one that got further says more.
                    if failure.as_ref().is_none_or(|other: &QueryError| error.offset >= other.offset) {
                        failure = Some(error);
                    }
                    compiled.push(None);
                }
            }
        }
        let Some(needs) = needs else {
            return Err(failure.map_or_else(
                || Error::internal("a query was compiled for no language"),
                |failure| invalid(source, &failure),
            ));
        };
        let of = |language: &Language| {
            let grammar = Grammar::of(*language);
            let at = grammars.iter().position(|other| std::ptr::eq(*other, grammar));
            (*language, at.and_then(|at| compiled[at].clone()))
        };
        Ok(Self { compiled: languages.iter().map(of).collect(), plan: needs.plan(), needs })
    }

    /// What a text must hold to have a match, for an index of texts.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether a text in this language may have a match, as far as its characters tell.
    pub fn may_match(&self, text: &str, language: Language) -> bool {
        self.of(language).is_some() && self.needs.may_match(text)
    }

    fn of(&self, language: Language) -> Option<&Arc<Compiled>> {
        self.compiled.iter().find(|(of, _)| *of == language).and_then(|(_, compiled)| compiled.as_ref())
    }

    /// The matches in a text; none in a language whose grammar does not have what the query asks for.
    ///
    /// # Errors
    /// `cancelled`; `timeout` for a text that takes too long by itself; those of [`apart::run`].
    pub fn run(&self, text: &str, language: Language, limits: Limits, cancel: &CancelToken) -> Result<Found> {
        let Some(compiled) = self.of(language) else { return Ok(Found::default()) };
        let source = Source::parse(text, language, View::Verbatim, cancel)?;
        compiled.run(&source, limits, &Stop::within(MAX_TIME, "matching", cancel))
    }
}

impl Compiled {
    fn run(&self, source: &Source<'_>, limits: Limits, stop: &Stop) -> Result<Found> {
        let mut cursor = QueryCursor::new();
        cursor.set_match_limit(MAX_UNDER_WAY);
        let mut progress = |_: &_| stop.control_flow();
        let options = QueryCursorOptions::new().progress_callback(&mut progress);
        let code = source.code();
        let mut found = Found::default();
        let mut matches = cursor.matches_with_options(&self.query, source.root(), code.as_bytes(), options);
        while let Some(one) = matches.next() {
            stop.check()?;
            let Some(any) = self.any.get(one.pattern_index) else { continue };
            if !any.iter().all(|predicate| predicate.holds(one, source)) {
                continue;
            }
            if found.matches.len() >= limits.matches {
                found.cut = true;
                return Ok(found);
            }
            let captures = one.captures().iter().map(|capture| self.capture(source, *capture, limits.text));
            let matched = QueryMatch { pattern: one.pattern_index as u64, captures: captures.collect() };
            let captured = matched.captures.iter().map(|capture| capture.text.len() + CAPTURE_BYTES).sum::<usize>();
            found.bytes += captured + MATCH_BYTES;
            if found.bytes > limits.bytes && !found.matches.is_empty() {
                found.cut = true;
                return Ok(found);
            }
            found.matches.push(matched);
        }
        drop(matches);
        // A stopped cursor says that there are no more.
        stop.check()?;
        found.lost = cursor.did_exceed_match_limit();
        Ok(found)
    }

    fn capture(&self, source: &Source<'_>, capture: tree_sitter::QueryCapture<'_>, max: usize) -> QueryCapture {
        let node = capture.node;
        let whole = source.slice(node);
        let text = cut(whole, max);
        QueryCapture {
            name: self.query.capture_names().get(capture.index as usize).copied().unwrap_or_default().to_owned(),
            kind: node.kind().to_owned(),
            truncated: text.len() < whole.len(),
            text: text.to_owned(),
            range: source.range(node),
            start: source.position(node.start_byte()),
            end: source.position(node.end_byte()),
        }
    }
}

/// What a match takes beside its captures.
const MATCH_BYTES: usize = 40;
/// More than a capture takes beside its text.
const CAPTURE_BYTES: usize = 300;

/// The beginning of a text, up to so many UTF-16 code units.
fn cut(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text; // There are no more code units than bytes.
    }
    let mut left = max;
    let end = text.char_indices().find(|(_, next)| match left.checked_sub(next.len_utf16()) {
        Some(less) => {
            left = less;
            false
        }
        None => true,
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// What the library found wrong.
fn invalid(source: &str, error: &QueryError) -> Error {
    let what = match error.kind {
        QueryErrorKind::Syntax => "it is not well formed here".to_owned(),
        QueryErrorKind::NodeType => format!("there is no node type {}", error.message),
        QueryErrorKind::Field => format!("there is no field {}", error.message),
        QueryErrorKind::Capture => format!("no capture is called {}", error.message),
        QueryErrorKind::Structure => "no tree has what this pattern asks for".to_owned(),
        QueryErrorKind::Predicate | QueryErrorKind::Language => error.message.clone(),
    };
    // Of a predicate, only the line is known.
    let offset = match error.kind {
        QueryErrorKind::Predicate => source.split_inclusive('\n').take(error.row).map(str::len).sum(),
        _ => error.offset,
    };
    invalid_at(source, offset, &what)
}

/// `invalid_query` with the place and the line it is in.
fn invalid_at(source: &str, offset: usize, what: &str) -> Error {
    let offset = (0..=offset.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
    let lines = LineIndex::new(source);
    let place = lines.position(offset);
    let line_start = source[..offset].rfind('\n').map_or(0, |at| at + 1);
    let line: String = source[line_start..].lines().next().unwrap_or_default().chars().take(200).collect();
    let message = format!("`query`, line {}, column {}: {what}: {line}", place.line, place.column);
    Error::new(Code::InvalidQuery, message)
        .with("line", place.line)
        .with("column", place.column)
        .with("offset", lines.units(offset))
}
