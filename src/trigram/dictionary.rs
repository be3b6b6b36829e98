//! From keys (trigrams, hashes of words) to posting lists: the blocks that have them.

use super::bits::{self, Numbers};

/// An immutable map from keys to ascending block numbers.
///
/// Keys are found in two steps: the bits above the lowest eight lead to a stretch of the sorted keys, of which only
/// the lowest eight bits are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Dictionary {
    /// For each prefix of a key, where its keys begin; one more at the end.
    prefixes: Box<[u32]>,
    /// The lowest eight bits of each key.
    lows: Box<[u8]>,
    /// Where each list is: see [`Place`].
    places: Box<[u32]>,
    /// The lists, each behind its count.
    data: Box<[u8]>,
}

/// All that a [`Dictionary`] consists of.
pub(super) struct Parts<'dictionary> {
    pub(super) prefixes: &'dictionary [u32],
    pub(super) lows: &'dictionary [u8],
    pub(super) places: &'dictionary [u32],
    pub(super) data: &'dictionary [u8],
}

/// A list that is so long that it selects nothing is not kept.
const COMMON: u32 = u32::MAX;
/// The only block of a list of one stands in place of the place.
const SINGLE: u32 = 1 << 31;

/// The blocks that have a key.
#[derive(Clone, Debug)]
pub(super) enum Postings<'data> {
    /// More than are worth counting.
    Common,
    /// One.
    Single(u32),
    /// So many.
    List(u32, Numbers<'data>),
}

impl Postings<'_> {
    /// How many blocks; none if it is not known.
    pub(super) fn count(&self) -> Option<u32> {
        match self {
            Self::Common => None,
            Self::Single(_) => Some(1),
            Self::List(count, _) => Some(*count),
        }
    }

    /// Calls `each` for each block, in ascending order.
    pub(super) fn for_each(self, mut each: impl FnMut(u32)) {
        match self {
            Self::Common => {}
            Self::Single(block) => each(block),
            Self::List(_, numbers) => numbers.for_each(each),
        }
    }
}

impl Dictionary {
    /// The blocks of the keys from `first` to `last`, each of which has at least one.
    pub(super) fn range(&self, first: u32, last: u32) -> impl Iterator<Item = Postings<'_>> {
        self.places_of(first, last).map(|at| self.postings(self.places[at]))
    }

    fn places_of(&self, first: u32, last: u32) -> std::ops::Range<usize> {
        let stretch = |prefix: u32| {
            let from = *self.prefixes.get(prefix as usize)? as usize;
            let to = *self.prefixes.get(prefix as usize + 1)? as usize;
            Some((from, self.lows.get(from..to)?))
        };
        let (Some((from, lows)), Some((last_from, last_lows))) = (stretch(first >> 8), stretch(last >> 8)) else {
            return 0..0;
        };
        let start = from + lows.partition_point(|low| *low < first as u8);
        let end = last_from + last_lows.partition_point(|low| *low <= last as u8);
        start..end.max(start).min(self.places.len())
    }

    fn postings(&self, place: u32) -> Postings<'_> {
        if place == COMMON {
            return Postings::Common;
        }
        if place & SINGLE != 0 {
            return Postings::Single(place & !SINGLE);
        }
        let (count, start) = read_count(&self.data, place as usize);
        Postings::List(count, Numbers::new(&self.data, start, count))
    }

    /// How much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        4 * self.prefixes.len() + self.lows.len() + 4 * self.places.len() + self.data.len()
    }

    /// All it consists of.
    pub(super) fn parts(&self) -> Parts<'_> {
        Parts { prefixes: &self.prefixes, lows: &self.lows, places: &self.places, data: &self.data }
    }

    /// From what [`Self::parts`] gave. What was damaged on the way leads to wrong blocks, never to a panic.
    pub(super) fn from_parts(prefixes: Box<[u32]>, lows: Box<[u8]>, places: Box<[u32]>, data: Box<[u8]>) -> Self {
        Self { prefixes, lows, places, data }
    }
}

fn write_count(out: &mut Vec<u8>, mut count: u32) {
    while count >= 0x80 {
        out.push(count as u8 | 0x80);
        count >>= 7;
    }
    out.push(count as u8);
}

