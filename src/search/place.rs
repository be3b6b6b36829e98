//! From byte offsets to lines, columns and UTF-16 offsets, going forward through one text.
//!
//! The text may be ill-formed UTF-8 and counts as it is shown: one U+FFFD for each maximal
//! ill-formed subsequence. A *sequence* here is such a subsequence or one character, a *boundary*
//! a place between two sequences.

use std::ops::Range;

use crate::protocol::search::SearchMatch;
use crate::protocol::{Position, TextRange};
use crate::text::units_of;

const BLOCK_BYTES: usize = 4096;

/// A place in the text that only goes forward. Counting is linear in the text however many places
/// are asked for, and free for what is never passed.
#[derive(Debug)]
pub(super) struct Cursor<'text> {
    text: &'text [u8],
    byte: usize,
    units: u64,
    /// 1-based.
    line: u64,
    /// Where the line starts.
    line_units: u64,
}

impl<'text> Cursor<'text> {
    pub(super) fn new(text: &'text [u8]) -> Self {
        Self { text, byte: 0, units: 0, line: 1, line_units: 0 }
    }

    /// At the boundary `byte` of a part of a text; `lines` line ends and `units` code units precede it, `line_units`
    /// the line it is in.
    pub(super) fn at(text: &'text [u8], byte: usize, lines: u64, units: u64, line_units: u64) -> Self {
        Self { text, byte, units, line: lines + 1, line_units }
    }

    /// Goes to a boundary; one that was passed already is ignored.
    pub(super) fn advance(&mut self, to: usize) {
        let Some(stretch) = self.text.get(self.byte..to) else { return };
        if let Some(end) = memchr::memrchr(b'\n', stretch) {
            self.line += memchr::memchr_iter(b'\n', &stretch[..=end]).count() as u64;
            self.count(self.byte + end + 1);
            self.line_units = self.units;
        }
        self.count(to);
    }

    /// Counts the code units up to a boundary. In blocks, because ASCII is counted at the speed of
    /// memory and a single other character would take that from all of the stretch.
    fn count(&mut self, to: usize) {
        while self.byte < to {
            let end = to.min(self.byte + BLOCK_BYTES);
            let end = straddling(self.text, end).map_or(end, |sequence| sequence.start);
            self.units += units_of(&self.text[self.byte..end]);
            self.byte = end;
        }
    }

    /// The 1-based number of the line.
    pub(super) fn line(&self) -> u64 {
        self.line
    }

    /// Where a match is. One that starts or ends inside a sequence covers all of it; an empty one
    /// stays empty and is at the start of the sequence.
    pub(super) fn locate(&mut self, matched: &Range<usize>) -> SearchMatch {
        self.advance(straddling(self.text, matched.start).map_or(matched.start, |sequence| sequence.start));
        let (start, start_units) = (self.position(0), self.units);
        let (end, end_units) = if matched.is_empty() {
            (start, start_units)
        } else {
            // The cursor stays before a sequence that is only entered: the next match may start in it.
            let entered = straddling(self.text, matched.end);
            self.advance(entered.as_ref().map_or(matched.end, |sequence| sequence.start));
            let more = entered.map_or(0, |sequence| width(sequence.len()));
            (self.position(more), self.units + more)
        };
        SearchMatch { start, end, range: TextRange { start: start_units, end: end_units } }
    }

    fn position(&self, more: u64) -> Position {
        Position { line: self.line, column: self.units + more - self.line_units + 1 }
    }
}

/// The sequence that `at` lies inside of; none if `at` is a boundary.
pub(super) fn straddling(text: &[u8], at: usize) -> Option<Range<usize>> {
    let continues = |&byte: &u8| byte & 0xC0 == 0x80;
    text.get(at).filter(|&byte| continues(byte))?;
    // No sequence is longer than four bytes, and only its first byte is no continuation byte.
    let start = (at.saturating_sub(3)..at).rev().find(|&before| !continues(&text[before]))?;
    let head = &text[start..text.len().min(start + 4)];
    let first = head.utf8_chunks().next()?;
    let len = first.valid().chars().next().map_or(first.invalid().len(), char::len_utf8);
    (start + len > at).then_some(start..start + len)
}

