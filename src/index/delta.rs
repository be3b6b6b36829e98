//! From one snapshot to the next.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entry::FileEntry;
use super::journal::Replaced;
use super::snapshot::{DirectoryEntry, Listing, Skipped, Snapshot};
use crate::fs::Stamp;
use crate::path::RelPath;

/// What to change in a snapshot: what is at a path from now on, `None` for nothing.
#[derive(Clone, Debug, Default)]
pub struct Delta {
    /// Files that are new, were read again, or are gone.
    pub files: BTreeMap<RelPath, Option<Arc<FileEntry>>>,
    /// Directories that are new, look different, or are gone.
    pub directories: BTreeMap<RelPath, Option<DirectoryEntry>>,
    /// What was passed over, if that was counted anew.
    pub skipped: Option<Skipped>,
}

impl Delta {
    /// What this delta and a later one come to.
    #[must_use]
    pub fn then(mut self, later: Self) -> Self {
        self.files.extend(later.files);
        self.directories.extend(later.directories);
        self.skipped = later.skipped.or(self.skipped);
        self
    }
}

impl Snapshot {
    /// The state after `delta`, and what it replaced. The clock rises if anything did change; work and memory
    /// are in proportion to the delta (and one pointer for each couple of hundred files).
    #[must_use]
    pub fn apply(&self, mut delta: Delta) -> (Self, Vec<Replaced>) {
        let mut replaced = Vec::new();
        delta.files.retain(|path, edit| {
            let before = self.file(path);
            let (changes, tells) = match (before, edit.as_ref()) {
                (None, None) => (false, false),
                (Some(before), Some(after)) if Arc::ptr_eq(before, after) => (false, false),
                // Read again and found as it was: what is known of it is newer, but nothing changed.
                (Some(before), Some(after)) => (true, !before.is_same(after)),
                _ => (true, true),
            };
            if tells {
                replaced.push(Replaced { path: path.clone(), before: before.cloned() });
            }
            changes
        });
        delta.directories.retain(|path, edit| self.directory(path) != edit.as_ref());
        let same = replaced.is_empty() && delta.directories.is_empty();
        let files = self.files.with(delta.files);
        let next = Self {
            clock: if same { self.clock.clone() } else { self.clock.next() },
            text: self.text.replaced(&replaced, &files),
            files,
            directories: self.directories.with(delta.directories),
            skipped: delta.skipped.unwrap_or(self.skipped),
        };
        (next, replaced)
    }

    /// What a walk of the whole tree changes. Entries whose stamp still holds are kept, with what is known of
    /// them; files that moved are listed anew, unread.
    ///
    /// Where nobody looked, a file that is known is taken to hold; `look` is called for one that is new,
    /// and gives nothing if it is gone again.
    #[must_use]
    pub fn walked(&self, listing: Listing, look: impl Fn(&RelPath) -> Option<Stamp>) -> Delta {
        let mut delta = Delta { skipped: Some(listing.skipped), ..Delta::default() };
        let mut old = self.files.iter().peekable();
        for (path, stamp) in listing.files {
            while let Some(gone) = old.next_if(|entry| entry.path < path) {
                delta.files.insert(gone.path.clone(), None);
            }
            let known = old.next_if(|entry| entry.path == path);
            if known.is_some_and(|entry| stamp.is_none_or(|stamp| entry.still_holds(&stamp))) {
                continue;
            }
            let stamp = stamp.or_else(|| look(&path));
            if known.is_some() || stamp.is_some() {
                let entry = stamp.map(|stamp| Arc::new(FileEntry::listed(path.clone(), stamp)));
                delta.files.insert(path, entry);
            }
        }
        delta.files.extend(old.map(|gone| (gone.path.clone(), None)));
        self.walked_directories(listing.directories, &mut delta);
        delta
    }

