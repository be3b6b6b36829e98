//! What a file's bytes are as text: which encoding, which line ends, which positions.

mod units;

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::Serialize;

pub use units::{LineIndex, units_by_lead, units_of};

/// How far a NUL byte is looked for.
pub const BINARY_PROBE_BYTES: usize = 64 * 1024;

/// What the bytes of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Text without a byte-order mark; UTF-8 where it is valid.
    Text,
    /// Text behind a UTF-8 byte-order mark.
    Utf8Bom,
    /// Text behind a little-endian UTF-16 byte-order mark.
    Utf16Le,
    /// Text behind a big-endian UTF-16 byte-order mark.
    Utf16Be,
    /// A NUL byte in the first [`BINARY_PROBE_BYTES`], and no UTF-16 byte-order mark.
    Binary,
}

impl Class {
    /// Classifies a file by its first bytes ([`BINARY_PROBE_BYTES`] of them suffice).
    pub fn of(bytes: &[u8]) -> Self {
        match bytes {
            [0xFF, 0xFE, ..] => Self::Utf16Le,
            [0xFE, 0xFF, ..] => Self::Utf16Be,
            _ if memchr::memchr(0, &bytes[..bytes.len().min(BINARY_PROBE_BYTES)]).is_some() => Self::Binary,
            [0xEF, 0xBB, 0xBF, ..] => Self::Utf8Bom,
            _ => Self::Text,
        }
    }

    /// How many bytes the byte-order mark takes.
    pub fn bom_len(self) -> usize {
        match self {
            Self::Utf8Bom => 3,
            Self::Utf16Le | Self::Utf16Be => 2,
            Self::Text | Self::Binary => 0,
        }
    }

    /// Whether the bytes are UTF-16.
    pub fn is_utf16(self) -> bool {
        matches!(self, Self::Utf16Le | Self::Utf16Be)
    }
}

/// The line ends of a text. Only `\n` and `\r\n` end a line; a lone `\r` does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Eol {
    /// Every line ends in `\n`.
    Lf,
    /// Every line ends in `\r\n`.
    Crlf,
    /// Some lines end in `\n`, some in `\r\n`.
    Mixed,
    /// There is no line end.
    None,
}

impl Eol {
    /// The line ends of a file's bytes.
    pub fn of(bytes: &[u8], class: Class) -> Self {
        match class {
            Class::Utf16Le => Self::of_utf16(bytes, u16::from_le_bytes),
            Class::Utf16Be => Self::of_utf16(bytes, u16::from_be_bytes),
            _ => Self::of_bytes(bytes),
        }
    }

    fn of_bytes(bytes: &[u8]) -> Self {
        // Most files have no `\r` at all: two searches at memory speed decide.
        if memchr::memchr(b'\r', bytes).is_none() {
            return if memchr::memchr(b'\n', bytes).is_some() { Self::Lf } else { Self::None };
        }
        Self::from_ends(memchr::memchr_iter(b'\n', bytes).map(|at| at > 0 && bytes[at - 1] == b'\r'))
    }

    fn of_utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Self {
        let mut previous = 0;
        Self::from_ends(bytes.chunks_exact(2).filter_map(move |pair| {
            let before = std::mem::replace(&mut previous, unit([pair[0], pair[1]]));
            (previous == u16::from(b'\n')).then_some(before == u16::from(b'\r'))
        }))
    }

    /// From one flag a line end: whether it is `\r\n`.
    fn from_ends(ends: impl Iterator<Item = bool>) -> Self {
        let mut seen = Self::None;
        for crlf in ends {
            let this = if crlf { Self::Crlf } else { Self::Lf };
            match seen {
                Self::None => seen = this,
                _ if seen != this => return Self::Mixed,
                _ => {}
            }
        }
        seen
    }
}

