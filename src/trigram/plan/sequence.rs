//! A pattern written out: what stands next to each other, and where anything may stand.

use std::fmt;
use std::iter;
use std::sync::Arc;

use super::Plan;
use super::stretch::Stretch;
use crate::trigram::OVERLAP;

/// Of how many byte strings a position may be one: of more where all are single bytes, as in `[a-z]`,
/// which as grams are a range.
pub(super) const MAX_ALTERNATIVES: usize = 12;
pub(super) const MAX_BYTES: usize = 32;
/// How many stretches of a sequence are kept.
const MAX_STRETCHES: usize = 16;
/// By how many positions two stretches overlap that were one: no three bytes are lost.
const SHARED_POSITIONS: usize = 2;

/// A byte of an ASCII word.
pub(super) fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// One to four bytes, as a character has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Piece {
    bytes: [u8; 4],
    len: u8,
}

impl Piece {
    pub(super) fn of_byte(byte: u8) -> Self {
        Self { bytes: [byte, 0, 0, 0], len: 1 }
    }

    pub(super) fn of_char(character: char) -> Self {
        let mut bytes = [0; 4];
        let len = character.encode_utf8(&mut bytes).len() as u8;
        Self { bytes, len }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What stands at a place of every match (of the branch).
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Position {
    Byte(u8),
    /// One of at least two.
    OneOf(Arc<[Piece]>),
}

impl Position {
    /// One of `pieces`, if there are two or more. (A class of one is a literal for the parser.)
    pub(super) fn one_of(pieces: Vec<Piece>) -> Option<Self> {
        (pieces.len() > 1).then(|| Self::OneOf(pieces.into()))
    }

    /// What this is to whoever goes through all alternatives.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Byte(_) => 1,
            Self::OneOf(pieces) => pieces.len(),
        }
    }

    /// How many bytes it has at least and at most.
    pub(super) fn lengths(&self) -> (usize, usize) {
        let Self::OneOf(pieces) = self else { return (1, 1) };
        let lengths = || pieces.iter().map(|piece| piece.bytes().len());
        (lengths().min().unwrap_or(1), lengths().max().unwrap_or(1))
    }

    /// Calls `with` for the bytes of each alternative.
    pub(super) fn each(&self, mut with: impl FnMut(&[u8])) {
        match self {
            Self::Byte(byte) => with(&[*byte]),
            Self::OneOf(pieces) => pieces.iter().for_each(|piece| with(piece.bytes())),
        }
    }

    fn word_byte(&self) -> Option<u8> {
        match self {
            Self::Byte(byte) => Some(*byte).filter(|&byte| is_word_byte(byte)),
            Self::OneOf(_) => None,
        }
    }

    /// Whether `end` gives a byte of no ASCII word for each alternative.
    fn ends_word(&self, end: fn(&[u8]) -> Option<&u8>) -> bool {
        let mut all = true;
        self.each(|bytes| all &= end(bytes).is_some_and(|&byte| !is_word_byte(byte)));
        all
    }
}

/// As in a regular expression: `x`, `[xy]`.
impl fmt::Debug for Position {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Byte(byte) => write!(formatter, "{}", byte.escape_ascii()),
            Self::OneOf(pieces) => {
                let pieces = pieces.iter().map(|piece| String::from_utf8_lossy(piece.bytes()));
                write!(formatter, "[{}]", pieces.collect::<String>().escape_debug())
            }
        }
    }
}

/// A part of a sequence.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Position(Position),
    /// Anything, or nothing at all.
    Gap,
    /// No byte of an ASCII word stands before this.
    NoWordBefore,
    /// No byte of an ASCII word stands behind this.
    NoWordAfter,
    /// A byte of an ASCII word stands on one side at most.
    WordBoundary,
}

impl Item {
    fn cost(&self) -> usize {
        if let Self::Position(position) = self { position.cost() } else { 1 }
    }
}

/// Items in the order of the text.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    items: Vec<Item>,
    cost: usize,
}

impl FromIterator<Item> for Sequence {
    fn from_iter<Items: IntoIterator<Item = Item>>(items: Items) -> Self {
        let items: Vec<Item> = items.into_iter().collect();
        Self { cost: items.iter().map(Item::cost).sum(), items }
    }
}

impl Sequence {
    pub(super) fn gap() -> Self {
        iter::once(Item::Gap).collect()
    }

