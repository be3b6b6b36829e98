//! Lines: requests in, responses and events out.

mod write;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::error::{Code, Error, Result};

pub use write::{encode, event, event_with_files, failure, success, success_with_files};

/// The longest id, in bytes.
pub const MAX_ID_BYTES: usize = 256;

/// A request line, its params not looked into yet.
#[derive(Debug)]
pub struct Request {
    /// Chosen by the client; 1 to [`MAX_ID_BYTES`] bytes.
    pub id: String,
    /// The method's name.
    pub method: String,
    /// The `params`, as they were written.
    pub params: Option<Box<RawValue>>,
    /// `timeoutMs`.
    pub timeout: Option<Duration>,
}

/// A line that is no request: what to answer, and to which id.
#[derive(Debug)]
pub struct BadRequest {
    /// The id, where it is usable.
    pub id: Option<String>,
    /// `parse_error` or `invalid_request`.
    pub error: Error,
}

impl Request {
    /// Reads a line (without its newline).
    ///
    /// # Errors
    /// [`BadRequest`]. Nothing a line holds can make this panic or recurse deeply: nested values are
    /// skipped over, not built.
    pub fn decode(line: &[u8]) -> Result<Self, BadRequest> {
        let parse_error = |problem: String| BadRequest { id: None, error: Error::new(Code::ParseError, problem) };
        let text = std::str::from_utf8(line).map_err(|error| {
            parse_error(format!("the line is not UTF-8: byte {} is not part of a character", error.valid_up_to()))
        })?;
        let envelope = match serde_json::from_str::<Envelope<'_>>(text) {
            Ok(envelope) => envelope,
            Err(error) if error.is_data() => {
                return Err(BadRequest {
                    id: None,
                    error: Error::new(Code::InvalidRequest, "the line is JSON but not an object"),
                });
            }
            Err(error) => return Err(parse_error(format!("the line is not JSON: {error}"))),
        };
        envelope.into_request()
    }
}

/// The fields of a request object, each in its first and any further occurrence.
#[derive(Default)]
struct Envelope<'line> {
    id: Field<'line>,
    method: Field<'line>,
    params: Field<'line>,
    timeout_ms: Field<'line>,
}

#[derive(Default)]
struct Field<'line> {
    raw: Option<&'line RawValue>,
    repeated: bool,
}

impl<'line> Field<'line> {
    fn set(&mut self, raw: &'line RawValue) {
        self.repeated |= self.raw.replace(raw).is_some();
    }

    /// The value, decoded; `what` says what it must be.
    fn get<T: Deserialize<'line>>(&self, name: &str, what: &str) -> Result<Option<T>> {
        let invalid = |problem: &str| Err(Error::new(Code::InvalidRequest, format!("`{name}` {problem}")));
        if self.repeated {
            return invalid("is given twice");
        }
        match self.raw.map(|raw| serde_json::from_str(raw.get())) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(_)) => invalid(&format!("must be {what}")),
        }
    }
}

impl Envelope<'_> {
    fn into_request(self) -> Result<Request, BadRequest> {
        let id = self.id().map_err(|error| BadRequest { id: None, error })?;
        match self.rest() {
            Ok((method, params, timeout)) => Ok(Request { id, method, params, timeout }),
            Err(error) => Err(BadRequest { id: Some(id), error }),
        }
    }

    fn id(&self) -> Result<String> {
        let what = format!("a string of 1 to {MAX_ID_BYTES} bytes");
        let id = self.id.get::<String>("id", &what)?;
        id.filter(|id| (1..=MAX_ID_BYTES).contains(&id.len()))
            .ok_or_else(|| Error::new(Code::InvalidRequest, format!("`id` must be {what}")))
    }

    fn rest(&self) -> Result<(String, Option<Box<RawValue>>, Option<Duration>)> {
        let method = self
            .method
            .get("method", "a string")?
            .ok_or_else(|| Error::new(Code::InvalidRequest, "`method` is missing"))?;
        let params = self.params.get::<&RawValue>("params", "an object")?;
        if params.is_some_and(|params| !params.get().starts_with('{')) {
            return Err(Error::new(Code::InvalidParams, "`params` must be an object").with("param", "params"));
        }
        let what = "an integer of at least 0, in milliseconds";
        let timeout = self.timeout_ms.get::<u64>("timeoutMs", what)?.map(Duration::from_millis);
        Ok((method, params.map(ToOwned::to_owned), timeout))
    }
}

