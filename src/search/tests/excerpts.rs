//! Searching the lines that matter gives what searching the whole file gives.

use proptest::prelude::*;

use super::*;
use crate::text::units_by_lead;

/// The excerpts of `text` that consist of the lines for which `wanted` says so.
fn excerpts(text: &[u8], bom: usize, wanted: impl Fn(usize) -> bool) -> Vec<Excerpt<'_>> {
    let mut ends: Vec<usize> = memchr::memchr_iter(b'\n', text).map(|at| at + 1).collect();
    if ends.last() != Some(&text.len()) {
        ends.push(text.len());
    }
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut start = 0;
    for (line, end) in ends.into_iter().enumerate() {
        if wanted(line) {
            match found.last_mut() {
                Some(last) if last.1 == start => last.1 = end,
                _ => found.push((start, end)),
            }
        }
        start = end;
    }
    let excerpt = |(start, end): (usize, usize)| {
        if start == 0 {
            return Excerpt { bytes: &text[..end], lead: bom, start: Place::default(), until: end };
        }
        let (lines, units) = (memchr::memchr_iter(b'\n', &text[..start]).count() as u64, units_by_lead(&text[..start]));
        let place = Place { lines, units, line_units: units };
        Excerpt { bytes: &text[start - 1..end], lead: 1, start: place, until: end - start + 1 }
    };
    found.into_iter().map(excerpt).collect()
}

proptest! {
    #[test]
    fn excerpts_with_all_matches_give_what_the_whole_gives(
        lines in proptest::collection::vec(prop_oneof![
            Just("x".to_owned()), Just(String::new()), Just("ab".to_owned()), Just("é😀 ab é ab\r".to_owned()),
            "[abé😀 ]{0,12}"], 0..12),
        more in proptest::collection::vec(any::<bool>(), 12),
        bom in any::<bool>(),
        ended in any::<bool>(),
        pattern in prop_oneof![Just("ab"), Just("^ab"), Just("ab$"), Just(r"\Aab"), Just(r"ab\z"), Just(r"\bab\b"), Just("é?a+b")],
        mode in prop_oneof![Just(Mode::Matches), Just(Mode::Files), Just(Mode::Count)],
        max_matches in prop_oneof![Just(u64::MAX), 0..6_u64],
        max_bytes in prop_oneof![Just(usize::MAX), 0..600_usize],
        max_line_length in prop_oneof![Just(1000_usize), 0..9_usize],
    ) {
        let mut text = lines.join("\n");
        if ended {
            text.push('\n');
        }
        if bom {
            text.insert(0, '\u{feff}');
        }
        let bytes = text.as_bytes();
        let query = Query::compile(&QueryOptions { pattern: pattern.to_owned(), regex: true, ..QueryOptions::default() }).unwrap();
        let options = FileOptions { mode, context_before: 0, context_after: 0, max_matches, max_line_length, max_bytes };
        let mut searcher = FileSearcher::new(&query, options);
        let cancel = CancelToken::default();
        let whole = searcher.search(bytes, Class::of(bytes), &cancel).unwrap();
        let has_match = |line: usize| lines.get(line).is_some_and(|line| line.contains("ab"));
        let excerpts = excerpts(bytes, if bom { 3 } else { 0 }, |line| has_match(line) || more.get(line) == Some(&true));
        prop_assert!(searcher.takes_lines());
        let mut found = searcher.excerpts();
        for excerpt in &excerpts {
            match searcher.search_excerpt(&mut found, excerpt, &cancel) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    prop_assert!(error.is_none() && max_bytes < 600, "only a bound in bytes is left to the whole");
                    return Ok(());
                }
            }
        }
        prop_assert_eq!(found.finish(), whole);
    }
}
