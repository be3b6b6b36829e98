//! What of a line is shown.

use std::ops::Range;

use super::place::{straddling, width};

/// A part of this size of the shown text is what precedes the first match, where a long line is cut.
const LEAD: usize = 4;

/// `lines` without the `\n` or `\r\n` at its end.
pub(super) fn without_end(text: &[u8], lines: &Range<usize>) -> Range<usize> {
    let end = match &text[lines.clone()] {
        [.., b'\r', b'\n'] => lines.end - 2,
        [.., b'\n'] => lines.end - 1,
        _ => lines.end,
    };
    lines.start..end
}

/// Where the shown text starts: at the beginning of `line` (without its end) if that has at most
/// `max` UTF-16 code units, otherwise so that a quarter of the shown text precedes `focus`, or more
/// if what follows is short.
pub(super) fn start(text: &[u8], line: &Range<usize>, focus: usize, max: usize) -> usize {
    if fits(&text[line.clone()], max) {
        return line.start;
    }
    let focus = straddling(text, focus).map_or(focus, |sequence| sequence.start);
    let start = back(text, line.start, focus, max / LEAD);
    // The match may start in the line's end, behind what is shown.
    let start = start.min(line.end);
    if fits(&text[start..line.end], max) { back(text, line.start, line.end, max) } else { start }
}

/// How many bytes of `text` make the most UTF-16 code units that are no more than `max`, without
/// splitting a sequence.
pub(super) fn prefix(text: &[u8], max: usize) -> usize {
    // A code unit takes one to three bytes.
    if text.len() <= max {
        return text.len();
    }
    if text[..max].is_ascii() {
        return max;
    }
    let head = &text[..text.len().min(max.saturating_mul(3).saturating_add(4))];
    let mut left = max as u64;
    let mut end = 0;
    for chunk in head.utf8_chunks() {
        let ill_formed = Some(chunk.invalid().len()).filter(|&len| len > 0);
        for len in chunk.valid().chars().map(char::len_utf8).chain(ill_formed) {
            let Some(rest) = left.checked_sub(width(len)) else { return end };
            left = rest;
            end += len;
        }
    }
    end
}

fn fits(text: &[u8], max: usize) -> bool {
    prefix(text, max) == text.len()
}

/// `units` UTF-16 code units before the boundary `at`, but not before `from` nor inside a sequence.
fn back(text: &[u8], from: usize, mut at: usize, units: usize) -> usize {
    let mut left = units as u64;
    while at > from {
        let before = straddling(text, at - 1).map_or(at - 1, |sequence| sequence.start);
        let Some(rest) = left.checked_sub(width(at - before)) else { break };
        left = rest;
        at = before;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_do_not_split_characters() {
        for (text, max, shown) in [
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("abc", 0, ""),
            ("", 0, ""),
            ("é€x", 2, "é€"),
            ("é€x", 1, "é"),
            ("é", 0, ""),
            ("😀😀", 4, "😀😀"),
            ("😀😀", 3, "😀"),
            ("a😀", 2, "a"),
            ("€€€€", 3, "€€€"),
        ] {
            assert_eq!(&text[..prefix(text.as_bytes(), max)], shown, "{text:?} {max}");
        }
        assert_eq!(prefix(b"\xE2\x82\xE2\x82x", 2), 4);
        assert_eq!(prefix(b"\xFF\xFF\xFF", 2), 2);
        assert_eq!(prefix("é".repeat(10).as_bytes(), usize::MAX), 20);
    }

    #[test]
    fn a_long_line_is_cut_around_the_match() {
        let at = |line: &str, focus: usize, max: usize| start(line.as_bytes(), &(0..line.len()), focus, max);
        assert_eq!(at("0123456789", 9, 10), 0);
        assert_eq!(at("0123456789", 0, 4), 0);
        assert_eq!(at("0123456789", 1, 4), 0);
        assert_eq!(at("0123456789", 4, 4), 3);
        assert_eq!(at("0123456789", 9, 4), 6, "the end of the line fills the window");
        assert_eq!(at("0123456789", 10, 4), 6);
        assert_eq!(at("0123456789", 5, 0), 5);
        // The lead is two units: one 😀, or nothing where the pair does not fit.
        assert_eq!(at("😀😀😀😀xxxxxxxx", 12, 8), 8);
        assert_eq!(at("😀😀😀😀xxxxxxxx", 12, 4), 12);
    }

    #[test]
    fn line_ends() {
        for (text, shown) in
            [("a\n", 1), ("a\r\n", 1), ("a\r", 2), ("a", 1), ("\n", 0), ("\r\n", 0), ("", 0), ("a\r\r\n", 2)]
        {
            assert_eq!(without_end(text.as_bytes(), &(0..text.len())), 0..shown, "{text:?}");
        }
    }
}
