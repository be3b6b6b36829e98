//! Searching large files where the index says that a match would have to be.

use std::ops::Range;

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::Parts;
use crate::search::{Excerpt, FileMatches, FileSearcher, MARGIN_BYTES, Place, Reach};
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

/// How much is read around blocks of interest: as far as lines reach, most likely, and if they do not, as far as is
/// ever worth it.
const SIDES: [usize; 2] = [4 * 1024, BLOCK_BYTES];

/// Where so many of each eight blocks are of interest, the whole is read.
const MOST_OF_EIGHT: usize = 7;

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
        let looked = match &self.before {
            Some(before) if searcher.takes_lines() => self.search(before, file, searcher, buffer, cancel)?,
            _ => self.confirm(file, buffer, cancel)?,
        };
        Ok(if file.are_of_one_state() { looked } else { Looked::Whole })
    }

    /// Searches the lines that have something in the blocks of interest.
    fn search(
        &self,
        before: &[Before],
        file: &mut Parts,
        searcher: &mut FileSearcher,
        buffer: &mut Vec<u8>,
        cancel: &CancelToken,
    ) -> Result<Looked> {
        let Some(wanted) = self.inside.blocks() else { return Ok(Looked::Done(None)) };
        if wanted.len() * 8 > before.len() * MOST_OF_EIGHT {
            return Ok(Looked::Whole);
        }
        let reach = searcher.reach_within_lines().cloned();
        let mut excerpts = searcher.excerpts();
        for blocks in regions(&wanted) {
            let mut sides = SIDES.into_iter();
            let excerpt = loop {
                let Some(side) = sides.next() else { return Ok(Looked::Whole) };
                let Ok(region) = Region::read(&blocks, side, file, buffer) else { return Ok(Looked::Whole) };
                if let Some(excerpt) = region.excerpt(before, self.class, reach.as_ref()) {
                    break excerpt;
                }
            };
            match searcher.search_excerpt(&mut excerpts, &excerpt, cancel) {
                Ok(true) => {}
                Ok(false) => break,
                Err(None) => return Ok(Looked::Whole),
                Err(Some(error)) => return Err(error),
            }
        }
        Ok(Looked::Done(excerpts.finish()))
    }

    /// Looks for the literals themselves; if they are there, the whole file has to be searched.
    fn confirm(&self, file: &mut Parts, buffer: &mut Vec<u8>, cancel: &CancelToken) -> Result<Looked> {
        let may_match = self.inside.is_confirmed(&mut |block, stretch| {
            let mut read = || file.read(offset(block), BLOCK_BYTES + OVERLAP, buffer);
            // Whoever cannot look says that it may be there.
            cancel.is_cancelled() || read().map_or(true, |length| stretch.is_in(&buffer[..length]))
        });
        cancel.check()?;
        Ok(if may_match { Looked::Whole } else { Looked::Done(None) })
    }
}

/// Neighbouring blocks of interest, and the text around them.
struct Region<'text> {
    blocks: &'text Range<u32>,
    text: &'text [u8],
    /// Where the blocks begin in the text, and where they end.
    inner: Range<usize>,
    /// Whether the text ends where the file does.
    ends_file: bool,
}

impl<'text> Region<'text> {
    fn read(
        blocks: &'text Range<u32>,
        side: usize,
        file: &mut Parts,
        buffer: &'text mut Vec<u8>,
    ) -> std::io::Result<Self> {
        let start = offset(blocks.start).saturating_sub(side as u64);
        let first = (offset(blocks.start) - start) as usize;
        let behind = first + blocks.len() * BLOCK_BYTES;
        let length = file.read(start, behind + side, buffer)?;
        let inner = first.min(length)..behind.min(length);
        Ok(Self { blocks, text: &buffer[..length], inner, ends_file: length < behind + side })
    }

