//! No match is lost: random patterns over files whose matches lie at the borders of blocks.

use std::borrow::Cow;
use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use regex_automata::meta::Regex;
use regex_syntax::hir::Hir;

use super::*;
use crate::text::{BINARY_PROBE_BYTES, Class, decode_lossy};
use crate::trigram::{BLOCK_BYTES, OVERLAP, SegmentBuilder};

/// Numbers from a seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end.max(1)
    }

    fn of<'all, Choice>(&mut self, all: &'all [Choice]) -> &'all Choice {
        &all[self.below(all.len())]
    }
}

/// A pattern, and what it matches where what is around it is as it should be.
#[derive(Clone, Debug, Default)]
struct Needle {
    pattern: String,
    sample: Vec<u8>,
}

/// Parts of patterns, each with a sample.
const PARTS: &[(&str, &[u8])] = &[
    ("ab", b"ab"),
    ("ba", b"ba"),
    ("k", b"k"),
    ("_a", b"_a"),
    ("needle", b"needle"),
    (r"\.", b"."),
    (" ", b" "),
    (r"\n", b"\n"),
    ("é", "é".as_bytes()),
    ("日本", "日本".as_bytes()),
    (r"\x00", b"\0"),
    (r"(?-u:\xFF)", b"\xFF"),
    (r"(?-u:[\x80-\x85])", b"\x82"),
    ("[ab]", b"b"),
    ("[0-9]", b"7"),
    (r"\w", "ß".as_bytes()),
    (r"\s", b"\t"),
    (".", "😀".as_bytes()),
    ("(?i:ks)", "\u{212a}\u{17f}".as_bytes()),
    ("(?i:id)", b"iD"),
    ("(?:ab)?", b""),
    ("(?:-ab-)?", b"-ab-"),
    ("a*", b"aaa"),
    ("(?:ab){2}", b"abab"),
    ("(?:ab|ba|_)", b"_"),
    (".*", b"and so on"),
    ("(?s:.*)", b"from line\nto line"),
    (r"\b", b""),
    (r"\b", b""),
    (r"\B", b""),
    ("^", b""),
    ("$", b""),
    (r"\A", b""),
    (r"\z", b""),
];

/// Lengths at which words and stretches are cut or left out.
const LENGTHS: &[usize] = &[2, 3, 63, 64, 65, OVERLAP - 1, OVERLAP, OVERLAP + 1, 2 * OVERLAP + 3];

fn needles() -> impl Strategy<Value = Needle> {
    let part = prop_oneof![
        12 => proptest::sample::select(PARTS).prop_map(|(pattern, sample)| (pattern.to_string(), sample.to_vec())),
        1 => proptest::sample::select(LENGTHS).prop_map(|length| (word(length), word(length).into_bytes())),
        1 => proptest::sample::select(LENGTHS).prop_map(|length| (format!(r"\b{}\b", word(length)), word(length).into_bytes())),
    ];
    proptest::collection::vec(part, 1..6).prop_map(|parts| {
        let (patterns, samples): (Vec<String>, Vec<Vec<u8>>) = parts.into_iter().unzip();
        Needle { pattern: patterns.concat(), sample: samples.concat() }
    })
}

fn word(length: usize) -> String {
    (0..length).map(|at| char::from(b'a' + (at % 23) as u8)).collect()
}

/// What stands between the needles.
const FILLERS: &[&[u8]] = &[b"x", b" ", b"filler and more of it\n", b"a ", "é".as_bytes(), b"-\r\n", b"\x80"];
/// What stands just before and behind a needle.
const NEIGHBOURS: &[&[u8]] = &[b"", b"", b" ", b"\n", b"a", b"_", "é".as_bytes(), b"."];

