//! What matches is admitted: random patterns over texts that match, or nearly do.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::ops::Range;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;
use crate::text;
use crate::trigram::{OVERLAP, Plan, Stretch};

/// A pattern that knows what it matches.
#[derive(Clone, Debug)]
enum Pattern {
    Literal(&'static str),
    /// A class, and some of what it matches.
    Class(&'static str, &'static str),
    Look(&'static str),
    Concat(Vec<Pattern>),
    Alternation(Vec<Pattern>),
    Repetition(Box<Pattern>, &'static str, Range<usize>),
    Flags(&'static str, Box<Pattern>),
}

/// Longer than a stretch.
const LONG: &str = "for (const entry of entries.filter((entry) => entry.path.startsWith(prefix))) { seen.add(entry.path); } \
    return [...seen].sort((left, right) => left.localeCompare(right)); // in order";

const LITERALS: &[&str] = &[
    LONG,
    "foo",
    "k",
    "s",
    "ask",
    "é",
    "É",
    "fé",
    "😀",
    "a",
    "ab",
    "_x1",
    " ",
    "-",
    ".",
    "(",
    "\n",
    "\r",
    "K",
    "Task",
    "日本",
    "id",
    "long_word_of_some_bytes",
    "\u{212a}",
    "ß",
    "σς",
];
const CLASSES: &[(&str, &str)] = &[
    ("[ks]", "ks"),
    ("[a-f]", "acf"),
    ("[0-9]", "079"),
    (r"\d", "5٣"),
    (r"\w", "aé_9"),
    (r"\W", " -\u{2028}"),
    (r"\s", " \t\u{a0}\n"),
    (r"\S", "x-é"),
    (".", "xé \r"),
    ("(?s:.)", "x\n"),
    ("[éèk]", "éèk"),
    ("[^a]", "b é\n"),
    ("[.,-]", ".,-"),
    (r"\p{Lu}", "AÉ"),
    (r"\P{Lu}", "aé"),
    ("[😀😁a]", "😀😁a"),
    ("[^k-s]", "a t\u{212a}"),
    ("(?-u:[a\\x80-\\x82])", "a"),
    ("(?-u:\\W)", " -"),
    ("[a&&b]", ""),
];
const LOOKS: &[&str] = &[
    r"\b",
    r"\b",
    r"\b",
    r"\B",
    "^",
    "$",
    r"\A",
    r"\z",
    r"(?-u:\b)",
    r"(?-u:\B)",
    r"\<",
    r"\>",
    r"\b{start-half}",
    r"\b{end-half}",
    "(?R:^)",
    "(?R:$)",
    "(?-m:^)",
];
const COPIES: &[(&str, Range<usize>)] = &[
    ("?", 0..2),
    ("*", 0..3),
    ("+", 1..4),
    ("*?", 0..2),
    ("{2}", 2..3),
    ("{1,3}", 1..4),
    ("{2,}", 2..4),
    ("{0}", 0..1),
    ("{40}", 40..41),
];

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn of<'all, Choice>(&mut self, all: &'all [Choice]) -> Option<&'all Choice> {
        all.get(self.below(all.len()))
    }
}

impl Pattern {
    fn written(&self) -> String {
        let all = |parts: &[Self], between| parts.iter().map(Self::written).collect::<Vec<_>>().join(between);
        match self {
            Self::Literal(text) => regex_syntax::escape(text),
            Self::Class(class, _) => (*class).to_owned(),
            Self::Look(look) => (*look).to_owned(),
            Self::Concat(parts) => all(parts, ""),
            Self::Alternation(branches) => format!("({})", all(branches, "|")),
            Self::Repetition(part, copies, _) => format!("(?:{}){copies}", part.written()),
            Self::Flags(flags, part) => format!("(?{flags}:{})", part.written()),
        }
    }

