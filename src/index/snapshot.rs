//! An immutable state of the index.

use std::fmt;
use std::sync::Arc;

use super::entry::FileEntry;
use super::sorted::{Located, Sorted};
use super::text::{Rebuild, TextIndex, TextPart};
use crate::fs::Stamp;
use crate::path::RelPath;

/// The order of states within one process. Opaque on the wire; the first part tells processes apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    instance: Arc<str>,
    tick: u64,
}

impl Clock {
    /// The first state of a process; `instance` must differ from every other process's.
    pub fn start(instance: &str) -> Self {
        Self { instance: instance.into(), tick: 1 }
    }

    /// The state after this one.
    #[must_use]
    pub fn next(&self) -> Self {
        Self { instance: Arc::clone(&self.instance), tick: self.tick + 1 }
    }

    /// Its number within the process.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    /// The number in a clock that this process gave out; `None` for any other text.
    pub fn tick_of(&self, text: &str) -> Option<u64> {
        let tick = text.strip_prefix(&*self.instance)?.strip_prefix(':')?.parse().ok()?;
        (tick <= self.tick).then_some(tick)
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.instance, self.tick)
    }
}

/// A directory of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryEntry {
    /// Where it is.
    pub path: RelPath,
    /// What it looked like.
    pub stamp: Stamp,
}

impl Located for DirectoryEntry {
    fn path(&self) -> &RelPath {
        &self.path
    }
}

impl Located for Arc<FileEntry> {
    fn path(&self) -> &RelPath {
        &self.path
    }
}

/// What a walk passed over, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    /// Names that are not valid UTF-8.
    pub not_utf8_path: u64,
    /// Names that the contract's paths cannot hold, such as one with a backslash.
    pub invalid_path: u64,
    /// Directories that could not be listed and files that vanished into an error.
    pub unreadable: u64,
}

impl Skipped {
    /// Counts these, too.
    pub fn add(&mut self, other: Self) {
        self.not_utf8_path += other.not_utf8_path;
        self.invalid_path += other.invalid_path;
        self.unreadable += other.unreadable;
    }
}

/// What a walk found.
#[derive(Debug, Default)]
pub struct Listing {
    /// The files, sorted by path; without a stamp where nobody looked at them.
    pub files: Vec<(RelPath, Option<Stamp>)>,
    /// The directories below the root, sorted by path.
    pub directories: Vec<DirectoryEntry>,
    /// What was passed over.
    pub skipped: Skipped,
}

/// An immutable state of the index: requests in flight keep the one they started with.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which state this is.
    pub clock: Clock,
    /// The files.
    pub files: Sorted<Arc<FileEntry>>,
    /// The directories below the root.
    pub directories: Sorted<DirectoryEntry>,
    /// What was passed over when it was listed last.
    pub skipped: Skipped,
    /// Which of the files may match what.
    pub text: TextIndex,
}

impl Snapshot {
    /// The state before anything was walked.
    pub fn empty(clock: Clock) -> Self {
        Self {
            clock,
            files: Sorted::default(),
            directories: Sorted::default(),
            skipped: Skipped::default(),
            text: TextIndex::default(),
        }
    }

    /// The file at `path`.
    pub fn file(&self, path: &RelPath) -> Option<&Arc<FileEntry>> {
        self.files.get(path.as_str())
    }

    /// The directory at `path`.
    pub fn directory(&self, path: &RelPath) -> Option<&DirectoryEntry> {
        self.directories.get(path.as_str())
    }

    /// With parts of the trigram index that were built in place of others.
    #[must_use]
    pub fn with_text(&self, built: Vec<(Rebuild, Vec<Arc<TextPart>>)>) -> Self {
        Self { text: self.text.adopt(built, &self.files), ..self.clone() }
    }

    /// The state that was kept as `parts`, as far as that is known before anything was looked at.
    #[must_use]
    pub fn kept(&self, parts: Vec<Arc<TextPart>>) -> Self {
        // What is found out of a file that is not known now is not what its part was built of.
        let own = |entry: &Arc<FileEntry>| match entry.facts() {
            Some(_) => Arc::clone(entry),
            None => Arc::new(FileEntry::listed(entry.path.clone(), entry.stamp)),
        };
        let files = Sorted::from_sorted(parts.iter().flat_map(|part| part.files.iter().map(own)));
        let text = TextIndex::kept(parts, &files);
        Self { clock: self.clock.next(), files, text, ..self.clone() }
    }

    /// With what is known by now of files that were read since they were listed.
    #[must_use]
    pub fn settled(&self) -> Self {
        Self { text: self.text.settled(&self.files), ..self.clone() }
    }

    /// What is worth keeping of it; all changes up to `all_known_ns` are known, if that is given.
    pub fn to_keep(&self, all_known_ns: Option<i64>) -> Vec<TextPart> {
        self.text.to_keep(&self.files, all_known_ns)
    }

    /// The bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|entry| entry.stamp.size).sum()
    }

    /// Roughly how much memory the index takes.
    pub fn memory_bytes(&self) -> u64 {
        // Each path has its own allocation with two counters before the text.
        let path = |path: &RelPath| path.as_str().len() + 16;
        let files: usize =
            self.files.iter().map(|entry| size_of::<FileEntry>() + 16 + size_of::<usize>() + path(&entry.path)).sum();
        let directories: usize =
            self.directories.iter().map(|entry| size_of::<DirectoryEntry>() + path(&entry.path)).sum();
        (files + directories + self.text.bytes()) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_clocks_of_this_process_have_a_number() {
        let clock = Clock::start("a-1").next().next();
        assert_eq!(clock.tick_of(&clock.to_string()), Some(3));
        assert_eq!(clock.tick_of("a-1:1"), Some(1));
        for other in ["", "a-1", "a-1:", "a-1:4", "a-1:x", "a-12:1", "b:1", "a-1:-1"] {
            assert_eq!(clock.tick_of(other), None, "{other}");
        }
    }
}