impl<'de> Deserialize<'de> for Envelope<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut envelope = Envelope::default();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    match key.0.as_ref() {
                        "id" => envelope.id.set(map.next_value()?),
                        "method" => envelope.method.set(map.next_value()?),
                        "params" => envelope.params.set(map.next_value()?),
                        "timeoutMs" => envelope.timeout_ms.set(map.next_value()?),
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(envelope)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                // To the end, so that what is no JSON at all is said to be that.
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Err(de::Error::invalid_type(de::Unexpected::Seq, &self))
            }
        }
        deserializer.deserialize_any(Fields)
    }
}

/// An object key, borrowed where it has no escapes.
struct Key<'de>(Cow<'de, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

/// Decodes the `params` of a request into a method's own type.
///
/// # Errors
/// `invalid_params`, naming the field that is missing, unknown, repeated, `null` or of the wrong type.
pub fn decode_params<T: for<'de> Deserialize<'de>>(params: Option<&RawValue>) -> Result<T> {
    let text = params.map_or("{}", RawValue::get);
    // An optional field is left out, not null; said here once for all of them.
    let Nulls(nulls) = serde_json::from_str(text)
        .map_err(|error| Error::new(Code::InvalidParams, format!("`params` cannot be read: {error}")))?;
    let null = || nulls.first().map(|name| Error::param(name, "it is null; leave it out instead"));
    let deserializer = &mut serde_json::Deserializer::from_str(text);
    let decoded = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let path = error.path().to_string();
        let problem = error.into_inner().to_string();
        // The position counts within the params, which the client never saw on their own.
        let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |(problem, _)| problem);
        if path == "." {
            // "missing field `x`", "unknown field `x`, expected …": the problem names the field.
            Error::new(Code::InvalidParams, problem.to_owned())
        } else {
            Error::param(&path, problem)
        }
    });
    match decoded {
        Ok(params) => null().map_or(Ok(params), Err),
        Err(error) if error.message.starts_with("unknown field") => Err(error),
        Err(error) => Err(null().unwrap_or(error)),
    }
}

/// The names of an object's fields that are null.
struct Nulls(Vec<String>);

