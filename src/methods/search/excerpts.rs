//! Searching large files where the index says that a match would have to be.

use std::ops::Range;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::Parts;
use crate::search::{Excerpt, FileMatches, FileSearcher};
use crate::text::{Class, units_by_lead};
use crate::trigram::{BLOCK_BYTES, Before, Inside, OVERLAP};

/// What the index knows of a large file.
pub(super) struct Place {
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

impl Place {
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
        let Some(before) = self.before.as_ref().filter(|_| searcher.takes_excerpts()) else { return Ok(Looked::Whole) };
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
        let parts = regions.iter().zip(&texts).map(|(region, text)| self.excerpt(region, text, before));
        let Some(excerpts) = parts.collect::<Option<Vec<_>>>() else { return Ok(Looked::Whole) };
        let found = searcher.search_excerpts(&excerpts, cancel)?;
        Ok(if file.are_of_one_state() { Looked::Done(found) } else { Looked::Whole })
    }

    /// The lines with something that starts in the wanted blocks of a region; `None` if they reach beyond it.
    fn excerpt<'text>(&self, region: &Region, text: &'text [u8], before: &[Before]) -> Option<Excerpt<'text>> {
        let within = |block: u32| ((block - region.read.start) as usize * BLOCK_BYTES).min(text.len());
        let (first, behind) = (within(region.wanted.start), within(region.wanted.end));
        // The line in which the last wanted byte is.
        let last = behind.checked_sub(1)?;
        let end = match memchr::memchr(b'\n', &text[last..]) {
            Some(at) => last + at + 1,
            None if region.read.end as usize == before.len() => text.len(),
            None => return None,
        };
        if region.read.start == 0 {
            return Some(Excerpt { bytes: &text[..end], lead: self.class.bom_len(), lines: 0, units: 0 });
        }
        let line_end = memchr::memrchr(b'\n', &text[..first])?;
        let (passed, before) = (&text[..=line_end], before.get(region.read.start as usize)?);
        Some(Excerpt {
            bytes: &text[line_end..end],
            lead: 1,
            lines: u64::from(before.lines) + memchr::memchr_iter(b'\n', passed).count() as u64,
            units: u64::from(before.units) + units_by_lead(passed),
        })
    }
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
