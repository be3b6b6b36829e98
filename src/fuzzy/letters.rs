//! Letters: which are the same, and where words begin.

use memchr::{memchr, memchr2, memrchr, memrchr2};

/// A letter of a text, in the form in which the text is at hand.
pub(super) trait Letter: Copy {
    /// As a character.
    fn char(self) -> char;

    /// Where the first letter is that is the same as others of this key.
    fn first(text: &[Self], key: char, case: Case) -> Option<usize>;

    /// Where the last one is.
    fn last(text: &[Self], key: char, case: Case) -> Option<usize>;
}

/// Of a text that is ASCII.
impl Letter for u8 {
    fn char(self) -> char {
        char::from(self)
    }

    fn first(text: &[Self], key: char, case: Case) -> Option<usize> {
        let key = u8::try_from(key).ok()?;
        match case {
            Case::Same => memchr(key, text),
            Case::Any => memchr2(key, key.to_ascii_uppercase(), text),
        }
    }

    fn last(text: &[Self], key: char, case: Case) -> Option<usize> {
        let key = u8::try_from(key).ok()?;
        match case {
            Case::Same => memrchr(key, text),
            Case::Any => memrchr2(key, key.to_ascii_uppercase(), text),
        }
    }
}

impl Letter for char {
    fn char(self) -> char {
        self
    }

    fn first(text: &[Self], key: char, case: Case) -> Option<usize> {
        text.iter().position(|letter| case.key(*letter) == key)
    }

    fn last(text: &[Self], key: char, case: Case) -> Option<usize> {
        text.iter().rposition(|letter| case.key(*letter) == key)
    }
}

/// A text as its letters.
#[derive(Clone, Copy, Debug)]
pub(super) enum Text<'text> {
    /// Each letter is a byte.
    Ascii(&'text [u8]),
    /// Others are spread out first.
    Spread(&'text [char]),
}

impl<'text> Text<'text> {
    /// The letters of `text`, spread out in `buffer` if need be.
    pub(super) fn new(text: &'text str, buffer: &'text mut Vec<char>) -> Self {
        if text.is_ascii() {
            return Self::Ascii(text.as_bytes());
        }
        buffer.clear();
        buffer.extend(text.chars());
        Self::Spread(buffer)
    }

    /// What stands before a letter, and the rest.
    pub(super) fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::Ascii(text) => (Self::Ascii(&text[..at]), Self::Ascii(&text[at..])),
            Self::Spread(text) => (Self::Spread(&text[..at]), Self::Spread(&text[at..])),
        }
    }

    /// Turns indices of letters, ascending, into indices of UTF-16 code units.
    pub(super) fn utf16(self, indices: &[usize]) -> Vec<u32> {
        let Self::Spread(text) = self else { return indices.iter().map(|index| *index as u32).collect() };
        let (mut letter, mut units) = (0, 0);
        let advance = |index: &usize| {
            units += text[letter..*index].iter().map(|letter| letter.len_utf16() as u32).sum::<u32>();
            letter = *index;
            units
        };
        indices.iter().map(advance).collect()
    }
}

/// Which letters are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Case {
    /// A letter and itself.
    Same,
    /// Also its upper-case and lower-case forms.
    Any,
}

impl Case {
    /// Equal for letters that are the same.
    pub(super) fn key(self, letter: char) -> char {
        match self {
            Self::Same => letter,
            Self::Any if letter.is_ascii() => letter.to_ascii_lowercase(),
            // `ſ` and `ς` are in lower case, and yet forms of `s` and `σ`: they have the same upper case.
            Self::Any => {
                let upper = only(letter, letter.to_uppercase());
                only(upper, upper.to_lowercase())
            }
        }
    }
}

/// The one letter that `letter` becomes; itself if it becomes several.
fn only(letter: char, mut becomes: impl ExactSizeIterator<Item = char>) -> char {
    if becomes.len() == 1 { becomes.next().unwrap_or(letter) } else { letter }
}

/// What a letter is for the words of a text.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Stands between words.
    Separator,
    Small,
    Capital,
    Digit,
    /// Belongs to the word before, if there is one.
    Other,
}

impl Class {
    fn of(letter: char) -> Self {
        match letter {
            'a'..='z' => Self::Small,
            'A'..='Z' => Self::Capital,
            '0'..='9' => Self::Digit,
            _ if letter.is_ascii() || letter.is_whitespace() => Self::Separator,
            _ if letter.is_lowercase() => Self::Small,
            _ if letter.is_uppercase() => Self::Capital,
            _ if letter.is_numeric() => Self::Digit,
            _ => Self::Other,
        }
    }
}

/// Whether a word begins at a letter of a text: behind a separator, at a hump, at a number.
pub(super) fn begins_word<L: Letter>(text: &[L], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(Class::Separator, |before| Class::of(text[before].char()));
    match (before, Class::of(text[at].char())) {
        (_, Class::Separator) => false,
        (Class::Separator, _) => true,
        // Also the last of several: `HTMLParser` has two words.
        (Class::Capital, Class::Capital) => text.get(at + 1).is_some_and(|next| Class::of(next.char()) == Class::Small),
        (before, class @ (Class::Capital | Class::Digit)) => before != class,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for marked in [
            "^Order^Form.^tsx",
            "^order-^form_^row.^test ^x",
            "^HTML^Parser",
            "^use^XY",
            "^file^12^B",
            "[^slug].^ts",
            "(^app)/@^types/^a",
            "^ünï^Öffnen",
            "^e\u{301}te\u{301}",
            "_^a--^b",
            "^a😀b",
            "^時間^1",
        ] {
            let plain = marked.replace('^', "");
            let text: Vec<char> = plain.chars().collect();
            let mut got = String::new();
            for at in 0..text.len() {
                got.extend(begins_word(&text, at).then_some('^'));
                got.push(text[at]);
            }
            assert_eq!(got, marked);
            let bytes = plain.as_bytes();
            assert!(!plain.is_ascii() || (0..text.len()).all(|at| begins_word(bytes, at) == begins_word(&text, at)));
        }
    }
}
