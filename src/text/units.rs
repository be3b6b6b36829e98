//! Positions: from byte offsets to UTF-16 code units, lines and columns.

use crate::protocol::{Position, TextRange};

/// How many UTF-16 code units the text of `bytes` has, counting one U+FFFD for each maximal
/// ill-formed subsequence (the text [`super::decode_lossy`] gives).
pub fn units_of(bytes: &[u8]) -> u64 {
    if bytes.is_ascii() {
        return bytes.len() as u64;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => units_of_str(text),
        Err(_) => {
            bytes.utf8_chunks().map(|chunk| units_of_str(chunk.valid()) + u64::from(!chunk.invalid().is_empty())).sum()
        }
    }
}

/// How many UTF-16 code units `text` has.
fn units_of_str(text: &str) -> u64 {
    // One for each character, two for those outside the basic plane, which are those of four bytes.
    text.bytes().map(|byte| u64::from(byte & 0xC0 != 0x80) + u64::from(byte >= 0xF0)).sum()
}

/// Finds lines and UTF-16 offsets of byte offsets in one text. A line ends at `\n`.
#[derive(Debug)]
pub struct LineIndex<'text> {
    text: &'text str,
    /// Byte and UTF-16 offset of each line's first character.
    lines: Vec<(usize, u64)>,
    ascii: bool,
}

impl<'text> LineIndex<'text> {
    /// Reads `text` once.
    pub fn new(text: &'text str) -> Self {
        let ascii = text.is_ascii();
        let mut lines = vec![(0, 0)];
        let mut units = 0;
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            let next = end + 1;
            units += if ascii { (next - start) as u64 } else { units_of_str(&text[start..next]) };
            lines.push((next, units));
            start = next;
        }
        Self { text, lines, ascii }
    }

    /// The UTF-16 offset of a byte offset. An offset inside a character counts as its start, one
    /// behind the end as the end.
    pub fn units(&self, byte: usize) -> u64 {
        let byte = self.boundary(byte);
        if self.ascii {
            return byte as u64;
        }
        let (start, units) = self.lines[self.line_of(byte)];
        units + units_of_str(&self.text[start..byte])
    }

    /// A stretch of bytes as a stretch of UTF-16 code units.
    pub fn range(&self, bytes: std::ops::Range<usize>) -> TextRange {
        TextRange { start: self.units(bytes.start), end: self.units(bytes.end) }
    }

    /// Line and column of a byte offset.
    pub fn position(&self, byte: usize) -> Position {
        let byte = self.boundary(byte);
        let line = self.line_of(byte);
        let column = self.units(byte) - self.lines[line].1 + 1;
        Position { line: line as u64 + 1, column }
    }

    fn boundary(&self, byte: usize) -> usize {
        self.text.floor_char_boundary(byte)
    }

    fn line_of(&self, byte: usize) -> usize {
        self.lines.partition_point(|&(start, _)| start <= byte) - 1
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ill_formed_bytes_count_as_they_are_shown() {
        for bytes in [
            &b""[..],
            b"abc",
            b"\xFF",
            b"a\xF0\x9F\x98",
            b"\xF0\x9F\x98\x80",
            b"\xC3\xA9\xC3",
            b"\xE2\x82x\xED\xA0\x80",
        ] {
            assert_eq!(units_of(bytes), String::from_utf8_lossy(bytes).encode_utf16().count() as u64, "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_a_character_by_character_count(text in "[a\\né😀\\r\u{2028}]{0,40}") {
            let index = LineIndex::new(&text);
            for (byte, _) in text.char_indices().chain([(text.len(), ' ')]) {
                let before = &text[..byte];
                let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                prop_assert_eq!(index.units(byte), before.encode_utf16().count() as u64);
                prop_assert_eq!(index.position(byte), Position {
                    line: before.matches('\n').count() as u64 + 1,
                    column: before[line_start..].encode_utf16().count() as u64 + 1,
                });
            }
        }

        #[test]
        fn any_bytes_count_as_their_lossy_text(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            prop_assert_eq!(units_of(&bytes), String::from_utf8_lossy(&bytes).encode_utf16().count() as u64);
        }
    }
}
