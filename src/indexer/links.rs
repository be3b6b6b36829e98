//! Files with several names (hard links): a write through one of them is told for that name alone, and one through
//! a name outside the workspace not at all.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use crate::fs::{Stamp, WorkspaceRoot};
use crate::index::{Delta, FileEntry, Snapshot};
use crate::path::RelPath;
use crate::watch::Touch;

/// Up to so many such files are all compared with the disk before each synced answer. Of more, only the other names
/// of what was touched are; a write through a name outside is then found by the audit.
const MAX_COMPARED: usize = 1000;

/// The indexed names of files that have several.
#[derive(Default)]
pub(super) struct Links {
    names: HashMap<(u64, u64), BTreeSet<RelPath>>,
    count: usize,
    /// Files that were touched under a name that is ignored.
    elsewhere: HashSet<(u64, u64)>,
}

fn file_of(stamp: &Stamp) -> Option<(u64, u64)> {
    (stamp.links > 1).then_some((stamp.device, stamp.inode))
}

impl Links {
    /// A file was touched under a name that is not indexed.
    pub(super) fn written_elsewhere(&mut self, stamp: &Stamp) {
        self.elsewhere.extend(file_of(stamp));
    }

    fn compares_all(&self) -> bool {
        self.count <= MAX_COMPARED
    }

    /// Takes in what is about to change in `snapshot`.
    pub(super) fn note(&mut self, snapshot: &Snapshot, delta: &Delta) {
        for (path, edit) in &delta.files {
            if let Some(file) = snapshot.file(path).and_then(|entry| file_of(&entry.stamp))
                && let Some(names) = self.names.get_mut(&file)
            {
                self.count -= usize::from(names.remove(path));
                if names.is_empty() {
                    self.names.remove(&file);
                }
            }
            if let Some(file) = edit.as_ref().and_then(|entry| file_of(&entry.stamp)) {
                self.count += usize::from(self.names.entry(file).or_default().insert(path.clone()));
            }
        }
    }

    /// Indexed names of files that `delta` brings in under a new name: making it was not told for them. Costs a look
    /// at every entry, if there are such files at all.
    pub(super) fn others(&mut self, snapshot: &Snapshot, delta: &Delta) -> Vec<RelPath> {
        let new = |(path, edit): (&RelPath, &Option<Arc<FileEntry>>)| {
            let stamp = edit.as_ref()?.stamp;
            let before = snapshot.file(path).map(|entry| entry.stamp);
            let known = before.is_some_and(|before| (file_of(&before), before.links) == (file_of(&stamp), stamp.links));
            file_of(&stamp).filter(|_| !known)
        };
        let mut files = std::mem::take(&mut self.elsewhere);
        if self.compares_all() {
            files.retain(|file| !self.names.contains_key(file));
        }
        files.extend(delta.files.iter().filter_map(new));
        if files.is_empty() {
            return Vec::new();
        }
        let is_one = |stamp: &Stamp| files.contains(&(stamp.device, stamp.inode));
        let others =
            snapshot.files.iter().filter(|entry| is_one(&entry.stamp) && !delta.files.contains_key(&entry.path));
        others.map(|entry| entry.path.clone()).collect()
    }

    /// Names whose files are not as the index has them, though nobody told.
    pub(super) fn moved(
        &self,
        root: &WorkspaceRoot,
        snapshot: &Snapshot,
        touched: &BTreeMap<RelPath, Touch>,
    ) -> Vec<RelPath> {
        let moved = |path: &RelPath| {
            let known = snapshot.file(path).map(|entry| entry.stamp);
            !touched.contains_key(path) && root.glance(path.as_path()).ok().map(|(_, stamp)| stamp) != known
        };
        if self.compares_all() {
            return self.names.values().flatten().filter(|path| moved(path)).cloned().collect();
        }
        let files = touched.keys().filter_map(|path| file_of(&snapshot.file(path)?.stamp));
        let files: BTreeSet<(u64, u64)> = files.collect();
        files.iter().filter_map(|file| self.names.get(file)).flatten().filter(|path| moved(path)).cloned().collect()
    }
}