/// A count, and where what follows it begins.
fn read_count(data: &[u8], mut at: usize) -> (u32, usize) {
    let mut count = 0;
    for shift in [0, 7, 14, 21, 28] {
        let Some(byte) = data.get(at) else { break };
        at += 1;
        count |= u32::from(byte & 0x7F) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    (count, at)
}

/// Collects which block has which key, block by block.
#[derive(Debug)]
pub(super) struct Collector {
    /// By the bits of the key above the lowest 16: those 16, and the block.
    buckets: Vec<Vec<u32>>,
}

/// Blocks have so many bits in a [`Collector`].
pub(super) const BLOCK_BITS: u32 = 16;

impl Collector {
    /// For keys of at most `key_bits` bits, which are more than 16.
    pub(super) fn new(key_bits: u32) -> Self {
        Self { buckets: vec![Vec::new(); 1 << (key_bits - 16)] }
    }

    /// A block, not before the last one, has `key`. To be told once for each block.
    #[inline]
    pub(super) fn add(&mut self, key: u32, block: u32) {
        debug_assert!(block < 1 << BLOCK_BITS);
        self.buckets[(key >> 16) as usize].push(key << BLOCK_BITS | block);
    }

    /// The dictionary of it all, without the lists of more than half of so many blocks.
    pub(super) fn finish(self, blocks: u32) -> Dictionary {
        let most = if blocks >= SMALL { blocks / 2 } else { blocks };
        let mut prefixes = Vec::with_capacity(self.buckets.len() * 256 + 1);
        let (mut lows, mut places, mut data) = (Vec::new(), Vec::new(), Vec::new());
        let mut scratch = Vec::new();
        for mut bucket in self.buckets {
            sort_by_key(&mut bucket, &mut scratch);
            let mut rest = &bucket[..];
            for prefix in 0..256_u32 {
                prefixes.push(lows.len() as u32);
                while let Some(first) = rest.first().filter(|first| *first >> 24 == prefix) {
                    let key = first >> BLOCK_BITS;
                    let count = rest.iter().take_while(|entry| *entry >> BLOCK_BITS == key).count();
                    let (list, behind) = rest.split_at(count);
                    rest = behind;
                    lows.push(key as u8);
                    places.push(put(&mut data, list, most));
                }
            }
        }
        prefixes.push(lows.len() as u32);
        data.extend([0; bits::PADDING]);
        Dictionary { prefixes: prefixes.into(), lows: lows.into(), places: places.into(), data: data.into() }
    }
}

/// Of fewer blocks than this, long lists are kept, too: they cost nothing.
const SMALL: u32 = 64;

fn put(data: &mut Vec<u8>, list: &[u32], most: u32) -> u32 {
    let blocks = list.iter().map(|entry| entry & ((1 << BLOCK_BITS) - 1));
    if let [only] = list {
        return SINGLE | (only & ((1 << BLOCK_BITS) - 1));
    }
    // What lies behind what a place can name is as good as common.
    let place = u32::try_from(data.len()).ok().filter(|place| *place < SINGLE);
    let (Some(place), true) = (place, list.len() as u32 <= most) else { return COMMON };
    write_count(data, list.len() as u32);
    bits::write(data, blocks);
    place
}

/// Sorts by the upper 16 bits; what is equal there stays in its order. A radix sort in two passes.
fn sort_by_key(entries: &mut Vec<u32>, scratch: &mut Vec<u32>) {
    for shift in [16, 24] {
        let digit = |entry: u32| ((entry >> shift) & 0xFF) as usize;
        let mut starts = [0_usize; 256];
        for entry in &*entries {
            starts[digit(*entry)] += 1;
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += std::mem::replace(start, sum);
        }
        scratch.clear();
        scratch.resize(entries.len(), 0);
        for entry in &*entries {
            let start = &mut starts[digit(*entry)];
            scratch[*start] = *entry;
            *start += 1;
        }
        std::mem::swap(entries, scratch);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn dictionary(model: &BTreeMap<u32, BTreeSet<u32>>, blocks: u32) -> Dictionary {
        let mut collector = Collector::new(24);
        for block in 0..blocks {
            for (key, _) in model.iter().filter(|(_, has)| has.contains(&block)) {
                collector.add(*key, block);
            }
        }
        collector.finish(blocks)
    }

    fn blocks_of(postings: Postings<'_>) -> Vec<u32> {
        let mut found = Vec::new();
        postings.for_each(|block| found.push(block));
        found
    }

    proptest! {
        #[test]
        fn it_holds_what_was_added(model in proptest::collection::btree_map(
            prop_oneof![0..600_u32, 0xFF_FE00..0x100_0000_u32, 0..0x100_0000_u32],
            proptest::collection::btree_set(0..60_u32, 1..40), 0..60)) {
            let dictionary = dictionary(&model, 60);
            prop_assert_eq!(dictionary.lows.len(), model.len());
            for (key, has) in &model {
                let found: Vec<_> = dictionary.range(*key, *key).map(blocks_of).collect();
                prop_assert_eq!(found, vec![has.iter().copied().collect::<Vec<_>>()]);
            }
            for (first, last) in [(0, 0xFF), (0x100, 0x1FF), (0xFF_FF00, 0xFF_FFFF), (3, 3), (0x50, 0x2050), (0, 0xFF_FFFF)] {
                let found: Vec<_> = dictionary.range(first, last).map(blocks_of).collect();
                let wanted: Vec<Vec<u32>> = model.range(first..=last).map(|(_, has)| has.iter().copied().collect()).collect();
                prop_assert_eq!(found, wanted);
            }
        }
    }

    #[test]
    fn lists_of_more_than_half_of_many_blocks_are_dropped() {
        let even = (0..100).step_by(2).collect::<BTreeSet<_>>();
        let more = even.iter().copied().chain([1]).collect();
        let model = BTreeMap::from([(7, even), (8, more), (9, BTreeSet::from([99]))]);
        let dictionary = dictionary(&model, 100);
        let counts: Vec<_> = dictionary.range(0, 0xFF).map(|postings| postings.count()).collect();
        assert_eq!(counts, [Some(50), None, Some(1)]);
        assert!(Dictionary::default().range(0, 0xFF_FFFF).next().is_none());
    }
}
