//! Reading files: hashes and facts for the entries of the index.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use rayon::prelude::*;

use super::{Counter, FactsReader};
use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};
use crate::fs::{Kind, WorkspaceRoot, now_ns};
use crate::index::{Delta, Facts, FileEntry, Snapshot};

/// Entries that turned out to have moved since they were listed: what replaces them.
#[derive(Debug, Default)]
pub struct Filled {
    pub(super) moved: Vec<Moved>,
}

/// An entry, and what replaces it.
pub(super) type Moved = (Arc<FileEntry>, Option<Arc<FileEntry>>);

impl Filled {
    /// Whether nothing moved.
    pub fn is_empty(&self) -> bool {
        self.moved.is_empty()
    }

    /// What to change in `snapshot`: only entries it still holds, so that a later look is never undone, and only to
    /// what is there now: a file may have moved on, and what was read may even have been beneath a root that was
    /// replaced meanwhile.
    pub fn delta(&self, snapshot: &Snapshot, root: &WorkspaceRoot) -> Delta {
        let mut delta = Delta::default();
        for (old, new) in &self.moved {
            if !snapshot.file(&old.path).is_some_and(|held| Arc::ptr_eq(held, old)) {
                continue;
            }
            // As reading does, this stays inside: what could only be glanced at, through a link that took a directory's
            // place, would be read in vain and found moved for ever.
            let now = match root.stat(&old.path) {
                Ok((Kind::File, stamp)) => {
                    let read = new.as_ref().filter(|new| new.stamp == stamp);
                    Some(read.cloned().unwrap_or_else(|| Arc::new(FileEntry::listed(old.path.clone(), stamp))))
                }
                // What is not known stays as it is.
                Err(error) if error.code == Code::IoError => continue,
                _ => None,
            };
            delta.files.insert(old.path.clone(), now);
        }
        delta
    }
}

/// Reads every file of `files` that was not read yet, in parallel on the current rayon pool.
///
/// # Errors
/// `cancelled`.
pub fn fill(root: &WorkspaceRoot, files: &[Arc<FileEntry>], counter: &Counter, cancel: &CancelToken) -> Result<Filled> {
    let moved = files
        .par_iter()
        .filter(|entry| entry.facts().is_none())
        .filter_map(|entry| {
            if cancel.is_cancelled() {
                return None;
            }
            let replaced = match look(root, entry, cancel) {
                Ok(()) => None,
                Err(new) => Some((Arc::clone(entry), new.map(Arc::new))),
            };
            counter.add(entry.stamp.size);
            replaced
        })
        .collect();
    cancel.check()?;
    Ok(Filled { moved })
}

/// Reads the file of an entry and fills in its facts, if it still looks as it was listed.
///
/// # Errors
/// What takes the entry's place: the file as it is now, or `None` if it is gone. One that was listed as a small file and
/// is a large one by now is not read: whoever waits for small ones would wait for it.
pub fn look(root: &WorkspaceRoot, entry: &FileEntry, cancel: &CancelToken) -> Result<(), Option<FileEntry>> {
    look_with(root, entry, cancel, &mut ()).map(drop)
}

/// Who else wants the bytes of a file that is read for its facts.
pub(super) trait Bytes {
    /// The file is read from its beginning, perhaps once more.
    fn start(&mut self);
    /// The next ones.
    fn add(&mut self, chunk: &[u8]);
}

impl Bytes for () {
    fn start(&mut self) {}
    fn add(&mut self, _: &[u8]) {}
}

/// As [`look`]; gives the hash of what was read, if all of it was.
pub(super) fn look_with(
    root: &WorkspaceRoot,
    entry: &FileEntry,
    cancel: &CancelToken,
    bytes: &mut impl Bytes,
) -> Result<Option<blake3::Hash>, Option<FileEntry>> {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    let looked_ns = now_ns();
    let bytes = RefCell::new(bytes);
    let grown = Cell::new(None);
    let read = BUFFER.with_borrow_mut(|buffer| {
        root.digest(
            &entry.path,
            buffer,
            |stamp| {
                bytes.borrow_mut().start();
                grown.set((stamp.is_large() && !entry.stamp.is_large()).then_some(*stamp));
                FactsReader::default()
            },
            |reader, chunk| {
                if grown.get().is_some() {
                    return Err(Error::cancelled());
                }
                reader.add(chunk);
                bytes.borrow_mut().add(chunk);
                cancel.check()
            },
        )
    });
    if let Some(stamp) = grown.get() {
        return Err(Some(FileEntry::listed(entry.path.clone(), stamp)));
    }
    match read {
        Ok(read) => {
            // One that never held still is suspect at the next look, too.
            let racy = !read.stable || read.stamp.is_racy(looked_ns);
            let facts = read.value.finish(racy);
            if read.stamp == entry.stamp {
                entry.set_facts(Facts::Known(facts));
                Ok(Some(facts.hash))
            } else {
                Err(Some(FileEntry::read(entry.path.clone(), read.stamp, Facts::Known(facts))))
            }
        }
        // Gone, or something else took its place: the walk lists regular files alone.
        Err(error) if matches!(error.code, Code::NotFound | Code::NotAFile | Code::PathOutsideWorkspace) => Err(None),
        // Whoever asks next reads it.
        Err(error) if error.code == Code::Cancelled => Ok(None),
        Err(error) => {
            tracing::warn!("not readable: {error}");
            // Rights do not change without a new stamp. What else there is, such as too many open files, passes without
            // any trace: whoever asks next tries again.
            if error.code == Code::PermissionDenied {
                entry.set_facts(Facts::Unreadable(error.code));
            }
            Ok(None)
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make and change files")]
mod tests {
    use std::fs::{self, File};

    use super::*;
    use crate::path::RelPath;

    const LARGE: u64 = 20 << 20;

    /// Lets a file grow while it is read.
    struct Growing(File);

    impl Bytes for Growing {
        fn start(&mut self) {}

        fn add(&mut self, _: &[u8]) {
            self.0.set_len(LARGE).unwrap();
        }
    }

    #[test]
    fn a_file_that_became_a_large_one_is_left_to_whoever_reads_those() {
        let directory = tempfile::tempdir().unwrap();
        let root = WorkspaceRoot::open(directory.path()).unwrap();
        let path = RelPath::parse("a").unwrap();
        for (size, grows_before) in [(0, true), (3 << 20, true), (3 << 20, false)] {
            let file = File::create(directory.path().join("a")).unwrap();
            file.set_len(size).unwrap();
            let entry = FileEntry::listed(path.clone(), root.stat(&path).unwrap().1);
            let growing = &mut Growing(file);
            if grows_before {
                growing.add(&[]);
            }
            let Err(Some(now)) = look_with(&root, &entry, &CancelToken::default(), growing) else {
                panic!("it is another one, of {size} bytes before")
            };
            assert!(now.stamp.size == LARGE && now.facts().is_none() && entry.facts().is_none(), "{size}: {now:?}");
            // As the large one that it is, it is read.
            look(&root, &now, &CancelToken::default()).unwrap();
            assert_eq!(now.known().unwrap().hash, blake3::hash(&fs::read(directory.path().join("a")).unwrap()));
        }
    }
}
