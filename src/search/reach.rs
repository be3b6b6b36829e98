//! How far a match can reach.

use regex_syntax::hir::{Class, Hir, HirKind};

/// What a match can cover: so many bytes at most, not counting those that may be repeated without end.
///
/// `foo\w*\s*[(:=]` covers at most four bytes that are neither in `\w` nor in `\s`. So no match leads from one side
/// of five such bytes to the other, though there is no bound on its length.
#[derive(Clone, Debug)]
pub struct Reach {
    fixed: usize,
    repeated: [bool; 256],
}

impl Reach {
    pub(super) fn of(pattern: &Hir) -> Self {
        let mut repeated = [false; 256];
        let fixed = fixed(pattern, &mut repeated);
        Self { fixed, repeated }
    }

    /// How many of the first bytes no match covers all of; `None` if a match may cover all there are. At most as many as
    /// [`Self::fixed`] and one more do where nothing is repeated.
    pub fn barrier(&self, bytes: impl Iterator<Item = u8>) -> Option<usize> {
        let others = bytes.enumerate().filter(|(_, byte)| !self.repeated[usize::from(*byte)]);
        others.map(|(at, _)| at + 1).nth(self.fixed)
    }

    /// How many bytes a match covers at most beside those that may be repeated.
    pub(super) fn fixed(&self) -> usize {
        self.fixed
    }
}

/// The most bytes of a match outside of what is repeated without end, the bytes of which are added to `repeated`.
fn fixed(pattern: &Hir, repeated: &mut [bool; 256]) -> usize {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(literal) => literal.0.len(),
        HirKind::Class(class) => class.maximum_len().unwrap_or_default(),
        HirKind::Capture(capture) => fixed(&capture.sub, repeated),
        HirKind::Concat(parts) => parts.iter().map(|part| fixed(part, repeated)).fold(0, usize::saturating_add),
        HirKind::Alternation(branches) => {
            branches.iter().map(|branch| fixed(branch, repeated)).max().unwrap_or_default()
        }
        HirKind::Repetition(repetition) => {
            if let Some(max) = repetition.max {
                fixed(&repetition.sub, repeated).saturating_mul(max as usize)
            } else {
                bytes_of(&repetition.sub, repeated);
                0
            }
        }
    }
}

/// Adds all bytes that a match can have.
fn bytes_of(pattern: &Hir, bytes: &mut [bool; 256]) {
    match pattern.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => literal.0.iter().for_each(|byte| bytes[usize::from(*byte)] = true),
        HirKind::Class(Class::Bytes(class)) => {
            for range in class.ranges() {
                bytes[usize::from(range.start())..=usize::from(range.end())].fill(true);
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            for range in class.ranges() {
                let end = u8::try_from(range.end()).map_or(0xFF, |end| if end < 0x80 { end } else { 0xFF });
                // The bytes of a character beyond ASCII are all beyond it.
                let start = u8::try_from(range.start()).map_or(0x80, |start| start.min(0x80));
                bytes[usize::from(start)..=usize::from(end)].fill(true);
            }
        }
        HirKind::Capture(capture) => bytes_of(&capture.sub, bytes),
        HirKind::Repetition(repetition) => bytes_of(&repetition.sub, bytes),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts.iter().for_each(|part| bytes_of(part, bytes)),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reach(pattern: &str) -> Reach {
        Reach::of(&regex_syntax::ParserBuilder::new().utf8(false).build().parse(pattern).unwrap())
    }

    #[test]
    fn what_no_match_covers() {
        for (pattern, text, barrier) in [
            ("abc", "xxxxxx", Some(4)),
            ("abc", "xxx", None),
            ("a|bcd|", "xxxxxx", Some(4)),
            ("(ab){2,3}", "xxxxxxxx", Some(7)),
            (r"foo\w*\s*[(:=]", "ab cd_9(,;:\"'", Some(12)),
            (r"foo\w*\s*[(:=]", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", None),
            ("(?-u:\\w)*é", "aé,", Some(4)),
            (r"\w*é", "aé,,,", Some(6)),
            (r"\w*é", "aé,,", None),
            ("a.*b", ",,,,,,", None),
            ("a.*b", "\n\n\n", Some(3)),
            ("(ab+)*", "aabbc", Some(5)),
            ("((a+b){2}c?){2}", "aaa+++++++", Some(10)),
            ("", "x", Some(1)),
        ] {
            assert_eq!(reach(pattern).barrier(text.bytes()), barrier, "{pattern} in {text}");
        }
    }

    proptest! {
        #[test]
        fn no_match_covers_a_barrier(
            pattern in "([abé]|a\\+|\\[ab\\]\\*|\\(a\\|bé\\)\\{1,2\\}|\\(ab\\?\\)\\+|\\.){1,5}",
            text in "[abé,]{0,12}",
        ) {
            let reach = reach(&pattern);
            let regex = regex_automata::meta::Regex::new(&pattern).unwrap();
            let Some(barrier) = reach.barrier(text.bytes()) else { return Ok(()) };
            // Whatever comes before or behind it.
            for before in ["", "a", "ab", "é"] {
                let text = format!("{before}{text}b");
                for matched in regex.find_iter(&text) {
                    prop_assert!(matched.start() > before.len() || matched.end() < before.len() + barrier, "{pattern} in {text}");
                }
            }
        }
    }
}
