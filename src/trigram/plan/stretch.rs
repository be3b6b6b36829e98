//! Bytes that follow each other, as grams and as they are.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::OnceLock;

use memchr::memmem::Finder;
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::WhichCaptures;
use regex_syntax::hir::{Class, ClassBytes, ClassBytesRange, Hir};

use super::sequence::{Position, Word};
use crate::trigram::{MAX_WORD, MIN_WORD};

/// Which words are recorded, by their length.
pub(super) const WORD_BYTES: RangeInclusive<usize> = MIN_WORD..=MAX_WORD;
/// How many variants of the bytes at a place are written out.
const MAX_VARIANTS: usize = 128;
/// Of how many ranges a group may consist.
const MAX_RANGES: usize = 32;
/// How many grams a group of prefixes may stand for. One of so many is in every block.
const MAX_GRAMS: u32 = 16 * 256;

/// Grams that follow each other as numbers: the first byte of a gram is its highest one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GramRange {
    /// The lowest gram.
    pub first: u32,
    /// The highest gram, which is one of the range.
    pub last: u32,
}

/// Bytes that follow each other in every match (of a branch), position by position: a byte, or one
/// of a few characters. At most [`OVERLAP`](crate::trigram::OVERLAP) bytes.
pub struct Stretch {
    /// At least one gram of each group is in the block in which the stretch starts.
    pub groups: Vec<Vec<GramRange>>,
    /// Whole words in the stretch, of 2 to 64 bytes: no byte of an ASCII word is on either side.
    pub words: Vec<Box<[u8]>>,
    positions: Vec<Position>,
    finder: OnceLock<Found>,
}

/// How a stretch is found.
enum Found {
    Literal(Box<Finder<'static>>),
    Regex(Regex),
    /// Whoever cannot look says that it may be there.
    Anywhere,
}

impl Stretch {
    /// None if the index has nothing to go by.
    pub(super) fn new(positions: Vec<Position>, words: Vec<Word>) -> Option<Self> {
        let words = words.into_iter().map(|word| word.bytes).filter(|word| WORD_BYTES.contains(&word.len()));
        let mut distinct: Vec<Box<[u8]>> = Vec::new();
        for word in words {
            if !distinct.contains(&word) {
                distinct.push(word);
            }
        }
        let groups = groups(&positions);
        let usable = !groups.is_empty() || !distinct.is_empty();
        usable.then(|| Self { groups, words: distinct, positions, finder: OnceLock::new() })
    }

    /// Whether `bytes` hold the stretch: its positions, whatever stands around them.
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        match self.finder.get_or_init(|| self.finder()) {
            Found::Literal(finder) => finder.find(bytes).is_some(),
            Found::Regex(regex) => regex.is_match(bytes),
            Found::Anywhere => true,
        }
    }

    /// The bytes, if there is one way to write them.
    fn literal(&self) -> Option<Vec<u8>> {
        let byte = |position: &Position| if let Position::Byte(byte) = position { Some(*byte) } else { None };
        self.positions.iter().map(byte).collect()
    }

    fn finder(&self) -> Found {
        if let Some(literal) = self.literal() {
            return Found::Literal(Box::new(Finder::new(&literal).into_owned()));
        }
        let config = Regex::config().utf8_empty(false).which_captures(WhichCaptures::None);
        let pattern = Hir::concat(self.positions.iter().map(hir).collect());
        Regex::builder().configure(config).build_from_hir(&pattern).map_or(Found::Anywhere, Found::Regex)
    }

    /// Whether wherever this is, `other` is, too.
    pub(super) fn holds(&self, other: &Self) -> bool {
        self.positions.windows(other.positions.len()).any(|part| part == other.positions)
            && other.words.iter().all(|word| self.words.contains(word))
    }
}

/// A copy compiles for itself what it looks for.
impl Clone for Stretch {
    fn clone(&self) -> Self {
        let Self { groups, words, positions, finder: _ } = self;
        Self { groups: groups.clone(), words: words.clone(), positions: positions.clone(), finder: OnceLock::new() }
    }
}

/// As in `[fF]oo`, followed by the whole words in it, as in `foo(<foo>`.
impl fmt::Debug for Stretch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.positions.iter().try_for_each(|position| write!(formatter, "{position:?}"))?;
        self.words.iter().try_for_each(|word| write!(formatter, "<{}>", word.escape_ascii()))
    }
}