/// Bytes as the text JavaScript would hold, a byte-order mark kept as U+FEFF.
///
/// # Errors
/// Why they are no text, as a half-sentence.
pub fn decode(bytes: &[u8], class: Class) -> Result<Cow<'_, str>, &'static str> {
    match class {
        Class::Utf16Le | Class::Utf16Be => {
            let encoding = if class == Class::Utf16Le { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE };
            encoding
                .decode_without_bom_handling_and_without_replacement(bytes)
                .ok_or("it is not valid UTF-16 although it starts with a UTF-16 byte-order mark")
        }
        _ => std::str::from_utf8(bytes).map(Cow::Borrowed).map_err(|_| "it is not valid UTF-8"),
    }
}

/// Bytes as text with U+FFFD in place of what is not valid, one for each maximal ill-formed
/// subsequence, as `TextDecoder` and Node's `toString('utf8')` do it. A byte-order mark is kept.
pub fn decode_lossy(bytes: &[u8], class: Class) -> Cow<'_, str> {
    match class {
        Class::Utf16Le => encoding_rs::UTF_16LE.decode_without_bom_handling(bytes).0,
        Class::Utf16Be => encoding_rs::UTF_16BE.decode_without_bom_handling(bytes).0,
        _ => String::from_utf8_lossy(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes() {
        let mut late_nul = vec![b'a'; BINARY_PROBE_BYTES];
        late_nul.push(0);
        for (bytes, class) in [
            (&b""[..], Class::Text),
            (b"abc", Class::Text),
            (b"a\0c", Class::Binary),
            (b"\xEF\xBB\xBFabc", Class::Utf8Bom),
            (b"\xEF\xBB\xBFa\0c", Class::Binary),
            (b"\xFF\xFEa\0", Class::Utf16Le),
            (b"\xFE\xFF\0a", Class::Utf16Be),
            (b"\xFF", Class::Text),
            (&late_nul, Class::Text),
            (&late_nul[1..], Class::Binary),
        ] {
            assert_eq!(Class::of(bytes), class, "{:?}", &bytes[..bytes.len().min(8)]);
        }
    }

    #[test]
    fn line_ends() {
        for (text, eol) in [
            ("", Eol::None),
            ("a", Eol::None),
            ("a\rb", Eol::None),
            ("a\n", Eol::Lf),
            ("a\r\n", Eol::Crlf),
            ("\n", Eol::Lf),
            ("a\r\nb\n", Eol::Mixed),
            ("a\nb\r\n", Eol::Mixed),
            ("a\rb\n", Eol::Lf),
            ("a\u{2028}b\u{c}c", Eol::None),
        ] {
            assert_eq!(Eol::of(text.as_bytes(), Class::Text), eol, "{text:?}");
            let le: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect();
            let be: Vec<u8> = "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect();
            assert_eq!(Eol::of(&le, Class::of(&le)), eol, "{text:?} as UTF-16LE");
            assert_eq!(Eol::of(&be, Class::of(&be)), eol, "{text:?} as UTF-16BE");
        }
        // U+0A0D and U+0D0A hold the bytes of line ends and are none.
        let le: Vec<u8> = "\u{feff}\u{a0d}\u{d0a}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(Eol::of(&le, Class::of(&le)), Eol::None);
    }

    #[test]
    fn decoding_keeps_the_mark_and_refuses_what_is_no_text() {
        let marked = "\u{feff}é😀";
        let le: Vec<u8> = marked.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let be: Vec<u8> = marked.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [marked.as_bytes(), &le, &be] {
            assert_eq!(decode(bytes, Class::of(bytes)).unwrap(), marked);
            assert_eq!(decode_lossy(bytes, Class::of(bytes)), marked);
        }
        for bad in [&b"\xC3"[..], b"a\xFFb", b"\xED\xA0\x80", b"\xFF\xFEa", b"\xFF\xFE\x00\xD8"] {
            assert!(decode(bad, Class::of(bad)).is_err(), "{bad:?}");
        }
        assert_eq!(decode_lossy(b"a\xF0\x9F\x98b", Class::Text), "a\u{fffd}b");
    }
}
