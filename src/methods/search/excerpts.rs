//! Searching large files where the index says that a match would have to be.

use std::ops::Range;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::Parts;
use crate::search::{Excerpt, FileMatches, FileSearcher, MARGIN_BYTES, Place};
use crate::text::{Class, units_by_lead};
use crate::trigram::{BLOCK_BYTES, Before, Inside, OVERLAP};

/// What the index knows of a large file.
pub(super) struct Known {
    /// Where a match would have to be.
    pub(super) inside: Inside,
    /// What precedes each block; nothing if that is not known.
    pub(super) before: Option<Vec<Before>>,
    pub(super) class: Class,
}

/// What came of looking there.
pub(super) enum Looked {
    /// The matches, if there are any.
    Done(Option<FileMatches>),
    /// The whole file has to be searched.
    Whole,
}

/// Blocks to be read together, and which of them are of interest.
#[derive(Debug, PartialEq, Eq)]
struct Region {
    read: Range<u32>,
    wanted: Range<u32>,
}

/// Gaps of so many blocks are read, too, rather than looked for line ends on both sides.
const MAX_GAP: u32 = 2;

impl Known {
    /// Looks into the file; what is found belongs to the state that `file` was opened in.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) fn look(
        &self,
        file: &mut Parts,
        searcher: &mut FileSearcher,
        buffer: &mut Vec<u8>,
        cancel: &CancelToken,
    ) -> Result<Looked> {
        let mut readable = true;
        let confirmed = self.inside.confirmed(&mut |block, stretch| {
            if cancel.is_cancelled() {
                return true;
            }
            let Ok(length) = file.read(offset(block), BLOCK_BYTES + OVERLAP, buffer) else {
                readable = false;
                return true;
            };
            stretch.is_in(&buffer[..length])
        });
        cancel.check()?;
        if !readable {
            return Ok(Looked::Whole);
        }
        let Some(confirmed) = confirmed else {
            return Ok(if file.are_of_one_state() { Looked::Done(None) } else { Looked::Whole });
        };
        let Some(before) = self.before.as_ref().filter(|_| searcher.takes_lines()) else { return Ok(Looked::Whole) };
        let regions = regions(&confirmed, before.len() as u32);
        let blocks: u32 = regions.iter().map(|region| region.read.len() as u32).sum();
        if blocks > before.len() as u32 / 2 {
            return Ok(Looked::Whole);
        }
        let mut texts = Vec::with_capacity(regions.len());
        for region in &regions {
            let mut text = Vec::new();
            let length = region.read.len() * BLOCK_BYTES;
            let Ok(length) = file.read(offset(region.read.start), length, &mut text) else { return Ok(Looked::Whole) };
            text.truncate(length);
            texts.push(text);
        }
        let cuts_lines = searcher.takes_parts_of_lines();
        let parts = regions.iter().zip(&texts).map(|(region, text)| self.excerpt(region, text, before, cuts_lines));
        let Some(excerpts) = parts.collect::<Option<Vec<_>>>() else { return Ok(Looked::Whole) };
        match searcher.search_excerpts(&excerpts, cancel) {
            Ok(found) if file.are_of_one_state() => Ok(Looked::Done(found)),
            Ok(_) | Err(None) => Ok(Looked::Whole),
            Err(Some(error)) => Err(error),
        }
    }

    /// What matches in a region and is shown of it has to be in: the lines with something that starts in the wanted
    /// blocks. `None` if these reach beyond the region and lines may not be cut.
    fn excerpt<'text>(
        &self,
        region: &Region,
        text: &'text [u8],
        before: &[Before],
        cuts_lines: bool,
    ) -> Option<Excerpt<'text>> {
        let within = |block: u32| ((block - region.read.start) as usize * BLOCK_BYTES).min(text.len());
        let (first, behind) = (within(region.wanted.start), within(region.wanted.end));
        // The line in which the last wanted byte is.
        let last = behind.checked_sub(1)?;
        let end = match memchr::memchr(b'\n', &text[last..]) {
            Some(at) => last + at + 1,
            None if region.read.end as usize == before.len() => text.len(),
            None => (cuts_lines && text.len() - behind >= MARGIN_BYTES).then(|| boundary_before(text, text.len()))?,
        };
        if region.read.start == 0 {
            return Some(Excerpt { bytes: &text[..end], lead: self.class.bom_len(), start: Place::default() });
        }
        let before = before.get(region.read.start as usize)?;
        let (lines, units) = (u64::from(before.lines), u64::from(before.units));
        if let Some(line_end) = memchr::memrchr(b'\n', &text[..first]) {
            let passed = &text[..=line_end];
            let units = units + units_by_lead(passed);
            let lines = lines + memchr::memchr_iter(b'\n', passed).count() as u64;
            let start = Place { lines, units, line_units: units };
            return Some(Excerpt { bytes: &text[line_end..end], lead: 1, start });
        }
        // Within a line, behind a character.
        let from = boundary_before(text, first.checked_sub(MARGIN_BYTES).filter(|from| cuts_lines && *from > 8)?);
        let lead = boundary_before(text, from - 1);
        let start =
            Place { lines, units: units + units_by_lead(&text[..from]), line_units: u64::from(before.line_units) };
        Some(Excerpt { bytes: &text[lead..end], lead: from - lead, start })
    }
}

/// The last place at or before `at` between two characters of a text that is well-formed but for its ends.
fn boundary_before(text: &[u8], at: usize) -> usize {
    if at == text.len() {
        // The last character may be cut.
        let start = (at.saturating_sub(4)..at).rev().find(|&start| text[start] & 0xC0 != 0x80).unwrap_or(at);
        return if std::str::from_utf8(&text[start..]).is_ok() { at } else { start };
    }
    (at.saturating_sub(3)..=at).rev().find(|&start| text[start] & 0xC0 != 0x80).unwrap_or(at)
}

fn offset(block: u32) -> u64 {
    u64::from(block) * BLOCK_BYTES as u64
}

/// The regions around blocks of interest, of `blocks` in all: one block more on each side, in which a line ends, most
/// likely.
fn regions(wanted: &[u32], blocks: u32) -> Vec<Region> {
    let mut regions: Vec<Region> = Vec::new();
    for &block in wanted {
        let end = (block + 2).min(blocks);
        match regions.last_mut() {
            Some(last) if block <= last.wanted.end + MAX_GAP => {
                (last.wanted.end, last.read.end) = (block + 1, end);
            }
            _ => regions.push(Region { read: block.saturating_sub(1)..end, wanted: block..block + 1 }),
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_do_not_overlap() {
        let all: Vec<Vec<Range<u32>>> = [&[0][..], &[1], &[9], &[3, 4], &[0, 3], &[0, 4, 9], &[2, 6, 7]]
            .iter()
            .map(|wanted| {
                let regions = regions(wanted, 10);
                assert!(regions.is_sorted_by(|one, two| one.read.end <= two.read.start), "{regions:?}");
                regions.into_iter().map(|region| region.read).collect()
            })
            .collect();
        let expected: Vec<Vec<Range<u32>>> = vec![
            vec![0..2],
            vec![0..3],
            vec![8..10],
            vec![2..6],
            vec![0..5],
            vec![0..2, 3..6, 8..10],
            vec![1..4, 5..9],
        ];
        assert_eq!(all, expected);
    }
}
