//! Running a query over the bytes of one file.

use std::borrow::Cow;
use std::io;
use std::ops::{Range, RangeInclusive};
use std::time::{Duration, Instant};

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcher;
use grep_searcher::{Searcher, SearcherBuilder, Sink, SinkMatch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::collect::{Collector, Text};
use super::matches::FileMatches;
use super::query::Query;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::text::{self, Class};

/// How much is searched between two looks at the cancel token. Nearly every pattern gets to the
/// most at once; there are some that take milliseconds for a byte.
const CHUNK_BYTES: RangeInclusive<usize> = 512..=256 * 1024;
/// With which size a searcher begins.
const FIRST_CHUNK_BYTES: usize = 8 * 1024;
/// What a chunk may take before chunks get smaller; below a quarter of it they get larger.
const CHUNK_TIME: Duration = Duration::from_millis(4);

/// What is to be found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "SearchMode")]
pub enum Mode {
    /// Every match, with its line and its place.
    #[default]
    Matches,
    /// Which files have a match; a file is left at its first.
    Files,
    /// How many matches each file has.
    Count,
}

/// How a file is searched.
#[derive(Clone, Debug)]
pub struct FileOptions {
    /// What is to be found out.
    pub mode: Mode,
    /// Lines of context before each line with a match.
    pub context_before: usize,
    /// Lines of context after each line with a match.
    pub context_after: usize,
    /// The most matches that are reported.
    pub max_matches: u64,
    /// The most UTF-16 code units that are given of a line (of all lines of a match over several).
    pub max_line_length: usize,
    /// Roughly how large the collected lines may get in JSON. Behind it no further match is
    /// reported, as behind `max_matches`, and no further context is given. A file's first match
    /// always is.
    pub max_bytes: usize,
}

/// Searches files, one after the other. Each thread has its own.
#[derive(Debug)]
pub struct FileSearcher {
    pub(super) query: Query,
    pub(super) options: FileOptions,
    pub(super) searcher: Searcher,
    pub(super) chunk_bytes: usize,
}

impl FileSearcher {
    /// A searcher for one thread. The query is cloned, which shares what was compiled but not the
    /// scratch memory of the matcher, over which threads would contend.
    pub fn new(query: &Query, options: FileOptions) -> Self {
        let searcher = SearcherBuilder::new().line_number(false).bom_sniffing(false).build();
        Self { query: query.clone(), options, searcher, chunk_bytes: FIRST_CHUNK_BYTES }
    }

    /// Searches a whole file. `bytes` is all of it, `class` what [`Class::of`] says about it.
    /// `None` if nothing matches.
    ///
    /// The byte-order mark is no part of what is matched, but counts in every position. UTF-16 is
    /// decoded first. Other bytes are matched as they are, well-formed or not.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn search(&mut self, bytes: &[u8], class: Class, cancel: &CancelToken) -> Result<Option<FileMatches>> {
        cancel.check()?;
        let (bytes, replaced): (Cow<'_, [u8]>, _) = if class.is_utf16() {
            let (decoded, replaced) = decode_utf16(bytes, class);
            (decoded.into_bytes().into(), replaced)
        } else {
            (bytes.into(), Vec::new())
        };
        let mark = if class.is_utf16() { '\u{feff}'.len_utf8() } else { class.bom_len() }.min(bytes.len());
        let mut run = Run {
            matcher: self.query.matcher(),
            haystack: &bytes[mark..],
            mark,
            until: usize::MAX,
            chunk: 0,
            collector: Collector::new(Text { bytes: &bytes, replaced: &replaced }, &self.options),
            cancel,
            done: false,
        };
        if self.query.across_lines() {
            run.matches(run.haystack, &(0..run.haystack.len()), None)
        } else {
            run.by_line(&mut self.searcher, &mut self.chunk_bytes)
        }
        .map_err(|error| failed(&error))?;
        cancel.check()?;
        Ok(run.collector.finish())
    }
}

/// One search of one file.
pub(super) struct Run<'run> {
    pub(super) matcher: &'run RegexMatcher,
    /// What is searched: the text behind its byte-order mark.
    pub(super) haystack: &'run [u8],
    /// The length of the byte-order mark.
    pub(super) mark: usize,
    /// Where in what is searched no match starts any more.
    pub(super) until: usize,
    /// Where the chunk at hand starts.
    pub(super) chunk: usize,
    pub(super) collector: Collector<'run>,
    pub(super) cancel: &'run CancelToken,
    /// Whether the rest need not be searched.
    pub(super) done: bool,
}

