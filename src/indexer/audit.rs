//! Comparing the index with the disk, bit by bit, for what nobody told.

use std::collections::{BTreeMap, BTreeSet};

use super::follow::{Followed, Indexer};
use crate::error::Result;
use crate::fs::{Stamp, now_ns};
use crate::index::{Delta, FileEntry, Replaced, Snapshot};
use crate::path::RelPath;
use crate::watch::{Batch, Touch};

/// What an audit came to.
#[derive(Debug)]
pub struct Audited {
    /// What changed.
    pub delta: Delta,
    /// The last path of the sample; none when it reached the end.
    pub last: Option<RelPath>,
    /// What had changed though nobody told.
    pub drift: Vec<RelPath>,
}

impl Indexer {
    /// Compares up to `count` files of the index, and as many directories, from `after` on with the disk. What nobody
    /// told is brought in.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn audit(&mut self, snapshot: &Snapshot, after: &str, count: usize) -> Result<Audited> {
        let (mut touched, last) = self.sample(snapshot, after, count);
        // Nobody tells of a new root, nor of rules outside the tree, either.
        if touched.is_empty() && self.is_in_place() && self.rules.moved_sources().is_empty() {
            return Ok(Audited { delta: Delta::default(), last, drift: Vec::new() });
        }
        // What is only on its way is no drift: the barrier lets it arrive, and it is looked at as what it is.
        let Followed { delta, .. } = self.follow(snapshot, true)?;
        touched.retain(|path, _| !delta.files.contains_key(path) && !delta.directories.contains_key(path));
        if touched.is_empty() {
            return Ok(Audited { delta, last, drift: Vec::new() });
        }
        let (now, _) = snapshot.apply(delta.clone());
        let found = self.look_where(&now, &Batch { paths: touched, ..Batch::default() }, &BTreeSet::new())?;
        let (_, replaced) = now.apply(found.clone());
        // Where events have no order, one may still be on its way.
        let (ordered, now_ns) = (self.is_ordered(), now_ns());
        let may_be_told = |one: &Replaced| {
            let after = found.files.get(&one.path).and_then(Option::as_ref);
            !ordered && after.is_none_or(|after| after.stamp.is_racy(now_ns))
        };
        let drift = replaced.into_iter().filter(|one| is_drift(one, &found) && !may_be_told(one));
        let drift: Vec<RelPath> = drift.map(|one| one.path).collect();
        self.drift += drift.len() as u64;
        Ok(Audited { delta: delta.then(found), last, drift })
    }

    /// What is not on the disk as the index has it, and the last path looked at, if there are more behind it.
    fn sample(&self, snapshot: &Snapshot, after: &str, count: usize) -> (BTreeMap<RelPath, Touch>, Option<RelPath>) {
        let files: Vec<_> = snapshot.files.starting_at(after).take(count).collect();
        let directories: Vec<_> = snapshot.directories.starting_at(after).take(count).collect();
        let last_file = files.last().filter(|_| files.len() == count).map(|entry| &entry.path);
        let last_directory = directories.last().filter(|_| directories.len() == count).map(|entry| &entry.path);
        // Behind the first of them, not all is known of the others.
        let last = [last_file, last_directory].into_iter().flatten().min().cloned();
        let known = files.iter().map(|entry| (&entry.path, entry.stamp));
        let known = known.chain(directories.iter().map(|directory| (&directory.path, directory.stamp)));
        let known = known.filter(|(path, _)| last.as_ref().is_none_or(|last| *path <= last));
        let moved =
            |path: &RelPath, stamp: Stamp| self.root.glance(path.as_path()).ok().is_none_or(|(_, now)| now != stamp);
        let moved = known.filter(|(path, stamp)| moved(path, *stamp)).map(|(path, _)| (path.clone(), Touch::Content));
        (moved.collect(), last)
    }
}

/// Whether a file's content was another one. Its other names and its permissions are nothing that an answer shows.
fn is_drift(replaced: &Replaced, found: &Delta) -> bool {
    let hash = |entry: &FileEntry| entry.known().map(|facts| facts.hash);
    match (&replaced.before, found.files.get(&replaced.path).and_then(Option::as_deref)) {
        (Some(before), Some(after)) => hash(before).is_none() || hash(before) != hash(after),
        _ => true,
    }
}
