//! What patterns ask of a text, in short: see the `Debug` of [`Plan`].

use super::*;
use crate::trigram::{GramRange, Plan, Stretch};

fn plan(query: &QueryOptions) -> Plan {
    Query::compile(query).unwrap().plan().clone()
}

fn insensitive(query: QueryOptions) -> QueryOptions {
    QueryOptions { case: CaseMode::Insensitive, ..query }
}

fn smart(query: QueryOptions) -> QueryOptions {
    QueryOptions { case: CaseMode::Smart, ..query }
}

fn whole_word(query: QueryOptions) -> QueryOptions {
    QueryOptions { whole_word: true, ..query }
}

/// Compares all, and shows all that differ.
fn check(kind: impl Fn(&str) -> QueryOptions, cases: &[(&str, &str)]) {
    let differ: Vec<_> = cases
        .iter()
        .map(|&(pattern, expected)| (pattern, expected, format!("{:?}", plan(&kind(pattern)))))
        .filter(|(_, expected, plan)| expected != plan)
        .collect();
    assert!(differ.is_empty(), "(pattern, expected, plan): {differ:#?}");
}

#[test]
fn literals_are_looked_for_as_they_are() {
    check(
        literal,
        &[
            ("foo", "foo"),
            ("foo.*", "foo.*"),
            ("fo", "fo"),
            ("f", "All"),
            ("", "All"),
            ("é", r"\xc3\xa9"),
            ("a\tb", r"a\tb"),
        ],
    );
    check(
        regex,
        &[
            ("foo", "foo"),
            ("(f)(o(o))", "foo"),
            (r"foo\.bar\(", "foo.bar(<bar>"),
            ("日本", r"\xe6\x97\xa5\xe6\x9c\xac"),
            (r"(?-u:\xFFab)", r"\xffab"),
            (r"\x{1F600}", r"\xf0\x9f\x98\x80"),
        ],
    );
    check(multiline, &[(r"foo\nbar", r"foo\nbar"), (r"a\r\nb", r"a\r\nb"), (r"\bfoo\s+bar\b", "foo<foo> & bar<bar>")]);
}

#[test]
fn what_stands_together_stays_together() {
    check(
        regex,
        &[
            ("foo|bar", "foo | bar"),
            ("(foo|bar)baz", "foobaz | barbaz"),
            ("(a|bc)(d|ef)", "ad | aef | bcd | bcef"),
            ("colou?r", "colour | color"),
            ("https?://", "https:// | http://"),
            (r"\bhttps?://", "https://<https> | http://<http>"),
            ("foo(bar)?", "foo"),
            ("foo(bar)?baz", "foobarbaz | foobaz"),
            ("(foo)?", "All"),
            ("foo.*bar", "foo & bar"),
            ("foo.bar", "foo & bar"),
            (r"foo\w+bar", "foo & bar"),
            ("foo[bc]ar", "foo[bc]ar"),
            ("foo[0-9]", "foo[0123456789]"),
            ("gr[ae]y", "gr[ae]y"),
            ("[éè]tat", "[èé]tat"),
            (r"x[\x{e9}z]y", "x[zé]y"),
            (r"(?-u:a[\xE0\xE1]b)", "a[\u{fffd}\u{fffd}]b"),
            ("foo.*fo", "foo"),
            ("foobar.*oba", "foobar"),
        ],
    );
}

#[test]
fn repetitions_are_written_out_at_both_ends() {
    check(
        regex,
        &[
            ("a{3}", "aaa"),
            ("(?:ab){2}", "abab"),
            ("(?:ab){2,}", "abab"),
            ("x(?:ab)+y", "xab & aby"),
            ("(?:foo)+bar", "foobar"),
            ("foo(?:bar)*baz", "foo & baz"),
            ("(?:foo|bar)+baz", "foobaz | barbaz"),
            ("xa{2,4}y", "xaa & aay"),
            ("(?:foo){0}bar", "bar"),
            ("foo(?:a|b){2}bar", "foo[ab][ab]bar"),
        ],
    );
    let long = format!("{:?}", plan(&regex("(?:a{50}){50}")));
    assert_eq!(long, "a".repeat(50));
}

