//! What matches, and which patterns are refused.

use super::*;
use crate::error::Code;

#[test]
fn matches_within_lines() {
    let cases: &[Case] = &[
        ("b", "abcb", &[(1, 2), (3, 4)]),
        ("b", "a\nb\nb", &[(2, 3), (4, 5)]),
        ("foo|bar", "bar foo", &[(0, 3), (4, 7)]),
        ("a.c", "abc a\nc", &[(0, 3)]),
        ("^b", "ab\nb", &[(3, 4)]),
        ("b$", "ab\nb c\nb", &[(1, 2), (7, 8)]),
        (r"\Aa", "a\na", &[(0, 1)]),
        (r"a\z", "a\na", &[(0, 1), (2, 3)]), // as ripgrep: each line ends at its end
        // Line ends: only `\n` ends a line, `\r` is a character like others.
        ("b$", "b\r\nb\n", &[(3, 4)]),
        ("b\r$", "b\r\nb\n", &[(0, 2)]),
        (".*", "ab\r\nc", &[(0, 3), (4, 5)]),
        (r"\s", "a\r\nb", &[(1, 2)]),
        (r"a\s*b", "a\r\nb", &[]),
        (r"[^x]+", "a\nb\n", &[(0, 1), (2, 3)]),
        ("^.", "a\rb\u{2028}c\u{c}d\u{85}e", &[(0, 1)]),
        (".+", "a\rb\u{2028}c\u{c}d\u{85}e", &[(0, 9)]),
        // Empty matches: never right behind a match, never behind the last byte of an unended line.
        ("", "ab\n", &[(0, 0), (1, 1), (2, 2)]),
        ("", "ab", &[(0, 0), (1, 1)]),
        ("", "", &[]),
        ("", "\n\n", &[(0, 0), (1, 1)]),
        ("^", "a\nb\n", &[(0, 0), (2, 2)]),
        ("$", "a\nb", &[(1, 1)]),
        ("$", "a", &[]),
        ("^$", "a\n\nb\n", &[(2, 2)]),
        ("^$", "a\n", &[]),
        ("a*", "baac\n", &[(0, 0), (1, 3), (4, 4)]),
        ("a*", "aa\n", &[(0, 2)]),
        (r"\b", "ab c\n", &[(0, 0), (2, 2), (3, 3), (4, 4)]),
        ("(x|)", "axb\n", &[(0, 0), (1, 2), (3, 3)]),
        // Empty matches are found between all bytes; those inside a character are at its start.
        ("", "é\n", &[(0, 0), (0, 0), (1, 1)]),
        // Characters outside the basic plane are two units.
        ("x", "😀x\n😀😀x", &[(2, 3), (8, 9)]),
        ("😀", "a😀b", &[(1, 3)]),
        (".", "é😀", &[(0, 1), (1, 3)]),
        // Flags in the pattern.
        ("(?i)É", "éÉ", &[(0, 1), (1, 2)]),
        ("(?-m)^b", "a\nb", &[]),
        ("(?s)a.b", "a\nb", &[]),
        ("(?R)b$", "b\r\n", &[(0, 1)]),
        (r"\x00", "a\n", &[]),
        ("[a-z&&[^b]]", "abc", &[(0, 1), (2, 3)]),
        (r"\p{Greek}+", "aλόγος", &[(1, 6)]),
        (r"[^\n]", "a\n", &[(0, 1)]),
    ];
    for &(pattern, text, expected) in cases {
        assert_eq!(ranges(&regex(pattern), text), expected, "{pattern:?} in {text:?}");
        // The same text behind marks: every offset one more, nothing else.
        let shifted: Vec<_> = expected.iter().map(|&(start, end)| (start + 1, end + 1)).collect();
        assert_eq!(ranges(&regex(pattern), format!("\u{feff}{text}")), shifted, "{pattern:?} in {text:?} with a mark");
        for (name, bytes) in [("LE", utf16(text, u16::to_le_bytes)), ("BE", utf16(text, u16::to_be_bytes))] {
            assert_eq!(ranges(&regex(pattern), bytes), shifted, "{pattern:?} in {text:?} as UTF-16{name}");
        }
        // A pattern that cannot leave its line finds the same with `multiline`.
        if !pattern.contains(['\\', '^', 's', '$']) && !text.is_empty() && !pattern.contains("[^") {
            assert_eq!(ranges(&multiline(pattern), text), expected, "{pattern:?} in {text:?}, multiline");
        }
    }
}