    pub(super) fn add_gap(&mut self) {
        if !matches!(self.items.last(), Some(Item::Gap)) {
            self.items.push(Item::Gap);
            self.cost += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub(super) fn followed_by(mut self, next: Self) -> Self {
        self.items.extend(next.items);
        self.cost += next.cost;
        self
    }

    /// What a copy costs, and going through all alternatives.
    pub(super) fn cost(&self) -> usize {
        self.cost
    }

    /// Whether an ASCII word ends before it, and another one can only begin behind it.
    pub(super) fn ends_words(&self) -> bool {
        let first = match self.items.first() {
            Some(Item::Position(position)) => position.ends_word(<[u8]>::first),
            first => matches!(first, Some(Item::NoWordAfter)),
        };
        let last = match self.items.last() {
            Some(Item::Position(position)) => position.ends_word(<[u8]>::last),
            last => matches!(last, Some(Item::NoWordBefore)),
        };
        first && last
    }

    /// What every text with a match of it holds.
    pub(super) fn into_plan(self) -> Plan {
        let runs = self.items.split(|item| matches!(item, Item::Gap)).map(Run::of);
        let mut pieces: Vec<Run> = runs.flat_map(Run::cut).collect();
        if pieces.len() > MAX_STRETCHES {
            // The longest ones say most.
            pieces.sort_by_key(|piece| std::cmp::Reverse(piece.positions.len()));
            pieces.truncate(MAX_STRETCHES);
        }
        let stretches = pieces.into_iter().filter_map(|piece| Stretch::new(piece.positions, piece.words));
        Plan::all_of(stretches.map(|stretch| Plan::Stretch(Arc::new(stretch))).collect())
    }
}

/// Positions without a gap between them.
#[derive(Debug)]
struct Run {
    positions: Vec<Position>,
    words: Vec<Word>,
}

/// A whole word among the positions of a run.
#[derive(Clone, Debug)]
pub(super) struct Word {
    pub(super) start: usize,
    pub(super) bytes: Box<[u8]>,
}

/// What is known of the bytes beside a place between two positions.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    no_word_before: bool,
    no_word_after: bool,
    word_boundary: bool,
}

impl Run {
    /// `items` have no gap.
    fn of(items: &[Item]) -> Self {
        let mut positions = Vec::with_capacity(items.len());
        let mut places = vec![Place::default()];
        for item in items {
            let last = places.len() - 1;
            match item {
                Item::Position(position) => {
                    positions.push(position.clone());
                    places.push(Place::default());
                }
                Item::Gap => {}
                Item::NoWordBefore => places[last].no_word_before = true,
                Item::NoWordAfter => places[last].no_word_after = true,
                Item::WordBoundary => places[last].word_boundary = true,
            }
        }
        let words = words(&positions, &places);
        Self { positions, words }
    }

    /// Pieces that are seen in one block as a whole.
    fn cut(self) -> Vec<Self> {
        let longest = |position: &Position| position.lengths().1;
        if self.positions.iter().map(longest).sum::<usize>() <= OVERLAP {
            return vec![self];
        }
        let mut pieces = Vec::new();
        let mut start = 0;
        loop {
            let (mut end, mut bytes) = (start, 0);
            while let Some(position) = self.positions.get(end) {
                bytes += longest(position);
                if bytes > OVERLAP {
                    break;
                }
                end += 1;
            }
            let within = |word: &&Word| word.start >= start && word.start + word.bytes.len() <= end;
            let words = self.words.iter().filter(within);
            pieces.push(Self {
                positions: self.positions[start..end].to_vec(),
                words: words.map(|word| Word { start: word.start - start, ..word.clone() }).collect(),
            });
            if end == self.positions.len() {
                return pieces;
            }
            // A piece has far more positions than it shares: of at most four bytes each.
            start = end - SHARED_POSITIONS;
        }
    }
}

/// The whole words among `positions`; `places` are those around them, one more.
fn words(positions: &[Position], places: &[Place]) -> Vec<Word> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < positions.len() {
        let bytes: Box<[u8]> = positions[at..].iter().map_while(Position::word_byte).collect();
        if bytes.is_empty() {
            at += 1;
            continue;
        }
        let (start, end) = (at, at + bytes.len());
        at = end;
        // A word boundary beside a byte of a word has none on its other side.
        let begins = places[start].no_word_before
            || places[start].word_boundary
            || start.checked_sub(1).is_some_and(|before| positions[before].ends_word(<[u8]>::last));
        let ends = places[end].no_word_after
            || places[end].word_boundary
            || positions.get(end).is_some_and(|after| after.ends_word(<[u8]>::first));
        if begins && ends {
            words.push(Word { start, bytes });
        }
    }
    words
}
