//! Which trigrams and which words a block has.

use super::{BLOCK_BYTES, MAX_WORD, MIN_WORD, OVERLAP};
use crate::text::units_by_lead;

/// Keys of words have so many bits.
pub(super) const WORD_BITS: u32 = 20;
/// Keys of trigrams are the three bytes.
pub(super) const GRAM_BITS: u32 = 24;

/// The key of a word: some of the bits of a hash. Words that share one are taken for each other.
pub(super) fn word_key(word: &[u8]) -> u32 {
    let hash = word.iter().fold(HASH_START, |hash, byte| step(hash, *byte));
    key_of(hash)
}

const HASH_START: u64 = 0xCBF2_9CE4_8422_2325;

/// FNV-1a. Its low bits depend on the low bits of what was hashed alone: the key is taken from the high ones.
#[inline]
fn step(hash: u64, byte: u8) -> u64 {
    (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
}

#[inline]
fn key_of(hash: u64) -> u32 {
    (hash.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (u64::BITS - WORD_BITS)) as u32
}

/// Whether a byte belongs to a word as the index knows words: an ASCII letter or digit, or `_`.
#[inline]
pub(super) fn is_word_byte(byte: u8) -> bool {
    WORD_BYTES[byte as usize]
}

const WORD_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || byte as u8 == b'_';
        byte += 1;
    }
    table
};

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// Finds the distinct keys of one block after the other.
#[derive(Debug)]
pub(super) struct Extractor {
    grams: Seen,
    words: Seen,
}

/// A set of keys, quick to clear.
#[derive(Debug)]
struct Seen {
    bits: Vec<u64>,
    keys: Vec<u32>,
}

impl Seen {
    fn new(key_bits: u32) -> Self {
        Self { bits: vec![0; 1 << (key_bits - 6)], keys: Vec::new() }
    }

    #[inline]
    fn add(&mut self, key: u32) {
        let (word, bit) = (&mut self.bits[(key >> 6) as usize], 1 << (key & 63));
        if *word & bit == 0 {
            *word |= bit;
            self.keys.push(key);
        }
    }

    fn drain(&mut self, mut each: impl FnMut(u32)) {
        for key in self.keys.drain(..) {
            self.bits[(key >> 6) as usize] = 0;
            each(key);
        }
    }
}

/// The bytes of a block and what it takes to see which words in it are whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'text> {
    /// Up to [`BLOCK_BYTES`] and [`OVERLAP`] behind them; less only at the end of the text.
    pub(super) bytes: &'text [u8],
    /// The byte before.
    pub(super) before: Option<u8>,
    /// The byte behind `bytes`.
    pub(super) behind: Option<u8>,
}

impl<'text> Block<'text> {
    /// The block that begins at `start` in a text, of which all that belongs to it is there.
    pub(super) fn of(text: &'text [u8], start: usize) -> Self {
        let end = text.len().min(start + BLOCK_BYTES + OVERLAP);
        let before = start.checked_sub(1).map(|before| text[before]);
        Self { bytes: &text[start..end], before, behind: text.get(end).copied() }
    }

    /// Whether its file has other blocks.
    pub(super) fn is_one_of_several(&self) -> bool {
        self.before.is_some() || self.bytes.len() > BLOCK_BYTES
    }

    /// The bytes without those of the next block.
    fn own(&self) -> &'text [u8] {
        &self.bytes[..self.bytes.len().min(BLOCK_BYTES)]
    }

    /// How many line ends it has.
    pub(super) fn line_ends(&self) -> u32 {
        memchr::memchr_iter(b'\n', self.own()).count() as u32
    }

    /// What precedes the last line that begins in it, if any does.
    pub(super) fn last_line(&self) -> Option<&'text [u8]> {
        let own = self.own();
        memchr::memrchr(b'\n', own).map(|end| &own[..=end])
    }

    /// How many UTF-16 code units it has, if it is well-formed; those of a character count where it begins.
    pub(super) fn units(&self) -> u32 {
        units_by_lead(self.own()) as u32
    }

    /// Whether it is well-formed UTF-8, with the rest of its last character and without that of the last block's.
    pub(super) fn is_well_formed(&self) -> bool {
        let continues =
            |from: usize| self.bytes[from..].iter().take(3).take_while(|byte| is_continuation(**byte)).count();
        let end = self.own().len();
        let (start, more) = (if self.before.is_some() { continues(0) } else { 0 }, continues(end));
        std::str::from_utf8(&self.bytes[start.min(end)..end + more]).is_ok()
    }
}

impl Extractor {
    pub(super) fn new() -> Self {
        Self { grams: Seen::new(GRAM_BITS), words: Seen::new(WORD_BITS) }
    }

