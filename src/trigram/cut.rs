//! From the chunks in which a file is read to the blocks in which its text is indexed.

use super::extract::Block;
use super::{BLOCK_BYTES, OVERLAP};
use crate::text::{BINARY_PROBE_BYTES, Class, decode_lossy};

/// UTF-16 is decoded as a whole; what is longer is not indexed.
const MAX_UTF16_BYTES: usize = 32 << 20;
/// What belongs to a block, and the byte behind it.
const WHOLE_BLOCK: usize = BLOCK_BYTES + OVERLAP + 1;

/// Cuts one file after the other.
#[derive(Debug, Default)]
pub(super) struct Cutter {
    /// Bytes that were not cut yet, behind those before `at`.
    held: Vec<u8>,
    /// Where the next block begins in `held`.
    at: usize,
    class: Option<Class>,
    too_long: bool,
}

impl Cutter {
    /// Takes the next bytes of the file; calls `each` for the blocks that are complete.
    pub(super) fn add(&mut self, chunk: &[u8], each: impl FnMut(Block<'_>)) {
        if matches!(self.class, Some(Class::Binary)) || self.too_long {
            return;
        }
        self.held.extend_from_slice(chunk);
        if self.class.is_none() && self.held.len() >= BINARY_PROBE_BYTES {
            self.class = Some(Class::of(&self.held));
        }
        match self.class {
            Some(Class::Text | Class::Utf8Bom) => self.cut(WHOLE_BLOCK, each),
            Some(Class::Utf16Le | Class::Utf16Be) if self.held.len() > MAX_UTF16_BYTES => self.too_long = true,
            _ => {}
        }
    }

    /// Ends the file; calls `each` for the blocks that are left. Returns whether all of it was cut.
    pub(super) fn finish(&mut self, each: impl FnMut(Block<'_>)) -> bool {
        let class = self.class.unwrap_or_else(|| Class::of(&self.held));
        if class.is_utf16() && !self.too_long {
            self.held = decode_lossy(&self.held, class).into_owned().into_bytes();
        }
        let complete = !self.too_long;
        if complete && class != Class::Binary {
            self.cut(1, each);
        }
        self.clear();
        complete
    }

    /// Forgets the file.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        (self.at, self.class, self.too_long) = (0, None, false);
    }

    /// Cuts while at least so many bytes are left.
    fn cut(&mut self, least: usize, mut each: impl FnMut(Block<'_>)) {
        while self.held.len().saturating_sub(self.at) >= least {
            each(Block::of(&self.held, self.at));
            self.at += BLOCK_BYTES;
        }
        // The byte before the next block stays.
        let done = self.at.saturating_sub(1).min(self.held.len());
        self.held.drain(..done);
        self.at -= done;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bytes of a block, the byte before, and the one behind.
    type Seen = (Vec<u8>, Option<u8>, Option<u8>);

    /// The blocks of a file that comes in chunks of one size.
    fn blocks(file: &[u8], chunk: usize) -> (Vec<Seen>, bool) {
        let (mut cutter, mut found) = (Cutter::default(), Vec::new());
        // What was there before leaves no trace.
        cutter.add(&vec![b'x'; 3 * BLOCK_BYTES], |_| {});
        cutter.clear();
        let mut take = |block: Block<'_>| found.push((block.bytes.to_vec(), block.before, block.behind));
        file.chunks(chunk).for_each(|chunk| cutter.add(chunk, &mut take));
        let complete = cutter.finish(&mut take);
        (found, complete)
    }

    #[test]
    fn blocks_do_not_depend_on_the_chunks() {
        let text: Vec<u8> = (0..3 * BLOCK_BYTES + 77).map(|at| b'a' + (at % 23) as u8).collect();
        let lengths = [0, 1, 100, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + 1, BLOCK_BYTES + OVERLAP]
            .into_iter()
            .chain([BLOCK_BYTES + OVERLAP + 1, 2 * BLOCK_BYTES, text.len()]);
        for length in lengths {
            let file = &text[..length];
            let wanted: Vec<_> = (0..length)
                .step_by(BLOCK_BYTES)
                .map(|start| {
                    let end = length.min(start + BLOCK_BYTES + OVERLAP);
                    let before = start.checked_sub(1).map(|at| file[at]);
                    (file[start..end].to_vec(), before, file.get(end).copied())
                })
                .collect();
            for chunk in [997, BLOCK_BYTES, 1 << 20] {
                assert_eq!(blocks(file, chunk), (wanted.clone(), true), "{length} bytes in chunks of {chunk}");
            }
        }
    }

    #[test]
    fn utf16_is_cut_as_it_is_searched_and_binary_not_at_all() {
        let text = "é".repeat(BLOCK_BYTES);
        let utf16: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let (found, complete) = blocks(&utf16, 5000);
        assert!(complete);
        let joined: Vec<u8> =
            found.iter().flat_map(|(bytes, ..)| &bytes[..bytes.len().min(BLOCK_BYTES)]).copied().collect();
        assert_eq!(joined, format!("\u{feff}{text}").into_bytes());
        assert_eq!(blocks(b"a\0b", 2), (Vec::new(), true));
        let long = [&[0xFF, 0xFE][..], &vec![b'a'; MAX_UTF16_BYTES]].concat();
        assert_eq!(blocks(&long, 1 << 20), (Vec::new(), false));
        let mut late_nul = vec![b'a'; BINARY_PROBE_BYTES + 9];
        late_nul[BINARY_PROBE_BYTES + 1] = 0;
        assert_eq!(blocks(&late_nul, 100).0.len(), 2);
    }
}