    /// Appends what it matches, but for what stands around it.
    fn sample(&self, dice: &mut Dice, text: &mut String) {
        match self {
            Self::Literal(literal) => text.push_str(literal),
            Self::Class(_, samples) => text.extend(dice.of(&samples.chars().collect::<Vec<_>>())),
            Self::Look(_) => {}
            Self::Concat(parts) => parts.iter().for_each(|part| part.sample(dice, text)),
            Self::Alternation(branches) => branches[dice.below(branches.len())].sample(dice, text),
            Self::Repetition(part, _, copies) => {
                for _ in 0..copies.start + dice.below(copies.len()) {
                    part.sample(dice, text);
                }
            }
            Self::Flags(_, part) => part.sample(dice, text),
        }
    }
}

fn patterns() -> impl Strategy<Value = Pattern> {
    let literal = || proptest::sample::select(LITERALS).prop_map(Pattern::Literal);
    let leaf = prop_oneof![
        12 => literal(),
        6 => proptest::sample::select(CLASSES).prop_map(|(class, samples)| Pattern::Class(class, samples)),
        4 => proptest::sample::select(LOOKS).prop_map(Pattern::Look),
        1 => proptest::collection::vec(literal(), 20..40).prop_map(Pattern::Alternation),
    ];
    leaf.prop_recursive(5, 24, 5, |inner| {
        prop_oneof![
            4 => proptest::collection::vec(inner.clone(), 1..6).prop_map(Pattern::Concat),
            2 => proptest::collection::vec(inner.clone(), 1..5).prop_map(Pattern::Alternation),
            2 => (inner.clone(), proptest::sample::select(COPIES))
                .prop_map(|(part, (copies, range))| Pattern::Repetition(Box::new(part), copies, range)),
            1 => (proptest::sample::select(&["i", "-i", "s", "U", "R", "-m"][..]), inner)
                .prop_map(|(flags, part)| Pattern::Flags(flags, Box::new(part))),
        ]
    })
}

/// Patterns of which not all can be written out, and that match what they say in most places.
fn large_patterns() -> impl Strategy<Value = Pattern> {
    const PARTS: &[Pattern] = &[
        Pattern::Literal("foo"),
        Pattern::Literal("k"),
        Pattern::Literal("é"),
        Pattern::Literal(" Task-"),
        Pattern::Class("[ks]", "ks"),
        Pattern::Class("[0-9]", "079"),
        Pattern::Class("[éèk]", "éèk"),
        Pattern::Class("[ .,]", " .,"),
        Pattern::Class("(?-u:\\W)", " -"),
    ];
    let leaf = proptest::sample::select(PARTS);
    let part = leaf.prop_recursive(3, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Pattern::Concat),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Pattern::Alternation),
            (inner, proptest::sample::select(COPIES)).prop_map(|(part, (copies, range))| Pattern::Repetition(
                Box::new(part),
                copies,
                range
            )),
        ]
    });
    proptest::collection::vec(part, 8..40).prop_map(Pattern::Concat)
}

fn literals() -> impl Strategy<Value = Pattern> {
    proptest::collection::vec(proptest::sample::select(LITERALS).prop_map(Pattern::Literal), 1..4)
        .prop_map(Pattern::Concat)
}

/// Queries for a pattern, or for what it matches as it is.
fn queries(regex: bool, patterns: impl Strategy<Value = Pattern>) -> impl Strategy<Value = (QueryOptions, Pattern)> {
    let case = proptest::sample::select(&[CaseMode::Sensitive, CaseMode::Insensitive, CaseMode::Smart][..]);
    (patterns, case, any::<bool>(), any::<bool>()).prop_map(move |(pattern, case, whole_word, multiline)| {
        let written = if regex {
            pattern.written()
        } else {
            let mut text = String::new();
            pattern.sample(&mut Dice(0), &mut text);
            text
        };
        (QueryOptions { pattern: written, regex, case, whole_word, multiline }, pattern)
    })
}

/// Another case, another character, one less, one more.
fn mutated(text: &str, dice: &mut Dice) -> String {
    let mut mutated = String::new();
    for character in text.chars() {
        match dice.below(24) {
            0..6 => match character {
                'k' => mutated.push(*dice.of(&['K', '\u{212a}']).unwrap()),
                's' => mutated.push(*dice.of(&['S', '\u{17f}']).unwrap()),
                'σ' => mutated.push('ς'),
                character if character.is_lowercase() => mutated.extend(character.to_uppercase()),
                character => mutated.extend(character.to_lowercase()),
            },
            6 if dice.below(8) == 0 => {}
            7 if dice.below(8) == 0 => mutated.extend([character, character]),
            _ => mutated.push(character),
        }
    }
    mutated
}

fn text_of(pattern: &Pattern, dice: &mut Dice) -> String {
    let around =
        ["", " ", "\n", "-", "a", "_", "é", "\u{212a}", "\r\n", "(", "foo", "long filler of some twenty words. "];
    let mut text = String::new();
    for _ in 0..=dice.below(3) {
        for _ in 0..=dice.below(2) * dice.below(12) {
            text.push_str(dice.of(&around).unwrap());
        }
        let mut sample = String::new();
        pattern.sample(dice, &mut sample);
        text.push_str(&if dice.below(2) == 0 { sample } else { mutated(&sample, dice) });
        text.push_str(dice.of(&around).unwrap());
    }
    text
}

/// The text as a file has it.
fn encoded(text: &str, dice: &mut Dice) -> Vec<u8> {
    match dice.below(8) {
        0 => utf16(text, u16::to_le_bytes),
        1 => utf16(text, u16::to_be_bytes),
        2 => ["\u{feff}", text].concat().into_bytes(),
        3 => {
            // Ill-formed somewhere.
            let mut bytes = text.as_bytes().to_vec();
            bytes.insert(dice.below(bytes.len() + 1), *dice.of(b"\xFF\x80\x81\xC3").unwrap());
            bytes
        }
        _ => text.as_bytes().to_vec(),
    }
}