    /// What matches here and is shown of it has to be in: the lines with something in these blocks, or, where these are
    /// long and no match gets out of it, a part of them. `None` if the text around the blocks is too short to tell.
    fn excerpt(&self, before: &[Before], class: Class, reach: Option<&Reach>) -> Option<Excerpt<'text>> {
        let end = self.end(reach)?;
        // Each match has something that starts in the blocks, so it starts there or before them.
        let excerpt = |at: usize, lead, start| {
            Some(Excerpt { bytes: &self.text[at..end], lead, start, until: self.inner.end - at })
        };
        if self.blocks.start == 0 {
            return excerpt(0, class.bom_len(), Place::default());
        }
        let before = before.get(self.blocks.start as usize)?;
        let (lines, units, line_units) =
            (u64::from(before.lines), u64::from(before.units), u64::from(before.line_units));
        let first = self.inner.start;
        if let Some(line_end) = memchr::memrchr(b'\n', &self.text[..first]) {
            // The line in which the blocks begin.
            let start = Place { lines, units: line_units, line_units };
            return excerpt(line_end, 1, start);
        }
        let from = boundary_before(self.text, self.start_within_line(reach?)?);
        let lead = boundary_before(self.text, from.checked_sub(1)?);
        // Of a file that moves on meanwhile it may be anything, which is thrown away.
        let units = units.wrapping_sub(units_by_lead(&self.text[from..first]));
        excerpt(lead, from - lead, Place { lines, units, line_units })
    }

    /// Where the last line of interest ends.
    fn end(&self, reach: Option<&Reach>) -> Option<usize> {
        let last = self.inner.end.checked_sub(1)?;
        if let Some(at) = memchr::memchr(b'\n', &self.text[last..]) {
            return Some(last + at + 1);
        }
        if self.ends_file {
            return Some(self.text.len());
        }
        let behind = &self.text[self.inner.end..];
        let end = reach?.barrier(behind.iter().copied())? + MARGIN_BYTES;
        (end <= behind.len()).then(|| boundary_before(self.text, self.inner.end + end))
    }

    /// Where to begin within the line in which the blocks begin. Between there and the blocks, no match leads from one
    /// end to the other, even behind a match that came from further ahead.
    fn start_within_line(&self, reach: &Reach) -> Option<usize> {
        let ahead = &self.text[..self.inner.start];
        let others = ahead.len() - reach.barrier(ahead.iter().rev().copied())?;
        let start = others - reach.barrier(ahead[..others].iter().rev().copied())?;
        start.checked_sub(MARGIN_BYTES)
    }
}

/// The last place at or before `at` between two characters of a text that is well-formed but for its ends.
fn boundary_before(text: &[u8], at: usize) -> usize {
    (at.saturating_sub(3)..=at)
        .rev()
        .find(|&start| text.get(start).is_some_and(|byte| byte & 0xC0 != 0x80))
        .unwrap_or(at)
}

fn offset(block: u32) -> u64 {
    u64::from(block) * BLOCK_BYTES as u64
}

/// The stretches of neighbouring blocks. At least one block lies between two of them, so no byte around one, which is
/// no more than [`SIDES`], is of interest in another.
fn regions(wanted: &[u32]) -> Vec<Range<u32>> {
    let mut regions: Vec<Range<u32>> = Vec::new();
    for &block in wanted {
        match regions.last_mut() {
            // A single block between two is read rather than looked for line ends on both sides.
            Some(last) if block <= last.end + 1 => last.end = block + 1,
            _ => regions.push(block..block + 1),
        }
    }
    regions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_blocks_between_them() {
        for (wanted, expected) in [
            (&[][..], "[]"),
            (&[0], "[0..1]"),
            (&[3, 4], "[3..5]"),
            (&[3, 5], "[3..6]"),
            (&[3, 6], "[3..4, 6..7]"),
            (&[0, 1, 3, 9], "[0..4, 9..10]"),
        ] {
            assert_eq!(format!("{:?}", regions(wanted)), expected, "{wanted:?}");
        }
    }

    #[test]
    fn boundaries_are_between_characters() {
        let text = "aé野😀b".as_bytes();
        let found: Vec<usize> = (0..text.len()).map(|at| boundary_before(text, at)).collect();
        assert_eq!(found, [0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10]);
    }
}