/// UTF-16 code units of a sequence of `len` bytes. All that have four are well-formed, and outside
/// the basic plane.
pub(super) fn width(len: usize) -> u64 {
    if len == 4 { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn places_inside_sequences() {
        // é, a cut-off 😀, a stray continuation byte, 😀, an encoded surrogate (three ill-formed bytes)
        let text = b"a\xC3\xA9\xF0\x9F\x98\xBFx\x80\xF0\x9F\x98\x80\xED\xA0\x80";
        let inside: Vec<_> = (0..=text.len()).map(|at| straddling(text, at)).collect();
        let expected = [
            None,
            None,
            Some(1..3),
            None,
            Some(3..7),
            Some(3..7),
            Some(3..7),
            None,
            None,
            None,
            Some(9..13),
            Some(9..13),
            Some(9..13),
            None,
            None,
            None,
            None,
        ];
        assert_eq!(inside, expected);
        assert_eq!(straddling(b"\xF0\x9F\x98x", 2), Some(0..3));
        assert_eq!(straddling(b"\xF0\x9F\x98", 3), None);
        assert_eq!(straddling(b"", 0), None);
    }

    #[test]
    fn a_match_inside_a_sequence_covers_it() {
        let text = "\né😀é".as_bytes();
        let mut cursor = Cursor::new(text);
        let mut at = |matched: Range<usize>| {
            let found = cursor.locate(&matched);
            assert_eq!((found.start.line, found.end.line), (2, 2));
            assert_eq!(found.start.column, found.range.start);
            assert_eq!(found.end.column, found.range.end);
            found.range.start..found.range.end
        };
        assert_eq!(at(2..2), 1..1);
        assert_eq!(at(2..5), 1..4);
        assert_eq!(at(5..5), 2..2);
        assert_eq!(at(5..6), 2..4);
        assert_eq!(at(6..7), 2..4);
        assert_eq!(at(7..8), 4..5);
        assert_eq!(at(9..9), 5..5);
    }

    #[test]
    fn blocks_do_not_split_sequences() {
        for lead in 0..6 {
            let text = format!("{}{}x", "a".repeat(lead), "é😀\u{2028}\n".repeat(3 * BLOCK_BYTES));
            let mut cursor = Cursor::new(text.as_bytes());
            let found = cursor.locate(&(text.len() - 1..text.len()));
            assert_eq!(found.range.end, text.encode_utf16().count() as u64);
            assert_eq!(found.start, Position { line: 3 * BLOCK_BYTES as u64 + 1, column: 1 });
        }
    }

    proptest! {
        #[test]
        fn boundaries_are_those_of_the_lossy_text(bytes in proptest::collection::vec(prop_oneof![
            any::<u8>(), Just(0xE2), Just(0x82), Just(0xF0), Just(0x9F), Just(b'\n')], 0..40)) {
            let mut boundaries = vec![0];
            let mut at = 0;
            for chunk in bytes.utf8_chunks() {
                for character in chunk.valid().chars() {
                    at += character.len_utf8();
                    boundaries.push(at);
                }
                if !chunk.invalid().is_empty() {
                    at += chunk.invalid().len();
                    boundaries.push(at);
                }
            }
            for at in 0..=bytes.len() {
                prop_assert_eq!(straddling(&bytes, at).is_none(), boundaries.contains(&at));
            }
            let mut cursor = Cursor::new(&bytes);
            for &at in &boundaries {
                let place = cursor.locate(&(at..at));
                let before = String::from_utf8_lossy(&bytes[..at]);
                let line = before.rsplit('\n').next().unwrap_or_default();
                prop_assert_eq!(place.range.start, before.encode_utf16().count() as u64);
                prop_assert_eq!(place.start.line, before.matches('\n').count() as u64 + 1);
                prop_assert_eq!(place.start.column, line.encode_utf16().count() as u64 + 1);
            }
        }
    }
}