/// A file with some of the needles in it.
fn file(needles: &[Needle], dice: &mut Dice) -> Vec<u8> {
    let around = |at: usize, dice: &mut Dice| (at + dice.below(9)).saturating_sub(4);
    let length = match dice.below(6) {
        0 => dice.below(12),
        1 => around(OVERLAP, dice),
        2 => around(BLOCK_BYTES, dice),
        3 => around(BLOCK_BYTES + OVERLAP, dice),
        _ => around((2 + dice.below(4)) * BLOCK_BYTES, dice) + dice.below(3) * OVERLAP,
    };
    let mut file: Vec<u8> = dice.of(FILLERS).iter().copied().cycle().take(length).collect();
    for _ in 0..dice.below(4) {
        let needle = [dice.of(NEIGHBOURS), &*dice.of(needles).sample, dice.of(NEIGHBOURS)].concat();
        let borders = [0, file.len(), BLOCK_BYTES, BLOCK_BYTES + OVERLAP, 2 * BLOCK_BYTES, 3 * BLOCK_BYTES + OVERLAP];
        let border = *dice.of(&borders);
        let at = (border + dice.below(4)).saturating_sub(dice.below(needle.len() + 4)).min(file.len());
        let end = if border == file.len() { file.len() } else { file.len().min(at + needle.len()) };
        file.splice(at..end, needle);
    }
    match dice.below(8) {
        0 => ["\u{feff}".as_bytes(), &file].concat(),
        1 => {
            let text = String::from_utf8_lossy(&file);
            "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
        }
        2 => {
            let at = dice.below(file.len() + 1);
            file.insert(at, *dice.of(b"\xFF\x80\xC3"));
            file
        }
        3 if file.len() > BINARY_PROBE_BYTES => {
            let at = BINARY_PROBE_BYTES + dice.below(file.len() - BINARY_PROBE_BYTES);
            file.insert(at, 0);
            file
        }
        _ => file,
    }
}

/// What is searched of a file.
fn searched(file: &[u8]) -> Cow<'_, [u8]> {
    let class = Class::of(file);
    if class.is_utf16() {
        let text = decode_lossy(file, class);
        return text.strip_prefix('\u{feff}').unwrap_or(&text).as_bytes().to_vec().into();
    }
    file[class.bom_len()..].into()
}

fn parsed(pattern: &str) -> Hir {
    regex_syntax::ParserBuilder::new().utf8(false).multi_line(true).build().parse(pattern).unwrap()
}

fn compiled(pattern: &Hir) -> Regex {
    Regex::builder().configure(Regex::config().utf8_empty(false)).build_from_hir(pattern).unwrap()
}

/// Whether a file may match by its blocks; `None` if it need not be asked.
fn holds(candidates: &Candidates<'_>, number: u32, file: &[u8]) -> Option<bool> {
    let inside = candidates.node.inside(&candidates.segment.blocks_of(number))?;
    let is_cut_as_it_is = matches!(Class::of(file), Class::Text | Class::Utf8Bom);
    is_cut_as_it_is.then(|| {
        inside.is_confirmed(&mut |block, stretch| {
            let start = block as usize * BLOCK_BYTES;
            stretch.is_in(&file[start..file.len().min(start + BLOCK_BYTES + OVERLAP)])
        })
    })
}

/// Whether each match has a byte in the blocks that the index tells.
fn are_inside(candidates: &Candidates<'_>, number: u32, file: &[u8], regex: &Regex) -> bool {
    let Some(inside) = candidates.node.inside(&candidates.segment.blocks_of(number)) else { return true };
    if !matches!(Class::of(file), Class::Text | Class::Utf8Bom) {
        return true;
    }
    let Some(blocks) = inside.blocks() else { return false };
    let bom = Class::of(file).bom_len();
    regex.find_iter(&file[bom..]).all(|found| {
        let block = |byte: usize| ((byte + bom) / BLOCK_BYTES) as u32;
        blocks.iter().any(|wanted| (block(found.start())..=block(found.end())).contains(wanted))
    })
}

