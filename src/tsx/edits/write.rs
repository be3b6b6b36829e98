//! Values as they are written in JSX.

use std::fmt::Write as _;

use super::json::Json;

/// Which quotes a source uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quotes {
    /// Around attribute strings.
    pub(super) attribute: char,
    /// Around strings in expressions.
    pub(super) expression: char,
}

/// What stands behind `name=`. A string is an attribute string where it can be one, in the quotes of the source, or
/// in the others where it has those in it.
pub(super) fn initializer(value: &Json, quotes: Quotes) -> String {
    let text = match value {
        Json::String(units) => String::from_utf16(units).ok().filter(|text| can_be_attribute_string(text)),
        _ => None,
    };
    if let Some(text) = text {
        let other = if quotes.attribute == '"' { '\'' } else { '"' };
        if let Some(quote) = [quotes.attribute, other].into_iter().find(|quote| !text.contains(*quote)) {
            return format!("{quote}{text}{quote}");
        }
    }
    format!("{{{}}}", expression(value, quotes.expression))
}

/// Whether JSX reads a text between quotes as it stands, apart from the quotes: it has no escapes there, character
/// references are resolved, and compilers disagree about line ends. Control characters would not be seen, and our
/// grammar takes the ends of HTML comments for comments even there.
fn can_be_attribute_string(text: &str) -> bool {
    !text.contains(is_unseen)
        && !text.split('&').skip(1).any(looks_like_reference)
        && !["<!--", "-->"].iter().any(|mark| text.contains(mark))
}

/// Whether what is behind a `&` could be a character reference, known or not.
fn looks_like_reference(behind: &str) -> bool {
    let name = behind.trim_start_matches(|next: char| next.is_ascii_alphanumeric() || next == '#' || next == '_');
    name.len() < behind.len() && name.starts_with(';')
}

/// Control characters, line ends among them, and those that end a line in JavaScript alone.
fn is_unseen(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}' | '\u{2029}')
}

/// A value as an expression, on one line. Backquotes are for strings alone: no key can have them.
pub(super) fn expression(value: &Json, quote: char) -> String {
    let mut out = String::new();
    push_expression(&mut out, value, quote);
    out
}

fn push_expression(out: &mut String, value: &Json, quote: char) {
    match value {
        Json::Null => out.push_str("null"),
        Json::Boolean(value) => out.push_str(if *value { "true" } else { "false" }),
        Json::Number(value) => out.push_str(&number(*value)),
        Json::String(units) => push_string(out, units, quote),
        Json::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "" });
                push_expression(out, item, quote);
            }
            out.push(']');
        }
        Json::Object(entries) if entries.is_empty() => out.push_str("{}"),
        Json::Object(entries) => {
            for (at, (key, value)) in entries.iter().enumerate() {
                out.push_str(if at > 0 { ", " } else { "{ " });
                push_key(out, key, quote);
                out.push_str(": ");
                push_expression(out, value, quote);
            }
            out.push_str(" }");
        }
    }
}

/// A key: without quotes where it is a plain identifier. `__proto__` is a key like others only in brackets.
fn push_key(out: &mut String, key: &[u16], quote: char) {
    match String::from_utf16(key) {
        Ok(name) if name == "__proto__" => {
            out.push('[');
            push_string(out, key, quote);
            out.push(']');
        }
        Ok(name) if is_plain_identifier(&name) => out.push_str(&name),
        _ => push_string(out, key, quote),
    }
}

