//! Positions: from byte offsets to UTF-16 code units, lines and columns.

use crate::protocol::{Position, TextRange};

/// UTF-16 code units of a part of well-formed UTF-8 that may begin and end inside a character: those of a character
/// count where it begins.
pub fn units_by_lead(bytes: &[u8]) -> u64 {
    let in_chunk = |chunk: &[u8]| -> u32 {
        chunk.iter().map(|&byte| u32::from(byte & 0xC0 != 0x80) + u32::from(byte >= 0xF0)).sum()
    };
    bytes.chunks(1 << 16).map(|chunk| u64::from(in_chunk(chunk))).sum()
}

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
    units_of_utf8(text.as_bytes())
}

/// How many UTF-16 code units the characters have whose first byte is among `bytes`, a stretch of
/// valid UTF-8 that may start and end inside a character.
fn units_of_utf8(bytes: &[u8]) -> u64 {
    // One for each character, two for those outside the basic plane, which are those of four bytes.
    bytes.iter().map(|byte| u64::from(byte & 0xC0 != 0x80) + u64::from(*byte >= 0xF0)).sum()
}

/// Every how many bytes [`LineIndex`] notes the UTF-16 offset: a look-up in one very long line
/// counts no more than these.
const BLOCK_BYTES: usize = 512;

/// Finds lines and UTF-16 offsets of byte offsets in one text. A line ends at `\n`.
#[derive(Debug)]
pub struct LineIndex<'text> {
    text: &'text str,
    /// Byte and UTF-16 offset of each line's first character.
    lines: Vec<(usize, u64)>,
    /// UTF-16 offset of every [`BLOCK_BYTES`]th byte; empty where every character is one byte.
    blocks: Vec<u64>,
}

impl<'text> LineIndex<'text> {
    /// Reads `text` once.
    pub fn new(text: &'text str) -> Self {
        let mut blocks = Vec::new();
        if !text.is_ascii() {
            let mut units = 0;
            for block in text.as_bytes().chunks(BLOCK_BYTES) {
                blocks.push(units);
                units += units_of_utf8(block);
            }
            blocks.push(units);
        }
        let mut index = Self { text, lines: vec![(0, 0)], blocks };
        for end in memchr::memchr_iter(b'\n', text.as_bytes()) {
            let units = index.units(end + 1);
            index.lines.push((end + 1, units));
        }
        index
    }

    /// The UTF-16 offset of a byte offset. An offset inside a character counts as its start, one
    /// behind the end as the end.
    pub fn units(&self, byte: usize) -> u64 {
        let byte = self.boundary(byte);
        match self.blocks.get(byte / BLOCK_BYTES) {
            Some(units) => units + units_of_utf8(&self.text.as_bytes()[byte / BLOCK_BYTES * BLOCK_BYTES..byte]),
            None => byte as u64,
        }
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
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
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
        fn agrees_with_a_character_by_character_count(text in "[a\\né😀\\r\u{2028}]{0,40}", copies in 1_usize..40) {
            let text = text.repeat(copies);
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