impl Run<'_> {
    /// Lets the searcher find lines with a match, in chunks of whole lines.
    pub(super) fn by_line(&mut self, searcher: &mut Searcher, chunk_bytes: &mut usize) -> io::Result<()> {
        let (matcher, haystack) = (self.matcher, self.haystack);
        while self.chunk < haystack.len() && !self.done && !self.cancel.is_cancelled() {
            let start = Instant::now();
            let least = self.chunk.saturating_add(*chunk_bytes - 1).min(haystack.len());
            let end = memchr::memchr(b'\n', &haystack[least..]).map_or(haystack.len(), |at| least + at + 1);
            searcher.search_slice(matcher, &haystack[self.chunk..end], &mut *self)?;
            self.chunk = end;
            *chunk_bytes = match start.elapsed() {
                time if time > CHUNK_TIME => *chunk_bytes / 4,
                time if time < CHUNK_TIME / 4 => *chunk_bytes * 2,
                _ => *chunk_bytes,
            }
            .clamp(*CHUNK_BYTES.start(), *CHUNK_BYTES.end());
        }
        Ok(())
    }

    /// Takes the matches of one line, given with its end.
    fn line(&mut self, line: &Range<usize>) -> io::Result<()> {
        // The line end is not shown to the pattern, as if the line were all there is. What precedes
        // the line is: `\A` is the start of the file.
        let end = if self.haystack[line.clone()].ends_with(b"\n") { line.end - 1 } else { line.end };
        let start = if line.start == 0 { 0 } else { line.start + self.mark };
        let marked = start..line.end + self.mark;
        self.matches(&self.haystack[..end], line, Some(&marked))
    }

    /// Takes the matches in `haystack` that start in `within`.
    fn matches(&mut self, haystack: &[u8], within: &Range<usize>, line: Option<&Range<usize>>) -> io::Result<()> {
        let Self { matcher, collector, cancel, mark, until, done, .. } = self;
        matcher
            .find_iter_at(haystack, within.start, |found| {
                // An empty match behind the last line's last byte is in no line.
                if found.start() >= within.end || found.start() >= *until {
                    return false;
                }
                let found = found.start() + *mark..found.end() + *mark;
                *done = cancel.is_cancelled() || !collector.push(&found, line);
                !*done
            })
            .map_err(io::Error::other)
    }
}

impl Sink for &mut Run<'_> {
    type Error = io::Error;

    fn matched(&mut self, _searcher: &Searcher, matched: &SinkMatch<'_>) -> io::Result<bool> {
        let line = matched.bytes_range_in_buffer();
        self.line(&(self.chunk + line.start..self.chunk + line.end))?;
        Ok(!self.done)
    }
}

/// The engine has no errors of its own; the types do.
pub(super) fn failed(error: &io::Error) -> Error {
    Error::internal(format!("the search failed: {error}"))
}

/// UTF-16 as [`text::decode_lossy`] gives it, and the byte offsets of what had to be replaced.
fn decode_utf16(bytes: &[u8], class: Class) -> (String, Vec<usize>) {
    if let Ok(decoded) = text::decode(bytes, class) {
        return (decoded.into_owned(), Vec::new());
    }
    let decoded = text::decode_lossy(bytes, class).into_owned();
    let unit = if class == Class::Utf16Le { u16::from_le_bytes } else { u16::from_be_bytes };
    // A unit that is replaced is replaced with a character of one unit, so the two stay in step.
    let mut units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let mut replaced = Vec::new();
    for (at, character) in decoded.char_indices() {
        let given = units.nth(character.len_utf16() - 1);
        if character == char::REPLACEMENT_CHARACTER && given != Some(0xFFFD) {
            replaced.push(at);
        }
    }
    (decoded, replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_utf16_is_told_from_replacement_characters() {
        for (bytes, class, expected) in [
            (&b"\xFF\xFEa\0\xFD\xFF"[..], Class::Utf16Le, &[][..]),
            (b"\xFF\xFE\xFD\xFF\x00\xD8b\0", Class::Utf16Le, &[6]),
            (b"\xFF\xFE\x3D\xD8\x00\xDEa", Class::Utf16Le, &[7]),
            (b"\xFE\xFF\xD8\x3D\xDE\x00\xDE\x00\0a", Class::Utf16Be, &[7]),
            (b"\xFF\xFE\x00\xD8a", Class::Utf16Le, &[3]),
        ] {
            let (decoded, replaced) = decode_utf16(bytes, class);
            assert_eq!(decoded, text::decode_lossy(bytes, class), "{bytes:?}");
            assert_eq!(replaced, expected, "{bytes:?}");
        }
    }
}