#[test]
fn whole_words_are_seen() {
    check(
        regex,
        &[
            (r"\bfoo\b", "foo<foo>"),
            (r"\b(?:foo|bar)\b", "foo<foo> | bar<bar>"),
            (r"\bfoo\(", "foo(<foo>"),
            (r"\bfoo", "foo"),
            (r"\bfoo\s*\(", "foo<foo>"),
            (r"\bfoo\s*=\s*bar\b", "foo<foo> & bar<bar>"),
            (r"^foo\s+bar$", "foo<foo> & bar<bar>"),
            (r"^\s*foo\b", "foo<foo>"),
            (r"\s*foo\b", "foo"),
            (r"(?-u:\b)foo(?-u:\b)", "foo<foo>"),
            (r"\<foo\>", "foo<foo>"),
            (r"\b{start}foo\b{end}", "foo<foo>"),
            (r"\b{start-half}foo\b{end-half}", "foo<foo>"),
            (r"\Afoo\z", "foo<foo>"),
            (r"(?R)^foo$", "foo<foo>"),
            (r"[^\w]foo[^\w]", "foo<foo>"),
            (r"[^a]foo\W", "foo"),
            (r"\Wfoo[^a-z]", "foo"),
            ("[.,]foo;", "[,.]foo;<foo>"),
            ("[.a]foo;", "[.a]foo;"),
            ("éfooé", r"\xc3\xa9foo\xc3\xa9<foo>"),
            ("a foo b", "a foo b<foo>"),
            ("a_foo b", "a_foo b"),
            // What a boundary says depends on what stands beside it.
            (r"\b foo\b", r" foo<foo>"),
            (r" foo\b.bar", " foo<foo> & bar"),
            (r"-\bfoo\b-", "-foo-<foo>"),
            (r"\b.foo\b", "foo"),
            (r"\b-\b", "All"),
            (r"\Bfoo\B", "foo"),
            (r"(?-u:\B)foo(?-u:\B)", "foo"),
            // One letter is no word.
            (r"\ba\b bc", "a bc"),
        ],
    );
    let word = |pattern: &str| whole_word(literal(pattern));
    check(
        word,
        &[("foo", "foo<foo>"), ("-foo", "-foo<foo>"), ("foo bar", "foo bar<foo><bar>"), ("fo", "fo<fo>"), ("f", "All")],
    );
    let word = |pattern: &str| whole_word(regex(pattern));
    check(word, &[("foo|bar", "foo<foo> | bar<bar>"), ("fo+", "fo"), ("foo?", "foo<foo> | fo<fo>"), ("foo.*", "foo")]);
    let long = "w".repeat(64);
    assert_eq!(format!("{:?}", plan(&word(&long))), format!("{long}<{long}>"));
    let long = "w".repeat(65);
    assert_eq!(format!("{:?}", plan(&word(&long))), long);
}

#[test]
fn what_cannot_match_is_told_from_what_may() {
    check(
        regex,
        &[
            (r"[a&&b]", "Nothing"),
            (r"foo[a&&b]", "Nothing"),
            (r"foo|[a&&b]", "foo"),
            (r"foo(?:[a&&b])?bar", "foobar"),
            (r"foo(?:[a&&b])*bar", "foobar"),
            (r"(?:[a&&b])+", "Nothing"),
            (r"\P{any}foo", "Nothing"),
        ],
    );
}

#[test]
fn a_branch_without_a_literal_makes_every_file_a_candidate() {
    check(
        regex,
        &[
            ("foo|.*", "All"),
            ("a?", "All"),
            ("(x|)", "All"),
            ("foo|", "All"),
            ("foo|a", "All"),
            ("(foo|.)bar", "bar"),
            (r"foo|\w+", "All"),
            ("(?:foo)*", "All"),
            ("(?:foo|x?)", "All"),
            ("foo|^", "All"),
            ("(?:foo|bar.*|.)baz?", "ba"),
            (".", "All"),
            (r"\bx\b", "All"),
            ("[^a]", "All"),
        ],
    );
}