fn is_plain_identifier(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$');
    name.bytes().all(word) && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

/// A string literal, or a template literal where the quote is a backquote.
fn push_string(out: &mut String, units: &[u16], quote: char) {
    out.push(quote);
    let mut characters = char::decode_utf16(units.iter().copied()).peekable();
    while let Some(character) = characters.next() {
        match character {
            Ok('\n') => out.push_str("\\n"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\t') => out.push_str("\\t"),
            Ok('\\') => out.push_str("\\\\"),
            Ok('$') if quote == '`' && characters.peek() == Some(&Ok('{')) => out.push_str("\\$"),
            Ok(character) if character == quote => out.extend(['\\', character]),
            Ok(character) if is_unseen(character) => push_escape(out, character as u32),
            Ok(character) => out.push(character),
            Err(surrogate) => push_escape(out, u32::from(surrogate.unpaired_surrogate())),
        }
    }
    out.push(quote);
}

/// `\xNN` or `\uNNNN`.
fn push_escape(out: &mut String, unit: u32) {
    // Writing to a string cannot fail.
    let _ = if unit < 0x100 { write!(out, "\\x{unit:02X}") } else { write!(out, "\\u{unit:04X}") };
}

/// A finite number as `String(value)` gives it, but for the sign of `-0`.
pub(super) fn number(value: f64) -> String {
    let scientific = format!("{:e}", value.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits = digits.replace('.', "");
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if value.is_sign_negative() { "-" } else { "" };
    // How many digits stand in front of the point.
    let point = exponent + 1;
    match usize::try_from(point) {
        Ok(whole @ 1..=21) if digits.len() <= whole => format!("{sign}{digits}{}", "0".repeat(whole - digits.len())),
        Ok(whole @ 1..=21) => format!("{sign}{}.{}", &digits[..whole], &digits[whole..]),
        _ if (-5..=0).contains(&point) => format!("{sign}0.{}{digits}", "0".repeat(point.unsigned_abs() as usize)),
        _ => {
            let fraction = if digits.len() > 1 { format!(".{}", &digits[1..]) } else { String::new() };
            format!("{sign}{}{fraction}e{exponent:+}", &digits[..1])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn initializers() {
        for (json, double, single) in [
            (r#""""#, r#""""#, "''"),
            (r#""a b""#, r#""a b""#, "'a b'"),
            (r#""say \"hi\"""#, r#"'say "hi"'"#, r#"'say "hi"'"#),
            (r#""it's""#, r#""it's""#, r#""it's""#),
            (r#""\"it's\"""#, r#"{"\"it's\""}"#, r#"{'"it\'s"'}"#),
            (r#""C:\\n\\""#, r#""C:\n\""#, r"'C:\n\'"),
            (r#""{a} <b> /* c */ // d""#, r#""{a} <b> /* c */ // d""#, "'{a} <b> /* c */ // d'"),
            (r#""a & b && &; &é; &amp""#, r#""a & b && &; &é; &amp""#, "'a & b && &; &é; &amp'"),
            (r#""<!-- a""#, r#"{"<!-- a"}"#, "{'<!-- a'}"),
            (r#""--->""#, r#"{"--->"}"#, "{'--->'}"),
            (r#""a&b &c;""#, r#"{"a&b &c;"}"#, "{'a&b &c;'}"),
            (r#""&#38;&#x26;""#, r#"{"&#38;&#x26;"}"#, "{'&#38;&#x26;'}"),
            (r#""a\nb""#, r#"{"a\nb"}"#, r"{'a\nb'}"),
            (
                r#""\r\t\u0000\u001b\u007f\u0085\u2028\u2029""#,
                r#"{"\r\t\x00\x1B\x7F\x85\u2028\u2029"}"#,
                r"{'\r\t\x00\x1B\x7F\x85\u2028\u2029'}",
            ),
            (r#""\ud83d\ude00 \ufeff""#, "\"😀 \u{FEFF}\"", "'😀 \u{FEFF}'"),
            (r#""\ude00\ud83d$""#, r#"{"\uDE00\uD83D$"}"#, r"{'\uDE00\uD83D$'}"),
            (r#""`${a}$b\n\\""#, r#"{"`${a}$b\n\\"}"#, r"{'`${a}$b\n\\'}"),
            ("null", "{null}", "{null}"),
            ("true", "{true}", "{true}"),
            ("-0", "{-0}", "{-0}"),
            ("[]", "{[]}", "{[]}"),
            ("{}", "{{}}", "{{}}"),
            (
                r#"{"a":[1,{"b-c":"d"}],"__proto__":null,"$_1":{},"2":-1.5,"é":"\n","":0,"if":1}"#,
                r#"{{ a: [1, { "b-c": "d" }], ["__proto__"]: null, $_1: {}, "2": -1.5, "é": "\n", "": 0, if: 1 }}"#,
                r"{{ a: [1, { 'b-c': 'd' }], ['__proto__']: null, $_1: {}, '2': -1.5, 'é': '\n', '': 0, if: 1 }}",
            ),
        ] {
            let value = Json::read(json).unwrap();
            for (quote, written) in [('"', double), ('\'', single)] {
                assert_eq!(initializer(&value, Quotes { attribute: quote, expression: quote }), written, "{json}");
            }
        }
    }

    #[test]
    fn templates() {
        for (json, written) in [
            (r#""a""#, "`a`"),
            (r#""`${a}$b$\"'\n\\""#, r#"`\`\${a}$b$"'\n\\`"#),
            (r#""\ud83d{$\u0001""#, r"`\uD83D{$\x01`"),
        ] {
            assert_eq!(expression(&Json::read(json).unwrap(), '`'), written);
        }
    }

    #[test]
    fn numbers() {
        for (value, written) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-120.0, "-120"),
            (1.25, "1.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.000_001, "0.000001"),
            (0.000_001_5, "0.0000015"),
            (0.000_000_1, "1e-7"),
            (1.5e-7, "1.5e-7"),
            (1e20, "100000000000000000000"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (9_007_199_254_740_993.0, "9007199254740992"),
        ] {
            assert_eq!(number(value), written);
            assert_eq!(written.parse::<f64>().unwrap().to_bits(), value.to_bits());
        }
    }
}
