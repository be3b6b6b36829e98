//! The same answers, found slowly: line by line, with strings, every position counted from the start.

use std::ops::Range;

use grep_matcher::Matcher as _;
use grep_regex::RegexMatcherBuilder;
use proptest::prelude::*;

use super::*;

const WITHIN_LINES: &[&str] = &[
    "a",
    "ab",
    "",
    "^",
    "$",
    "^$",
    "a*",
    "[^a]",
    r"\b",
    r"(?-u:\B)",
    r"\w+",
    r"\s",
    ".*",
    ".",
    "^a",
    "b$",
    "é|b",
    "(?i)É",
    "😀",
    "\r",
    r"\r$",
    "(?-u:[\\x80-\\xFF])",
    "(?-u:.)",
    "(?-u:\\x98)",
    r"a|\b",
    "x*",
    "(a|)",
    r"\W",
];

const ACROSS_LINES: &[&str] = &[
    r"\n",
    r"a\n",
    r"a\s*b",
    r"[^a]+",
    r"\r\n",
    r"\n|b",
    r"^",
    r"$",
    r"b?\n?",
    r"(?s)a.",
    r"(?s)a.*?b",
    r"\s+",
    r"^\s*$",
    r"a\nb|b\na",
    r"a\n\n?",
    r"(?-u:[\x80-\xFF]\n)",
    r"\z|a",
    r"\Aa",
    r"a$\n^b",
    r"\S+\s\S+",
];

/// The byte ranges of all matches in `bytes`, which has no mark.
fn matches(pattern: &str, multiline: bool, bytes: &[u8]) -> Vec<Range<usize>> {
    let mut builder = RegexMatcherBuilder::new();
    builder.multi_line(true).line_terminator(if multiline { None } else { Some(b'\n') });
    let matcher = builder.build(pattern).unwrap();
    let mut found = Vec::new();
    let mut add = |text: &[u8], from: usize, end: usize| {
        matcher
            .find_iter_at(text, from, |at| {
                if at.start() < end {
                    found.push(at.start()..at.end());
                }
                true
            })
            .unwrap();
    };
    if multiline {
        add(bytes, 0, bytes.len());
    } else {
        let mut from = 0;
        for line in bytes.split_inclusive(|&byte| byte == b'\n') {
            let end = from + line.len();
            // What precedes the line is seen: in ill-formed text it can make a difference to `\B`.
            add(&bytes[..end - usize::from(line.ends_with(b"\n"))], from, end);
            from = end;
        }
    }
    found
}

/// Byte offsets of all boundaries, with the UTF-16 offset of each.
fn boundaries(bytes: &[u8]) -> Vec<(usize, u64)> {
    let (mut at, mut units) = (0, 0);
    let mut all = vec![(0, 0)];
    for chunk in bytes.utf8_chunks() {
        let ill_formed = Some((chunk.invalid().len(), 1)).filter(|&(len, _)| len > 0);
        let characters = chunk.valid().chars().map(|character| (character.len_utf8(), character.len_utf16() as u64));
        for (len, width) in characters.chain(ill_formed) {
            at += len;
            units += width;
            all.push((at, units));
        }
    }
    all
}

fn position(text: &[u16], units: u64) -> Position {
    let before = &text[..units as usize];
    let line = before.iter().filter(|&&unit| unit == u16::from(b'\n')).count();
    let column = before.iter().rev().take_while(|&&unit| unit != u16::from(b'\n')).count();
    Position { line: line as u64 + 1, column: column as u64 + 1 }
}

/// All lines with matches, uncut, without context.
fn slow(pattern: &str, multiline: bool, bytes: &[u8]) -> Vec<SearchLine> {
    let mark = Class::of(bytes).bom_len();
    let text: Vec<u16> = String::from_utf8_lossy(bytes).encode_utf16().collect();
    let boundaries = boundaries(bytes);
    let mut lines: Vec<(Range<usize>, SearchLine)> = Vec::new();
    for found in matches(pattern, multiline, &bytes[mark..]) {
        let found = found.start + mark..found.end + mark;
        let floor = |byte| boundaries.iter().rev().find(|&&(at, _)| at <= byte).unwrap().1;
        let ceil = |byte| boundaries.iter().find(|&&(at, _)| at >= byte).unwrap().1;
        let range = TextRange {
            start: floor(found.start),
            end: if found.is_empty() { floor(found.end) } else { ceil(found.end) },
        };
        let matched = SearchMatch { start: position(&text, range.start), end: position(&text, range.end), range };
        let start = bytes[..found.start].iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        let last = if found.is_empty() { found.end } else { found.end - 1 };
        let end = bytes[last..].iter().position(|&byte| byte == b'\n').map_or(bytes.len(), |at| last + at + 1);
        match lines.last_mut() {
            Some((group, line)) if start < group.end => {
                group.end = group.end.max(end);
                line.matches.push(matched);
            }
            _ => {
                let line = SearchLine {
                    line: matched.start.line,
                    text: String::new(),
                    text_column: 1,
                    matches: vec![matched],
                    context: false,
                    lossy: false,
                };
                lines.push((start..end, line));
            }
        }
    }
    let finish = |(group, mut line): (Range<usize>, SearchLine)| {
        let bytes = &bytes[group];
        let bytes = bytes.strip_suffix(b"\n").map_or(bytes, |line| line.strip_suffix(b"\r").unwrap_or(line));
        line.lossy = std::str::from_utf8(bytes).is_err();
        line.text = String::from_utf8_lossy(bytes).into_owned();
        line
    };
    lines.into_iter().map(finish).collect()
}

