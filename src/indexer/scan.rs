//! Looking at everything.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::follow::Indexer;
use super::refresh::{Refresh, is_gone};
use super::walk::Counter;
use crate::error::{Error, Result};
use crate::fs::{Kind, Stamp, WorkspaceRoot, now_ns};
use crate::index::{Delta, Listing, Snapshot};
use crate::path::{DirPath, RelPath};

impl Indexer {
    /// What a look at the whole tree changes. Where a watcher tells what happens from then on, it is started anew if
    /// `restart`: what it holds may be wrong after it lost events. Without `stats`, the files that are known are looked
    /// at only if a watcher was started: what happened to them before is told by nobody.
    ///
    /// # Errors
    /// `cancelled`; `io_error` if it could not see all there is; what opening a replaced root gives.
    pub fn scan(&mut self, snapshot: &Snapshot, stats: bool, restart: bool) -> Result<Delta> {
        self.root.refresh()?;
        self.rules.reload(&self.walker);
        // What kept one from being started may have passed by now.
        let fresh = restart || !self.has_watcher();
        if fresh {
            self.start_watcher();
        }
        if self.is_ordered() || (fresh && self.has_watcher()) {
            self.scan_watched(snapshot)
        } else {
            self.scan_unwatched(snapshot, stats)
        }
    }

    /// Walks, without a watcher that could be relied on.
    fn scan_unwatched(&mut self, snapshot: &Snapshot, stats: bool) -> Result<Delta> {
        let stats = stats || snapshot.files.is_empty();
        let listing = self.walk(stats)?;
        self.skips = listing.skips;
        self.watch_all(&listing.listing);
        let look = |path: &RelPath| {
            self.root.glance(path.as_path()).ok().filter(|(kind, _)| *kind == Kind::File).map(|(_, stamp)| stamp)
        };
        let delta = snapshot.walked(listing.listing, look);
        let gone = delta.directories.iter().filter(|(_, edit)| edit.is_none());
        let gone: Vec<DirPath> = gone.map(|(path, _)| DirPath::from(path.clone())).collect();
        self.unwatch(&gone, true);
        Ok(delta)
    }

    /// Lists and watches, then looks at the files: what happens to them later is told.
    fn scan_watched(&mut self, snapshot: &Snapshot) -> Result<Delta> {
        let (mut listing, again) = self.list_and_watch()?;
        let files = std::mem::take(&mut listing.files);
        let (root, scanned) = (&self.root, &self.scanned);
        let looked: Vec<Result<Option<Listed>>> =
            self.pool.install(|| files.into_par_iter().map(|(path, _)| look_at(root, path, scanned)).collect());
        self.stop.check()?;
        for file in looked {
            listing.files.extend(file?);
        }
        let delta = snapshot.walked(listing, |_| None);
        if again.is_empty() {
            return Ok(delta);
        }
        let (listed, _) = snapshot.apply(delta.clone());
        let nothing = BTreeMap::new();
        let mut refresh = Refresh::new(self, &listed, &nothing);
        for directory in &again {
            refresh.entries(directory)?;
        }
        let later = refresh.finish()?;
        Ok(delta.then(later))
    }

    /// Lists, watches what was listed, and finds the directories in which something happened in between. Where that
    /// may have been to rules, which decide about more than their own directory, all is listed once more.
    fn list_and_watch(&mut self) -> Result<(Listing, BTreeSet<DirPath>)> {
        let mut watched: HashSet<DirPath> = HashSet::new();
        loop {
            let began_ns = now_ns();
            let root_stamp = self.root.glance(DirPath::root().as_path()).ok().map(|(_, stamp)| stamp);
            let walked = self.walk(false)?;
            self.skips = walked.skips;
            self.watch_all(&walked.listing);
            let root = Arc::clone(&self.root);
            let moved = |directory: DirPath, stamp: Option<Stamp>| {
                let same = stamp.is_some_and(|stamp| is_as_it_was(&root, directory.as_path(), &stamp, began_ns));
                (!same).then_some(directory)
            };
            let listing = walked.listing;
            let mut again: BTreeSet<DirPath> = self.pool.install(|| {
                let below = listing.directories.par_iter();
                below.filter_map(|entry| moved(DirPath::from(entry.path.clone()), Some(entry.stamp))).collect()
            });
            again.extend(moved(DirPath::root(), root_stamp));
            let doubtful = walked.rulings.are_doubtful(self.root.path(), &again, began_ns, &watched);
            if !doubtful {
                return Ok((listing, again));
            }
            watched.insert(DirPath::root());
            watched.extend(listing.directories.into_iter().map(|entry| DirPath::from(entry.path)));
        }
    }

    fn watch_all(&mut self, listing: &Listing) {
        let below = listing.directories.iter().map(|entry| DirPath::from(entry.path.clone()));
        let all: Vec<DirPath> = std::iter::once(DirPath::root()).chain(below).collect();
        self.unwatched.clear();
        self.rules.compare_no_files();
        self.watch(&all);
    }
}

/// Whether nothing came into a directory, or went, since `began_ns`, when it still looked like `stamp`.
fn is_as_it_was(root: &WorkspaceRoot, directory: &Path, stamp: &Stamp, began_ns: i64) -> bool {
    root.glance(directory).ok() == Some((Kind::Directory, *stamp)) && !stamp.is_racy(began_ns)
}

/// A file of a listing.
type Listed = (RelPath, Option<Stamp>);

fn look_at(root: &WorkspaceRoot, path: RelPath, scanned: &Counter) -> Result<Option<Listed>> {
    match root.glance(path.as_path()) {
        Ok((Kind::File, stamp)) => {
            scanned.add(stamp.size);
            Ok(Some((path, Some(stamp))))
        }
        // What it is now was told by the directory above it.
        Ok(_) => Ok(None),
        Err(error) if is_gone(&error) || error.kind() == std::io::ErrorKind::PermissionDenied => Ok(None),
        Err(error) => Err(Error::io(&path, &error)),
    }
}
