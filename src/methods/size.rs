//! How long values become as JSON, without encoding them: listings are cut before they overflow a response.

/// The length of `text` as a JSON string, quotes included, as `serde_json` writes it.
pub(super) fn of_str(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1,
            0..0x20 => 5,
            _ => 0,
        })
        .sum();
    text.len() + escapes + 2
}

/// Room for the frame around a listing: id, totals, statistics.
pub(super) const FRAME: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn is_exact(text in any::<String>()) {
            prop_assert_eq!(super::of_str(&text), serde_json::to_string(&text).unwrap().len());
        }

        #[test]
        fn is_exact_for_controls(text in "[\\x00-\\x22\\\\\u{7f}é😀]{0,20}") {
            prop_assert_eq!(super::of_str(&text), serde_json::to_string(&text).unwrap().len());
        }
    }
}
