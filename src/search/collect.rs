//! From matches, in order, to the lines that are reported.

use std::ops::Range;

use super::file::{FileOptions, Mode};
use super::matches::{FileMatches, Grown, Step};
use super::place::Cursor;
use super::window;
use crate::protocol::search::{SearchLine, SearchMatch};

/// Roughly what a match and a line without its text take in JSON.
const MATCH_BYTES: usize = 120;
const LINE_BYTES: usize = 60;

/// The text that is reported on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'text> {
    /// All of it, the byte-order mark included. UTF-8 as far as it is well-formed.
    pub(super) bytes: &'text [u8],
    /// Ascending offsets of what was already replaced with U+FFFD when the file was decoded.
    pub(super) replaced: &'text [usize],
}

impl Text<'_> {
    /// Whether something ill-formed is in `lines`. Whole lines, so that no sequence is split.
    fn is_lossy(&self, lines: Range<usize>) -> bool {
        let next = self.replaced.partition_point(|&at| at < lines.start);
        self.replaced.get(next).is_some_and(|&at| at < lines.end) || std::str::from_utf8(&self.bytes[lines]).is_err()
    }

    fn shown(&self, part: Range<usize>) -> String {
        String::from_utf8_lossy(&self.bytes[part]).into_owned()
    }
}

/// Takes the matches of one file and says when there are enough.
#[derive(Debug)]
pub(super) struct Collector<'run> {
    text: Text<'run>,
    options: &'run FileOptions,
    cursor: Cursor<'run>,
    match_count: u64,
    limit_hit: bool,
    /// Roughly how large `lines` is.
    size: usize,
    lines: Vec<SearchLine>,
    grown: Vec<Grown>,
    group: Option<Group>,
    /// End of the last line in `lines`.
    shown: usize,
}

/// The matches seen so far that share lines.
#[derive(Debug)]
struct Group {
    /// From the start of the first line to the end of the last one, its line end included.
    lines: Range<usize>,
    /// Where the first match starts.
    focus: usize,
    matches: Vec<SearchMatch>,
    /// Where the lines ended, from which match on. Ascending; the first is for match 0.
    ends: Vec<(usize, usize)>,
}

impl<'run> Collector<'run> {
    pub(super) fn new(text: Text<'run>, options: &'run FileOptions) -> Self {
        Self::at(text, options, Cursor::new(text.bytes), 0)
    }

    /// For a text that is a part of a file: what is to be shown begins at `start`, where `cursor` is.
    pub(super) fn at(text: Text<'run>, options: &'run FileOptions, cursor: Cursor<'run>, start: usize) -> Self {
        Self {
            text,
            options,
            cursor,
            match_count: 0,
            limit_hit: false,
            size: 0,
            lines: Vec::new(),
            grown: Vec::new(),
            group: None,
            shown: start,
        }
    }

    /// Takes the next match; `line` is the line it is in (its end included), where that is known.
    /// Returns whether to go on.
    pub(super) fn push(&mut self, matched: &Range<usize>, line: Option<&Range<usize>>) -> bool {
        let collects = self.options.mode == Mode::Matches;
        let full = collects && self.match_count > 0 && self.size >= self.options.max_bytes;
        if full || self.match_count >= self.options.max_matches {
            self.limit_hit = true;
            return false;
        }
        self.match_count += 1;
        match self.options.mode {
            Mode::Files => false,
            Mode::Count => true,
            Mode::Matches => {
                self.add(matched, line);
                true
            }
        }
    }

    fn add(&mut self, matched: &Range<usize>, line: Option<&Range<usize>>) {
        let shared = self.group.as_ref().map(|group| group.lines.end).filter(|&end| matched.start < end);
        if shared.is_none() {
            self.open(matched, line);
        }
        let found = self.cursor.locate(matched);
        self.size += MATCH_BYTES;
        let Some(group) = &mut self.group else { return };
        if matched.end > group.lines.end {
            group.lines.end = end_of_line(self.text.bytes, matched);
            group.ends.push((group.matches.len(), group.lines.end));
        }
        group.matches.push(found);
    }

    /// Begins a group with the lines of `matched`, after what precedes it.
    fn open(&mut self, matched: &Range<usize>, line: Option<&Range<usize>>) {
        self.close();
        let lines = line.cloned().unwrap_or_else(|| {
            let before = &self.text.bytes[self.shown..matched.start];
            let start = memchr::memrchr(b'\n', before).map_or(self.shown, |at| self.shown + at + 1);
            start..end_of_line(self.text.bytes, matched)
        });
        self.context_after(lines.start);
        self.context_before(lines.start);
        self.group =
            Some(Group { focus: matched.start, ends: vec![(0, lines.end)], lines, matches: Vec::with_capacity(1) });
    }