#[test]
fn the_plan_is_of_the_pattern_that_verifies() {
    // Smart case looks at what is written, as the matcher does.
    let smart = |pattern: &str| smart(regex(pattern));
    check(
        smart,
        &[
            ("ab", "[Aa][Bb]"),
            ("Ab", "Ab"),
            (r"ab\W", "[Aa][Bb]"),
            (r"a[b-c]d", "[Aa][BCbc][Dd]"),
            (r"a[B-C]d", "a[BC]d"),
            (r"a[b[C]]d", "a[Cb]d"),
            (r"a[bc&&C]", "Nothing"),
            (r"a\x{42}", "aB"),
            (r"(?:a|B)c", "[Ba]c"),
        ],
    );
    check(insensitive_regex, &[("ab", "[Aa][Bb]"), ("(?-i:ab)", "ab"), ("(?-i)ab", "ab")]);
    check(regex, &[("(?i)ab", "[Aa][Bb]"), ("(?i:a)b", "[Aa]b"), ("(?x) a b ", "ab")]);
    // Characters that mean something in a regular expression, with folding.
    let folded = |pattern: &str| insensitive(literal(pattern));
    check(folded, &[("a.b", "[Aa].[Bb]"), ("(a", "([Aa]"), (r"\d", r"\\[Dd]"), ("a b#", "[Aa] [Bb]#")]);
}

fn insensitive_regex(pattern: &str) -> QueryOptions {
    insensitive(regex(pattern))
}

#[test]
fn folding_is_unicodes() {
    check(
        insensitive_regex,
        &[
            ("ok", "[Oo][Kk\u{212a}]"),
            ("so", "[Ssſ][Oo]"),
            ("fé", "[Ff][Éé]"),
            ("ß", "[ßẞ]"),
            ("σa", "[Σςσ][Aa]"),
            ("日本", r"\xe6\x97\xa5\xe6\x9c\xac"),
            ("(?-u)ok", "[Oo][Kk]"),
        ],
    );
}

#[test]
fn bytes_are_taken_as_they_are() {
    check(
        regex,
        &[("\u{feff}foo;", r"\xef\xbb\xbffoo;<foo>"), (r"(?-u:[\x80-\x82]ab)", "[\u{fffd}\u{fffd}\u{fffd}]ab")],
    );
}

#[test]
fn what_spans_lines_is_one_stretch() {
    check(
        multiline,
        &[
            (r"foo\nbar", r"foo\nbar"),
            (r"foo\n\s*bar", r"foo\n & bar"),
            (r"foo$\n^bar", r"foo\nbar"),
            (r"foo\r?\nbar", r"foo\r\nbar | foo\nbar"),
            (r"(?s)foo.*bar", "foo & bar"),
        ],
    );
}

/// The one stretch of a pattern.
fn stretch(query: &QueryOptions) -> Stretch {
    let Plan::Stretch(stretch) = plan(query) else { panic!("{query:?}: {:?}", plan(query)) };
    Stretch::clone(&stretch)
}

