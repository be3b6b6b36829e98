//! The lines that are given, and where matches are in them.

use super::*;

#[test]
fn a_line_and_its_matches() {
    let found = lines(&regex("b"), b"x\r\nabcb\r\ny");
    let expected = SearchLine {
        line: 2,
        text: "abcb".to_owned(),
        text_column: 1,
        matches: vec![on_line(2, (2, 3), (4, 5)), on_line(2, (4, 5), (6, 7))],
        context: false,
        lossy: false,
    };
    assert_eq!(found, [expected]);
}

#[test]
fn a_match_may_end_behind_the_text_that_is_shown() {
    let found = lines(&regex(".*"), b"ab\r\n");
    assert_eq!(found[0].text, "ab");
    assert_eq!(found[0].matches, [on_line(1, (1, 4), (0, 3))]);
    let found = lines(&regex("\r"), b"ab\r\n");
    assert_eq!(found[0].matches, [on_line(1, (3, 4), (2, 3))]);
}

#[test]
fn only_line_feeds_end_lines() {
    let text = "a\rx\u{c}x\u{2028}x\u{85}x\r";
    let found = lines(&regex("x"), text.as_bytes());
    assert_eq!(brief(&found), [format!("1|{text}")]);
    assert_eq!(found[0].matches.len(), 4);
    assert_eq!(brief(&lines(&regex("x"), b"\n\r\n\rx\r\r\n")), ["3|\rx\r"]);
}

#[test]
fn the_byte_order_mark_is_shown_and_counted() {
    for bytes in [
        "\u{feff}import x\r\nimport y".as_bytes().to_vec(),
        utf16("import x\r\nimport y", u16::to_le_bytes),
        utf16("import x\r\nimport y", u16::to_be_bytes),
    ] {
        let found = lines(&regex("^import"), &bytes);
        assert_eq!(brief(&found), ["1|\u{feff}import x", "2|import y"]);
        assert_eq!(found[0].matches, [on_line(1, (2, 8), (1, 7))]);
        assert_eq!(found[1].matches, [on_line(2, (1, 7), (11, 17))]);
        let context = search(&regex("y"), &FileOptions { context_before: 1, ..all() }, &bytes).unwrap();
        assert_eq!(brief(&context.lines.unwrap()), ["1-\u{feff}import x", "2|import y"]);
    }
}

#[test]
fn astral_characters_are_two_units() {
    let found = lines(&regex("x"), "😀\n😀é😀x😀x".as_bytes());
    assert_eq!(found[0].matches, [on_line(2, (6, 7), (8, 9)), on_line(2, (9, 10), (11, 12))]);
}

#[test]
fn ill_formed_lines_are_marked() {
    let options = FileOptions { context_before: 1, ..all() };
    let found = search(&regex("x"), &options, b"ok x\n\xFFx\xF0\x9F\x98\n\xE2\x82\n\xEF\xBF\xBDx").unwrap();
    let found = found.lines.unwrap();
    assert_eq!(brief(&found), ["1|ok x", "2!|\u{fffd}x\u{fffd}", "3!-\u{fffd}", "4|\u{fffd}x"]);
    assert_eq!(found[1].matches, [on_line(2, (2, 3), (6, 7))]);
    assert_eq!(found[3].matches, [on_line(4, (2, 3), (12, 13))]);

    // x, a lone surrogate in line 2, a real U+FFFD in line 3, half a unit at the end
    for (bytes, unit) in
        [(b"\xFF\xFE".to_vec(), u16::to_le_bytes as fn(u16) -> [u8; 2]), (b"\xFE\xFF".to_vec(), u16::to_be_bytes)]
    {
        let mut bytes = bytes;
        bytes.extend("x\n".encode_utf16().chain([0xD800]).chain("x\n\u{fffd}x\nx".encode_utf16()).flat_map(unit));
        bytes.push(b'x');
        let found = lines(&regex("x"), &bytes);
        assert_eq!(brief(&found), ["1|\u{feff}x", "2!|\u{fffd}x", "3|\u{fffd}x", "4!|x\u{fffd}"]);
        assert_eq!(found[3].matches, [on_line(4, (1, 2), (9, 10))]);
    }
}