    /// Turns the group into a line of the result.
    fn close(&mut self) {
        let Some(group) = self.group.take() else { return };
        let Some(first) = group.matches.first().copied() else { return };
        let max = self.options.max_line_length;
        // Depends on the first match and its lines alone, so that cutting the others off leaves it.
        let own = window::without_end(self.text.bytes, &(group.lines.start..group.ends[0].1));
        let start = window::start(self.text.bytes, &own, group.focus, max);
        let text_column = if start == own.start {
            1
        } else {
            let lead = group.focus - start;
            let mut shown = Cursor::new(&self.text.bytes[start..]);
            first.start.column - shown.locate(&(lead..lead)).range.start
        };
        let all = window::without_end(self.text.bytes, &group.lines);
        let shown = start..start + window::prefix(&self.text.bytes[start..all.end], max);

        let mut lossy = false;
        let mut from = group.lines.start;
        let mut steps = Vec::new();
        for &(first_match, end) in &group.ends {
            lossy = lossy || self.text.is_lossy(from..end);
            from = end;
            if group.ends.len() > 1 {
                let until = window::without_end(self.text.bytes, &(group.lines.start..end)).end.min(shown.end);
                let text_len = String::from_utf8_lossy(&self.text.bytes[shown.start..until]).len();
                steps.push(Step { first_match, text_len, lossy });
            }
        }
        if !steps.is_empty() {
            self.grown.push(Grown { line: self.lines.len(), steps });
        }
        self.shown = group.lines.end;
        self.emit(SearchLine {
            line: first.start.line,
            text: self.text.shown(shown),
            text_column,
            matches: group.matches,
            context: false,
            lossy,
        });
    }

    fn emit(&mut self, line: SearchLine) {
        self.size += LINE_BYTES + line.text.len();
        self.lines.push(line);
    }

    /// The lines behind the last match, as far as they are before `until`.
    fn context_after(&mut self, until: usize) {
        if self.lines.is_empty() || self.options.context_after == 0 {
            return;
        }
        self.cursor.advance(self.shown);
        let mut number = self.cursor.line();
        let mut left = self.options.context_after;
        while left > 0 && self.shown < until && self.size < self.options.max_bytes {
            let line = self.shown..end_of_line(self.text.bytes, &(self.shown..self.shown));
            self.context(number, line);
            number += 1;
            left -= 1;
        }
    }

    /// The lines before a match at `start`, as far as they are not there yet.
    fn context_before(&mut self, start: usize) {
        if self.options.context_before == 0 {
            return;
        }
        let mut starts = Vec::new();
        let mut size = self.size;
        let mut at = start;
        while starts.len() < self.options.context_before && at > self.shown && size < self.options.max_bytes {
            let before = &self.text.bytes[self.shown..at - 1];
            let line = memchr::memrchr(b'\n', before).map_or(self.shown, |end| self.shown + end + 1);
            starts.push(line);
            size += LINE_BYTES + (at - line).min(self.options.max_line_length);
            at = line;
        }
        if starts.is_empty() {
            return;
        }
        self.cursor.advance(start);
        let numbers = self.cursor.line() - starts.len() as u64..;
        for (number, line) in numbers.zip(starts.into_iter().rev()) {
            let end = end_of_line(self.text.bytes, &(line..line));
            self.context(number, line..end);
        }
    }

    fn context(&mut self, number: u64, line: Range<usize>) {
        let visible = window::without_end(self.text.bytes, &line);
        let len = window::prefix(&self.text.bytes[visible.clone()], self.options.max_line_length);
        self.shown = line.end;
        self.emit(SearchLine {
            line: number,
            text: self.text.shown(visible.start..visible.start + len),
            text_column: 1,
            matches: Vec::new(),
            context: true,
            lossy: self.text.is_lossy(line),
        });
    }

    /// What was collected; `None` if there was no match.
    pub(super) fn finish(self) -> Option<FileMatches> {
        self.finish_sized().map(|(matches, _)| matches)
    }

    /// As [`Self::finish`], with the size that counts for `max_bytes`.
    pub(super) fn finish_sized(mut self) -> Option<(FileMatches, usize)> {
        if self.match_count == 0 && !self.limit_hit {
            return None;
        }
        self.close();
        if !self.limit_hit {
            self.context_after(self.text.bytes.len());
        }
        let matches = FileMatches {
            match_count: self.match_count,
            limit_hit: self.limit_hit,
            lines: (self.options.mode == Mode::Matches).then_some(self.lines),
            grown: self.grown,
        };
        Some((matches, self.size))
    }
}

/// The end of the line that `matched` ends in, its line end included. A match that ends in `\n`
/// ends in the line which that `\n` ends.
fn end_of_line(text: &[u8], matched: &Range<usize>) -> usize {
    if !matched.is_empty() && text[matched.end - 1] == b'\n' {
        return matched.end;
    }
    memchr::memchr(b'\n', &text[matched.end..]).map_or(text.len(), |at| matched.end + at + 1)
}
