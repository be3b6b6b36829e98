//! A part of the text index as bytes, and back.
//!
//! All numbers are little-endian. Whatever the bytes are, reading them gives a part or nothing; that they are what was
//! written is for a checksum to tell.

use std::sync::Arc;

use crate::fs::Stamp;
use crate::index::{Facts, FileEntry, FileFacts, TextPart};
use crate::path::RelPath;
use crate::text::{Class, Eol};
use crate::trigram::{Segment, SegmentParts};

/// The bytes of a part.
pub(super) fn encode(part: &TextPart) -> Vec<u8> {
    let mut out = Vec::with_capacity(part.segment.bytes() + 128 * part.files.len() + 64);
    put_u32(&mut out, part.files.len() as u32);
    let mut last = "";
    for entry in &part.files {
        let path = entry.path.as_str();
        // Paths are sorted, so most of one is that of the one before.
        let shared = last.bytes().zip(path.bytes()).take_while(|(one, two)| one == two).count();
        // Two characters may differ in their last byte alone.
        let shared = (0..=shared).rev().find(|at| path.is_char_boundary(*at)).unwrap_or_default();
        put_u32(&mut out, shared as u32);
        put_bytes(&mut out, &path.as_bytes()[shared..]);
        last = path;
        put_stamp(&mut out, &entry.stamp);
        put_facts(&mut out, entry.facts());
    }
    let SegmentParts { numbers, bytes } = part.segment.to_parts();
    for list in numbers {
        put_u32(&mut out, list.len() as u32);
        out.extend(list.iter().flat_map(|number| number.to_le_bytes()));
    }
    for list in bytes {
        put_bytes(&mut out, list);
    }
    out
}

/// The part of which these are the bytes.
pub(super) fn decode(bytes: &[u8]) -> Option<TextPart> {
    let mut input = Input(bytes);
    let count = input.u32()? as usize;
    let mut files: Vec<Arc<FileEntry>> = Vec::with_capacity(count.min(bytes.len()));
    let mut path = String::new();
    for _ in 0..count {
        let shared = input.u32()? as usize;
        let rest = std::str::from_utf8(input.bytes()?).ok()?;
        path.replace_range(path.get(..shared)?.len().., rest);
        let path = RelPath::parse(&path).ok()?;
        if files.last().is_some_and(|last| last.path >= path) {
            return None;
        }
        let stamp = input.stamp()?;
        files.push(Arc::new(input.entry(path, stamp)?));
    }
    let mut numbers = Vec::new();
    for _ in 0..SegmentParts::NUMBERS {
        numbers.push(input.numbers()?);
    }
    let mut lists = Vec::new();
    for _ in 0..SegmentParts::BYTES {
        lists.push(input.bytes()?.into());
    }
    let segment = Segment::from_parts(numbers, lists)?;
    if !input.0.is_empty() || segment.files() as usize != count {
        return None;
    }
    let is_binary = |entry: &FileEntry| entry.known().is_some_and(|facts| facts.class == Class::Binary);
    let binary = files.iter().zip(0..).filter(|(entry, _)| is_binary(entry)).map(|(_, file)| file).collect();
    Some(TextPart { files: files.into(), segment: Arc::new(segment), binary })
}

fn put_u32(out: &mut Vec<u8>, number: u32) {
    out.extend(number.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len() as u32);
    out.extend_from_slice(bytes);
}

fn put_stamp(out: &mut Vec<u8>, stamp: &Stamp) {
    for number in [stamp.size, stamp.inode, stamp.device, stamp.links] {
        out.extend(number.to_le_bytes());
    }
    for time in [stamp.mtime_ns, stamp.ctime_ns] {
        out.extend(time.to_le_bytes());
    }
}

const CLASSES: [Class; 5] = [Class::Text, Class::Utf8Bom, Class::Utf16Le, Class::Utf16Be, Class::Binary];
const EOLS: [Eol; 4] = [Eol::Lf, Eol::Crlf, Eol::Mixed, Eol::None];
/// In place of a class: nothing is known.
const UNKNOWN: u8 = 0xFF;

fn put_facts(out: &mut Vec<u8>, facts: Option<Facts>) {
    let number = |found: Option<usize>| found.unwrap_or_default() as u8;
    match facts {
        Some(Facts::Known(facts)) => {
            out.push(number(CLASSES.iter().position(|class| *class == facts.class)));
            out.push(number(EOLS.iter().position(|eol| *eol == facts.eol)));
            out.push(u8::from(facts.racy));
            out.extend_from_slice(facts.hash.as_bytes());
        }
        // What kept it from being read may have passed; another user may have the right to.
        Some(Facts::Unreadable(_)) | None => out.push(UNKNOWN),
    }
}

/// What is left to be read.
struct Input<'bytes>(&'bytes [u8]);

impl<'bytes> Input<'bytes> {
    fn take(&mut self, count: usize) -> Option<&'bytes [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn bytes(&mut self) -> Option<&'bytes [u8]> {
        let count = self.u32()? as usize;
        self.take(count)
    }

