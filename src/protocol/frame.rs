//! Lines: requests in, responses and events out.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::time::Duration;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::ascii;
use super::items::Items;
use crate::error::{Code, Error, Result};

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

/// An event line: `{"event": …, "data": …}`.
#[derive(Debug, Serialize)]
struct EventFrame<'a, T> {
    event: &'a str,
    data: &'a T,
}

#[derive(Serialize)]
struct SuccessFrame<'a, T> {
    id: &'a str,
    ok: bool,
    result: &'a T,
}

#[derive(Serialize)]
struct FailureFrame<'a> {
    id: Option<&'a str>,
    ok: bool,
    error: &'a Error,
}

/// A successful response as a line, its newline included.
///
/// # Errors
/// `response_too_large` when it would be longer than `max_bytes`.
pub fn success<T: Serialize>(id: &str, result: &T, max_bytes: usize) -> Result<Vec<u8>> {
    line(&SuccessFrame { id, ok: true, result }, max_bytes)
}

/// The longest failed response: less than the smallest bound on responses that can be asked for.
const MAX_FAILURE_BYTES: usize = 4000;

/// A failed response as a line. It is short: messages quote their causes cut.
pub fn failure(id: Option<&str>, error: &Error) -> Vec<u8> {
    line(&FailureFrame { id, ok: false, error }, MAX_FAILURE_BYTES).unwrap_or_else(|_| {
        // What it quotes needs many escapes: a short beginning must do.
        let error = Error::new(error.code, error.message.chars().take(200).collect::<String>());
        line(&FailureFrame { id, ok: false, error: &error }, usize::MAX).unwrap_or_default()
    })
}

/// An event as a line.
///
/// # Errors
/// `response_too_large` when it would be longer than `max_bytes`.
pub fn event<T: Serialize>(name: &str, data: &T, max_bytes: usize) -> Result<Vec<u8>> {
    line(&EventFrame { event: name, data }, max_bytes)
}

/// A successful response as a line; `items` take the place of its first field, an empty list `files`. What is long is
/// encoded once, where it is found, and copied once.
///
/// # Errors
/// As [`success`].
pub fn success_with_files<T: Serialize>(id: &str, result: &T, items: &Items, max_bytes: usize) -> Result<Vec<u8>> {
    with_files(&success(id, result, max_bytes)?, b"\"result\":{\"files\":[]", items, max_bytes)
}

/// An event as a line; `items` take the place of the empty list `files` behind `"id"`.
///
/// # Errors
/// As [`event`].
pub fn event_with_files<T: Serialize>(name: &str, data: &T, items: &Items) -> Result<Vec<u8>> {
    with_files(&event(name, data, usize::MAX)?, b",\"files\":[]", items, usize::MAX)
}

/// No string holds such a `marker`: its quotation marks would be escaped there.
fn with_files(line: &[u8], marker: &[u8], items: &Items, max_bytes: usize) -> Result<Vec<u8>> {
    if line.len() + items.bytes() > max_bytes {
        return Err(too_large(max_bytes));
    }
    let Some(at) = memchr::memmem::find(line, marker) else {
        return Err(Error::internal("a list has no place in its response"));
    };
    let (head, tail) = line.split_at(at + marker.len() - 1);
    let mut whole = Vec::with_capacity(line.len() + items.bytes());
    whole.extend_from_slice(head);
    items.write(&mut whole, max_bytes - tail.len());
    whole.extend_from_slice(tail);
    Ok(whole)
}

/// A value as it is written within lines.
///
/// # Errors
/// `internal`: it has no form in JSON.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let mut json = line(value, usize::MAX)?;
    json.pop();
    Ok(json)
}

fn too_large(max_bytes: usize) -> Error {
    Error::new(Code::ResponseTooLarge, format!("the response would be longer than {max_bytes} bytes"))
        .with("maxResponseBytes", max_bytes)
}

