//! The best way to find the letters of one text in another, in their order.
//!
//! A letter is worth more where a word begins, and directly behind the one before it; letters left out in between cost
//! something, but never as much as a letter is worth. The best of all ways is found in one pass over the text, as Smith,
//! Waterman and Gotoh align sequences: of all ways to find the first letters so far, only those are kept that further
//! letters can follow best.

use std::ops::Range;

use super::letters::{Case, Letter, Text, begins_word};

const LETTER: i32 = 16;
/// Begins a word.
const WORD: i32 = 10;
/// Is the first of the text, beside that.
const START: i32 = 4;
/// Follows the letter before it.
const RUN: i32 = 8;
/// For the first letter that is left out, and for each other one of the same gap.
const GAP: i32 = 3;
const GAP_LETTER: i32 = 1;
/// Of a gap of any length.
const MAX_GAP: i32 = LETTER - 1;

/// The most that a letter can add.
pub(super) const MAX_WORTH: usize = (LETTER + WORD + START + RUN) as usize;

/// Beyond so many pairs of letters, the way that ends last is good enough: it is found in no time.
const MAX_PAIRS: usize = 1 << 18;

/// What is looked for.
#[derive(Clone, Debug)]
pub(super) struct Needle {
    case: Case,
    keys: Vec<char>,
    /// Which key is the last for a letter, for each that is ASCII.
    ascii: [Option<u16>; 128],
    /// The same for the others.
    others: Vec<(char, u16)>,
    /// Which key is the one before for the same letter, for each key.
    before: Vec<Option<u16>>,
}

impl Needle {
    /// Of at most [`u16::MAX`] letters, and at least one.
    pub(super) fn new(text: &str, case: Case) -> Self {
        let keys: Vec<char> = text.chars().map(|letter| case.key(letter)).collect();
        let mut needle = Self { case, keys, ascii: [None; 128], others: Vec::new(), before: Vec::new() };
        for index in 0..needle.keys.len() {
            let key = needle.keys[index];
            let last = Some(index as u16);
            needle.before.push(needle.last_index(key));
            if !key.is_ascii() {
                needle.others.retain(|(other, _)| *other != key);
                needle.others.push((key, index as u16));
                continue;
            }
            needle.ascii[key as usize] = last;
            if case == Case::Any {
                needle.ascii[key.to_ascii_uppercase() as usize] = last;
            }
        }
        needle
    }

    /// The last key that a letter has.
    fn last_index(&self, letter: char) -> Option<u16> {
        if letter.is_ascii() {
            return self.ascii[letter as usize];
        }
        let key = self.case.key(letter);
        if key.is_ascii() {
            return self.ascii[key as usize];
        }
        self.others.iter().find(|(other, _)| *other == key).map(|(_, index)| *index)
    }

    /// What follows it in `text`, if `text` starts with it.
    pub(super) fn prefixes<'text>(&self, text: &'text str) -> Option<&'text str> {
        let mut rest = text.chars();
        self.keys
            .iter()
            .all(|key| rest.next().map(|letter| self.case.key(letter)) == Some(*key))
            .then_some(rest.as_str())
    }

    /// The part of `text` that holds every way to find the needle; `None` if there is none.
    fn window<L: Letter>(&self, text: &[L]) -> Option<Range<usize>> {
        let mut last = None;
        let found = self.find_latest(text, |at| last = last.or(Some(at)));
        found.then_some(L::first(text, *self.keys.first()?, self.case)?..last? + 1)
    }

    fn is_too_long_for(&self, window: &Range<usize>) -> bool {
        window.len() * self.keys.len() > MAX_PAIRS
    }

    /// The places of the letters in the way that ends last.
    fn latest<L: Letter>(&self, text: &[L]) -> Vec<usize> {
        let mut places = Vec::with_capacity(self.keys.len());
        self.find_latest(text, |at| places.push(at));
        places.reverse();
        places
    }

    /// Calls `see` with each of these places, the last first. False if there is no way.
    fn find_latest<L: Letter>(&self, text: &[L], mut see: impl FnMut(usize)) -> bool {
        let mut end = text.len();
        self.keys.iter().rev().all(|key| {
            let found = L::last(&text[..end], *key, self.case);
            end = found.unwrap_or_default();
            found.inspect(|at| see(*at)).is_some()
        })
    }
}

