//! Searching parts of a file, where it is known that what lies between them has no match.

use super::collect::{Collector, Text};
use super::file::{FileOptions, FileSearcher, Mode, Run, failed};
use super::matches::FileMatches;
use super::place::Cursor;
use super::reach::Reach;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};

/// A part of a file that is well-formed UTF-8. It begins and ends between characters.
#[derive(Clone, Copy, Debug)]
pub struct Excerpt<'text> {
    /// The part, behind something of what precedes it (the byte-order mark, at the start of the file).
    pub bytes: &'text [u8],
    /// How many bytes of these come before the part: whole characters, at least one unless nothing precedes.
    pub lead: usize,
    /// Where the part begins; at the start of the file, where its byte-order mark does.
    pub start: Place,
    /// All matches start before this place in `bytes`. What seems to start behind it is cut: it would be no match if it
    /// could be seen how it goes on.
    pub until: usize,
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

/// How much of a line may be asked for, and how much a match may cover beside what is repeated, where lines are cut.
const MAX_WITHIN_LINES: usize = 4096;

/// An excerpt that begins or ends within a line has so many bytes on that side of all its matches.
pub const MARGIN_BYTES: usize = 4 * MAX_WITHIN_LINES;

/// What was found so far in the excerpts of one file.
#[derive(Debug)]
pub struct Excerpts {
    found: Option<FileMatches>,
    /// What is left of the limits.
    options: FileOptions,
}

impl Excerpts {
    /// All that was found; nothing if nothing matches.
    pub fn finish(self) -> Option<FileMatches> {
        self.found
    }
}

impl FileSearcher {
    /// Whether a file can be searched in excerpts of whole lines: no match spans lines, and no other lines are shown.
    pub fn takes_lines(&self) -> bool {
        !self.query.across_lines() && self.options.context_before == 0 && self.options.context_after == 0
    }

    /// How far a match reaches, if an excerpt may begin and end within a line, too.
    pub fn reach_within_lines(&self) -> Option<&Reach> {
        let reach = self.query.reach()?;
        let short = self.options.max_line_length <= MAX_WITHIN_LINES && reach.fixed() <= MAX_WITHIN_LINES;
        (short && self.takes_lines()).then_some(reach)
    }

    /// Begins to search a file in excerpts.
    pub fn excerpts(&self) -> Excerpts {
        Excerpts { found: None, options: self.options.clone() }
    }

    /// Searches the next excerpt of a file. They come in order and share no byte in which a match could be. All of them
    /// together give what a search of the whole file gives, as long as that keeps within the options' `max_bytes`;
    /// `Err(None)` if it might not. False if the others need not be searched.
    ///
    /// # Errors
    /// `Some(cancelled)`.
    pub fn search_excerpt(
        &mut self,
        excerpts: &mut Excerpts,
        excerpt: &Excerpt<'_>,
        cancel: &CancelToken,
    ) -> Result<bool, Option<Error>> {
        cancel.check().map_err(Some)?;
        let Excerpt { bytes, lead, start, until } = *excerpt;
        let is_first = start == Place::default();
        let from = if is_first { 0 } else { lead };
        let cursor = Cursor::at(bytes, from, start.lines, start.units, start.line_units);
        let mut run = Run {
            matcher: self.query.matcher(),
            haystack: if is_first { &bytes[lead..] } else { bytes },
            mark: if is_first { lead } else { 0 },
            until: if is_first { until.saturating_sub(lead) } else { until },
            chunk: from,
            collector: Collector::at(Text { bytes, replaced: &[] }, &excerpts.options, cursor, from),
            cancel,
            done: false,
        };
        run.by_line(&mut self.searcher, &mut self.chunk_bytes).map_err(|error| Some(failed(&error)))?;
        cancel.check().map_err(Some)?;
        let Some((found, size)) = run.collector.finish_sized() else { return Ok(true) };
        let options = &mut excerpts.options;
        options.max_matches = options.max_matches.saturating_sub(found.match_count);
        options.max_bytes = options.max_bytes.checked_sub(size + 1).ok_or(None)?;
        let all = excerpts.found.get_or_insert_default();
        all.append(found);
        // In mode `files`, the first match is all that is asked for.
        Ok(!all.limit_hit && options.mode != Mode::Files)
    }
}
