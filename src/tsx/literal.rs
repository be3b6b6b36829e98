//! The values of JavaScript literals.

use serde_json::{Number, Value};

/// The value of a string literal, quotes included; `None` where it is malformed or holds a lone
/// surrogate, which JSON cannot carry.
pub(super) fn string(literal: &str) -> Option<String> {
    let mut units = Vec::new();
    unescape(unquoted(literal)?, Escapes::String, &mut units).then_some(())?;
    String::from_utf16(&units).ok()
}

/// The UTF-16 code units of a string literal; what is malformed is kept as well as it can be.
pub(super) fn string_units(literal: &str) -> Vec<u16> {
    let mut units = Vec::new();
    unescape(unquoted(literal).unwrap_or(literal), Escapes::String, &mut units);
    units
}

/// The value of a string literal; what [`string`] refuses is kept as well as it can be.
pub(super) fn string_lossy(literal: &str) -> String {
    String::from_utf16_lossy(&string_units(literal))
}

/// The value of a template literal without substitutions, backquotes included.
pub(super) fn template(literal: &str) -> Option<String> {
    String::from_utf16(&template_units(literal)?).ok()
}

/// Its UTF-16 code units; `None` where it is malformed.
pub(super) fn template_units(literal: &str) -> Option<Vec<u16>> {
    let mut units = Vec::new();
    let text = unquoted(literal)?;
    // A template's line ends are read as `\n`.
    let text = if text.contains('\r') { &text.replace("\r\n", "\n").replace('\r', "\n") } else { text };
    unescape(text, Escapes::Template, &mut units).then_some(units)
}

/// An identifier with its escapes (`\u0061`) resolved.
pub(super) fn identifier(written: &str) -> String {
    if !written.contains('\\') {
        return written.to_owned();
    }
    let mut units = Vec::new();
    unescape(written, Escapes::Template, &mut units);
    String::from_utf16_lossy(&units)
}

/// A literal without its first and last byte, which are its quotes.
pub(super) fn unquoted(literal: &str) -> Option<&str> {
    let first = literal.chars().next()?;
    (literal.len() >= 2 && matches!(first, '"' | '\'' | '`') && literal.ends_with(first))
        .then(|| &literal[1..literal.len() - 1])
}

/// Which escapes there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    /// With the legacy octal ones.
    String,
    /// Without.
    Template,
}

/// Appends the value of `text`; says whether all its escapes were well-formed.
fn unescape(text: &str, escapes: Escapes, units: &mut Vec<u16>) -> bool {
    let mut well_formed = true;
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        units.extend(rest[..at].encode_utf16());
        let behind = &rest[at + 1..];
        let used = escape(behind, escapes, units);
        well_formed &= used.is_some();
        rest = &behind[used.unwrap_or(0)..];
    }
    units.extend(rest.encode_utf16());
    well_formed
}

/// Reads the escape behind a backslash, appends its value and gives its length in bytes.
fn escape(behind: &str, escapes: Escapes, units: &mut Vec<u16>) -> Option<usize> {
    let first = behind.chars().next()?;
    let simple = match first {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'v' => '\u{B}',
        'f' => '\u{C}',
        // A line continuation.
        '\n' | '\u{2028}' | '\u{2029}' => return Some(first.len_utf8()),
        '\r' => return Some(if behind[1..].starts_with('\n') { 2 } else { 1 }),
        'x' => {
            units.push(hexadecimal(behind.get(1..3)?)? as u16);
            return Some(3);
        }
        'u' if behind[1..].starts_with('{') => {
            let end = 2 + behind[2..].bytes().take_while(u8::is_ascii_hexdigit).count();
            behind[end..].starts_with('}').then_some(())?;
            push_code_point(hexadecimal(&behind[2..end])?, units)?;
            return Some(end + 1);
        }
        'u' => {
            units.push(hexadecimal(behind.get(1..5)?)? as u16);
            return Some(5);
        }
        '0'..='7' => return octal(behind.as_bytes(), escapes, units),
        '8' | '9' if escapes == Escapes::Template => return None,
        other => other,
    };
    units.extend(simple.encode_utf16(&mut [0; 2]).iter());
    Some(first.len_utf8())
}

/// `\0`, and in strings the legacy `\1` to `\377`.
fn octal(digits: &[u8], escapes: Escapes, units: &mut Vec<u16>) -> Option<usize> {
    let is_octal = |at: usize| digits.get(at).is_some_and(|digit| matches!(digit, b'0'..=b'7'));
    let longest = if digits[0] <= b'3' { 3 } else { 2 };
    let len = (1..longest).take_while(|&at| is_octal(at)).count() + 1;
    let null = digits[0] == b'0' && !digits.get(1).is_some_and(u8::is_ascii_digit);
    if escapes == Escapes::Template && !null {
        return None;
    }
    units.push(digits[..len].iter().fold(0, |value, digit| value * 8 + u16::from(digit - b'0')));
    Some(len)
}

/// Appends a code point, which may be a surrogate; `None` where there is no such code point.
pub(super) fn push_code_point(point: u32, units: &mut Vec<u16>) -> Option<()> {
    match (char::from_u32(point), u16::try_from(point)) {
        (Some(character), _) => units.extend(character.encode_utf16(&mut [0; 2]).iter()),
        (None, Ok(surrogate)) => units.push(surrogate),
        (None, Err(_)) => return None,
    }
    Some(())
}

/// A hexadecimal number; `None` for anything else, signs included.
pub(super) fn hexadecimal(digits: &str) -> Option<u32> {
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(digits, 16).ok()
}

