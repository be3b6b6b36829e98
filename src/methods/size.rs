//! How long values become as JSON, without encoding them: listings are cut before they overflow a response.

use super::Context;

/// The length of `text` as a JSON string, quotes included, as it is written on the wire.
pub(super) fn of_str(text: &str) -> usize {
    let escapes: usize = text
        .bytes()
        .map(|byte| match byte {
            b'"' | b'\\' | b'\n' | b'\r' | b'\t' | 0x08 | 0x0C => 1,
            0..0x20 => 5,
            _ => 0,
        })
        .sum();
    // U+2028 and U+2029 take six bytes instead of three.
    let separators = memchr::memmem::find_iter(text.as_bytes(), "\u{2028}").count()
        + memchr::memmem::find_iter(text.as_bytes(), "\u{2029}").count();
    text.len() + escapes + 3 * separators + 2
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

    fn written(text: &str) -> usize {
        let frame = |text: &str| crate::protocol::frame::success("", &text, usize::MAX).unwrap().len();
        frame(text) - frame("") + 2
    }

    proptest! {
        #[test]
        fn is_exact(text in any::<String>()) {
            prop_assert_eq!(super::of_str(&text), written(&text));
        }

        #[test]
        fn is_exact_for_controls(text in "[\\x00-\\x22\\\\\u{7f}é😀\u{2027}-\u{202a}]{0,20}") {
            prop_assert_eq!(super::of_str(&text), written(&text));
        }
    }
}