/// Finds needles in texts. Keeps its scratch memory.
#[derive(Debug, Default)]
pub(super) struct Aligner {
    rows: Vec<Row>,
    steps: Vec<Step>,
}

/// The ways in which the letters of the needle can have been found so far, up to one of them.
#[derive(Clone, Copy, Debug)]
struct Row {
    /// Where that letter was seen last, and the best way that ends there.
    at: usize,
    last: Way,
    /// The best way to follow from nearby: what it is worth, and more the later it ends.
    near: Way,
    /// The best way to follow from anywhere.
    far: Way,
}

#[derive(Clone, Copy, Debug)]
struct Way {
    worth: i32,
    /// Its last step.
    step: u32,
}

/// A letter found, and the step before.
#[derive(Clone, Copy, Debug)]
struct Step {
    at: u32,
    before: u32,
}

/// The first letter has no step before it.
const NO_STEP: u32 = u32::MAX;

impl Way {
    /// The better of two; the second where they are equal.
    fn or(self, other: Self) -> Self {
        if self.worth > other.worth { self } else { other }
    }

    fn less(self, cost: i32) -> Self {
        Self { worth: self.worth - cost, ..self }
    }
}

impl Aligner {
    /// What the best way is worth, at least 1 for each letter; `None` if there is none.
    pub(super) fn worth(&mut self, text: Text<'_>, needle: &Needle) -> Option<u32> {
        match text {
            Text::Ascii(text) => self.worth_in(text, needle),
            Text::Spread(text) => self.worth_in(text, needle),
        }
    }

    fn worth_in<L: Letter>(&mut self, text: &[L], needle: &Needle) -> Option<u32> {
        let window = needle.window(text)?;
        let worth = if needle.is_too_long_for(&window) {
            worth(text, &needle.latest(text))
        } else {
            self.best::<L, false>(text, window, needle)?.worth
        };
        Some(worth.unsigned_abs())
    }

    /// Adds where the letters are found in the best way, in no order, `offset` added to each.
    pub(super) fn locate(&mut self, text: Text<'_>, needle: &Needle, offset: usize, places: &mut Vec<usize>) {
        match text {
            Text::Ascii(text) => self.locate_in(text, needle, offset, places),
            Text::Spread(text) => self.locate_in(text, needle, offset, places),
        }
    }

    fn locate_in<L: Letter>(&mut self, text: &[L], needle: &Needle, offset: usize, places: &mut Vec<usize>) {
        let Some(window) = needle.window(text) else { return };
        if needle.is_too_long_for(&window) {
            places.extend(needle.latest(text).iter().map(|at| at + offset));
            return;
        }
        self.steps.clear();
        let mut step = self.best::<L, true>(text, window, needle).map_or(NO_STEP, |best| best.step);
        while step != NO_STEP {
            let Step { at, before } = self.steps[step as usize];
            places.push(at as usize + offset);
            step = before;
        }
    }

    /// The best way; the first of equal ones. Notes its steps if asked to.
    fn best<L: Letter, const STEPS: bool>(&mut self, text: &[L], window: Range<usize>, needle: &Needle) -> Option<Way> {
        self.rows.clear();
        let mut best: Option<Way> = None;
        for at in window {
            let mut next = needle.last_index(text[at].char());
            // From the last on, so that none builds on what was found at this very place.
            while let Some(index) = next.map(usize::from) {
                next = needle.before[index];
                if index > self.rows.len() {
                    continue;
                }
                let mut way =
                    index.checked_sub(1).map_or(Way { worth: 0, step: NO_STEP }, |before| self.rows[before].follow(at));
                way.worth += letter_worth(text, at);
                if STEPS {
                    self.steps.push(Step { at: at as u32, before: way.step });
                    way.step = self.steps.len() as u32 - 1;
                }
                match self.rows.get_mut(index) {
                    Some(row) => row.add(at, way),
                    None => self.rows.push(Row { at, last: way, near: near(at, way), far: way }),
                }
                if index + 1 == needle.keys.len() && best.is_none_or(|best| way.worth > best.worth) {
                    best = Some(way);
                }
            }
        }
        best
    }
}