fn line<T: Serialize>(frame: &T, max_bytes: usize) -> Result<Vec<u8>> {
    let mut bounded = Bounded { bytes: Vec::with_capacity(256), max_bytes };
    let mut serializer = serde_json::Serializer::with_formatter(&mut bounded, OneLine);
    frame.serialize(&mut serializer).map_err(|error| {
        if error.is_io() {
            too_large(max_bytes)
        } else {
            Error::internal(format!("the response cannot be encoded: {error}"))
        }
    })?;
    bounded.bytes.push(b'\n');
    Ok(ascii::line(bounded.bytes, max_bytes))
}

/// Compact JSON that is one line for everybody: Node's `readline`, for one, also splits at U+2028 and
/// U+2029, which JSON allows within strings.
struct OneLine;

impl serde_json::ser::Formatter for OneLine {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(writer, fragment)
    }
}

fn write_escaped<W: ?Sized + io::Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    let mut rest = fragment.as_bytes();
    while let Some(at) = memchr::memchr(LINE_SEPARATOR[0], rest) {
        let Some([_, middle, last, ..]) = rest.get(at..) else { break };
        if *middle != LINE_SEPARATOR[1] || !(0xA8..=0xA9).contains(last) {
            // Another character of these blocks, such as a quotation mark.
            writer.write_all(&rest[..=at])?;
            rest = &rest[at + 1..];
            continue;
        }
        writer.write_all(&rest[..at])?;
        writer.write_all(if *last == 0xA8 { b"\\u2028" } else { b"\\u2029" })?;
        rest = &rest[at + 3..];
    }
    writer.write_all(rest)
}

/// How U+2028 and U+2029 start in UTF-8; the last byte is A8 or A9.
const LINE_SEPARATOR: [u8; 2] = *b"\xE2\x80";

/// Collects what is written and refuses to grow beyond a bound.
struct Bounded {
    bytes: Vec<u8>,
    max_bytes: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() >= self.max_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
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

    #[test]
    fn a_line_has_no_line_separators() {
        let text = "a\u{2028}b\u{2029}\u{2028}c\u{201c}d\u{2026}é😀\n\u{2027}";
        let line = String::from_utf8(success("a", &text, usize::MAX).unwrap()).unwrap();
        assert!(!line.trim_end().contains(['\u{2028}', '\u{2029}', '\n']), "{line}");
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(value["result"], text);
    }

    #[test]
    fn items_that_were_encoded_before_stand_where_the_empty_list_would() {
        #[derive(Serialize)]
        struct Listing {
            files: Vec<&'static str>,
            more: u8,
        }
        let all = ["\u{2028}", "\"result\":{\"files\":[]", ""];
        for count in 0..=all.len() {
            let files = all[..count].to_vec();
            let mut items = Items::default();
            for file in &files {
                items.push(encode(file).unwrap());
            }
            let id = "\"result\":{\"files\":[]";
            let empty = Listing { files: Vec::new(), more: 7 };
            let line = success(id, &Listing { files, more: 7 }, usize::MAX).unwrap();
            assert_eq!(success_with_files(id, &empty, &items, usize::MAX).unwrap(), line);
            assert_eq!(success_with_files(id, &empty, &items, line.len()).unwrap(), line);
            let error = success_with_files(id, &empty, &items, line.len() - 1).unwrap_err();
            assert_eq!(error.code, Code::ResponseTooLarge);
        }
    }

    #[test]
    fn a_failure_is_short_whatever_it_quotes() {
        let id = "\u{1}".repeat(MAX_ID_BYTES);
        let error = Error::param(&"\u{1}".repeat(100_000), "\u{2}".repeat(100_000)).with("size", 5);
        let line = failure(Some(&id), &error);
        assert!(line.len() <= MAX_FAILURE_BYTES, "{}", line.len());
        assert!(serde_json::from_slice::<serde_json::Value>(&line).unwrap()["error"]["message"].is_string());
    }

    #[test]
    fn a_response_never_grows_beyond_its_bound() {
        let result = "x".repeat(1000);
        let whole = success("a", &result, usize::MAX).unwrap();
        assert_eq!(success("a", &result, whole.len()).unwrap(), whole);
        assert_eq!(success("a", &result, whole.len() - 1).unwrap_err().code, Code::ResponseTooLarge);
    }
}
