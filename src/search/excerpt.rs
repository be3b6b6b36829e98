//! Searching parts of a file, where it is known that what lies between them has no match.

use super::collect::{Collector, Text};
use super::file::{FileSearcher, Mode, Run, failed};
use super::matches::FileMatches;
use super::place::Cursor;
use crate::cancel::CancelToken;
use crate::error::Result;

/// A part of a file that is well-formed UTF-8. It begins and ends between characters.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'text> {
    /// The part, behind something of what precedes it (the byte-order mark, at the start of the file).
    pub bytes: &'text [u8],
    /// How many bytes of these come before the part: whole characters, at least one unless nothing precedes.
    pub lead: usize,
    /// Where the part begins; at the start of the file, where its byte-order mark does.
    pub start: Place,
}

/// A place in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Line ends before it.
    pub lines: u64,
    /// UTF-16 code units before it.
    pub units: u64,
    /// Those before the line it is in.
    pub line_units: u64,
}

/// How much of a line may be asked for, and how long a match may be, where lines are cut.
const MAX_WITHIN_LINES: usize = 4096;

/// What lies behind the last match of an [`Excerpt`] that ends within a line, and before its first match where it begins
/// in one: so many bytes at least, the lead not counted.
pub const MARGIN_BYTES: usize = 5 * MAX_WITHIN_LINES;

impl FileSearcher {
    /// Whether a file can be searched in excerpts of whole lines: no match spans lines, and no other lines are shown.
    pub fn takes_lines(&self) -> bool {
        !self.query.across_lines() && self.options.context_before == 0 && self.options.context_after == 0
    }

    /// Whether an excerpt may begin and end within a line, too: what is shown of a line, and a match, are short.
    pub fn takes_parts_of_lines(&self) -> bool {
        self.takes_lines()
            && self.options.max_line_length <= MAX_WITHIN_LINES
            && self.query.max_len().is_some_and(|max_len| max_len <= MAX_WITHIN_LINES)
    }

    /// Searches excerpts of one file, in their order, at least [`MARGIN_BYTES`] apart where they share a line. `None` if
    /// nothing matches. Gives what a search of the whole file gives, as long as that keeps within the options'
    /// `max_bytes`; `Err(None)` if it might not.
    ///
    /// # Errors
    /// `Some(cancelled)`.
    pub fn search_excerpts(
        &mut self,
        excerpts: &[Excerpt<'_>],
        cancel: &CancelToken,
    ) -> Result<Option<FileMatches>, Option<crate::error::Error>> {
        let mut all: Option<FileMatches> = None;
        let mut options = self.options.clone();
        for excerpt in excerpts {
            cancel.check().map_err(Some)?;
            let Excerpt { bytes, lead, start } = *excerpt;
            let is_first = start == Place::default();
            let from = if is_first { 0 } else { lead };
            let cursor = Cursor::at(bytes, from, start.lines, start.units, start.line_units);
            let mut run = Run {
                matcher: self.query.matcher(),
                haystack: if is_first { &bytes[lead..] } else { bytes },
                mark: if is_first { lead } else { 0 },
                chunk: from,
                collector: Collector::at(Text { bytes, replaced: &[] }, &options, cursor, from),
                cancel,
                done: false,
            };
            run.by_line(&mut self.searcher, &mut self.chunk_bytes).map_err(|error| Some(failed(&error)))?;
            cancel.check().map_err(Some)?;
            let Some((found, size)) = run.collector.finish_sized() else { continue };
            options.max_matches = options.max_matches.saturating_sub(found.match_count);
            options.max_bytes = options.max_bytes.checked_sub(size + 1).ok_or(None)?;
            let all = all.get_or_insert_default();
            all.append(found);
            // In mode `files`, the first match is all that is asked for.
            if all.limit_hit || options.mode == Mode::Files {
                break;
            }
        }
        Ok(all)
    }
}