impl Row {
    fn add(&mut self, at: usize, way: Way) {
        (self.at, self.last) = (at, way);
        self.near = self.near.or(near(at, way));
        self.far = self.far.or(way);
    }

    /// The best way that the letter at `at`, which is behind all of these, can follow.
    fn follow(&self, at: usize) -> Way {
        let gap = self.far.less(MAX_GAP).or(self.near.less(GAP + GAP_LETTER * (signed(at) - 2)));
        if self.at + 1 == at { gap.or(self.last.less(-RUN)) } else { gap }
    }
}

/// A way as it is compared with others that end elsewhere: a gap of one letter after it costs [`GAP`].
fn near(at: usize, way: Way) -> Way {
    way.less(-GAP_LETTER * signed(at))
}

fn letter_worth<L: Letter>(text: &[L], at: usize) -> i32 {
    LETTER + if begins_word(text, at) { WORD } else { 0 } + if at == 0 { START } else { 0 }
}

/// A path has far fewer letters than there are numbers.
fn signed(letters: usize) -> i32 {
    (letters as u32).cast_signed()
}

/// What one way is worth.
fn worth<L: Letter>(text: &[L], places: &[usize]) -> i32 {
    let step = |pair: &[usize]| match signed(pair[1] - pair[0] - 1) {
        0 => RUN,
        left_out => -MAX_GAP.min(GAP + GAP_LETTER * (left_out - 1)),
    };
    places.iter().map(|at| letter_worth(text, *at)).sum::<i32>() + places.windows(2).map(step).sum::<i32>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Every way there is.
    fn ways(text: &[char], needle: &[char], from: usize) -> Vec<Vec<usize>> {
        let Some((first, rest)) = needle.split_first() else { return vec![vec![]] };
        let places = (from..text.len()).filter(|at| Case::Any.key(text[*at]) == Case::Any.key(*first));
        places.flat_map(|at| ways(text, rest, at + 1).into_iter().map(move |way| [vec![at], way].concat())).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn the_best_of_all_ways_is_found(text in "[aAbB/._x-]{0,24}x{0,20}[aAbB-]{0,6}é?", needle in "[abBx/]{1,4}") {
            let letters: Vec<char> = text.chars().collect();
            let all = ways(&letters, &needle.chars().collect::<Vec<_>>(), 0);
            let wanted = all.iter().map(|way| worth(&letters, way)).max();
            let (mut aligner, needle) = (Aligner::default(), Needle::new(&needle, Case::Any));
            let spread = Text::Spread(&letters);
            prop_assert_eq!(aligner.worth(spread, &needle), wanted.map(i32::unsigned_abs));
            let mut places = Vec::new();
            aligner.locate(spread, &needle, 0, &mut places);
            places.reverse();
            if let Some(wanted) = wanted {
                prop_assert!(all.contains(&places), "{:?}", places);
                prop_assert_eq!(worth(&letters, &places), wanted);
                let length = needle.keys.len();
                prop_assert!((length..=MAX_WORTH * length).contains(&(wanted.unsigned_abs() as usize)), "{}", wanted);
            } else {
                prop_assert!(places.is_empty());
            }
            if text.is_ascii() {
                prop_assert_eq!(aligner.worth(Text::Ascii(text.as_bytes()), &needle), wanted.map(i32::unsigned_abs));
            }
        }
    }

    #[test]
    fn too_many_pairs_take_a_way_all_the_same() {
        let text = "ab".repeat(MAX_PAIRS / 4);
        let text = Text::Ascii(text.as_bytes());
        let (mut aligner, needle) = (Aligner::default(), Needle::new("bababa", Case::Any));
        let mut places = Vec::new();
        aligner.locate(text, &needle, 1, &mut places);
        let end = MAX_PAIRS / 2;
        assert_eq!(places, [end - 6, end - 5, end - 4, end - 3, end - 2, end - 1]);
        assert_eq!(aligner.worth(text, &needle), Some((6 * LETTER + 5 * RUN) as u32));
        assert_eq!(aligner.worth(text, &Needle::new("abc", Case::Any)), None);
    }
}
