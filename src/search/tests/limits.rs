//! Limits, cutting afterwards, cancelling, and what size costs.

use super::*;
use crate::error::Code;

/// Match count, whether the limit was hit, and the lines.
fn summary(found: &FileMatches) -> (u64, bool, String) {
    (found.match_count, found.limit_hit, brief(found.lines.as_deref().unwrap_or_default()).join(" "))
}

#[test]
fn the_first_matches_are_reported() {
    let text = b"0\nxx\n1\nx\n2\n";
    let options = |max_matches| FileOptions { max_matches, context_before: 1, context_after: 1, ..all() };
    for (max, count, limit_hit, shown) in [
        (0, 0, true, ""),
        (1, 1, true, "1-0 2|xx"),
        (2, 2, true, "1-0 2|xx"),
        (3, 3, false, "1-0 2|xx 3-1 4|x 5-2"),
        (4, 3, false, "1-0 2|xx 3-1 4|x 5-2"),
    ] {
        let found = search(&regex("x"), &options(max), text).unwrap();
        assert_eq!(summary(&found), (count, limit_hit, shown.to_owned()), "{max}");
        let matches: usize = found.lines.unwrap().iter().map(|line| line.matches.len()).sum();
        assert_eq!(matches as u64, count);
    }
    assert_eq!(search(&regex("y"), &options(0), text), None);
}

