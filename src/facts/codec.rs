//! Numbers, stretches and strings in few bytes.
//!
//! Numbers are written in groups of seven bits, the lowest first (LEB128). What goes forward is written as the difference to
//! what came before. Strings are numbered in the order of their first use and written once.

use std::collections::HashMap;

use crate::protocol::TextRange;

/// Writes what a [`Reader`] reads.
#[derive(Debug, Default)]
pub(super) struct Writer<'text> {
    bytes: Vec<u8>,
    /// Where the last stretch starts.
    at: u64,
    numbers: HashMap<&'text str, u64>,
    strings: Vec<&'text str>,
}

impl<'text> Writer<'text> {
    pub(super) fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    pub(super) fn signed(&mut self, number: i64) {
        // The sign becomes the lowest bit.
        self.number(((number << 1) ^ (number >> 63)).cast_unsigned());
    }

    pub(super) fn range(&mut self, range: TextRange) {
        self.signed(range.start.cast_signed() - self.at.cast_signed());
        self.number(range.end.saturating_sub(range.start));
        self.at = range.start;
    }

    pub(super) fn string(&mut self, text: &'text str) {
        let next = self.strings.len() as u64;
        let number = *self.numbers.entry(text).or_insert(next);
        if number == next {
            self.strings.push(text);
        }
        self.number(number);
    }

    /// `None` is 0, others are one more.
    pub(super) fn maybe(&mut self, number: Option<u64>) {
        self.number(number.map_or(0, |number| number + 1));
    }

    pub(super) fn maybe_string(&mut self, text: Option<&'text str>) {
        self.number(u64::from(text.is_some()));
        if let Some(text) = text {
            self.string(text);
        }
    }

    /// A list with its length.
    pub(super) fn list<T>(&mut self, items: &'text [T], each: impl Fn(&mut Self, &'text T)) {
        self.number(items.len() as u64);
        for item in items {
            each(self, item);
        }
    }

    /// What `write` writes, behind its length: a [`Reader::part`].
    pub(super) fn part(&mut self, write: impl FnOnce(&mut Self)) {
        let around = std::mem::take(&mut self.bytes);
        let at = std::mem::take(&mut self.at);
        write(self);
        let part = std::mem::replace(&mut self.bytes, around);
        self.at = at;
        self.number(part.len() as u64);
        self.bytes.extend_from_slice(&part);
    }

    /// The strings, then all that was written.
    pub(super) fn finish(self) -> Box<[u8]> {
        let mut whole = Writer::default();
        whole.number(self.strings.len() as u64);
        for string in self.strings {
            whole.number(string.len() as u64);
            whole.bytes.extend_from_slice(string.as_bytes());
        }
        whole.bytes.extend_from_slice(&self.bytes);
        whole.bytes.into()
    }
}

/// Reads what a [`Writer`] wrote. What is damaged reads as `None`.
#[derive(Clone, Debug)]
pub(super) struct Reader<'bytes> {
    bytes: &'bytes [u8],
    at: u64,
    strings: std::rc::Rc<[&'bytes str]>,
}

impl<'bytes> Reader<'bytes> {
    pub(super) fn new(bytes: &'bytes [u8]) -> Option<Self> {
        let mut reader = Self { bytes, at: 0, strings: std::rc::Rc::default() };
        let mut strings = Vec::new();
        for _ in 0..reader.number()? {
            let length = usize::try_from(reader.number()?).ok()?;
            let (string, rest) = reader.bytes.split_at_checked(length)?;
            strings.push(std::str::from_utf8(string).ok()?);
            reader.bytes = rest;
        }
        reader.strings = strings.into();
        Some(reader)
    }

    pub(super) fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..u64::BITS).step_by(7) {
            let (byte, rest) = self.bytes.split_first()?;
            self.bytes = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if *byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    pub(super) fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(super) fn range(&mut self) -> Option<TextRange> {
        self.at = self.at.checked_add_signed(self.signed()?)?;
        Some(TextRange { start: self.at, end: self.at.checked_add(self.number()?)? })
    }

    pub(super) fn string(&mut self) -> Option<&'bytes str> {
        let number = self.number()?;
        self.strings.get(usize::try_from(number).ok()?).copied()
    }

    #[expect(clippy::option_option, reason = "damaged, absent, or there")]
    pub(super) fn maybe(&mut self) -> Option<Option<u64>> {
        self.number().map(|number| number.checked_sub(1))
    }

    #[expect(clippy::option_option, reason = "damaged, absent, or there")]
    pub(super) fn maybe_string(&mut self) -> Option<Option<&'bytes str>> {
        if self.number()? == 0 { Some(None) } else { self.string().map(Some) }
    }

    pub(super) fn list<T>(&mut self, each: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let length = self.number()?;
        // What is damaged may tell any length.
        let mut items = Vec::with_capacity(length.min(self.bytes.len() as u64) as usize);
        for _ in 0..length {
            items.push(each(self)?);
        }
        Some(items)
    }

    /// A reader of the next part, which this one passes.
    pub(super) fn part(&mut self) -> Option<Self> {
        let length = self.number()?;
        let (part, rest) = self.bytes.split_at_checked(usize::try_from(length).ok()?)?;
        self.bytes = rest;
        Some(Self { bytes: part, at: 0, strings: std::rc::Rc::clone(&self.strings) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            numbers in proptest::collection::vec(any::<u64>(), 0..8),
            signed in proptest::collection::vec(any::<i64>(), 0..8),
            ranges in proptest::collection::vec((0..1_u64 << 40, 0..1_u64 << 40), 0..8),
            strings in proptest::collection::vec("[abé]{0,2}", 0..8),
        ) {
            let ranges: Vec<TextRange> = ranges.into_iter().map(|(start, len)| TextRange { start, end: start + len }).collect();
            let mut writer = Writer::default();
            writer.list(&numbers, |writer, number| writer.number(*number));
            writer.list(&signed, |writer, number| writer.signed(*number));
            writer.list(&ranges, |writer, range| writer.range(*range));
            writer.list(&strings, |writer, string| writer.string(string));
            writer.maybe(None);
            writer.maybe(Some(7));
            writer.maybe_string(None);
            writer.part(|writer| writer.number(300));
            writer.number(1);
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes).unwrap();
            prop_assert_eq!(reader.list(Reader::number).unwrap(), numbers);
            prop_assert_eq!(reader.list(Reader::signed).unwrap(), signed);
            prop_assert_eq!(reader.list(Reader::range).unwrap(), ranges);
            prop_assert_eq!(reader.list(Reader::string).unwrap(), strings);
            prop_assert_eq!((reader.maybe(), reader.maybe(), reader.maybe_string()), (Some(None), Some(Some(7)), Some(None)));
            prop_assert_eq!((reader.part().unwrap().number(), reader.number(), reader.number()), (Some(300), Some(1), None));
        }

        #[test]
        fn what_is_damaged_is_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some(mut reader) = Reader::new(&bytes) {
                let _ = reader.list(|reader| Some((reader.range()?, reader.string()?, reader.maybe_string()?)));
            }
        }
    }
}
