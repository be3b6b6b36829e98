//! Trees of the texts that were parsed last: one that comes again, edited, is parsed from the tree before.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tree_sitter::{InputEdit, Point, Tree};

/// So many texts of each grammar are remembered, the ones that somebody edits.
const MAX_HELD: usize = 4;
/// Longer ones are not: a tree takes about 30 times as much memory as its text.
const MAX_BYTES: usize = 256 * 1024;
/// A text is an edited one if at least one part in so many is as it was.
const COMMON: usize = 2;

/// The latest texts and their trees, the latest first.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<(Vec<u8>, Tree)>>);

impl Recent {
    /// The tree of the text that `bytes` is most likely an edit of, told what was edited.
    pub(super) fn before(&self, bytes: &[u8]) -> Option<Tree> {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let common = |(before, _): &&(Vec<u8>, Tree)| Edit::between(before, bytes).common();
        let (before, tree) = held.iter().max_by_key(common)?;
        let edit = Edit::between(before, bytes);
        if edit.common() < bytes.len().max(before.len()) / COMMON {
            return None;
        }
        let mut tree = tree.clone();
        tree.edit(&edit.told(before, bytes));
        Some(tree)
    }

    /// Remembers a text and its tree, in place of the text it is an edit of.
    pub(super) fn remember(&self, bytes: &[u8], tree: &Tree) {
        if bytes.len() > MAX_BYTES {
            return;
        }
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_edit = |before: &[u8]| Edit::between(before, bytes).common() >= bytes.len().max(before.len()) / COMMON;
        held.retain(|(before, _)| !is_edit(before));
        held.truncate(MAX_HELD - 1);
        held.push_front((bytes.to_vec(), tree.clone()));
    }
}

/// What is the same at the beginning and at the end of two texts, in whole characters.
#[derive(Clone, Copy, Debug)]
struct Edit {
    start: usize,
    end: usize,
}

impl Edit {
    fn between(before: &[u8], now: &[u8]) -> Self {
        let is_boundary = |text: &[u8], at: usize| text.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
        let most = before.len().min(now.len());
        let mut start = same(before[..most].iter().zip(&now[..most]));
        while !is_boundary(before, start) || !is_boundary(now, start) {
            start -= 1;
        }
        let rest = most - start;
        let mut end = same(before[before.len() - rest..].iter().rev().zip(now[now.len() - rest..].iter().rev()));
        while !is_boundary(now, now.len() - end) {
            end -= 1;
        }
        Self { start, end }
    }

    fn common(self) -> usize {
        self.start + self.end
    }

    fn told(self, before: &[u8], now: &[u8]) -> InputEdit {
        let (old_end_byte, new_end_byte) = (before.len() - self.end, now.len() - self.end);
        InputEdit {
            start_byte: self.start,
            old_end_byte,
            new_end_byte,
            start_position: point(before, self.start),
            old_end_position: point(before, old_end_byte),
            new_end_position: point(now, new_end_byte),
        }
    }
}

fn same<'bytes>(pairs: impl Iterator<Item = (&'bytes u8, &'bytes u8)>) -> usize {
    pairs.take_while(|(one, two)| one == two).count()
}

fn point(text: &[u8], at: usize) -> Point {
    let row = memchr::memchr_iter(b'\n', &text[..at]).count();
    let line = memchr::memrchr(b'\n', &text[..at]).map_or(0, |end| end + 1);
    Point { row, column: at - line }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cancel::CancelToken;
    use crate::protocol::tsx::{Fact, Language};
    use crate::tsx;

    #[test]
    fn edits_are_between_characters() {
        for (before, now, expected) in [
            ("", "", (0, 0)),
            ("abc", "abc", (3, 0)),
            ("abc", "abXc", (2, 1)),
            ("aaa", "aa", (2, 0)),
            ("aéb", "aèb", (1, 1)),
            ("é", "è", (0, 0)),
            ("x😀", "x😁", (1, 0)),
            ("aXbXc", "aYbYc", (1, 1)),
        ] {
            let edit = Edit::between(before.as_bytes(), now.as_bytes());
            assert_eq!((edit.start, edit.end), expected, "{before} {now}");
        }
    }

    const PIECES: [&str; 16] = [
        "<a b='c'>",
        "</a>",
        "<B {...d} />",
        "{e}",
        "export const f = ",
        "import g from 'h';\n",
        "😀",
        "(",
        ")",
        ";\n",
        "`x${",
        "}`",
        "function F() { return ",
        "}",
        "/* é */",
        "x < y > z",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn an_edited_text_has_the_facts_it_would_have_otherwise(
            pieces in proptest::collection::vec(0..PIECES.len(), 1..40),
            edits in proptest::collection::vec((any::<prop::sample::Index>(), 0..PIECES.len(), any::<bool>()), 1..6),
        ) {
            let mut pieces = pieces;
            let cancel = CancelToken::default();
            for (at, piece, insert) in edits {
                let at = at.index(pieces.len());
                if insert { pieces.insert(at, piece) } else { pieces[at] = piece }
                let text: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
                let fresh = tsx::facts(&text, Language::Tsx, &Fact::ALL, usize::MAX, &cancel).unwrap();
                let again = tsx::facts_of_edited(&text, Language::Tsx, &Fact::ALL, usize::MAX, &cancel).unwrap();
                prop_assert_eq!(again, fresh, "{}", text);
            }
        }

        #[test]
        fn an_edited_source_has_the_facts_it_would_have_otherwise(
            edits in proptest::collection::vec((any::<prop::sample::Index>(), "[a-z<>{}()'\\n ]{0,3}", 0..4_usize), 1..8),
        ) {
            // One that is real, and in which most edits are errors at first.
            let mut text = include_str!("../../fixtures/workspace/src/components/LoafCard.stories.tsx").to_owned();
            let cancel = CancelToken::default();
            for (at, inserted, deleted) in edits {
                let start = text.floor_char_boundary(at.index(text.len() + 1));
                let end = text.ceil_char_boundary((start + deleted).min(text.len()));
                let taken = text[start..end].to_owned();
                // Done, and undone.
                for (from, to) in [(taken.as_str(), inserted.as_str()), (inserted.as_str(), taken.as_str())] {
                    text.replace_range(start..start + from.len(), to);
                    let fresh = tsx::facts(&text, Language::Tsx, &Fact::ALL, usize::MAX, &cancel).unwrap();
                    let again = tsx::facts_of_edited(&text, Language::Tsx, &Fact::ALL, usize::MAX, &cancel).unwrap();
                    prop_assert_eq!(again, fresh, "{} at {} in place of {}", to, start, from);
                }
            }
        }
    }
}
