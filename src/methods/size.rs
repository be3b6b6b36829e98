//! How long values become as JSON, without encoding them: listings are cut before they overflow a response.

use super::Context;

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

/// How much of a response the items of a listing may take: what the frame around them (the id, totals,
/// statistics) leaves.
pub(super) fn room(context: &Context) -> usize {
    (context.shared.config.limits.max_response_bytes as usize).saturating_sub(of_str(&context.id) + FRAME)
}

/// More than the fixed fields of any listing take.
const FRAME: usize = 600;

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
