//! Tables, and the comparison with a slow reference.

mod excerpts;
mod limits;
mod lines;
mod multiline;
mod plans;
mod plans_are_sound;
mod queries;
mod reference;

use std::time::{Duration, Instant};

use super::*;
use crate::cancel::CancelToken;
use crate::protocol::search::{SearchLine, SearchMatch};
use crate::protocol::{Position, TextRange};
use crate::text::Class;

/// A pattern, a text and the offsets of the matches.
type Case = (&'static str, &'static str, &'static [(u64, u64)]);

/// A regular expression, told case apart, within lines.
fn regex(pattern: &str) -> QueryOptions {
    QueryOptions { pattern: pattern.to_owned(), regex: true, ..QueryOptions::default() }
}

/// A literal, told case apart, within lines.
fn literal(pattern: &str) -> QueryOptions {
    QueryOptions { pattern: pattern.to_owned(), ..QueryOptions::default() }
}

fn multiline(pattern: &str) -> QueryOptions {
    QueryOptions { multiline: true, ..regex(pattern) }
}

/// Everything, without context.
fn all() -> FileOptions {
    FileOptions {
        mode: Mode::Matches,
        context_before: 0,
        context_after: 0,
        max_matches: u64::MAX,
        max_line_length: 1000,
        max_bytes: usize::MAX,
    }
}

fn search(query: &QueryOptions, options: &FileOptions, bytes: &[u8]) -> Option<FileMatches> {
    let query = Query::compile(query).unwrap();
    FileSearcher::new(&query, options.clone()).search(bytes, Class::of(bytes), &CancelToken::default()).unwrap()
}

/// The lines of a search for everything.
fn lines(query: &QueryOptions, bytes: &[u8]) -> Vec<SearchLine> {
    search(query, &all(), bytes).map_or_else(Vec::new, |found| {
        let lines = found.lines.unwrap();
        assert_eq!(found.match_count, lines.iter().map(|line| line.matches.len() as u64).sum::<u64>());
        assert!(!found.limit_hit);
        lines
    })
}

/// The offsets of all matches.
fn ranges(query: &QueryOptions, bytes: impl AsRef<[u8]>) -> Vec<(u64, u64)> {
    let lines = lines(query, bytes.as_ref());
    lines.iter().flat_map(|line| &line.matches).map(|found| (found.range.start, found.range.end)).collect()
}

/// A line as `number|text` or `number-text` (context), with `@column` where it was cut and `!` where lossy.
fn brief(lines: &[SearchLine]) -> Vec<String> {
    let brief = |line: &SearchLine| {
        let at = if line.text_column == 1 { String::new() } else { format!("@{}", line.text_column) };
        format!(
            "{}{at}{}{}{}",
            line.line,
            if line.lossy { "!" } else { "" },
            if line.context { '-' } else { '|' },
            line.text
        )
    };
    lines.iter().map(brief).collect()
}

fn on_line(line: u64, columns: (u64, u64), range: (u64, u64)) -> SearchMatch {
    SearchMatch {
        start: Position { line, column: columns.0 },
        end: Position { line, column: columns.1 },
        range: TextRange { start: range.0, end: range.1 },
    }
}

/// How long this thread had a processor, where the system tells.
#[expect(clippy::disallowed_methods, reason = "it is no file of a workspace")]
fn worked() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// Does something until it took no more than `limit`. A machine that has much else to do, or stands still, makes anything
/// slow, but it makes no more work, and is not that slow every time.
fn quick(what: &str, limit: Duration, mut work: impl FnMut()) {
    let mut took = Vec::new();
    while took.last().is_none_or(|last| *last > limit) {
        assert!(took.len() < 5, "{what} took {took:?}, not {limit:?}");
        let (start, before) = (Instant::now(), worked());
        work();
        let (elapsed, worked) = (start.elapsed(), worked());
        let alone = before.and_then(|before| worked?.checked_sub(before));
        took.push(alone.map_or(elapsed, |alone| alone.min(elapsed)));
    }
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(bytes).collect()
}
