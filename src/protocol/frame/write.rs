//! Lines out: responses and events.

use std::io;

use serde::Serialize;

use crate::error::{Code, Error, Result};
use crate::protocol::ascii;
use crate::protocol::items::Items;

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
    with_files(
        &unescaped(&SuccessFrame { id, ok: true, result }, max_bytes)?,
        b"\"result\":{\"files\":[]",
        items,
        max_bytes,
    )
}

/// An event as a line; `items` take the place of the empty list `files` behind `"id"`.
///
/// # Errors
/// As [`event`].
pub fn event_with_files<T: Serialize>(name: &str, data: &T, items: &Items) -> Result<Vec<u8>> {
    with_files(&unescaped(&EventFrame { event: name, data }, usize::MAX)?, b",\"files\":[]", items, usize::MAX)
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
    let mut json = unescaped(value, usize::MAX)?;
    json.pop();
    Ok(json)
}

fn too_large(max_bytes: usize) -> Error {
    Error::new(Code::ResponseTooLarge, format!("the response would be longer than {max_bytes} bytes"))
        .with("maxResponseBytes", max_bytes)
}

fn line<T: Serialize>(frame: &T, max_bytes: usize) -> Result<Vec<u8>> {
    Ok(ascii::line(unescaped(frame, max_bytes)?, max_bytes))
}

/// A line as it is when there is no room for more: what is put together is escaped as a whole.
fn unescaped<T: Serialize>(frame: &T, max_bytes: usize) -> Result<Vec<u8>> {
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
    Ok(bounded.bytes)
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
    use crate::protocol::frame::MAX_ID_BYTES;

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
    fn escapes_take_no_room_that_an_answer_needs() {
        #[derive(Serialize)]
        struct Listing {
            files: Vec<&'static str>,
            skipped: String,
        }
        let (mut items, listing) = (Items::default(), Listing { files: Vec::new(), skipped: "aé".repeat(100) });
        items.push(encode(&"a".repeat(100_000)).unwrap());
        let listing = Listing { skipped: listing.skipped + &"a".repeat(100_000), ..listing };
        let whole = success_with_files("1", &listing, &items, usize::MAX).unwrap();
        assert_eq!(success_with_files("1", &listing, &items, whole.len()).unwrap(), whole);
        assert!(success_with_files("1", &listing, &items, whole.len() - 1).is_err());
    }

    #[test]
    fn a_response_never_grows_beyond_its_bound() {
        let result = "x".repeat(1000);
        let whole = success("a", &result, usize::MAX).unwrap();
        assert_eq!(success("a", &result, whole.len()).unwrap(), whole);
        assert_eq!(success("a", &result, whole.len() - 1).unwrap_err().code, Code::ResponseTooLarge);
    }
}