#[test]
fn what_matches_is_a_candidate() {
    let [matched, left_out, excluded] = [const { Cell::new(0) }; 3];
    let count = |counter: &Cell<u32>| counter.set(counter.get() + 1);
    let config = ProptestConfig { cases: 160, ..ProptestConfig::default() };
    let cases = (proptest::collection::vec(needles(), 8), any::<u64>());
    TestRunner::new(config)
        .run(&cases, |(needles, seed)| {
            let mut dice = Dice(seed);
            let files: Vec<Vec<u8>> = (0..6).map(|_| file(&needles, &mut dice)).collect();
            let mut builder = SegmentBuilder::default();
            for file in &files {
                builder.restart();
                // One that moves while it is read has had other bytes.
                if dice.below(8) == 0 {
                    builder.add(&vec![b'y'; dice.below(3 * BLOCK_BYTES)]);
                    builder.restart();
                }
                file.chunks(1 + dice.below(2 * BLOCK_BYTES).max(1000)).for_each(|chunk| builder.add(chunk));
                builder.end_file();
            }
            let segment = builder.finish();
            for Needle { pattern, .. } in &needles {
                let hir = parsed(pattern);
                let (plan, regex) = (Plan::of(&hir), compiled(&hir));
                let candidates = Candidates::find(&plan, &segment);
                let selected = candidates.files();
                for (file, number) in files.iter().zip(0..).filter(|(file, _)| Class::of(file) != Class::Binary) {
                    let is_selected = selected.as_ref().is_none_or(|files| files.contains(&number));
                    let is_opaque = segment.opaque().contains(&number);
                    let holds = if is_opaque { None } else { holds(&candidates, number, file) };
                    if regex.is_match(&searched(file)) {
                        count(&matched);
                        prop_assert!(
                            is_selected,
                            "{pattern:?} ({plan:?}) leaves out the file {number} of the seed {seed}"
                        );
                        prop_assert!(
                            holds != Some(false),
                            "{pattern:?} ({plan:?}) excludes {number} of the seed {seed}"
                        );
                        prop_assert!(
                            is_opaque || are_inside(&candidates, number, file, &regex),
                            "{pattern:?} ({plan:?}) is elsewhere in {number} of the seed {seed}"
                        );
                    } else if !is_selected {
                        count(&left_out);
                    } else if holds == Some(false) {
                        count(&excluded);
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    // The test is about something.
    let counts = [matched, left_out, excluded].map(Cell::into_inner);
    assert!(counts[0] > 800 && counts[1] > 1500 && counts[2] > 20, "{counts:?}");
}

/// The numbers of the files that are selected for a pattern.
fn selected(files: &[&[u8]], pattern: &str) -> Option<Vec<u32>> {
    let mut builder = SegmentBuilder::default();
    for file in files {
        builder.add(file);
        builder.end_file();
    }
    Candidates::find(&Plan::of(&parsed(pattern)), &builder.finish()).files()
}

#[test]
fn the_last_two_bytes_of_a_file_are_found() {
    let long = ["x".repeat(BLOCK_BYTES + OVERLAP - 2), "ab".to_owned()].concat().into_bytes();
    let longer = ["x".repeat(BLOCK_BYTES - 1), "ab".to_owned()].concat().into_bytes();
    let files: [&[u8]; 6] = [b"ab", b"a", b"", &long, &longer, b"a b"];
    assert_eq!(selected(&files, "ab"), Some(vec![0, 3, 4]));
    assert_eq!(selected(&files, "(?i)AB$"), Some(vec![0, 3, 4]));
    assert_eq!(selected(&files, r"\bab\b"), Some(vec![0]));
}

#[test]
fn words_at_the_borders_of_blocks_are_whole() {
    let word = "w".repeat(64);
    let at = |start: usize| [" ".repeat(start), word.clone(), " ".repeat(BLOCK_BYTES)].concat().into_bytes();
    let starts =
        [0, 1, BLOCK_BYTES - 64, BLOCK_BYTES - 1, BLOCK_BYTES, BLOCK_BYTES + OVERLAP - 64, BLOCK_BYTES + OVERLAP - 1];
    let files = starts.map(at);
    let mut files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
    let longer = at(BLOCK_BYTES - 65).iter().map(|byte| if *byte == b' ' { b'w' } else { *byte }).collect::<Vec<_>>();
    files.push(&longer);
    assert_eq!(selected(&files, &format!(r"\b{word}\b")), Some((0..7).collect()), "a longer word is another one");
    assert_eq!(
        selected(&files, &format!(r"\bw{word}\b")).map(|files| files.contains(&7)),
        Some(true),
        "nor is it known"
    );
}