    fn numbers(&mut self) -> Option<Box<[u32]>> {
        let count = self.u32()? as usize;
        let bytes = self.take(count.checked_mul(4)?)?;
        Some(bytes.as_chunks().0.iter().map(|number| u32::from_le_bytes(*number)).collect())
    }

    fn stamp(&mut self) -> Option<Stamp> {
        let mut number = || self.array().map(u64::from_le_bytes);
        let (size, inode, device, links) = (number()?, number()?, number()?, number()?);
        let mut time = || self.array().map(i64::from_le_bytes);
        Some(Stamp { size, inode, device, links, mtime_ns: time()?, ctime_ns: time()? })
    }

    /// A file, with what is known of it.
    fn entry(&mut self, path: RelPath, stamp: Stamp) -> Option<FileEntry> {
        let [class] = self.array()?;
        if class == UNKNOWN {
            return Some(FileEntry::listed(path, stamp));
        }
        let class = *CLASSES.get(class as usize)?;
        let [eol, racy] = self.array()?;
        let eol = *EOLS.get(eol as usize)?;
        let hash = blake3::Hash::from_bytes(self.array()?);
        Some(FileEntry::read(path, stamp, Facts::Known(FileFacts { hash, class, eol, racy: racy != 0 })))
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::FORMAT;
    use super::*;
    use crate::error::Code;
    use crate::trigram::SegmentBuilder;

    fn part() -> TextPart {
        let mut segment = SegmentBuilder::default();
        let mut files = Vec::new();
        for at in 0..40_u32 {
            let text = format!("export const value{at} = {};\n", "é".repeat(at as usize));
            segment.add(text.as_bytes());
            if at % 7 == 6 {
                segment.end_opaque();
            } else {
                segment.end_file();
            }
            let path = RelPath::parse(&format!("src/{at:02}/é.ts")).unwrap();
            let (number, time) = (u64::from(at), i64::from(at) - 20);
            let stamp = Stamp { size: 3, inode: number, device: 9, links: 1, mtime_ns: time, ctime_ns: -time };
            let facts = FileFacts {
                hash: blake3::hash(text.as_bytes()),
                class: CLASSES[at as usize % CLASSES.len()],
                eol: EOLS[at as usize % EOLS.len()],
                racy: at % 3 == 0,
            };
            files.push(Arc::new(match at % 11 {
                9 => FileEntry::read(path, stamp, Facts::Unreadable(Code::PermissionDenied)),
                10 => FileEntry::listed(path, stamp),
                _ => FileEntry::read(path, stamp, Facts::Known(facts)),
            }));
        }
        let is_binary = |entry: &FileEntry| entry.known().is_some_and(|facts| facts.class == Class::Binary);
        let binary = files.iter().zip(0..).filter(|(entry, _)| is_binary(entry)).map(|(_, file)| file).collect();
        TextPart { files: files.into(), segment: Arc::new(segment.finish()), binary }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let part = part();
        let decoded = decode(&encode(&part)).unwrap();
        assert_eq!(decoded.segment, part.segment);
        assert_eq!(decoded.binary, part.binary);
        assert_eq!(decoded.files.len(), part.files.len());
        for (one, two) in decoded.files.iter().zip(&part.files) {
            let known = two.known().map(Facts::Known);
            assert_eq!((&one.path, one.stamp, one.facts()), (&two.path, two.stamp, known));
        }
    }

    /// What is indexed decides about these bytes, too: an index that was built otherwise must not be taken for this one.
    #[test]
    fn other_bytes_need_another_format() {
        let bytes = blake3::hash(&encode(&part())).to_hex();
        assert_eq!((FORMAT, &bytes[..16]), (1, "bac78219352ea30f"), "raise FORMAT, then put the new value here");
    }

    #[test]
    fn paths_may_part_within_a_character() {
        let mut part = part();
        let paths = ["\u{e8}", "\u{e8}/a", "\u{e9}", "\u{1f600}", "\u{1f601}"];
        let files = paths.iter().zip(part.files.iter());
        let renamed = files.map(|(path, entry)| FileEntry::listed(RelPath::parse(path).unwrap(), entry.stamp));
        part.files = renamed.map(Arc::new).chain(part.files[paths.len()..].iter().cloned()).collect();
        part.files.sort_by(|one, two| one.path.cmp(&two.path));
        let decoded = decode(&encode(&part)).unwrap();
        assert!(decoded.files.iter().map(|entry| &entry.path).eq(part.files.iter().map(|entry| &entry.path)));
    }

    #[test]
    fn damage_is_noticed_or_does_no_harm() {
        let bytes = encode(&part());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_none(), "{length} of {} bytes", bytes.len());
        }
        assert!(decode(&[&bytes[..], b"x"].concat()).is_none());
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x81;
            // A panic would end the test.
            if let Some(part) = decode(&damaged) {
                part.segment.blocks();
            }
        }
    }
}