impl<'de> Deserialize<'de> for Nulls {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = Nulls;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut nulls = Vec::new();
                while let Some(key) = map.next_key::<Key<'de>>()? {
                    if map.next_value::<&RawValue>()?.get() == "null" {
                        nulls.push(key.0.into_owned());
                    }
                }
                Ok(Nulls(nulls))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(line: &str) -> (Option<String>, Code, String) {
        let bad = Request::decode(line.as_bytes()).unwrap_err();
        (bad.id, bad.error.code, bad.error.message)
    }

    #[test]
    fn requests() {
        let request =
            Request::decode(br#" {"method":"glob","x":[{}],"id":"\u0061","params":{"include":["*"]},"timeoutMs":5} "#)
                .unwrap();
        assert_eq!((request.id.as_str(), request.method.as_str()), ("a", "glob"));
        assert_eq!(request.params.unwrap().get(), r#"{"include":["*"]}"#);
        assert_eq!(request.timeout, Some(Duration::from_millis(5)));
    }

    #[test]
    fn lines_that_are_no_requests() {
        for (line, id, code, named) in [
            ("", None, Code::ParseError, "JSON"),
            ("nope", None, Code::ParseError, "JSON"),
            (r#"{"id":"a""#, None, Code::ParseError, "JSON"),
            (r#"{"id":"a","method":"ping"} x"#, None, Code::ParseError, "JSON"),
            (r#"{"id":"a","method":"ping","params":{"a":}}"#, None, Code::ParseError, "JSON"),
            ("[1,", None, Code::ParseError, "JSON"),
            ("[]", None, Code::InvalidRequest, "object"),
            (r#"["a","ping"]"#, None, Code::InvalidRequest, "object"),
            ("17", None, Code::InvalidRequest, "object"),
            ("null", None, Code::InvalidRequest, "object"),
            (r#"{"method":"ping"}"#, None, Code::InvalidRequest, "`id`"),
            (r#"{"id":"","method":"ping"}"#, None, Code::InvalidRequest, "`id`"),
            (r#"{"id":7,"method":"ping"}"#, None, Code::InvalidRequest, "`id`"),
            (r#"{"id":null,"method":"ping"}"#, None, Code::InvalidRequest, "`id`"),
            (r#"{"id":"\ud800","method":"ping"}"#, None, Code::InvalidRequest, "`id`"),
            (r#"{"id":"a","id":"b","method":"ping"}"#, None, Code::InvalidRequest, "`id`"),
            (r#"{"id":"a"}"#, Some("a"), Code::InvalidRequest, "`method`"),
            (r#"{"id":"a","method":3}"#, Some("a"), Code::InvalidRequest, "`method`"),
            (r#"{"id":"a","method":"ping","method":"ping"}"#, Some("a"), Code::InvalidRequest, "`method`"),
            (r#"{"id":"a","method":"ping","timeoutMs":-1}"#, Some("a"), Code::InvalidRequest, "`timeoutMs`"),
            (r#"{"id":"a","method":"ping","timeoutMs":1.5}"#, Some("a"), Code::InvalidRequest, "`timeoutMs`"),
            (r#"{"id":"a","method":"ping","timeoutMs":"1"}"#, Some("a"), Code::InvalidRequest, "`timeoutMs`"),
            (r#"{"id":"a","method":"ping","params":[]}"#, Some("a"), Code::InvalidParams, "`params`"),
            (r#"{"id":"a","method":"ping","params":null}"#, Some("a"), Code::InvalidParams, "`params`"),
        ] {
            let (got_id, got_code, message) = refused(line);
            assert_eq!((got_id.as_deref(), got_code), (id, code), "{line}: {message}");
            assert!(message.contains(named), "{line}: {message}");
        }
        let long = format!(r#"{{"id":"{}","method":"ping"}}"#, "a".repeat(257));
        assert_eq!(refused(&long).1, Code::InvalidRequest);
        assert_eq!(Request::decode(b"{\"id\":\"\xff\"}").unwrap_err().error.code, Code::ParseError);
    }

    #[test]
    fn deep_nesting_costs_nothing() {
        let deep = "[".repeat(100_000) + &"]".repeat(100_000);
        assert_eq!(refused(&deep).1, Code::InvalidRequest);
        assert_eq!(refused(&"[".repeat(100_000)).1, Code::ParseError);
        let params = format!(r#"{{"id":"a","method":"glob","params":{{"include":{deep}}}}}"#);
        let request = Request::decode(params.as_bytes()).unwrap();
        assert!(decode_params::<Sample>(request.params.as_deref()).is_err());
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        #[allow(dead_code)]
        include: Vec<String>,
        #[allow(dead_code)]
        max_bytes: Option<u64>,
    }

    #[test]
    fn params_that_are_wrong_are_named() {
        for (params, named) in [
            ("{}", "`include`"),
            (r#"{"include":"x"}"#, "`include`"),
            (r#"{"include":["x",4]}"#, "`include[1]`"),
            (r#"{"include":null}"#, "`include`"),
            (r#"{"include":[],"maxBytes":-1}"#, "`maxBytes`"),
            (r#"{"include":[],"maxBytes":null}"#, "`maxBytes`"),
            (r#"{"include":[],"maxBytes":1e3}"#, "`maxBytes`"),
            (r#"{"include":[],"include":[]}"#, "`include`"),
            (r#"{"include":[],"includes":[]}"#, "`includes`"),
            (r#"{"include":["\udc00"]}"#, "`include[0]`"),
            (r#"{"include":[],"bogus":null}"#, "`bogus`"),
        ] {
            let raw = RawValue::from_string(params.to_owned()).unwrap();
            let error = decode_params::<Sample>(Some(&raw)).unwrap_err();
            assert_eq!(error.code, Code::InvalidParams, "{params}");
            assert!(error.message.contains(named), "{params}: {}", error.message);
        }
    }
}
