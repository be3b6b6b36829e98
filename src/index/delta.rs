//! From one snapshot to the next.

use std::sync::Arc;

use super::entry::FileEntry;
use super::snapshot::{DirectoryEntry, Listing, Snapshot};
use crate::fs::Stamp;
use crate::path::RelPath;

/// What to change in a snapshot.
#[derive(Debug, Default)]
pub struct Delta {
    /// Files that are new or were read again.
    pub upsert: Vec<Arc<FileEntry>>,
    /// Files that are gone.
    pub remove: Vec<RelPath>,
}

impl Snapshot {
    /// The state after a walk. Entries whose stamp still holds are kept, with what is known of them;
    /// files that moved are listed anew, unread.
    ///
    /// Where nobody looked, a file that is known is taken to hold; `look` is called for one that is new,
    /// and gives nothing if it is gone again.
    #[must_use]
    pub fn walked(&self, listing: Listing, look: impl Fn(&RelPath) -> Option<Stamp>) -> Self {
        let mut old = self.files.iter().peekable();
        let mut same = true;
        let mut files = Vec::with_capacity(listing.files.len());
        for (path, stamp) in listing.files {
            while old.next_if(|entry| entry.path < path).is_some() {
                same = false;
            }
            let known = old.next_if(|entry| entry.path == path);
            if let Some(entry) = known.filter(|entry| stamp.is_none_or(|stamp| entry.still_holds(&stamp))) {
                files.push(Arc::clone(entry));
                continue;
            }
            same = false;
            if let Some(stamp) = stamp.or_else(|| look(&path)) {
                files.push(Arc::new(FileEntry::listed(path, stamp)));
            }
        }
        same &= old.next().is_none();
        let files = if same { Arc::clone(&self.files) } else { files.into() };
        let directories = self.keep_directories(listing.directories);
        self.next(files, directories).with_skipped(listing.skipped)
    }

    /// The state after single files changed.
    #[must_use]
    pub fn apply(&self, mut delta: Delta) -> Self {
        delta.upsert.sort_by(|a, b| a.path.cmp(&b.path));
        delta.remove.sort();
        if delta.upsert.is_empty() && delta.remove.is_empty() {
            return self.clone();
        }
        let removed = |entry: &Arc<FileEntry>| delta.remove.binary_search_by(|path| path.cmp(&entry.path)).is_ok();
        let mut files = Vec::with_capacity(self.files.len() + delta.upsert.len());
        let mut new = delta.upsert.iter().peekable();
        for entry in self.files.iter() {
            while let Some(added) = new.next_if(|added| added.path < entry.path) {
                files.push(Arc::clone(added));
            }
            match new.next_if(|added| added.path == entry.path) {
                Some(added) => files.push(Arc::clone(added)),
                None if removed(entry) => {}
                None => files.push(Arc::clone(entry)),
            }
        }
        files.extend(new.cloned());
        self.next(files.into(), Arc::clone(&self.directories))
    }

    /// The state with other directories.
    #[must_use]
    pub fn with_directories(&self, directories: Vec<DirectoryEntry>) -> Self {
        self.next(Arc::clone(&self.files), self.keep_directories(directories))
    }

    fn keep_directories(&self, directories: Vec<DirectoryEntry>) -> Arc<[DirectoryEntry]> {
        if *self.directories == *directories { Arc::clone(&self.directories) } else { directories.into() }
    }

    /// The clock rises with every state that differs.
    fn next(&self, files: Arc<[Arc<FileEntry>]>, directories: Arc<[DirectoryEntry]>) -> Self {
        let same = Arc::ptr_eq(&files, &self.files) && Arc::ptr_eq(&directories, &self.directories);
        let clock = if same { self.clock.clone() } else { self.clock.next() };
        Self { clock, files, directories, skipped: self.skipped }
    }

    fn with_skipped(mut self, skipped: super::Skipped) -> Self {
        self.skipped = skipped;
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::index::{Clock, Facts, FileFacts};
    use crate::text::{Class, Eol};

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn stamp(mtime_ns: i64) -> Stamp {
        Stamp { mtime_ns, ..Stamp::default() }
    }

    fn facts(racy: bool) -> Facts {
        Facts::Known(FileFacts { hash: blake3::hash(b""), class: Class::Text, eol: Eol::None, racy })
    }

    fn listing(files: &BTreeMap<String, i64>) -> Listing {
        Listing { files: files.iter().map(|(name, at)| (path(name), Some(stamp(*at)))).collect(), ..Listing::default() }
    }

    fn held(snapshot: &Snapshot) -> BTreeMap<String, i64> {
        assert!(snapshot.files.is_sorted_by(|a, b| a.path < b.path));
        snapshot.files.iter().map(|entry| (entry.path.as_str().to_owned(), entry.stamp.mtime_ns)).collect()
    }

    fn tree() -> impl Strategy<Value = BTreeMap<String, i64>> {
        proptest::collection::btree_map("[a-d]{1,2}(/[a-d])?", 0..3_i64, 0..12)
    }

    proptest! {
        #[test]
        fn a_walk_gives_what_it_found_and_keeps_what_holds(before in tree(), after in tree()) {
            let first = Snapshot::empty(Clock::start("t")).walked(listing(&before), |_| None);
            for entry in first.files.iter() {
                entry.set_facts(facts(entry.path.as_str().starts_with('d')));
            }
            let second = first.walked(listing(&after), |_| None);
            prop_assert_eq!(held(&second), after.clone());
            prop_assert_eq!(held(&first), before.clone());
            for entry in second.files.iter() {
                let name = entry.path.as_str();
                let kept = before.get(name) == after.get(name) && !name.starts_with('d');
                prop_assert_eq!(entry.facts().is_some(), kept, "{}", name);
            }
            let racy = before.keys().any(|name| name.starts_with('d'));
            prop_assert_eq!(second.clock == first.clock, before == after && !racy);
        }

        #[test]
        fn a_walk_of_names_keeps_what_is_known_and_looks_at_what_is_new(before in tree(), after in tree(), gone in tree()) {
            let first = Snapshot::empty(Clock::start("t")).walked(listing(&before), |_| None);
            let mut names = listing(&after);
            names.files.iter_mut().for_each(|(_, stamp)| *stamp = None);
            let look = |path: &RelPath| (!gone.contains_key(path.as_str())).then(|| stamp(7));
            let want: BTreeMap<String, i64> = after
                .keys()
                .filter(|name| before.contains_key(*name) || !gone.contains_key(*name))
                .map(|name| (name.clone(), before.get(name).copied().unwrap_or(7)))
                .collect();
            prop_assert_eq!(held(&first.walked(names, look)), want);
        }

        #[test]
        fn a_delta_changes_what_it_names(before in tree(), upsert in tree(), remove in tree()) {
            let first = Snapshot::empty(Clock::start("t")).walked(listing(&before), |_| None);
            let delta = Delta {
                upsert: upsert.iter().map(|(name, at)| Arc::new(FileEntry::read(path(name), stamp(*at), facts(false)))).collect(),
                remove: remove.keys().map(|name| path(name)).collect(),
            };
            let mut want = before.clone();
            want.retain(|name, _| !remove.contains_key(name));
            want.extend(upsert.clone());
            prop_assert_eq!(held(&first.apply(delta)), want);
        }
    }
}
