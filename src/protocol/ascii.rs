//! Lines in ASCII alone, where that costs little.
//!
//! JavaScript engines hold a string of which all characters are in Latin-1 as bytes, and one with a single other character
//! as UTF-16. A long line decodes three times as fast in Node without that one character, whatever else the line holds.
//! JSON has escapes for it.

/// Shorter lines are left as they are: nothing is gained, and people read them.
const MIN_BYTES: usize = 64 * 1024;
/// Escapes may make a line longer by one byte in so many; beyond that they would cost more than they gain.
const RARE: usize = 8;

/// Appends JSON of `bytes` bytes, given in parts, to a line, with escapes in place of what is beyond ASCII. False, and
/// nothing appended, if it is better left as it is: if it is short, if there is too much to be escaped, or if the line
/// would get longer than `max_bytes`.
pub(super) fn push<'json>(
    line: &mut Vec<u8>,
    parts: impl Iterator<Item = &'json [u8]>,
    bytes: usize,
    max_bytes: usize,
) -> bool {
    if bytes < MIN_BYTES {
        return false;
    }
    let start = line.len();
    let longest = (start + bytes + bytes / RARE).min(max_bytes);
    line.reserve_exact(longest.saturating_sub(start));
    let mut left = bytes;
    for part in parts {
        left -= part.len();
        let mut rest = part;
        loop {
            let (ascii, behind) = rest.split_at(ascii_len(rest));
            line.extend_from_slice(ascii);
            let Some(lead) = behind.first() else { break };
            let (character, others) = behind.split_at(character_len(*lead).min(behind.len()));
            // JSON has no others.
            let Some(character) = std::str::from_utf8(character).ok().and_then(|text| text.chars().next()) else {
                line.truncate(start);
                return false;
            };
            for unit in character.encode_utf16(&mut [0; 2]) {
                push_unit(line, *unit);
            }
            rest = others;
            if line.len() + rest.len() + left > longest {
                line.truncate(start);
                return false;
            }
        }
    }
    true
}

/// A line that is finished, as [`push`] would have written it.
pub(super) fn line(json: Vec<u8>, max_bytes: usize) -> Vec<u8> {
    let mut line = Vec::new();
    if json.len() >= MIN_BYTES && !json.is_ascii() && push(&mut line, std::iter::once(&*json), json.len(), max_bytes) {
        line
    } else {
        json
    }
}

/// How many bytes come before the first that is beyond ASCII.
fn ascii_len(bytes: &[u8]) -> usize {
    const STEP: usize = 64; // looked at together, in vector registers
    let whole = bytes.chunks(STEP).take_while(|chunk| chunk.is_ascii()).map(<[u8]>::len).sum();
    bytes[whole..].iter().position(|byte| !byte.is_ascii()).map_or(bytes.len(), |at| whole + at)
}

/// How many bytes a character has that begins with `lead`.
fn character_len(lead: u8) -> usize {
    match lead {
        0xF0.. => 4,
        0xE0.. => 3,
        _ => 2,
    }
}

fn push_unit(line: &mut Vec<u8>, unit: u16) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |shift: u32| DIGITS[usize::from(unit >> shift & 0xF)];
    line.extend_from_slice(&[b'\\', b'u', digit(12), digit(8), digit(4), digit(0)]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rare_characters_are_escaped_in_long_lines_where_there_is_room() {
        let long = |rare: &str| format!("\"{}{rare}{}\"", "a".repeat(MIN_BYTES), "b".repeat(100)).into_bytes();
        let text = "é\u{7ff}\u{800}野\u{ffff}\u{10000}😀";
        let expected = long(r"\u00e9\u07ff\u0800\u91ce\uffff\ud800\udc00\ud83d\ude00");
        assert_eq!(line(long(text), usize::MAX), expected);
        assert_eq!(line(long(text), expected.len()), expected);
        assert_eq!(line(long(text), expected.len() - 1), long(text));
        assert_eq!(line(text.into(), usize::MAX), text.as_bytes());
        assert_eq!(line(long(&"é".repeat(MIN_BYTES)), usize::MAX), long(&"é".repeat(MIN_BYTES)));
        assert_eq!(line(long("\u{ffff}\u{10ffff}")[..MIN_BYTES + 2].into(), usize::MAX).len(), MIN_BYTES + 2, "cut");
    }

    proptest! {
        #[test]
        fn it_means_the_same(text in any::<String>(), cut in 0..MIN_BYTES) {
            let long = serde_json::to_vec(&format!("{text}{}", "x".repeat(MIN_BYTES))).unwrap();
            let text = String::from_utf8(long.clone()).unwrap();
            let cut = text.floor_char_boundary(cut);
            let mut escaped = b"head".to_vec();
            let parts = [&long[..cut], &long[cut..]];
            prop_assert!(push(&mut escaped, parts.into_iter(), long.len(), usize::MAX));
            prop_assert!(escaped.is_ascii());
            prop_assert_eq!(&escaped[4..], &*line(long.clone(), usize::MAX));
            let read = |json: &[u8]| serde_json::from_slice::<String>(json).unwrap();
            prop_assert_eq!(read(&long), read(&escaped[4..]));
        }
    }
}