/// Integers below this are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The value of a number literal, as JSON: an integer where it is one that a double holds exactly.
/// `None` for infinities and for what is no number, a `bigint` included.
pub(super) fn number(literal: &str, negative: bool) -> Option<Value> {
    let value = if negative { -double(literal)? } else { double(literal)? };
    if value.fract() == 0.0 && value.abs() < EXACT && !(value == 0.0 && value.is_sign_negative()) {
        #[expect(clippy::cast_possible_truncation, reason = "an integer below 2^53")]
        return Some(Value::from(value as i64));
    }
    Number::from_f64(value).map(Value::Number)
}

/// The value of a number literal; `None` for what is no number, a `bigint` included.
pub(super) fn double(literal: &str) -> Option<f64> {
    let digits = literal.replace('_', "");
    let radix = match digits.get(..2) {
        Some("0x" | "0X") => 16,
        Some("0o" | "0O") => 8,
        Some("0b" | "0B") => 2,
        _ if digits.len() > 1
            && digits.starts_with('0')
            && digits.bytes().all(|digit| matches!(digit, b'0'..=b'7')) =>
        {
            return integer(&digits, 8);
        }
        _ => {
            // What `parse` takes beyond digits (`inf`, signs) does not begin with a digit or a dot.
            let literal = digits.starts_with(|first: char| first.is_ascii_digit() || first == '.');
            return literal.then(|| digits.parse().ok()).flatten();
        }
    };
    integer(&digits[2..], radix)
}

/// An integer of any length, rounded once.
fn integer(digits: &str, radix: u32) -> Option<f64> {
    let mut value: u128 = 0;
    let mut scale = 0_i32;
    for digit in digits.chars() {
        let digit = digit.to_digit(radix)?;
        if value >> 120 == 0 {
            value = value * u128::from(radix) + u128::from(digit);
        } else {
            // Far below what a double holds: all that matters is whether it is zero.
            value |= u128::from(digit != 0);
            scale = scale.saturating_add(radix.trailing_zeros().cast_signed());
        }
    }
    (!digits.is_empty()).then(|| value as f64 * 2_f64.powi(scale))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn strings() {
        for (literal, value) in [
            (r#""""#, Some("")),
            (r#"'a"b'"#, Some("a\"b")),
            (r#""\n\t\r\b\v\f\\\'\"\q""#, Some("\n\t\r\u{8}\u{B}\u{C}\\'\"q")),
            (r#""\x41\u0041\u{1F600}\u{0000041}""#, Some("AA😀A")),
            (r#""\uD83D\uDE00""#, Some("😀")),
            (r#""\uD83D""#, None),
            (r#""\0\00\7\101\377\400\8\9""#, Some("\0\0\u{7}A\u{FF}\u{20}089")),
            ("\"a\\\nb\\\r\nc\\\rd\\\u{2028}e\"", Some("abcde")),
            (r#""\x4""#, None),
            (r#""\u{110000}""#, None),
            (r#""\u{}""#, None),
            (r#""\u+041""#, None),
            (r#""\é😀""#, Some("é😀")),
            ("\"", None),
            ("", None),
        ] {
            assert_eq!(string(literal).as_deref(), value, "{literal}");
        }
        assert_eq!(string_lossy(r#""a\uD83D\u{zz}""#), "a\u{FFFD}u{zz}");
    }

    #[test]
    fn templates() {
        for (literal, value) in [
            ("``", Some("")),
            ("`a\r\nb\rc\\\r\nd`", Some("a\nb\ncd")),
            (r"`\0\x41\``", Some("\0A`")),
            (r"`\1`", None),
            (r"`\01`", None),
            (r"`\8`", None),
        ] {
            assert_eq!(template(literal).as_deref(), value, "{literal}");
        }
    }

    #[test]
    fn identifiers() {
        assert_eq!(identifier(r"\u0061b\u{63}"), "abc");
        assert_eq!(identifier("é"), "é");
    }

    #[test]
    fn numbers() {
        for (literal, value) in [
            ("0", json!(0)),
            ("1_000", json!(1000)),
            ("1.0", json!(1)),
            (".5", json!(0.5)),
            ("5.", json!(5)),
            ("1e3", json!(1000)),
            ("1E-3", json!(0.001)),
            ("1e21", json!(1e21)),
            ("0xFf", json!(255)),
            ("0o17", json!(15)),
            ("0b1_01", json!(5)),
            ("017", json!(15)),
            ("018", json!(18)),
            ("9007199254740991", json!(9_007_199_254_740_991_i64)),
            ("9007199254740993", json!(9_007_199_254_740_992.0)),
            ("0xFFFFFFFFFFFFFFFF", json!(18_446_744_073_709_551_616.0)),
        ] {
            assert_eq!(number(literal, false), Some(value), "{literal}");
        }
        assert_eq!(number("1", true), Some(json!(-1)));
        assert_eq!(number("0", true).unwrap().to_string(), "-0.0");
        for none in ["1e999", "1n", "0x1n", "0x", "inf", "-1", ""] {
            assert_eq!(number(none, false), None, "{none}");
        }
        // In the middle between two doubles, and above it by one bit far to the right of what they hold.
        let middle = format!("0x1{}8{}", "0".repeat(13), "0".repeat(60));
        assert_eq!(double(&format!("{middle}0")), Some(2_f64.powi(300)));
        assert_eq!(double(&format!("{middle}1")), Some(2_f64.powi(300) * (1.0 + f64::EPSILON)));
        assert_eq!(double(&format!("0x1{}", "0".repeat(300))), Some(f64::INFINITY));
    }
}
