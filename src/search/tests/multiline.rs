//! Matches over several lines.

use super::*;

#[test]
fn matches_over_lines() {
    let cases: &[Case] = &[
        (r"a\nb", "a\nb", &[(0, 3)]),
        (r"a\r?\nb", "a\r\nb", &[(0, 4)]),
        (r"\nb", "a\r\nb", &[(2, 4)]), // starts inside the line end
        (r"\r", "a\r\nb", &[(1, 2)]),
        ("a.b", "a\nb", &[]),
        ("(?s)a.b", "a\nb", &[(0, 3)]),
        (r"a\sb", "a\nb", &[(0, 3)]),
        ("[^x]+", "a\nb\n", &[(0, 4)]),
        ("[^x]+", "a\nxb\n", &[(0, 2), (3, 5)]),
        (r"^b$", "a\nb\nb", &[(2, 3), (4, 5)]),
        (r"\Ab", "b\nb", &[(0, 1)]),
        (r"b\z", "b\nb", &[(2, 3)]),
        (r"b\z", "b\nb\n", &[]),
        (r"\n", "a\n\nb", &[(1, 2), (2, 3)]),
        ("^", "a\nb\n", &[(0, 0), (2, 2)]),
        ("$", "a\nb\n", &[(1, 1), (3, 3)]),
        ("$", "a", &[]),
        ("^$", "a\n\n", &[(2, 2)]),
        (r"\n|^", "a\nb", &[(0, 0), (1, 2)]), // the empty match in line 2 is right behind a match
        (r"x*\n?", "a\nx", &[(0, 0), (1, 2), (2, 3)]),
        ("", "", &[]),
        ("", "a\n", &[(0, 0), (1, 1)]),
        (r"a\n😀", "é😀a\n😀", &[(3, 7)]),
    ];
    for &(pattern, text, expected) in cases {
        assert_eq!(ranges(&multiline(pattern), text), expected, "{pattern:?} in {text:?}");
        let shifted: Vec<_> = expected.iter().map(|&(start, end)| (start + 1, end + 1)).collect();
        for bytes in
            [format!("\u{feff}{text}").into_bytes(), utf16(text, u16::to_le_bytes), utf16(text, u16::to_be_bytes)]
        {
            assert_eq!(ranges(&multiline(pattern), &bytes), shifted, "{pattern:?} in {text:?} with a mark");
        }
    }
}

#[test]
fn groups() {
    for (pattern, text, expected) in [
        // Separate matches in adjacent lines stay separate.
        ("x", "x\nx\n", &["1|x", "2|x"][..]),
        ("^x$", "x\nx\n", &["1|x", "2|x"]),
        // A line end belongs to the line it ends.
        (r"x\n", "x\nx\ny", &["1|x", "2|x"]),
        (r"x\r\n", "x\r\nx\r\ny", &["1|x", "2|x"]),
        // Several lines, as they are in the file.
        (r"a\s+b", "1\r\na\r\n\r\nb c\r\nd", &["2|a\r\n\r\nb c"]),
        (r"\nb", "a\r\nb\r\n", &["1|a\r\nb"]),
        // Matches that share a line: chained.
        (r"a\nb|c\nd", "a\nb c\nd e\n", &["1|a\nb c\nd e"]),
        (r"a\nb|c", "c a\nb c\nc\n", &["1|c a\nb c", "3|c"]),
        (r"a\nb|e", "a\nb\ne\n", &["1|a\nb", "3|e"]),
        (r"b\n|b", "b b\nb\n", &["1|b b", "2|b"]),
        // An empty match at the start of a line is in that line.
        (r"a\n|^$", "a\n\n\nb", &["1|a", "3|"]),
    ] {
        assert_eq!(brief(&lines(&multiline(pattern), text.as_bytes())), expected, "{pattern:?} in {text:?}");
    }
}

#[test]
fn positions_over_lines() {
    let found = lines(&multiline(r"b[\s\S]*?\ne"), "é\n😀b\r\n\ne f\n".as_bytes());
    let matched = SearchMatch {
        start: Position { line: 2, column: 3 },
        end: Position { line: 4, column: 2 },
        range: TextRange { start: 4, end: 9 },
    };
    assert_eq!(brief(&found), ["2|😀b\r\n\ne f"]);
    assert_eq!(found[0].matches, [matched]);

    // One that ends with its line end ends at the start of the next line.
    let found = lines(&multiline(r"b\n"), b"ab\nc");
    assert_eq!(found[0].text, "ab");
    let end = Position { line: 2, column: 1 };
    assert_eq!(found[0].matches, [SearchMatch { end, ..on_line(1, (2, 2), (1, 3)) }]);
}

#[test]
fn context_around_groups() {
    let options = FileOptions { context_before: 1, context_after: 1, ..all() };
    let found = search(&multiline(r"a\nb|c"), &options, b"1\na\nb\n2\nc\n3\n4\nc").unwrap();
    assert_eq!(brief(&found.lines.unwrap()), ["1-1", "2|a\nb", "4-2", "5|c", "6-3", "7-4", "8|c"]);
}

#[test]
fn long_groups_are_cut() {
    let cut = |pattern: &str, text: &str, max: usize| {
        let options = FileOptions { max_line_length: max, ..all() };
        brief(&search(&multiline(pattern), &options, text.as_bytes()).unwrap().lines.unwrap())
    };
    assert_eq!(cut(r"4[\s\S]*9", "01234\n56789\n", 4), ["1@4|34\n5"]);
    assert_eq!(cut(r"0[\s\S]*9", "01234\n56789\n", 8), ["1|01234\n56"]);
    // The first match fits; what others add is cut off.
    assert_eq!(cut(r"4\n5|9\na", "01234\n56789\nabc\n", 11), ["1|01234\n56789"]);
    assert_eq!(cut(r"4\n5|9\na", "01234\n56789\nabc\n", 13), ["1|01234\n56789\na"]);
}

#[test]
fn ill_formed_groups() {
    for (text, expected) in
        [(&b"\xFFa\nb"[..], "1!|\u{fffd}a\nb"), (b"a\nb\xFF", "1!|a\nb\u{fffd}"), (b"\xFF\na\nb\n\xFF", "2|a\nb")]
    {
        assert_eq!(brief(&lines(&multiline(r"a\nb"), text)), [expected]);
    }
}