/// Small texts: ASCII, line ends, é, 😀 and broken pieces of them, sometimes behind a mark.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => Just(&b"a"[..]),
        4 => Just(&b"b"[..]),
        4 => Just(&b"\n"[..]),
        2 => Just(&b"\r\n"[..]),
        1 => Just(&b"\r"[..]),
        1 => Just(&b" "[..]),
        1 => Just("é".as_bytes()),
        1 => Just("É".as_bytes()),
        2 => Just("😀".as_bytes()),
        1 => Just("\u{2028}".as_bytes()),
        1 => Just(&b"\x0C"[..]),
        1 => Just(&b"\xFF"[..]),
        1 => Just(&b"\xF0\x9F\x98"[..]),
        1 => Just(&b"\x80"[..]),
    ];
    (any::<bool>(), proptest::collection::vec(piece, 0..24)).prop_map(|(mark, pieces)| {
        let mark = if mark { "\u{feff}".as_bytes() } else { b"" };
        [mark, &pieces.concat()].concat()
    })
}

fn queries() -> impl Strategy<Value = QueryOptions> {
    prop_oneof![
        proptest::sample::select(WITHIN_LINES).prop_map(regex),
        proptest::sample::select(WITHIN_LINES).prop_map(multiline),
        proptest::sample::select(ACROSS_LINES).prop_map(multiline),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn agrees_with_the_reference(query in queries(), bytes in texts()) {
        prop_assert_eq!(lines(&query, &bytes), slow(&query.pattern, query.multiline, &bytes));
    }

    #[test]
    fn truncating_agrees_with_limiting(
        query in queries(),
        bytes in texts(),
        max_matches in 0..8u64,
        before in 0..3usize,
        after in 0..3usize,
        max_line_length in prop_oneof![Just(1000), 0..8usize],
        max_bytes in prop_oneof![Just(usize::MAX), 0..600usize],
    ) {
        let options = FileOptions { context_before: before, context_after: after, max_line_length, max_bytes, ..all() };
        let whole = search(&query, &options, &bytes);
        let less = search(&query, &FileOptions { max_matches, ..options.clone() }, &bytes);
        let mut cut = whole.clone();
        if let Some(cut) = &mut cut {
            cut.truncate(max_matches);
        }
        prop_assert_eq!(&cut, &less);
        let count = search(&query, &FileOptions { mode: Mode::Count, max_matches, ..options }, &bytes);
        prop_assert_eq!(count.is_some(), less.is_some());
        if max_bytes == usize::MAX && let (Some(count), Some(less)) = (count, less) {
            prop_assert_eq!((count.match_count, count.limit_hit), (less.match_count, less.limit_hit));
        }
    }

    #[test]
    fn every_line_is_where_it_says(
        query in queries(),
        bytes in texts(),
        before in 0..3usize,
        after in 0..3usize,
        max in prop_oneof![Just(1000), 0..8usize],
    ) {
        let options = FileOptions { context_before: before, context_after: after, max_line_length: max, ..all() };
        let Some(found) = search(&query, &options, &bytes) else { return Ok(()) };
        let whole = String::from_utf8_lossy(&bytes).into_owned();
        let mut next = 0;
        for line in found.lines.unwrap() {
            prop_assert!(line.line > next, "in order, and none twice");
            next = line.line + line.text.matches('\n').count() as u64;
            let from: Vec<u16> = whole.split('\n').skip(line.line as usize - 1).collect::<Vec<_>>().join("\n").encode_utf16().collect();
            let shown: Vec<u16> = line.text.encode_utf16().collect();
            prop_assert!(from[line.text_column as usize - 1..].starts_with(&shown));
            prop_assert!(shown.len() <= max);
            prop_assert_eq!(line.context, line.matches.is_empty());
            if let Some(first) = line.matches.first() {
                prop_assert_eq!(first.start.line, line.line);
                prop_assert!(first.start.column >= line.text_column);
            }
        }
    }

    #[test]
    fn nothing_panics(
        query in queries(),
        bytes in proptest::collection::vec(any::<u8>(), 0..80),
        mark in prop_oneof![Just(&b""[..]), Just(&b"\xFF\xFE"[..]), Just(&b"\xFE\xFF"[..]), Just(&b"\xEF\xBB\xBF"[..])],
        max in 0..20usize,
    ) {
        let bytes = [mark, &bytes].concat();
        let options = FileOptions { context_before: 1, context_after: 1, max_line_length: max, ..all() };
        search(&query, &options, &bytes);
    }
}
