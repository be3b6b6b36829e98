//! A file's text as an editor holds it, and where its bytes are in that.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A file's bytes behind its byte-order mark, UTF-16 decoded, with the place of each in the text.
pub(super) struct Places {
    pub(super) bytes: Vec<u8>,
    /// Offset of each sequence (a character, or what is shown as one U+FFFD), the end included.
    starts: Vec<usize>,
    /// Its UTF-16 offset in the text, where the mark counts.
    units: Vec<usize>,
    /// The text, mark included.
    pub(super) text: Vec<u16>,
}

/// A place as the contract tells it: offset, line, column.
pub(super) type Place = (usize, usize, usize);

impl Places {
    pub(super) fn of(file: &[u8]) -> Self {
        let (mark, bytes) = match file {
            [0xFF, 0xFE, rest @ ..] => {
                (1, encoding_rs::UTF_16LE.decode_without_bom_handling(rest).0.into_owned().into_bytes())
            }
            [0xFE, 0xFF, rest @ ..] => {
                (1, encoding_rs::UTF_16BE.decode_without_bom_handling(rest).0.into_owned().into_bytes())
            }
            [0xEF, 0xBB, 0xBF, rest @ ..] => (1, rest.to_vec()),
            _ => (0, file.to_vec()),
        };
        let mut text: Vec<u16> = vec![0xFEFF; mark];
        let (mut starts, mut units, mut at) = (Vec::new(), Vec::new(), 0);
        for chunk in bytes.utf8_chunks() {
            let ill_formed = Some((chunk.invalid().len(), '\u{fffd}')).filter(|(length, _)| *length > 0);
            for (length, letter) in chunk.valid().chars().map(|letter| (letter.len_utf8(), letter)).chain(ill_formed) {
                starts.push(at);
                units.push(text.len());
                text.extend_from_slice(letter.encode_utf16(&mut [0; 2]));
                at += length;
            }
        }
        starts.push(at);
        units.push(text.len());
        Self { bytes, starts, units, text }
    }

    pub(super) fn read(path: &Path) -> Self {
        Self::of(&std::fs::read(path).unwrap())
    }

    /// Where a match lies. One that begins or ends within a sequence takes all of it.
    pub(super) fn range(&self, start: usize, end: usize) -> (usize, usize) {
        let first = self.starts.partition_point(|at| *at <= start) - 1;
        let last = if start == end { first } else { self.starts.partition_point(|at| *at < end) };
        (self.units[first], self.units[last])
    }

    /// Offset, line and column, counted from the start.
    pub(super) fn place(&self, offset: usize) -> Place {
        let before = &self.text[..offset];
        let line = before.iter().filter(|unit| **unit == 10).count() + 1;
        let start = before.iter().rposition(|unit| *unit == 10).map_or(0, |at| at + 1);
        (offset, line, offset - start + 1)
    }

    /// What JavaScript's `slice` gives.
    pub(super) fn slice(&self, start: usize, end: usize) -> String {
        String::from_utf16_lossy(&self.text[start..end])
    }

    /// Lines without their ends; what ends a line is `\n` or `\r\n`.
    pub(super) fn lines(&self) -> Vec<String> {
        let text = String::from_utf16_lossy(&self.text);
        let ended = text.matches('\n').count();
        let lines = text.split('\n').enumerate();
        lines
            .map(|(at, line)| if at < ended { line.strip_suffix('\r').unwrap_or(line) } else { line }.to_owned())
            .collect()
    }
}

/// Text in ripgrep's JSON.
pub(super) fn bytes_of(value: &Value) -> Vec<u8> {
    match value["text"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => STANDARD.decode(value["bytes"].as_str().unwrap()).unwrap(),
    }
}

/// A number in a result.
pub(super) fn number(value: &Value) -> usize {
    value.as_u64().unwrap_or_else(|| panic!("{value} is no number")) as usize
}

/// Start and end of a match of the sidecar.
pub(super) fn ends(found: &Value) -> (Place, Place) {
    let place = |end: &str| (number(&found["range"][end]), number(&found[end]["line"]), number(&found[end]["column"]));
    (place("start"), place("end"))
}

/// Start and end of all matches of a file of the result.
pub(super) fn matches(file: &Value) -> Vec<(Place, Place)> {
    let lines = file["lines"].as_array().unwrap();
    lines.iter().flat_map(|line| line["matches"].as_array().unwrap().iter().map(ends)).collect()
}