#[test]
fn context() {
    let text = b"1\n2\nx3\n4\n5\n6\n7\nx8\nx9\n10\n11\n12";
    for (before, after, expected) in [
        (0, 0, "3|x3 8|x8 9|x9"),
        (1, 0, "2-2 3|x3 7-7 8|x8 9|x9"),
        (0, 1, "3|x3 4-4 8|x8 9|x9 10-10"),
        (2, 2, "1-1 2-2 3|x3 4-4 5-5 6-6 7-7 8|x8 9|x9 10-10 11-11"),
        (3, 0, "1-1 2-2 3|x3 5-5 6-6 7-7 8|x8 9|x9"),
        (9, 0, "1-1 2-2 3|x3 4-4 5-5 6-6 7-7 8|x8 9|x9"),
        (0, 9, "3|x3 4-4 5-5 6-6 7-7 8|x8 9|x9 10-10 11-11 12-12"),
        (usize::MAX, usize::MAX, "1-1 2-2 3|x3 4-4 5-5 6-6 7-7 8|x8 9|x9 10-10 11-11 12-12"),
    ] {
        let options = FileOptions { context_before: before, context_after: after, ..all() };
        for query in [regex("x"), multiline("(?-u:x|x\n\n)")] {
            let found = search(&query, &options, text).unwrap();
            assert_eq!(found.match_count, 3);
            let found = found.lines.unwrap();
            assert_eq!(brief(&found).join(" "), expected, "{before} {after} {query:?}");
            assert!(found.iter().all(|line| line.context == line.matches.is_empty()));
        }
    }
    let options = FileOptions { context_before: 1, context_after: 1, ..all() };
    let found = search(&regex("x"), &options, b"\r\n\r\nx\r\n\r\n\r\n").unwrap();
    assert_eq!(brief(&found.lines.unwrap()), ["2-", "3|x", "4-"]);
    let found = search(&regex("x"), &options, b"x\n").unwrap();
    assert_eq!(brief(&found.lines.unwrap()), ["1|x"]);
}

#[test]
fn long_lines_are_cut() {
    let cut = |text: &str, pattern: &str, max: usize| {
        let options = FileOptions { max_line_length: max, context_before: 1, ..all() };
        let found = search(&regex(pattern), &options, text.as_bytes()).unwrap().lines.unwrap();
        for line in &found {
            assert!(line.text.encode_utf16().count() <= max);
            // Cut or not, the text is where it says it is.
            let whole: Vec<u16> = text.split('\n').nth(line.line as usize - 1).unwrap().encode_utf16().collect();
            let shown: Vec<u16> = line.text.encode_utf16().collect();
            assert!(whole[line.text_column as usize - 1..].starts_with(&shown), "{line:?}");
        }
        brief(&found).join(" ")
    };
    for (text, pattern, max, expected) in [
        ("0123456789", "9", 10, "1|0123456789"),
        ("0123456789", "9", 8, "1@3|23456789"),
        ("0123456789", "4", 4, "1@4|3456"),
        ("0123456789", "0", 4, "1|0123"),
        ("0123456789\r\n", "4", 4, "1@4|3456"),
        ("0123456789\r\n", "\r", 4, "1@7|6789"),
        ("0123456789\r\n", ".*", 4, "1|0123"),
        ("0123\r\n", "\r", 4, "1|0123"),
        ("0123456789\n98\n", "8$", 4, "1-0123 2|98"),
        ("0123456789", "5", 0, "1@6|"),
        ("😀😀😀😀x😀😀😀😀", "x", 5, "1@9|x😀😀"),
        ("😀😀😀😀x😀😀😀😀", "x", 8, "1@7|😀x😀😀"),
        ("😀😀x", "x", 4, "1@3|😀x"),
        ("éééééééé", "é{2}$", 4, "1@5|éééé"),
        ("\u{feff}0123456789", "4", 4, "1@5|3456"),
    ] {
        assert_eq!(cut(text, pattern, max), expected, "{pattern} in {text:?}, {max}");
    }
    let found = search(&regex("x"), &FileOptions { max_line_length: 4, ..all() }, b"\xE2\x82\xE2\x82\xFF\xFF\xFFx\xFF")
        .unwrap();
    let found = found.lines.unwrap();
    assert_eq!(brief(&found), ["1@4!|\u{fffd}\u{fffd}x\u{fffd}"]);
    assert_eq!(found[0].matches, [on_line(1, (6, 7), (5, 6))]);
}
