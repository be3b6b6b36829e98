//! The postings of a stretch of files, which never change.

use super::cut::Cutter;
use super::dictionary::{BLOCK_BITS, Collector, Dictionary, Postings};
use super::extract::{Block, Extractor, GRAM_BITS, WORD_BITS, word_key};
use super::plan::GramRange;
use crate::text::units_by_lead;

/// Which trigrams and words the blocks of some files have. Files are numbered in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// For each file, its first block; one more at the end.
    starts: Box<[u32]>,
    /// Files of which nothing is known, ascending: they may have anything.
    opaque: Box<[u32]>,
    /// Files of several blocks that are not well-formed UTF-8, ascending.
    ill_formed: Box<[u32]>,
    /// For each block of a file of several, the line ends and the UTF-16 code units before it.
    lines: Box<[u32]>,
    units: Box<[u32]>,
    /// And the units before the line in which it begins.
    line_units: Box<[u32]>,
    grams: Dictionary,
    words: Dictionary,
}

/// What precedes a block in its file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// Line ends.
    pub lines: u32,
    /// UTF-16 code units. Those of a character count where it begins.
    pub units: u32,
    /// Those before the line in which the block begins.
    pub line_units: u32,
}

impl Segment {
    /// How many files.
    pub fn files(&self) -> u32 {
        self.starts.len().saturating_sub(1) as u32
    }

    /// How many blocks.
    pub fn blocks(&self) -> u32 {
        self.starts.last().copied().unwrap_or_default()
    }

    /// The blocks of a file; none if it is empty, binary or opaque.
    pub fn blocks_of(&self, file: u32) -> std::ops::Range<u32> {
        let at = |file: u32| self.starts.get(file as usize).copied().unwrap_or_default();
        at(file)..at(file + 1)
    }

    /// The file that a block belongs to.
    pub fn file_of(&self, block: u32) -> u32 {
        (self.starts.partition_point(|start| *start <= block) as u32).saturating_sub(1)
    }

    /// Files of which nothing is known, ascending.
    pub fn opaque(&self) -> &[u32] {
        &self.opaque
    }

    /// What precedes each block of a file; `None` if it is not known: of a file that is no well-formed UTF-8.
    pub fn before_blocks_of(&self, file: u32) -> Option<Vec<Before>> {
        if self.ill_formed.binary_search(&file).is_ok() {
            return None;
        }
        let blocks = self.blocks_of(file);
        let blocks = blocks.start as usize..blocks.end as usize;
        let number = |list: &[u32], block: usize| list.get(block).copied();
        let before = |block| {
            let (lines, units) = (number(&self.lines, block)?, number(&self.units, block)?);
            Some(Before { lines, units, line_units: number(&self.line_units, block)? })
        };
        blocks.map(before).collect()
    }

    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        let lists = [&self.starts, &self.opaque, &self.ill_formed, &self.lines, &self.units, &self.line_units];
        lists.iter().map(|list| 4 * list.len()).sum::<usize>() + self.grams.bytes() + self.words.bytes()
    }

    /// The blocks with a trigram in a range.
    pub(super) fn grams(&self, range: GramRange) -> impl Iterator<Item = Postings<'_>> {
        self.grams.range(range.first, range.last)
    }

    /// The blocks with a word, or with one that is taken for it.
    pub(super) fn word(&self, word: &[u8]) -> Option<Postings<'_>> {
        let key = word_key(word);
        self.words.range(key, key).next()
    }

    /// All it consists of, to be written somewhere.
    pub fn to_parts(&self) -> SegmentParts<'_> {
        let (grams, words) = (self.grams.parts(), self.words.parts());
        SegmentParts {
            numbers: [
                &self.starts,
                &self.opaque,
                &self.ill_formed,
                &self.lines,
                &self.units,
                &self.line_units,
                grams.prefixes,
                grams.places,
                words.prefixes,
                words.places,
            ],
            bytes: [grams.lows, grams.data, words.lows, words.data],
        }
    }

    /// From what [`Self::to_parts`] gave, in its order; `None` if it is not that many lists, or they do not fit together.
    pub fn from_parts(numbers: Vec<Box<[u32]>>, bytes: Vec<Box<[u8]>>) -> Option<Self> {
        let numbers: [Box<[u32]>; SegmentParts::NUMBERS] = numbers.try_into().ok()?;
        let [
            starts,
            opaque,
            ill_formed,
            lines,
            units,
            line_units,
            gram_prefixes,
            gram_places,
            word_prefixes,
            word_places,
        ] = numbers;
        let [gram_lows, gram_data, word_lows, word_data]: [Box<[u8]>; SegmentParts::BYTES] = bytes.try_into().ok()?;
        let lists = [&starts, &opaque, &ill_formed];
        let is_sound = starts.first() == Some(&0) && lists.iter().all(|list| list.is_sorted());
        is_sound.then_some(Self {
            starts,
            opaque,
            ill_formed,
            lines,
            units,
            line_units,
            grams: Dictionary::from_parts(gram_prefixes, gram_lows, gram_places, gram_data),
            words: Dictionary::from_parts(word_prefixes, word_lows, word_places, word_data),
        })
    }
}