    /// Calls `gram` and `word` with each of their keys once.
    pub(super) fn keys(&mut self, block: Block<'_>, gram: impl FnMut(u32), word: impl FnMut(u32)) {
        self.find_grams(block);
        self.find_words(block);
        self.grams.drain(gram);
        self.words.drain(word);
    }

    fn find_grams(&mut self, block: Block<'_>) {
        let [first, second, rest @ ..] = block.bytes else { return };
        let mut gram = u32::from(*first) << 8 | u32::from(*second);
        // As if a line end followed the text: its last two bytes have a trigram, too.
        for byte in rest.iter().chain(block.behind.is_none().then_some(&b'\n')) {
            gram = (gram << 8 | u32::from(*byte)) & 0xFF_FFFF;
            self.grams.add(gram);
        }
    }

    fn find_words(&mut self, block: Block<'_>) {
        let bytes = block.bytes;
        let mut at = 0;
        if block.before.is_some_and(is_word_byte) {
            // What is left of a word that began before.
            at = bytes.iter().position(|byte| !is_word_byte(*byte)).unwrap_or(bytes.len());
        }
        while let Some(skipped) = bytes[at..].iter().position(|byte| is_word_byte(*byte)) {
            let start = at + skipped;
            let mut hash = HASH_START;
            at = start;
            while at < bytes.len() && is_word_byte(bytes[at]) {
                hash = step(hash, bytes[at]);
                at += 1;
            }
            let is_cut = at == bytes.len() && block.behind.is_some_and(is_word_byte);
            if (MIN_WORD..=MAX_WORD).contains(&(at - start)) && !is_cut {
                self.words.add(key_of(hash));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn keys(extractor: &mut Extractor, block: Block<'_>) -> (BTreeSet<u32>, BTreeSet<u32>) {
        let (mut grams, mut words) = (Vec::new(), Vec::new());
        extractor.keys(block, |gram| grams.push(gram), |word| words.push(word));
        let sets: (BTreeSet<_>, BTreeSet<_>) = (grams.iter().copied().collect(), words.iter().copied().collect());
        assert_eq!((sets.0.len(), sets.1.len()), (grams.len(), words.len()), "each once");
        sets
    }

    fn gram(bytes: &[u8]) -> u32 {
        u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2])
    }

    proptest! {
        #[test]
        fn a_block_has_the_trigrams_and_words_in_it(text in "[a-c_é ]{0,40}", extra in 0_usize..6) {
            let mut extractor = Extractor::new();
            let bytes = text.as_bytes();
            let whole = Block { bytes, before: None, behind: None };
            let padded = [bytes, b"\n"].concat();
            let grams: BTreeSet<u32> = padded.windows(3).filter(|_| bytes.len() > 1).map(gram).collect();
            let words = |from: usize, to: usize| -> BTreeSet<u32> {
                let mut found = BTreeSet::new();
                for start in from..to {
                    for end in start + 1..=to {
                        let inside = bytes[start..end].iter().all(|byte| is_word_byte(*byte));
                        let starts = start == 0 || !is_word_byte(bytes[start - 1]);
                        let ends = end == bytes.len() || !is_word_byte(bytes[end]);
                        if inside && starts && ends && (MIN_WORD..=MAX_WORD).contains(&(end - start)) {
                            found.insert(word_key(&bytes[start..end]));
                        }
                    }
                }
                found
            };
            prop_assert_eq!(keys(&mut extractor, whole), (grams, words(0, bytes.len())));
            // A block in the middle.
            let (from, to) = (extra.min(bytes.len()), bytes.len().saturating_sub(extra).max(extra.min(bytes.len())));
            let before = from.checked_sub(1).map(|at| bytes[at]);
            let middle = Block { bytes: &bytes[from..to], before, behind: bytes.get(to).copied() };
            let (found, found_words) = keys(&mut extractor, middle);
            let wanted: BTreeSet<u32> = bytes[from..to].windows(3).map(gram).collect();
            prop_assert!(wanted.is_subset(&found) && found.len() <= wanted.len() + 1);
            prop_assert_eq!(found_words, words(from, to));
        }
    }

    #[test]
    fn too_long_and_too_short_words_are_left_out() {
        let mut extractor = Extractor::new();
        let long = [b'x'; MAX_WORD + 1];
        for (text, count) in
            [(&b"a"[..], 0), (b"ab", 1), (&long, 0), (&long[1..], 1), (b"a b cd", 1), (b"\xC3\xA9xy", 1)]
        {
            let (_, words) = keys(&mut extractor, Block::of(text, 0));
            assert_eq!(words.len(), count, "{text:?}");
        }
    }
}
