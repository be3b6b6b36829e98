//! JSON values as JavaScript has them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::tsx::literal;

/// How deeply lists and objects may nest.
pub(super) const MAX_DEPTH: usize = 100;

/// What `JSON.parse` makes of a text. Strings are UTF-16 code units: they may hold lone surrogates.
#[derive(Clone, Debug)]
pub enum Json {
    /// `null`
    Null,
    /// `true`, `false`
    Boolean(bool),
    /// A number; infinite only where it is read from a source.
    Number(f64),
    /// A string.
    String(Vec<u16>),
    /// A list.
    Array(Vec<Self>),
    /// An object, each of its keys once, in order.
    Object(Vec<(Vec<u16>, Self)>),
}

impl Json {
    /// Reads JSON that is known to be well-formed.
    ///
    /// # Errors
    /// What is wrong with it: it nests deeper than [`MAX_DEPTH`], or has a number that no double holds.
    pub fn read(text: &str) -> Result<Self, String> {
        Reader { rest: text }.value(0)
    }

    /// An object whose keys may repeat: the last value counts, in the place of the first, as in JavaScript.
    pub(super) fn object(entries: impl IntoIterator<Item = (Vec<u16>, Self)>) -> Self {
        let mut places = HashMap::new();
        let mut unique: Vec<(Vec<u16>, Self)> = Vec::new();
        for (key, value) in entries {
            match places.entry(key) {
                Entry::Vacant(place) => {
                    unique.push((place.key().clone(), value));
                    place.insert(unique.len() - 1);
                }
                Entry::Occupied(place) => unique[*place.get()].1 = value,
            }
        }
        Self::Object(unique)
    }
}

/// Whether no program could tell them apart: zeros have signs, and keys an order.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Boolean(one), Self::Boolean(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => one.to_bits() == other.to_bits(),
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Array(one), Self::Array(other)) => one == other,
            (Self::Object(one), Self::Object(other)) => one == other,
            _ => false,
        }
    }
}

/// A text with what was read of it taken off.
struct Reader<'text> {
    rest: &'text str,
}

impl<'text> Reader<'text> {
    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err(format!("it nests deeper than {MAX_DEPTH}"));
        }
        match self.peek() {
            Some(b'{') => {
                let mut entries = Vec::new();
                self.items(b'}', |reader| {
                    let key = reader.string();
                    reader.token(b':');
                    entries.push((key, reader.value(depth + 1)?));
                    Ok(())
                })?;
                Ok(Json::object(entries))
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.items(b']', |reader| {
                    items.push(reader.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::Array(items))
            }
            Some(b'"') => Ok(Json::String(self.string())),
            _ => match self.word() {
                "null" => Ok(Json::Null),
                "true" => Ok(Json::Boolean(true)),
                "false" => Ok(Json::Boolean(false)),
                number => match number.parse::<f64>() {
                    Ok(value) if value.is_finite() => Ok(Json::Number(value)),
                    _ => Err(format!("{number:.40} is not a number that JavaScript can hold")),
                },
            },
        }
    }

    /// Reads what stands between brackets, item by item.
    fn items(&mut self, close: u8, mut item: impl FnMut(&mut Self) -> Result<(), String>) -> Result<(), String> {
        self.token(b'{');
        self.token(b'[');
        while !self.token(close) && !self.rest.is_empty() {
            item(self)?;
            self.token(b',');
        }
        Ok(())
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.bytes().next()
    }

    /// Takes a punctuation mark, if it is next.
    fn token(&mut self, mark: u8) -> bool {
        let found = self.peek() == Some(mark);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Takes a number, `null`, `true` or `false`.
    fn word(&mut self) -> &'text str {
        let end = self.rest.find([' ', '\t', '\n', '\r', ',', ']', '}']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end.max(1).min(self.rest.len()));
        self.rest = rest;
        word
    }

    /// Takes a string. JSON's escapes are among JavaScript's.
    fn string(&mut self) -> Vec<u16> {
        self.peek();
        let mut escaped = true; // The opening quote does not end it.
        let end = self.rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let (string, rest) = self.rest.split_at(end.map_or(self.rest.len(), |end| end + 1));
        self.rest = rest;
        literal::string_units(string)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn units(text: &str) -> Vec<u16> {
        text.encode_utf16().collect()
    }

    #[test]
    fn values() {
        for (text, value) in [
            ("null", Json::Null),
            (" true\n", Json::Boolean(true)),
            ("-0", Json::Number(-0.0)),
            ("12345678901234567890", Json::Number(12_345_678_901_234_567_000.0)),
            ("1.5E+3", Json::Number(1500.0)),
            (r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é""#, Json::String(units("\"\\/\u{8}\u{C}\n\r\té😀é"))),
            (r#""\ud83d\u005C""#, Json::String(vec![0xD83D, 0x5C])),
            ("[]", Json::Array(vec![])),
            ("{ }", Json::Object(vec![])),
            (
                "[[1 ,2],\t\"]\"]",
                Json::Array(vec![Json::Array(vec![Json::Number(1.0), Json::Number(2.0)]), Json::String(units("]"))]),
            ),
            (
                r#"{"a" : 1, "b": {"\u0061": null}, "\u0061": [2]}"#,
                Json::Object(vec![
                    (units("a"), Json::Array(vec![Json::Number(2.0)])),
                    (units("b"), Json::Object(vec![(units("a"), Json::Null)])),
                ]),
            ),
        ] {
            assert_eq!(Json::read(text), Ok(value), "{text}");
        }
        assert_ne!(Json::read("0"), Json::read("-0"));
        assert_ne!(Json::read(r#"{"a":1,"b":2}"#), Json::read(r#"{"b":2,"a":1}"#));
    }

    #[test]
    fn what_javascript_cannot_hold() {
        let nested = |depth| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(Json::read(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(Json::read(&nested(MAX_DEPTH + 1)), Err("it nests deeper than 100".to_owned()));
        assert_eq!(Json::read(&nested(1_000_000)), Err("it nests deeper than 100".to_owned()));
        assert_eq!(Json::read("[1e400]"), Err("1e400 is not a number that JavaScript can hold".to_owned()));
    }

    /// As `serde_json` has it.
    fn of(value: &Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Boolean(*value),
            Value::Number(number) => Json::Number(number.as_f64().unwrap()),
            Value::String(text) => Json::String(units(text)),
            Value::Array(items) => Json::Array(items.iter().map(of).collect()),
            Value::Object(entries) => {
                Json::Object(entries.iter().map(|(key, value)| (units(key), of(value))).collect())
            }
        }
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            "[\\x00-\\x22\\\\\\]}:,é😀\u{2028}]{0,8}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::vec(("[a-c\"\\\\]{0,2}", inner), 0..4)
                    .prop_map(|entries| entries.into_iter().collect::<Value>()),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_what_serde_json_writes(value in any_value(), pretty in any::<bool>()) {
            let text = if pretty { format!("{value:#}") } else { value.to_string() };
            prop_assert_eq!(Json::read(&text), Ok(of(&value)));
        }
    }
}
