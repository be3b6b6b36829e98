//! The facts of a file, made while its bytes pass by.

use crate::index::FileFacts;
use crate::text::{BINARY_PROBE_BYTES, Class, Eol};

/// Makes the facts of a file from its chunks.
#[derive(Debug, Default)]
pub struct FactsReader {
    hasher: blake3::Hasher,
    /// The beginning, until there is enough of it to tell text from binary.
    head: Vec<u8>,
    class: Option<Class>,
    eol: Option<Eol>,
    /// What did not fit before the chunk's end: a `\r` or half a UTF-16 unit.
    carry: Vec<u8>,
}

impl FactsReader {
    /// The next chunk, of any size.
    pub fn add(&mut self, chunk: &[u8]) {
        self.hasher.update(chunk);
        if self.class.is_some() {
            self.line_ends(chunk);
            return;
        }
        if self.head.is_empty() && chunk.len() >= BINARY_PROBE_BYTES {
            self.class = Some(Class::of(chunk));
            self.line_ends(chunk);
            return;
        }
        self.head.extend_from_slice(chunk);
        if self.head.len() >= BINARY_PROBE_BYTES {
            self.flush_head();
        }
    }

    fn flush_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        self.class = Some(Class::of(&head));
        self.line_ends(&head);
    }

    fn line_ends(&mut self, chunk: &[u8]) {
        let Some(class) = self.class else { return };
        if self.eol == Some(Eol::Mixed) {
            return;
        }
        let joined;
        let bytes = if self.carry.is_empty() {
            chunk
        } else {
            self.carry.extend_from_slice(chunk);
            joined = std::mem::take(&mut self.carry);
            &joined
        };
        let keep = tail(bytes, class);
        let (now, later) = bytes.split_at(bytes.len() - keep);
        let later = later.to_vec();
        self.merge(Eol::of(now, class));
        self.carry = later;
    }

    fn merge(&mut self, eol: Eol) {
        self.eol = Some(match (self.eol, eol) {
            (None | Some(Eol::None), eol) => eol,
            (Some(seen), eol) if eol == Eol::None || eol == seen => seen,
            _ => Eol::Mixed,
        });
    }

    /// The facts, after the last chunk.
    pub fn finish(mut self, racy: bool) -> FileFacts {
        if self.class.is_none() {
            self.flush_head();
        }
        let class = self.class.unwrap_or(Class::Text);
        if !self.carry.is_empty() {
            let carry = std::mem::take(&mut self.carry);
            self.merge(Eol::of(&carry, class));
        }
        FileFacts { hash: self.hasher.finalize(), class, eol: self.eol.unwrap_or(Eol::None), racy }
    }
}

/// How many bytes at the end of a chunk must wait for the next one, so that no line end is cut in two.
fn tail(bytes: &[u8], class: Class) -> usize {
    if !class.is_utf16() {
        return usize::from(bytes.last() == Some(&b'\r'));
    }
    let odd = bytes.len() % 2;
    let carriage_return = if class == Class::Utf16Le { *b"\r\0" } else { *b"\0\r" };
    odd + if bytes[..bytes.len() - odd].ends_with(&carriage_return) { 2 } else { 0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However a file is cut into chunks, its facts are those of the whole.
        #[test]
        fn facts_do_not_depend_on_the_chunks(
            text in "[a\\r\\n]{0,12}",
            encoding in 0..3,
            long in any::<bool>(),
            cuts in proptest::collection::vec(1_usize..7, 0..8),
        ) {
            let mut text = text;
            if long {
                text.insert_str(0, &"x".repeat(BINARY_PROBE_BYTES));
            }
            let bytes: Vec<u8> = match encoding {
                0 => text.into_bytes(),
                1 => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect(),
                _ => format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect(),
            };
            let mut reader = FactsReader::default();
            let mut rest = &bytes[..];
            if long {
                let (head, tail) = rest.split_at(BINARY_PROBE_BYTES - 3);
                reader.add(head);
                rest = tail;
            }
            for cut in cuts {
                let (chunk, tail) = rest.split_at(cut.min(rest.len()));
                reader.add(chunk);
                rest = tail;
            }
            reader.add(rest);
            let facts = reader.finish(false);
            let class = Class::of(&bytes);
            prop_assert_eq!(facts.hash, blake3::hash(&bytes));
            prop_assert_eq!(facts.class, class);
            prop_assert_eq!(facts.eol, Eol::of(&bytes, class));
        }
    }
}