/// The pattern of one position.
fn hir(position: &Position) -> Hir {
    let mut pieces = Vec::new();
    position.each(|bytes| pieces.push(bytes.to_vec()));
    if pieces.iter().all(|bytes| bytes.len() == 1) {
        let bytes = pieces.iter().map(|bytes| ClassBytesRange::new(bytes[0], bytes[0]));
        return Hir::class(Class::Bytes(ClassBytes::new(bytes)));
    }
    Hir::alternation(pieces.into_iter().map(Hir::literal).collect())
}

/// What is known of the grams at the places of a stretch, without repetition.
fn groups(positions: &[Position]) -> Vec<Vec<GramRange>> {
    let (mut whole, mut cut) = (Vec::new(), Vec::new());
    let add = |groups: &mut Vec<Vec<GramRange>>, group| {
        if !groups.contains(&group) {
            groups.push(group);
        }
    };
    for at in 0..positions.len() {
        if let [Position::Byte(a), Position::Byte(b), Position::Byte(c), ..] = positions[at..] {
            let gram = u32::from_be_bytes([0, a, b, c]);
            add(&mut whole, vec![GramRange { first: gram, last: gram }]);
            continue;
        }
        // Also inside of the characters, as far as all of them reach.
        for offset in 0..positions[at].lengths().0 {
            let variants = Variants::at(&positions[at..], offset);
            if let Some(group) = variants.whole() {
                add(&mut whole, group);
            } else if whole.is_empty()
                && let Some(group) = variants.cut()
            {
                add(&mut cut, group);
            }
        }
    }
    // Prefixes of grams say little beside whole ones.
    if whole.is_empty() { cut } else { whole }
}

/// What the bytes at a place may be, up to three of them.
struct Variants {
    /// Ascending and distinct, each with its length, the missing bytes zero.
    grams: Vec<(u32, u8)>,
}

impl Variants {
    /// The first position is entered at `offset`. Ends early where there would be too many.
    fn at(positions: &[Position], offset: usize) -> Self {
        let mut grams = vec![(0, 0)];
        for (at, position) in positions.iter().enumerate() {
            if grams.iter().all(|&(_, len)| len == 3) {
                break;
            }
            if grams.len() * position.cost() > MAX_VARIANTS {
                break;
            }
            let from = if at == 0 { offset } else { 0 };
            let mut longer = Vec::with_capacity(grams.len() * position.cost());
            for &(gram, len) in &grams {
                if len == 3 {
                    longer.push((gram, len));
                } else {
                    position.each(|bytes| longer.push(extended(gram, len, &bytes[from..])));
                }
            }
            longer.sort_unstable();
            longer.dedup();
            grams = longer;
        }
        Self { grams }
    }

    /// The grams, if all are known as a whole.
    fn whole(&self) -> Option<Vec<GramRange>> {
        let complete = self.grams.iter().all(|&(_, len)| len == 3);
        complete.then(|| merged(self.grams.iter().map(|&(gram, _)| GramRange { first: gram, last: gram }))).flatten()
    }

    /// The grams that begin as is known, by two bytes at least.
    fn cut(&self) -> Option<Vec<GramRange>> {
        if self.grams.iter().any(|&(_, len)| len < 2) {
            return None;
        }
        let prefix = |gram| GramRange { first: gram & !0xFF, last: gram | 0xFF };
        let known =
            |&(gram, len): &(u32, u8)| if len == 3 { GramRange { first: gram, last: gram } } else { prefix(gram) };
        let few =
            |ranges: &Vec<GramRange>| ranges.iter().map(|range| range.last - range.first + 1).sum::<u32>() <= MAX_GRAMS;
        merged(self.grams.iter().map(known))
            .filter(few)
            .or_else(|| merged(self.grams.iter().map(|&(gram, _)| prefix(gram))).filter(few))
    }
}

/// `gram`, of which `len` bytes are there, with those of `bytes` that fit.
fn extended(gram: u32, len: u8, bytes: &[u8]) -> (u32, u8) {
    bytes
        .iter()
        .zip(len..3)
        .fold((gram, len), |(gram, len), (&byte, _)| (gram | u32::from(byte) << (16 - 8 * u32::from(len)), len + 1))
}

/// As few ranges as there can be, of ascending ones; none if they are too many.
fn merged(ranges: impl Iterator<Item = GramRange>) -> Option<Vec<GramRange>> {
    let mut merged: Vec<GramRange> = Vec::new();
    for range in ranges {
        if let Some(last) = merged.last_mut()
            && range.first <= last.last + 1
        {
            last.last = last.last.max(range.last);
        } else if merged.len() == MAX_RANGES {
            return None;
        } else {
            merged.push(range);
        }
    }
    Some(merged)
}
