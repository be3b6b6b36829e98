//! Building the trigram index: reading files, for their facts too where those are not known yet.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::Counter;
use super::fill::{Bytes, Filled, Moved, look_with};
use crate::cancel::CancelToken;
use crate::courtesy::Courtesy;
use crate::error::Result;
use crate::fs::WorkspaceRoot;
use crate::index::{FileEntry, Rebuild, Snapshot, TextPart};
use crate::text::Class;
use crate::trigram::{MAX_BLOCKS, SegmentBuilder};

/// A part has about so many bytes at most: what is built at a time is held in memory several times over.
const MAX_PART_BYTES: u64 = 64 << 20;
/// And so many at least, unless there are no more: each part is looked up by itself.
const MIN_PART_BYTES: u64 = 8 << 20;
/// And so many files.
const MAX_PART_FILES: usize = MAX_BLOCKS as usize / 4;
/// A larger file is not indexed, so it is a candidate of every search: its postings would take more memory than that.
const MAX_INDEXED_BYTES: u64 = 256 << 20;

/// What building came to.
#[derive(Debug, Default)]
pub struct Built {
    /// The parts, by what was asked for.
    pub parts: Vec<(Rebuild, Vec<Arc<TextPart>>)>,
    /// Files that turned out to have moved.
    pub filled: Filled,
}

/// What builds.
#[derive(Clone, Copy, Debug)]
pub struct Builder<'build> {
    /// The files.
    pub root: &'build WorkspaceRoot,
    /// Larger files are not searched, which is to be counted: they are candidates of every search.
    pub max_file_bytes: u64,
    /// How far it is.
    pub counter: &'build Counter,
    /// Who goes first.
    pub courtesy: &'build Courtesy,
    /// Ends it.
    pub cancel: &'build CancelToken,
}

impl Builder<'_> {
    /// Builds parts of the files that `snapshot` has, in parallel on the current rayon pool.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn build(&self, snapshot: &Snapshot, wanted: Vec<Rebuild>) -> Result<Built> {
        let mut built = Built::default();
        for rebuild in wanted {
            let files: Vec<Arc<FileEntry>> = rebuild.within(&snapshot.files).cloned().collect();
            // At first, all threads are to have something to do. Later, a part is to stay one.
            let pieces = if rebuild.is_all() { 2 * rayon::current_num_threads() } else { 1 };
            let ranges = cut(&files, pieces);
            let parts: Vec<(TextPart, Vec<Moved>)> =
                ranges.into_par_iter().map(|range| self.part(&files[range])).collect();
            self.cancel.check()?;
            let mut held = Vec::with_capacity(parts.len());
            for (part, moved) in parts {
                held.push(Arc::new(part));
                built.filled.moved.extend(moved);
            }
            built.parts.push((rebuild, held));
        }
        Ok(built)
    }

    fn part(&self, files: &[Arc<FileEntry>]) -> (TextPart, Vec<Moved>) {
        let (mut segment, mut moved) = (SegmentBuilder::default(), Vec::new());
        for entry in files {
            if self.cancel.is_cancelled() {
                break;
            }
            self.courtesy.after_you();
            let is_new = entry.facts().is_none();
            let looked = if entry.stamp.size > self.max_file_bytes.min(MAX_INDEXED_BYTES) {
                look_with(self.root, entry, self.cancel, &mut ()).map(|_| None)
            } else {
                look_with(self.root, entry, self.cancel, &mut segment)
            };
            let read = match looked {
                Ok(read) => read,
                Err(new) => {
                    if is_new {
                        moved.push((Arc::clone(entry), new.map(Arc::new)));
                    }
                    None
                }
            };
            // What was indexed is what the entry says, or it is not told.
            if read.is_some() && read == entry.known().map(|facts| facts.hash) {
                segment.end_file();
            } else {
                segment.end_opaque();
            }
            if is_new {
                self.counter.add(entry.stamp.size);
            }
        }
        let is_binary = |entry: &FileEntry| entry.known().is_some_and(|facts| facts.class == Class::Binary);
        let binary = files.iter().zip(0..).filter(|(entry, _)| is_binary(entry)).map(|(_, file)| file).collect();
        (TextPart { files: files.into(), segment: Arc::new(segment.finish()), binary }, moved)
    }
}

impl Bytes for SegmentBuilder {
    fn start(&mut self) {
        self.restart();
    }

    fn add(&mut self, chunk: &[u8]) {
        self.add(chunk);
    }
}

/// Cuts files into stretches of similar size, at least one and about so many, as far as they are neither small nor large.
fn cut(files: &[Arc<FileEntry>], pieces: usize) -> Vec<Range<usize>> {
    let all: u64 = files.iter().map(|entry| entry.stamp.size).sum();
    let most = (all / pieces.max(1) as u64).clamp(MIN_PART_BYTES, MAX_PART_BYTES);
    let mut ranges = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, entry) in files.iter().enumerate() {
        if at > start && (bytes + entry.stamp.size > most || at - start == MAX_PART_FILES) {
            ranges.push(start..at);
            (start, bytes) = (at, 0);
        }
        bytes += entry.stamp.size;
    }
    ranges.push(start..files.len());
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Stamp;
    use crate::path::RelPath;

    fn lengths(sizes: &[u64], pieces: usize) -> Vec<usize> {
        let entry = |(at, size): (usize, &u64)| {
            let path = RelPath::parse(&format!("f{at:06}")).unwrap();
            Arc::new(FileEntry::listed(path, Stamp { size: *size, ..Stamp::default() }))
        };
        let files: Vec<_> = sizes.iter().enumerate().map(entry).collect();
        let ranges = cut(&files, pieces);
        assert!(ranges.iter().zip(ranges.iter().skip(1)).all(|(one, two)| one.end == two.start));
        assert_eq!((ranges[0].start, ranges[ranges.len() - 1].end), (0, files.len()));
        ranges.iter().map(ExactSizeIterator::len).collect()
    }

    #[test]
    fn parts_are_neither_small_nor_large() {
        const MIB: u64 = 1 << 20;
        for (sizes, pieces, wanted) in [
            (vec![], 4, vec![0]),
            (vec![MIB; 7], 4, vec![7]),
            (vec![MIB; 40], 4, vec![10; 4]),
            (vec![MIB; 60], 1, vec![60]),
            (vec![MIB; 130], 1, vec![64, 64, 2]),
            (vec![200 * MIB, MIB, MIB], 1, vec![1, 2]),
            (vec![0; MAX_PART_FILES + 1], 1, vec![MAX_PART_FILES, 1]),
        ] {
            assert_eq!(lengths(&sizes, pieces), wanted, "{} files in {pieces}", sizes.len());
        }
    }
}
