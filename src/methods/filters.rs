//! Which files pass the globs of requests: remembered, because editors ask with the same ones again and again.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::glob::PathFilter;
use crate::index::{FileEntry, Sorted};

/// So many lists of globs are remembered.
const MAX_HELD: usize = 16;

/// The latest globs and what passed them. As states of the index share what did not change, only the rest is matched again.
#[derive(Debug, Default)]
pub struct Filters {
    /// The latest last.
    held: Mutex<Vec<(PathFilter, Arc<Passed>)>>,
}

/// The files that pass, by path.
#[derive(Debug, Default)]
pub struct Passed {
    chunks: Vec<Chunk>,
    len: usize,
}

/// Of one chunk of the files, those that pass.
#[derive(Clone, Debug)]
struct Chunk {
    files: Arc<[Arc<FileEntry>]>,
    passed: Arc<[u16]>,
}

impl Filters {
    /// The files that pass `filter`, found on the current rayon pool as far as they are not known.
    pub fn passed(&self, files: &Sorted<Arc<FileEntry>>, filter: &PathFilter) -> Arc<Passed> {
        let before = self.take(filter);
        let known: HashMap<usize, &Chunk> =
            before.iter().flat_map(|passed| &passed.chunks).map(|chunk| (place(&chunk.files), chunk)).collect();
        let chunk = |files: &Arc<[Arc<FileEntry>]>| match known.get(&place(files)) {
            // What is held is where it was: nothing else can be there.
            Some(chunk) => Some(Chunk::clone(chunk)),
            None => may_pass(files, filter).then(|| Chunk {
                passed: files
                    .iter()
                    .zip(0..)
                    .filter(|(file, _)| filter.accepts(file.path.as_str()))
                    .map(|(_, at)| at)
                    .collect(),
                files: Arc::clone(files),
            }),
        };
        let chunks: Vec<Chunk> = files.chunks().par_iter().filter_map(chunk).collect();
        let len = chunks.iter().map(|chunk| chunk.passed.len()).sum();
        let passed = Arc::new(Passed { chunks, len });
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(other, _)| other != filter);
        if held.len() == MAX_HELD {
            held.remove(0);
        }
        held.push((filter.clone(), Arc::clone(&passed)));
        passed
    }

    fn take(&self, filter: &PathFilter) -> Option<Arc<Passed>> {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.iter().find(|(other, _)| other == filter).map(|(_, passed)| Arc::clone(passed))
    }
}

impl Passed {
    /// How many.
    pub fn count(&self) -> usize {
        self.len
    }

    /// All of them, by path.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<FileEntry>> {
        self.chunks.iter().flat_map(|chunk| chunk.passed.iter().map(|at| &chunk.files[usize::from(*at)]))
    }
}

/// Where a chunk lies in memory.
fn place(files: &Arc<[Arc<FileEntry>]>) -> usize {
    files.as_ptr().addr()
}

/// Whether any of these files, which are sorted, lies where something can pass.
fn may_pass(files: &[Arc<FileEntry>], filter: &PathFilter) -> bool {
    let ([first, ..], [.., last]) = (files, files) else { return false };
    filter.within().is_none_or(|directories| {
        directories.iter().any(|directory| {
            // `0` is what follows `/`.
            let Range { start, end } = format!("{directory}/")..format!("{directory}0");
            last.path.as_str() >= start.as_str() && first.path.as_str() < end.as_str()
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::fs::Stamp;
    use crate::path::RelPath;

    fn entry(path: &str) -> Arc<FileEntry> {
        Arc::new(FileEntry::listed(RelPath::parse(path).unwrap(), Stamp::default()))
    }

    fn names() -> impl Strategy<Value = BTreeSet<String>> {
        proptest::collection::btree_set("(src|lib|b)/[a-d]{1,3}\\.(ts|tsx)", 0..60)
    }

    proptest! {
        #[test]
        fn what_passes_is_what_the_globs_say_whatever_was_asked_before(
            states in proptest::collection::vec((names(), names()), 1..6),
            asked in proptest::collection::vec(0_usize..5, 1..30),
        ) {
            let globs = [("src/**", ""), ("*.tsx", ""), ("", "lib"), ("src/a*.ts", "*b*"), ("{src,b}/**", "src/c*")];
            let list = |glob: &str| if glob.is_empty() { Vec::new() } else { vec![glob.to_owned()] };
            let filters = Filters::default();
            let mut files = Sorted::default();
            let mut asked = asked.into_iter().cycle();
            for (new, gone) in states {
                let mut edits: BTreeMap<RelPath, Option<Arc<FileEntry>>> = BTreeMap::new();
                edits.extend(gone.iter().map(|path| (RelPath::parse(path).unwrap(), None)));
                edits.extend(new.iter().map(|path| (RelPath::parse(path).unwrap(), Some(entry(path)))));
                files = files.with(edits);
                for at in asked.by_ref().take(3) {
                    let filter = PathFilter::new(&list(globs[at].0), &list(globs[at].1), true).unwrap();
                    let wanted: Vec<&str> =
                        files.iter().map(|file| file.path.as_str()).filter(|path| filter.accepts(path)).collect();
                    let passed = filters.passed(&files, &filter);
                    prop_assert_eq!(passed.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), wanted);
                    prop_assert_eq!(passed.count(), passed.iter().count());
                }
            }
        }
    }

    #[test]
    fn the_oldest_globs_are_forgotten() {
        let filters = Filters::default();
        let files = Sorted::from_sorted((0..1000).map(|at| entry(&format!("f{at:04}"))));
        let filter = |at: usize| PathFilter::new(&[format!("*{at}")], &[], true).unwrap();
        for at in 0..MAX_HELD + 3 {
            filters.passed(&files, &filter(at));
            filters.passed(&files, &filter(0));
        }
        assert_eq!(filters.held.lock().unwrap().len(), MAX_HELD);
        assert!(filters.take(&filter(0)).is_some() && filters.take(&filter(1)).is_none());
        let chunk = |passed: &Passed| Arc::as_ptr(&passed.chunks[0].passed);
        assert_eq!(chunk(&filters.passed(&files, &filter(0))), chunk(&filters.passed(&files, &filter(0))), "shared");
    }
}