#[test]
fn modes() {
    let text = b"xx\nx\n";
    let mode = |mode, max_matches| search(&regex("x"), &FileOptions { mode, max_matches, ..all() }, text).unwrap();
    for (found, count, limit_hit) in [
        (mode(Mode::Files, 9), 1, false),
        (mode(Mode::Files, 1), 1, false),
        (mode(Mode::Files, 0), 0, true),
        (mode(Mode::Count, 9), 3, false),
        (mode(Mode::Count, 3), 3, false),
        (mode(Mode::Count, 2), 2, true),
    ] {
        assert_eq!((found.match_count, found.limit_hit, found.lines), (count, limit_hit, None));
    }
    for mode in [Mode::Files, Mode::Count, Mode::Matches] {
        let options = FileOptions { mode, ..all() };
        assert_eq!(search(&regex("y"), &options, text), None);
        assert_eq!(search(&regex("$"), &options, b"y"), None, "the line matches, but no match is reported");
    }
    let names: Vec<_> =
        [Mode::Matches, Mode::Files, Mode::Count].map(|mode| serde_json::to_string(&mode).unwrap()).into();
    assert_eq!(names, [r#""matches""#, r#""files""#, r#""count""#]);
    assert_eq!(serde_json::from_str::<Mode>(r#""count""#).unwrap(), Mode::Count);
}

#[test]
fn truncating_is_searching_for_less() {
    let texts: [&[u8]; 5] = [
        b"0\nxx\n1\nx\n2\nx x x\n",
        b"a\nb a\nb a\r\nb\xFF a\nb\n\na\nb",
        b"a\r\nb c a\r\nb",
        b"\xEF\xBB\xBFa\nb a\n\xFFb a\nb",
        b"aaaaaaaaaa a\nb xxxxxxxxxxxxxx a\r\nb \xFF\n",
    ];
    for bytes in texts {
        for pattern in ["x", r"a\r?\n\xEF?\w?b?", r"a\r?\n\s*[^a]?b", r"a\s+b|\n", "a|^|b\r?\n"] {
            for mode in [Mode::Matches, Mode::Count, Mode::Files] {
                for max_line_length in [1000, 8, 3] {
                    let options = FileOptions { mode, context_before: 1, context_after: 2, max_line_length, ..all() };
                    let Some(whole) = search(&multiline(pattern), &options, bytes) else { continue };
                    for max_matches in 0..=whole.match_count + 1 {
                        let mut cut = whole.clone();
                        cut.truncate(max_matches);
                        let less = search(&multiline(pattern), &FileOptions { max_matches, ..options.clone() }, bytes);
                        assert_eq!(Some(cut), less, "{pattern:?} in {bytes:?}: {max_matches}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_size_of_the_lines_is_bounded() {
    let text = "x\n".repeat(10_000);
    let options = FileOptions { max_bytes: 10_000, ..all() };
    let found = search(&regex("x"), &options, text.as_bytes()).unwrap();
    assert!(found.limit_hit);
    assert!((20..200).contains(&found.match_count), "{}", found.match_count);
    // A search for fewer is a part of it.
    let mut cut = found.clone();
    cut.truncate(7);
    assert_eq!(search(&regex("x"), &FileOptions { max_matches: 7, ..options.clone() }, text.as_bytes()), Some(cut));

    // One match is always there; context has to fit.
    let context = FileOptions { max_bytes: 0, context_before: 5, context_after: 5, ..all() };
    let found = search(&regex("x"), &context, b"1\n2\nx\n3\nx").unwrap();
    assert_eq!(summary(&found), (1, true, "3|x".to_owned()));
    let context = FileOptions { max_bytes: 5000, context_before: usize::MAX, context_after: usize::MAX, ..all() };
    let padded = format!("{}x\n{}", "1\n".repeat(10_000), "2\n".repeat(10_000));
    let found = search(&regex("x"), &context, padded.as_bytes()).unwrap();
    assert!(!found.limit_hit);
    let shown = found.lines.unwrap();
    assert!((20..200).contains(&shown.len()));
    assert!(shown.windows(2).all(|pair| pair[0].line + 1 == pair[1].line), "the nearest lines are kept");
    // Counting collects nothing.
    let count = FileOptions { mode: Mode::Count, max_bytes: 0, ..all() };
    assert_eq!(search(&regex("x"), &count, text.as_bytes()).unwrap().match_count, 10_000);
}

#[test]
fn cancelling() {
    let cancel = CancelToken::default();
    let query = Query::compile(&regex("x")).unwrap();
    let mut searcher = FileSearcher::new(&query, all());
    assert!(searcher.search(b"x", Class::Text, &cancel).unwrap().is_some());
    cancel.cancel();
    assert_eq!(searcher.search(b"x", Class::Text, &cancel).unwrap_err().code, Code::Cancelled);

    // In the middle of a search: looked at again and again, however fast the machine.
    let text = "some text without it\n".repeat(500_000);
    for query in [regex(r"\w+z"), multiline(r"z\n|e"), regex("e")] {
        let options = FileOptions { mode: Mode::Count, ..all() };
        let mut searcher = FileSearcher::new(&Query::compile(&query).unwrap(), options);
        let cancel = CancelToken::default();
        let searching = cancel.clone();
        let code = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                loop {
                    if let Err(error) = searcher.search(text.as_bytes(), Class::Text, &searching) {
                        return error.code;
                    }
                }
            });
            cancel.cancel();
            thread.join().unwrap()
        });
        assert_eq!(code, Code::Cancelled);
    }
}

#[test]
fn a_searcher_can_be_used_again() {
    let query = Query::compile(&regex("x")).unwrap();
    let mut searcher = FileSearcher::new(&query, FileOptions { max_matches: 1, ..all() });
    for text in ["x\nx\n", "y", "x"] {
        let again = searcher.search(text.as_bytes(), Class::Text, &CancelToken::default()).unwrap();
        assert_eq!(again, search(&regex("x"), &FileOptions { max_matches: 1, ..all() }, text.as_bytes()));
    }
}

#[test]
fn long_lines_and_many_lines_cost_linear_time() {
    let minified = "é😀 function(a){return a+1};".repeat(100_000);
    let spread = "é😀 function(a){\n".repeat(100_000);
    for (text, query) in [
        (&minified, regex("function")),
        (&minified, multiline(r"function|\n")),
        (&spread, regex("function")),
        (&spread, multiline(r"function|\{\n")),
    ] {
        let options = FileOptions { context_before: 2, context_after: 2, ..all() };
        // Quadratic time would be minutes.
        quick(&query.pattern, Duration::from_secs(10), || {
            let found = search(&query, &options, text.as_bytes()).unwrap();
            assert!(found.match_count >= 100_000);
        });
    }
}

#[test]
fn chunks_do_not_show() {
    // Lines around the places where the text is taken apart, and one that is longer than a part.
    let mut text = String::new();
    let mut expected = Vec::new();
    for at in 0..40_000 {
        expected.push((text.len() as u64, text.len() as u64 + 3));
        text.push_str("fox");
        text.push_str(if at % 7 == 0 { "\r\n" } else { " jumps\n" });
        if at == 20_000 {
            text.push_str(&" ".repeat(300_000));
        }
    }
    assert_eq!(ranges(&regex(r"\bfox\b"), &text), expected);
    assert_eq!(ranges(&regex(r"\Afox"), &text), expected[..1]);
    assert_eq!(lines(&regex("fox"), text.as_bytes()).last().unwrap().line, 40_000);
}