#[test]
fn literals_are_literal() {
    for (pattern, text, expected) in [
        ("a.b", "a.b axb", &[(0, 3)][..]),
        ("(", "f(x)", &[(1, 2)]),
        (r"\d", r"5 \d", &[(2, 4)]),
        ("", "a\n", &[(0, 0), (1, 1)]),
        ("\r", "a\r\n", &[(1, 2)]),
        ("[^", "[^", &[(0, 2)]),
    ] {
        assert_eq!(ranges(&literal(pattern), text), expected, "{pattern:?} in {text:?}");
    }
    let lines = QueryOptions { multiline: true, ..literal("b.\n.c") };
    assert_eq!(ranges(&lines, "b.\n.c bx\n.c"), [(0, 5)]);
}

#[test]
fn case() {
    let with = |case, pattern: &str, regex| QueryOptions {
        pattern: pattern.to_owned(),
        regex,
        case,
        ..QueryOptions::default()
    };
    for (case, pattern, text, count) in [
        (CaseMode::Sensitive, "ab", "ab Ab AB", 1),
        (CaseMode::Insensitive, "ab", "ab Ab AB", 3),
        (CaseMode::Smart, "ab", "ab Ab AB", 3),
        (CaseMode::Smart, "Ab", "ab Ab AB", 1),
        // Unicode's folding, not that of ASCII alone.
        (CaseMode::Insensitive, "k", "kK\u{212a}", 3),
        (CaseMode::Insensitive, "\u{212a}", "kK\u{212a}", 3),
        (CaseMode::Insensitive, "s", "sS\u{17f}", 3),
        (CaseMode::Insensitive, "é", "éÉ", 2),
        (CaseMode::Insensitive, "σ", "Σσς", 3),
        (CaseMode::Insensitive, "ß", "ßẞ", 2), // simple folding: not `ss`
        (CaseMode::Smart, "é", "éÉ", 2),
        (CaseMode::Smart, "É", "éÉ", 1),
        (CaseMode::Sensitive, "k", "kK\u{212a}", 1),
    ] {
        for regex in [false, true] {
            assert_eq!(ranges(&with(case, pattern, regex), text).len(), count, "{case:?} {pattern:?} regex={regex}");
        }
    }
    assert_eq!(ranges(&with(CaseMode::Smart, r"\Wa", true), " A").len(), 1, "a class is no literal");
    assert_eq!(ranges(&with(CaseMode::Smart, r"\W\S", true), " A").len(), 1);
}

#[test]
fn whole_words() {
    let word = |pattern: &str, regex| QueryOptions { whole_word: true, regex, ..literal(pattern) };
    for (pattern, text, expected) in [
        ("foo", "foo foobar barfoo _foo foo1 (foo)", &[(0, 3), (29, 32)][..]),
        ("foo", "éfoo fooé foo", &[(10, 13)]),
        // No word character beside the match; the pattern itself need not begin with one.
        ("-2", "x -2 y", &[(2, 4)]),
        ("-2", "x-2", &[]),
        ("-2", "-2x", &[]),
        ("foo", "foo\nfoo", &[(0, 3), (4, 7)]),
    ] {
        assert_eq!(ranges(&word(pattern, false), text), expected, "{pattern:?} in {text:?}");
    }
    assert_eq!(ranges(&word("foo|bar", true), "foobar bar"), [(7, 10)]);
    assert_eq!(ranges(&word("a+", true), "aaab aa"), [(5, 7)]);
}