/// What the index takes from a file.
fn indexed(bytes: &[u8]) -> Vec<u8> {
    let class = Class::of(bytes);
    if class.is_utf16() { text::decode_lossy(bytes, class).into_owned().into_bytes() } else { bytes.to_vec() }
}

/// The blocks of a text, as the index is to record them.
struct Block<'text> {
    bytes: &'text [u8],
    grams: BTreeSet<u32>,
    words: BTreeSet<&'text [u8]>,
}

fn blocks(text: &[u8], size: usize) -> Vec<Block<'_>> {
    let is_word_byte = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let gram = |window: &[u8]| u32::from_be_bytes([0, window[0], window[1], window[2]]);
    // The words of the text, each with its end.
    let mut words = Vec::new();
    let mut at = 0;
    for word in text.split(|&byte| !is_word_byte(byte)) {
        words.push((at..at + word.len(), word));
        at += word.len() + 1;
    }
    let starts = (0..text.len().max(1)).step_by(size);
    starts
        .map(|start| {
            let range = start..(start + size + OVERLAP).min(text.len());
            let mut bytes = text[range.clone()].to_vec();
            if range.end == text.len() {
                bytes.push(b'\n');
            }
            let within = |place: &Range<usize>| range.start <= place.start && place.end <= range.end;
            Block {
                bytes: &text[range.clone()],
                grams: bytes.windows(3).map(gram).collect(),
                words: words
                    .iter()
                    .filter(|(place, word)| within(place) && (2..=64).contains(&word.len()))
                    .map(|&(_, word)| word)
                    .collect(),
            }
        })
        .collect()
}

impl Block<'_> {
    fn admits(&self, stretch: &Stretch) -> bool {
        let groups = || {
            stretch.groups.iter().all(|group| {
                assert!(group.is_sorted() && !group.is_empty());
                group.iter().any(|range| self.grams.range(range.first..=range.last).next().is_some())
            })
        };
        let words = || stretch.words.iter().all(|word| self.words.contains(&**word));
        groups() && words() && stretch.is_in(self.bytes)
    }
}

fn admits(plan: &Plan, blocks: &[Block<'_>]) -> bool {
    match plan {
        Plan::All => true,
        Plan::Nothing => false,
        Plan::And(parts) => parts.iter().all(|part| admits(part, blocks)),
        Plan::Or(branches) => branches.iter().any(|branch| admits(branch, blocks)),
        Plan::Stretch(stretch) => blocks.iter().any(|block| block.admits(stretch)),
    }
}

fn is_match(query: &Query, bytes: &[u8]) -> bool {
    let options = FileOptions { mode: Mode::Files, ..all() };
    FileSearcher::new(query, options).search(bytes, Class::of(bytes), &CancelToken::default()).unwrap().is_some()
}

/// How often what was seen.
#[derive(Debug, Default)]
struct Counts {
    planned: Cell<u32>,
    matched: Cell<u32>,
    refused: Cell<u32>,
}

/// Searches texts, and asks the plan about them.
fn compare(cases: u32, queries: impl Strategy<Value = (QueryOptions, Pattern)>) -> Counts {
    let counts = Counts::default();
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    // Small blocks, so that much lies across their ends.
    let all = (queries, any::<u64>(), 16..200usize);
    let compared = TestRunner::new(config).run(&all, |((options, pattern), seed, size)| {
        // Some ask for `\n` where it cannot be, or are too large.
        let Ok(query) = Query::compile(&options) else { return Ok(()) };
        if matches!(query.plan(), Plan::All) {
            return Ok(());
        }
        count(&counts.planned);
        let mut dice = Dice(seed);
        for _ in 0..6 {
            let bytes = encoded(&text_of(&pattern, &mut dice), &mut dice);
            let text = indexed(&bytes);
            let admitted = admits(query.plan(), &blocks(&text, size));
            if is_match(&query, &bytes) {
                count(&counts.matched);
                prop_assert!(admitted, "{:?} refuses {:?}", query.plan(), text.escape_ascii().to_string());
            } else if !admitted {
                count(&counts.refused);
            }
        }
        Ok(())
    });
    compared.unwrap();
    counts
}

impl Counts {
    /// Whether there was something to see.
    fn reach(&self, planned: u32, matched: u32, refused: u32) -> bool {
        self.planned.get() >= planned && self.matched.get() >= matched && self.refused.get() >= refused
    }
}

#[test]
fn what_a_literal_matches_is_admitted() {
    let counts = compare(1500, queries(false, literals()));
    assert!(counts.reach(800, 1500, 500), "{counts:?}");
}

#[test]
fn what_a_pattern_matches_is_admitted() {
    let counts = compare(5000, queries(true, patterns()));
    assert!(counts.reach(1500, 3000, 1000), "{counts:?}");
}

#[test]
fn what_a_large_pattern_matches_is_admitted() {
    let counts = compare(300, queries(true, large_patterns()));
    assert!(counts.reach(100, 100, 50), "{counts:?}");
}