/// The groups of a pattern, as in `foo`, `fo?`, `[Ff]oo`.
fn groups(query: &QueryOptions) -> Vec<String> {
    let bytes = |gram: u32| gram.to_be_bytes()[1..].escape_ascii().to_string();
    let range = |&GramRange { first, last }: &GramRange| match last - first {
        0 => bytes(first),
        0xFF if first % 0x100 == 0 => format!("{}?", first.to_be_bytes()[1..3].escape_ascii()),
        _ => format!("{}..{}", bytes(first), bytes(last)),
    };
    stretch(query).groups.iter().map(|group| group.iter().map(range).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn groups_are_the_grams_at_each_place() {
    for (query, expected) in [
        (regex("foobar"), &["foo", "oob", "oba", "bar"][..]),
        (regex("ababab"), &["aba", "bab"]),
        (regex("fo"), &["fo?"]),
        (regex("(?i)fo"), &["FO? Fo? fO? fo?"]),
        (regex("a[bd]c"), &["abc adc"]),
        (regex("ab[cde]"), &["abc..abe"]),
        (regex("ab[0-9]x"), &["ab0..ab9", "b0x b1x b2x b3x b4x b5x b6x b7x b8x b9x"]),
        // A character of one byte and one of three.
        (regex("(?i:k)x"), &[r"Kx? kx? \xe2\x84\xaa"]),
        (regex("(?i:k)xy"), &[r"Kxy kxy \xe2\x84\xaa"]),
        (regex("a(?i:k)xy"), &[r"aKx akx a\xe2\x84", r"Kxy kxy \xe2\x84\xaa"]),
        // Where all have several bytes, also between these.
        (regex("[éè]x"), &[r"\xc3\xa8x \xc3\xa9x"]),
        (regex("[éè]xy"), &[r"\xc3\xa8x \xc3\xa9x", r"\xa8xy \xa9xy"]),
        // Too many to write out.
        (regex("ab[a-z][a-z][a-z]c"), &["aba..abz"]),
        (
            regex("[0-9]{3}-[0-9]{4}"),
            &[
                "0-0..0-9 1-0..1-9 2-0..2-9 3-0..3-9 4-0..4-9 5-0..5-9 6-0..6-9 7-0..7-9 8-0..8-9 9-0..9-9",
                "-00..-09 -10..-19 -20..-29 -30..-39 -40..-49 -50..-59 -60..-69 -70..-79 -80..-89 -90..-99",
            ],
        ),
    ] {
        assert_eq!(groups(&query), expected, "{query:?}");
    }
}

#[test]
fn a_stretch_is_found_as_it_is() {
    let cases: &[(QueryOptions, &[&str], &[&str])] = &[
        (regex("foo"), &["foo", "xfoox", "\u{feff}foo\n"], &["", "fo", "f\u{0}oo", "FOO"]),
        (insensitive(literal("task")), &["task", "TaSK", "ta\u{17f}\u{212a}", "ata\u{17f}k"], &["tak", "tas\u{212b}"]),
        // The word is not looked at: its surroundings may lie outside of the block.
        (whole_word(literal("foo")), &["foo", "xfoox"], &["fo"]),
        (regex("a[éx]b"), &["aéb", "axb"], &["ab", "aèb"]),
        (regex(r"(?-u:a[\x80-\x82]b)"), &[], &["ab", "aéb"]),
    ];
    for (query, held, others) in cases {
        let stretch = stretch(query);
        for text in *held {
            assert!(stretch.is_in(text.as_bytes()), "{stretch:?} in {text:?}");
        }
        for text in *others {
            assert!(!stretch.is_in(text.as_bytes()), "{stretch:?} in {text:?}");
        }
    }
    assert!(stretch(&regex(r"(?-u:a[\x80-\x82]b)")).is_in(b"a\x81b"));
}

/// So that nothing passes for a plan by giving up.
#[test]
fn common_queries_have_plans() {
    for query in [
        literal("useState"),
        insensitive(literal("usestate")),
        smart(literal("readfile")),
        whole_word(literal("id")),
        insensitive(whole_word(literal("sidecar"))),
        regex(r"function\s+\w+\("),
        regex(r"import .* from ['\x22]react['\x22]"),
        regex(r"TODO|FIXME"),
        regex(r"(?i)todo|fixme|xxx"),
        regex(r"console\.(log|warn|error)\("),
        regex(r"^\s*export (default )?(class|function|const|interface|type|enum) \w+"),
        regex(r"[A-Z]\w+Error\b"),
        regex(r"\b[a-f0-9]{7}-[a-f0-9]{4}\b"),
        regex(r"\$\{[^}]+\}"),
        regex(r"https?://[^\s'\x22]+"),
        regex(r"(\w+)\.then\((\w+) =>"),
        insensitive(regex(r"content-?type:\s*application/json")),
        multiline(r"\{\n\s*return"),
        insensitive(literal("ключ")),
        insensitive(literal("kiosks")),
    ] {
        let plan = plan(&query);
        assert!(!matches!(plan, Plan::All | Plan::Nothing), "{query:?}: {plan:?}");
    }
}