    fn walked_directories(&self, listed: Vec<DirectoryEntry>, delta: &mut Delta) {
        let mut old = self.directories.iter().peekable();
        for directory in listed {
            while let Some(gone) = old.next_if(|entry| entry.path < directory.path) {
                delta.directories.insert(gone.path.clone(), None);
            }
            if old.next_if(|entry| entry.path == directory.path) != Some(&directory) {
                delta.directories.insert(directory.path.clone(), Some(directory));
            }
        }
        delta.directories.extend(old.map(|gone| (gone.path.clone(), None)));
    }
}

#[cfg(test)]
mod tests {
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
        snapshot.files.iter().map(|entry| (entry.path.as_str().to_owned(), entry.stamp.mtime_ns)).collect()
    }

    fn walked(snapshot: &Snapshot, files: &BTreeMap<String, i64>) -> Snapshot {
        snapshot.apply(snapshot.walked(listing(files), |_| None)).0
    }

    fn start() -> Snapshot {
        Snapshot::empty(Clock::start("t"))
    }

    fn tree() -> impl Strategy<Value = BTreeMap<String, i64>> {
        proptest::collection::btree_map("[a-d]{1,2}(/[a-d])?", 0..3_i64, 0..12)
    }

    proptest! {
        #[test]
        fn a_walk_gives_what_it_found_and_keeps_what_holds(before in tree(), after in tree()) {
            let first = walked(&start(), &before);
            for entry in first.files.iter() {
                entry.set_facts(facts(entry.path.as_str().starts_with('d')));
            }
            let second = walked(&first, &after);
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
            let first = walked(&start(), &before);
            let mut names = listing(&after);
            names.files.iter_mut().for_each(|(_, stamp)| *stamp = None);
            let look = |path: &RelPath| (!gone.contains_key(path.as_str())).then(|| stamp(7));
            let want: BTreeMap<String, i64> = after
                .keys()
                .filter(|name| before.contains_key(*name) || !gone.contains_key(*name))
                .map(|name| (name.clone(), before.get(name).copied().unwrap_or(7)))
                .collect();
            prop_assert_eq!(held(&first.apply(first.walked(names, look)).0), want);
        }

        #[test]
        fn a_delta_changes_what_it_names_and_tells_what_was_there(before in tree(), set in tree(), drop in tree()) {
            let first = walked(&start(), &before);
            let mut delta = Delta::default();
            delta.files.extend(drop.keys().map(|name| (path(name), None)));
            for (name, at) in &set {
                delta.files.insert(path(name), Some(Arc::new(FileEntry::read(path(name), stamp(*at), facts(false)))));
            }
            let mut want = before.clone();
            want.retain(|name, _| !drop.contains_key(name));
            want.extend(set.clone());
            let (second, replaced) = first.apply(delta);
            prop_assert_eq!(held(&second), want.clone());
            let told: BTreeMap<String, Option<i64>> = replaced
                .iter()
                .map(|it| (it.path.to_string(), it.before.as_ref().map(|entry| entry.stamp.mtime_ns)))
                .collect();
            let touched = set.keys().chain(drop.keys()).filter(|name| before.contains_key(*name) || want.contains_key(*name));
            prop_assert_eq!(told, touched.map(|name| (name.clone(), before.get(name).copied())).collect());
        }
    }

    #[test]
    fn a_file_found_as_it_was_is_no_change() {
        let entry = |racy| Arc::new(FileEntry::read(path("a"), stamp(1), facts(racy)));
        let set = |snapshot: &Snapshot, entry| {
            snapshot.apply(Delta { files: [(path("a"), Some(entry))].into(), ..Delta::default() })
        };
        let (first, _) = set(&start(), entry(true));
        let (second, replaced) = set(&first, entry(false));
        assert_eq!((first.clock == second.clock, replaced.len()), (true, 0));
        assert!(!second.file(&path("a")).unwrap().known().unwrap().racy, "it is not suspect any more");
        let (third, replaced) = set(&second, Arc::new(FileEntry::read(path("a"), stamp(2), facts(false))));
        assert_eq!((second.clock == third.clock, replaced.len()), (false, 1));
    }
}
