//! One file of the index.

use std::sync::OnceLock;

use crate::error::Code;
use crate::fs::Stamp;
use crate::path::RelPath;
use crate::text::{Class, Eol};

/// A file as it was seen under one stamp.
///
/// The facts are filled in once, whoever reads the file first; they belong to the stamp, so all
/// snapshots that share the entry may see them appear.
#[derive(Debug)]
pub struct FileEntry {
    /// Where it is.
    pub path: RelPath,
    /// What it looked like when it was listed.
    pub stamp: Stamp,
    facts: OnceLock<Facts>,
}

/// What reading the file gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    /// It was read.
    Known(FileFacts),
    /// It could not be read; the code says why.
    Unreadable(Code),
}

/// What is known of a file that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// BLAKE3 of the bytes.
    pub hash: blake3::Hash,
    /// Text or binary, and in which encoding.
    pub class: Class,
    /// The line ends.
    pub eol: Eol,
    /// Whether a change right after reading could have left the same stamp: such a file is read
    /// again at the next look, whatever its stamp says.
    pub racy: bool,
}

impl FileEntry {
    /// A file that was listed but not read yet.
    pub fn listed(path: RelPath, stamp: Stamp) -> Self {
        Self { path, stamp, facts: OnceLock::new() }
    }

    /// A file that was read.
    pub fn read(path: RelPath, stamp: Stamp, facts: Facts) -> Self {
        Self { path, stamp, facts: OnceLock::from(facts) }
    }

    /// What reading it gave; `None` until somebody did.
    pub fn facts(&self) -> Option<Facts> {
        self.facts.get().copied()
    }

    /// Fills in what reading gave under this entry's stamp. The first to know wins.
    pub fn set_facts(&self, facts: Facts) {
        let _ = self.facts.set(facts);
    }

    /// What is known, if the file was read.
    pub fn known(&self) -> Option<FileFacts> {
        match self.facts() {
            Some(Facts::Known(facts)) => Some(facts),
            _ => None,
        }
    }

    /// What is known of a file that looks like `stamp` now: nothing if it moved, or if it may have
    /// moved without showing it.
    pub fn known_under(&self, stamp: &Stamp) -> Option<FileFacts> {
        self.known().filter(|facts| self.stamp == *stamp && !facts.racy)
    }

    /// Whether both are known to be the same file in the same state.
    pub fn is_same(&self, other: &Self) -> bool {
        self.stamp == other.stamp
            && match (self.known(), other.known()) {
                (Some(one), Some(two)) => one.hash == two.hash,
                _ => false,
            }
    }

    /// Whether the entry still stands for a file that looks like `stamp` now.
    pub fn still_holds(&self, stamp: &Stamp) -> bool {
        self.stamp == *stamp
            && match self.facts() {
                // Not read yet: whoever reads it will see what is there then.
                None => true,
                Some(Facts::Known(facts)) => !facts.racy,
                // Permissions do not change without the inode's change time; anything else may have passed.
                Some(Facts::Unreadable(code)) => cfg!(unix) && code == Code::PermissionDenied,
            }
    }
}