#[test]
fn bytes_are_matched_as_they_are() {
    for (pattern, bytes, expected) in [
        ("b", &b"\xFF\xFFb\xFF"[..], &[(2, 3)][..]),
        (".", b"a\xFFb", &[(0, 1), (2, 3)]),
        ("\u{fffd}", b"a\xFF", &[]),
        (r"(?-u:\xFF)", b"a\xFFb", &[(1, 2)]),
        // Inside an ill-formed sequence: from its start to its end.
        (r"(?-u:\x9F)", b"a\xF0\x9F\x98b", &[(1, 2)]),
        (r"(?-u:\x98b)", b"a\xF0\x9F\x98b", &[(1, 3)]),
        (r"(?-u:a\xF0)", b"a\xF0\x9F\x98b", &[(0, 2)]),
        (r"(?-u:[\x80-\xFF])", b"\xE2\x82\xC3\xA9\xFF", &[(0, 1), (0, 1), (1, 2), (1, 2), (2, 3)]),
        // Inside a character, too.
        (r"(?-u:\x9F)", "a😀b".as_bytes(), &[(1, 3)]),
        (r"(?-u:\x80b)", "a😀b".as_bytes(), &[(1, 4)]),
        ("x", b"\xED\xA0\x80x", &[(3, 4)]),
        ("x", b"\xC3\nx", &[(2, 3)]),
        // A byte-order mark that is none, because it is not at the start.
        ("b$", b"a\n\xFF\xFEb", &[(4, 5)]),
        ("\u{feff}", b"a\xEF\xBB\xBF", &[(1, 2)]),
        ("\u{feff}", b"\xEF\xBB\xBFa", &[]),
        ("^import", b"\xEF\xBB\xBFimport", &[(1, 7)]),
        ("", b"\xEF\xBB\xBF", &[]),
        ("", b"\xFF\xFE", &[]),
        ("", b"\xFF", &[(0, 0)]),
    ] {
        assert_eq!(ranges(&regex(pattern), bytes), expected, "{pattern:?} in {bytes:?}");
    }
    let mut late = vec![b'a'; 70_000];
    late.extend(b"\n\0b\0");
    assert_eq!(ranges(&regex(r"\x00"), &late), [(70_001, 70_002), (70_003, 70_004)]);
}

#[test]
fn unusable_patterns() {
    for pattern in ["(", ")(", "a{2", "[b", "*", r"\1", "(?<n>a)(?<n>b)", r"(?=a)", r"\p{Nope}", "a{5,2}"] {
        let error = Query::compile(&regex(pattern)).unwrap_err();
        assert_eq!(error.code, Code::InvalidPattern, "{pattern}");
        assert!(error.message.contains("regex parse error") && error.message.contains("error:"), "{}", error.message);
        assert!(error.message.lines().any(|line| line.trim() == pattern), "as it was given: {}", error.message);
        assert!(Query::compile(&literal(pattern)).is_ok(), "{pattern}");
    }
    for options in [regex(r"a\nb"), regex("a\nb"), literal("a\nb"), regex(r"[\n]"), regex(r"\x0A")] {
        let error = Query::compile(&options).unwrap_err();
        assert_eq!(error.code, Code::InvalidPattern);
        assert!(error.message.contains("set `multiline`"), "{}", error.message);
        assert!(Query::compile(&QueryOptions { multiline: true, ..options }).is_ok());
    }
    let long = Query::compile(&literal(&"a".repeat(MAX_PATTERN_BYTES + 1))).unwrap_err();
    assert_eq!(long.code, Code::InvalidPattern);
    assert!(Query::compile(&literal(&"a".repeat(MAX_PATTERN_BYTES))).is_ok());
    let last_line = Query::compile(&regex(&format!("{}(", "é".repeat(3000)))).unwrap_err();
    assert_eq!(last_line.message, "error: unclosed group");
}

#[test]
fn patterns_that_explode_are_refused_quickly() {
    for pattern in [
        "(a{1000}){1000}",
        r"(\w{1000}){1000}",
        "((((((((a{10}){10}){10}){10}){10}){10}){10}){10}){10}",
        r"\pL{4000}",
        "(((((((((((x{9}){9}){9}){9}){9}){9}){9}){9}){9}){9}){9})",
    ] {
        quick(pattern, Duration::from_secs(2), || {
            let code = Query::compile(&regex(pattern)).map(drop).map_err(|error| error.code);
            assert_eq!(code, Err(Code::InvalidPattern), "{pattern}");
        });
    }
    for pattern in ["(".repeat(8000) + &")".repeat(8000), r"\w".repeat(8000), "[".repeat(16_000), "a|".repeat(8000)] {
        for case in [CaseMode::Sensitive, CaseMode::Insensitive] {
            quick(&pattern[..10], Duration::from_secs(3), || {
                drop(Query::compile(&QueryOptions { case, ..regex(&pattern) }));
            });
        }
    }
}

#[test]
fn queries_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    fn sent<T: Send + 'static>() {}
    shared::<Query>();
    sent::<FileSearcher>();
}
