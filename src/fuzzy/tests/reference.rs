//! The same, found the slow and obvious way.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// Letters that meet often, in all sorts of pairs.
const LETTERS: &str = "aAbBfForm019._-/ kK\u{212A}sSſßẞéÉσΣςİ😀𠮷\u{301}";

fn text(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letters: Vec<char> = LETTERS.chars().collect();
    proptest::collection::vec(select(letters), length).prop_map(|letters| letters.into_iter().collect())
}

fn ascii(length: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    text(length).prop_map(|text| text.chars().filter(char::is_ascii).collect())
}

fn path() -> impl Strategy<Value = String> {
    let text = prop_oneof![4 => text(0..12), 4 => ascii(0..16), 1 => text(200..600), 1 => ascii(200..800)];
    text.prop_map(|text| {
        let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { "x".to_owned() } else { parts.join("/") }
    })
}

/// Mostly what is there: some letters of a path, with other cases.
fn query_for(path: &str) -> impl Strategy<Value = String> + use<> {
    let letters: Vec<char> = path.chars().collect();
    let some =
        proptest::collection::vec((any::<proptest::sample::Index>(), any::<bool>()), 0..8).prop_map(move |picks| {
            let mut picks: Vec<(usize, bool)> =
                picks.into_iter().map(|(at, upper)| (at.index(letters.len()), upper)).collect();
            picks.sort_unstable();
            picks.dedup_by_key(|(at, _)| *at);
            let cased = |(at, upper): (usize, bool)| {
                let upper = if upper { letters[at].to_uppercase().next() } else { None };
                upper.filter(|upper| upper.len_utf8() == letters[at].len_utf8()).unwrap_or(letters[at])
            };
            picks.into_iter().map(cased).collect()
        });
    prop_oneof![3 => some, 1 => text(0..4)]
}

/// One of the forms of a letter, by hand.
fn folded(letter: char) -> char {
    match letter {
        '\u{212A}' => 'k',
        'ſ' => 's',
        'ẞ' => 'ß',
        'ς' => 'σ',
        'İ' => 'İ',
        '\\' => '/',
        letter => letter.to_lowercase().next().unwrap(),
    }
}

fn is_subsequence(piece: &str, letters: impl IntoIterator<Item = char>) -> bool {
    let mut letters = letters.into_iter().map(folded);
    piece.chars().all(|wanted| letters.any(|letter| letter == folded(wanted)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_path_is_found_if_each_piece_is_a_subsequence((path, query) in path().prop_flat_map(|path| {
        let query = query_for(&path);
        (Just(path), query)
    })) {
        let wanted = query.split_whitespace().all(|piece| is_subsequence(piece, path.chars()));
        prop_assert_eq!(found(&query, &[&path]).len(), usize::from(wanted));
        let positions = positions(&query, &path);
        prop_assert!(positions.is_sorted_by(|a, b| a < b), "{:?}", positions);
        let mut unit = 0;
        let letters: Vec<char> = path.chars().filter(|letter| {
            let hit = positions.contains(&unit);
            unit += letter.len_utf16() as u32;
            hit
        }).collect();
        prop_assert_eq!(letters.len(), positions.len(), "each is where a letter starts");
        if wanted {
            for piece in query.split_whitespace() {
                prop_assert!(is_subsequence(piece, letters.iter().copied()), "{:?} for {:?}", letters, piece);
            }
            let most = query.chars().filter(|letter| !letter.is_whitespace()).count();
            prop_assert!(letters.len() <= most);
            if query.split_whitespace().count() == 1 {
                prop_assert_eq!(letters.len(), most);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn the_order_depends_on_nothing_else(
        paths in proptest::collection::btree_set(path(), 1..40),
        query in text(0..4),
        seed in any::<u64>(),
    ) {
        let mut paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let first = scores(&query, &paths, 1);
        for (at, threads) in [2, 1, 4].into_iter().enumerate() {
            let length = paths.len();
            paths.rotate_left(seed as usize % length);
            paths.swap(0, (seed >> 8) as usize % length);
            if at > 0 {
                paths.reverse();
            }
            prop_assert_eq!(&scores(&query, &paths, threads), &first);
        }
        for pair in first.windows(2) {
            let [(a, higher), (b, lower)] = pair else { unreachable!() };
            prop_assert!(higher >= lower);
            if query.trim().is_empty() {
                prop_assert!(a < b);
            } else if higher == lower {
                prop_assert!((a.chars().count(), a) < (b.chars().count(), b));
            }
        }
    }

    #[test]
    fn the_pieces_have_no_order(paths in proptest::collection::btree_set(path(), 1..20), one in text(1..3), two in text(1..3)) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let ordered = |query: String| scores(&query, &paths, 1);
        prop_assert_eq!(ordered(format!("{one} {two}")), ordered(format!("{two}  {one}")));
    }
}

fn scores<'paths>(query: &str, paths: &[&'paths str], threads: usize) -> Vec<(&'paths str, u64)> {
    // Many times over, so that there is something to share out.
    let many: Vec<&str> = paths.iter().copied().cycle().take(paths.len() * 200).collect();
    let query = Query::parse(query).unwrap();
    let ranking =
        pool(threads).install(|| rank(&query, &many, |path| path, usize::MAX, &CancelToken::default())).unwrap();
    let mut scores: Vec<(&str, u64)> = ranking.hits.iter().map(|hit| (many[hit.index], hit.score)).collect();
    scores.dedup();
    scores
}