/// All that a [`Segment`] consists of.
#[derive(Clone, Copy, Debug)]
pub struct SegmentParts<'segment> {
    /// Lists of numbers.
    pub numbers: [&'segment [u32]; SegmentParts::NUMBERS],
    /// Lists of bytes.
    pub bytes: [&'segment [u8]; SegmentParts::BYTES],
}

impl SegmentParts<'_> {
    /// How many lists of numbers.
    pub const NUMBERS: usize = 10;
    /// How many lists of bytes.
    pub const BYTES: usize = 4;
}

/// Builds a [`Segment`], file by file.
#[derive(Debug)]
pub struct SegmentBuilder {
    extractor: Extractor,
    cutter: Cutter,
    /// Whether not all blocks of the file at hand are those that it has now.
    spoiled: bool,
    starts: Vec<u32>,
    opaque: Vec<u32>,
    ill_formed: Vec<u32>,
    /// What precedes the next block of the file at hand, and each one before.
    before: Before,
    lines: Vec<u32>,
    units: Vec<u32>,
    line_units: Vec<u32>,
    grams: Collector,
    words: Collector,
    blocks: u32,
}

/// A segment holds no more blocks than this.
pub const MAX_BLOCKS: u32 = 1 << BLOCK_BITS;
/// Nor does one file: 256 MiB. One that has more by the time it is read is as one that cannot be read to its end.
const MAX_FILE_BLOCKS: u32 = 4096;

impl Default for SegmentBuilder {
    fn default() -> Self {
        Self {
            extractor: Extractor::new(),
            cutter: Cutter::default(),
            spoiled: false,
            starts: vec![0],
            opaque: Vec::new(),
            ill_formed: Vec::new(),
            before: Before::default(),
            lines: Vec::new(),
            units: Vec::new(),
            line_units: Vec::new(),
            grams: Collector::new(GRAM_BITS),
            words: Collector::new(WORD_BITS),
            blocks: 0,
        }
    }
}

impl SegmentBuilder {
    /// The next bytes of the file at hand.
    pub fn add(&mut self, chunk: &[u8]) {
        self.with_cutter(|cutter, each| cutter.add(chunk, each));
    }

    /// The file at hand is read once more, from its beginning: it did not hold still.
    pub fn restart(&mut self) {
        self.cutter.clear();
        self.spoiled |= self.blocks > self.starts.last().copied().unwrap_or_default();
    }

    /// The file at hand ends; the next one begins.
    pub fn end_file(&mut self) {
        let is_whole = self.with_cutter(|cutter, each| cutter.finish(each));
        self.next_file(is_whole && !self.spoiled);
    }

    /// The file at hand cannot be read, or not to its end: it may have anything.
    pub fn end_opaque(&mut self) {
        self.cutter.clear();
        self.next_file(false);
    }

    fn next_file(&mut self, is_known: bool) {
        if !is_known {
            self.opaque.push(self.starts.len() as u32 - 1);
        }
        self.starts.push(self.blocks);
        self.spoiled = false;
        self.before = Before::default();
    }

    fn with_cutter<T>(&mut self, run: impl FnOnce(&mut Cutter, &mut dyn FnMut(Block<'_>)) -> T) -> T {
        let Self { extractor, cutter, grams, words, blocks, spoiled, .. } = self;
        let Self { starts, ill_formed, before, lines, units, line_units, .. } = self;
        let (file, first) = (starts.len() as u32 - 1, starts.last().copied().unwrap_or_default());
        run(cutter, &mut |block| {
            if *blocks == MAX_BLOCKS || *blocks - first == MAX_FILE_BLOCKS {
                *spoiled = true;
                return;
            }
            lines.push(before.lines);
            units.push(before.units);
            line_units.push(before.line_units);
            if block.is_one_of_several() {
                if let Some(line) = block.last_line() {
                    before.lines += block.line_ends();
                    before.line_units = before.units + units_by_lead(line) as u32;
                }
                before.units += block.units();
                if !block.is_well_formed() && ill_formed.last() != Some(&file) {
                    ill_formed.push(file);
                }
            }
            extractor.keys(block, |gram| grams.add(gram, *blocks), |word| words.add(word, *blocks));
            *blocks += 1;
        })
    }

    /// The segment of the files that ended.
    pub fn finish(self) -> Segment {
        Segment {
            starts: self.starts.into(),
            opaque: self.opaque.into(),
            ill_formed: self.ill_formed.into(),
            lines: self.lines.into(),
            units: self.units.into(),
            line_units: self.line_units.into(),
            grams: self.grams.finish(self.blocks),
            words: self.words.finish(self.blocks),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trigram::BLOCK_BYTES;

    #[test]
    fn a_file_that_grows_while_it_is_read_takes_no_more_room_than_the_largest() {
        let block = vec![b'a'; BLOCK_BYTES];
        let mut segment = SegmentBuilder::default();
        for blocks in [1, MAX_FILE_BLOCKS, MAX_FILE_BLOCKS + 1, 1] {
            segment.restart();
            (0..blocks).for_each(|_| segment.add(&block));
            segment.end_file();
        }
        let segment = segment.finish();
        assert_eq!(segment.opaque(), [2], "a block too many");
        assert_eq!(segment.blocks(), 1 + 2 * MAX_FILE_BLOCKS + 1);
    }
}
