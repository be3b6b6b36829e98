//! Looking again at what was touched: the work is in proportion to that, not to the tree.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::sync::Arc;

use rayon::prelude::*;

use super::fill::look;
use super::follow::Indexer;
use crate::error::{Code, Error, Result};
use crate::fs::{Kind, Stamp};
use crate::index::{Delta, DirectoryEntry, Facts, FileEntry, Skipped, Snapshot};
use crate::path::{DirPath, RelPath};
use crate::watch::Touch;

/// Files up to this size are read at once, up to so many bytes in all; others are listed, and read beside the jobs.
const READ_FILE_BYTES: u64 = 256 * 1024;
const READ_ALL_BYTES: u64 = 32 << 20;

/// Ending a watch takes time in proportion to all there are: for more than so many, a new watcher is cheaper.
const MAX_UNWATCHED: usize = 64;

/// Whether the file system usually takes other spellings (upper or lower case, composed or not) for the same name.
const MANY_SPELLINGS: bool = cfg!(not(any(target_os = "linux", target_os = "android")));

/// Finds out what is where something was touched.
pub(super) struct Refresh<'job> {
    indexer: &'job mut Indexer,
    old: &'job Snapshot,
    touched: &'job BTreeMap<RelPath, Touch>,
    delta: Delta,
    /// Files to be read, or listed anew.
    found: BTreeMap<RelPath, Stamp>,
    /// Directories that were listed with all that lies beneath.
    listed: BTreeSet<DirPath>,
    /// Directories whose own stamps may have moved.
    above: BTreeSet<DirPath>,
    /// Whether the rules were loaded by this job.
    rules_are_new: bool,
    /// Whether what lies beneath what was touched is read again, too, whatever its stamps say.
    reads_all: bool,
    /// What directories list, where a name that can be opened need not be one of these.
    names: HashMap<DirPath, BTreeSet<RelPath>>,
    /// What is known of files that are not where they were: they may have been renamed.
    displaced: HashMap<Stamp, Facts>,
}

/// What was found in one directory.
struct Entries {
    files: Vec<(RelPath, Stamp)>,
    directories: Vec<RelPath>,
}

impl<'job> Refresh<'job> {
    pub(super) fn new(
        indexer: &'job mut Indexer,
        old: &'job Snapshot,
        touched: &'job BTreeMap<RelPath, Touch>,
    ) -> Self {
        Self {
            indexer,
            old,
            touched,
            delta: Delta::default(),
            found: BTreeMap::new(),
            listed: BTreeSet::new(),
            above: BTreeSet::new(),
            rules_are_new: false,
            reads_all: false,
            names: HashMap::new(),
            displaced: HashMap::new(),
        }
    }

    /// To read all files that were touched or lie beneath what was, whatever their stamps say.
    pub(super) fn reading_all(mut self) -> Self {
        self.reads_all = true;
        self
    }

    /// Looks at everything that was touched.
    pub(super) fn touched(&mut self) -> Result<()> {
        let touched = self.touched;
        for (path, touch) in touched {
            self.indexer.stop.check()?;
            self.path(path, *touch)?;
        }
        Ok(())
    }

    /// Lists a directory's tree anew, if the index has it.
    pub(super) fn known_tree(&mut self, directory: &DirPath) -> Result<()> {
        if self.has_directory(directory) && !self.is_listed_itself(directory) {
            self.tree(directory)?;
        }
        Ok(())
    }

    /// Brings in the directories above `path` that the index does not have yet.
    pub(super) fn way_to(&mut self, path: &RelPath) -> Result<()> {
        for above in path.ancestors().filter_map(|above| RelPath::parse(above).ok()) {
            if !self.has_directory(&DirPath::from(above.clone())) {
                return self.path(&above, Touch::Entry);
            }
        }
        Ok(())
    }

    fn path(&mut self, path: &RelPath, touch: Touch) -> Result<()> {
        let above = DirPath::holding(path);
        if self.is_listed(path) || !self.has_directory(&above) {
            return Ok(());
        }
        self.above.insert(above);
        match self.indexer.root.glance(path.as_path()) {
            Err(error) if is_gone(&error) => self.remove(path, true),
            // A directory above that may not be entered: a walk would see nothing here.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.remove(path, true),
            Err(error) => return Err(Error::io(path, &error)),
            Ok(_) if self.may_be_unlisted(path) && !self.is_listed_above(path) => self.remove(path, true),
            Ok((kind @ (Kind::File | Kind::Directory), stamp))
                if self.indexer.rules.ignore(path, kind == Kind::Directory) =>
            {
                if kind == Kind::File {
                    self.indexer.links.written_elsewhere(&stamp);
                }
                self.remove(path, false);
            }
            Ok((Kind::Directory, _)) => {
                let directory = DirPath::from(path.clone());
                if touch == Touch::Entry || !self.has_directory(&directory) {
                    self.remove_file(path);
                    self.tree(&directory)?;
                } else {
                    // It may not have been to be read, and so not to be watched, before.
                    self.indexer.watch(std::slice::from_ref(&directory));
                    self.entries(&directory)?;
                }
            }
            Ok((Kind::File, stamp)) => {
                self.remove_beneath(path, true);
                self.file(path.clone(), stamp);
            }
            Ok((Kind::Symlink | Kind::Other, _)) => self.remove(path, true),
        }
        Ok(())
    }

    /// Lists a directory and all that lies beneath it anew. It is watched before it is listed, level by level: what
    /// is made in it meanwhile is either seen or told.
    pub(super) fn tree(&mut self, top: &DirPath) -> Result<()> {
        // What was loaded for a directory that was here before may not be what is in this one.
        let Indexer { rules, walker, .. } = &mut *self.indexer;
        if !self.rules_are_new && rules.knows(top) {
            rules.forget(walker);
            self.rules_are_new = true;
        }
        let (mut files, mut directories) = (BTreeSet::new(), BTreeSet::new());
        let mut level = vec![top.clone()];
        while !level.is_empty() {
            self.indexer.stop.check()?;
            if self.indexer.limited {
                self.indexer.unwatch(&level, false);
            }
            self.indexer.watch(&level);
            let mut next = Vec::new();
            for directory in level {
                // Its stamp is older than what is seen in it: a later look notices what comes between.
                let Ok((Kind::Directory, stamp)) = self.indexer.root.glance(directory.as_path()) else { continue };
                let Some(entries) = self.list(&directory)? else { continue };
                if let Some(path) = directory.path() {
                    self.delta.directories.insert(path.clone(), Some(DirectoryEntry { path: path.clone(), stamp }));
                    directories.insert(path);
                }
                next.extend(entries.directories.into_iter().map(DirPath::from));
                for (path, stamp) in entries.files {
                    files.insert(path.clone());
                    self.file(path, stamp);
                }
            }
            level = next;
        }
        let gone = self.files_beneath(top).into_iter().filter(|path| !files.contains(path));
        gone.collect::<Vec<_>>().iter().for_each(|path| self.remove_file(path));
        let gone: Vec<RelPath> =
            self.directories_beneath(top).into_iter().filter(|path| !directories.contains(path)).collect();
        self.stop_watching_ignored(&gone);
        self.forget(&gone);
        self.listed.insert(top.clone());
        Ok(())
    }

    /// Of directories that are not to be indexed any more, those that are still there are not to be watched either.
    fn stop_watching_ignored(&mut self, directories: &[RelPath]) {
        let is_there = |path: &&RelPath| matches!(self.indexer.root.glance(path.as_path()), Ok((Kind::Directory, _)));
        let ignored: Vec<DirPath> = directories.iter().filter(is_there).cloned().map(DirPath::from).collect();
        if ignored.len() <= MAX_UNWATCHED {
            self.indexer.unwatch(&ignored, false);
        } else {
            self.indexer.watch_anew("many directories are ignored from now on");
        }
    }

    /// Lists what lies directly in a directory anew; directories that are known are left as they are, as long as they
    /// are the same ones.
    pub(super) fn entries(&mut self, directory: &DirPath) -> Result<()> {
        if !self.has_directory(directory) || self.is_listed_itself(directory) {
            return Ok(());
        }
        self.above.insert(directory.clone());
        let Some(entries) = self.list(directory)? else {
            // Gone, which the directory above it tells; or not to be read any more.
            if let Some(path) = directory.path() {
                self.remove_beneath(&path, false);
            }
            return Ok(());
        };
        let names: BTreeSet<&RelPath> =
            entries.files.iter().map(|(path, _)| path).chain(&entries.directories).collect();
        let at = directory.as_str();
        let files = self.old.files.directly_in(at).into_iter().map(|entry| entry.path.clone());
        let directories = self.old.directories.directly_in(at).into_iter().map(|entry| entry.path.clone());
        for path in files.chain(directories).filter(|path| !names.contains(path)).collect::<Vec<_>>() {
            self.remove(&path, true);
        }
        for path in entries.directories {
            let directory = DirPath::from(path.clone());
            if !self.has_directory(&directory) {
                self.remove_file(&path);
                self.tree(&directory)?;
                continue;
            }
            match self.indexer.root.glance(path.as_path()) {
                Ok((Kind::Directory, stamp)) if !self.is_another(&path, &stamp) => {}
                Ok((Kind::Directory, _)) => self.tree(&directory)?,
                // Nothing beneath it is to be seen any more.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => self.remove_beneath(&path, false),
                // Gone since it was listed, which is told.
                _ => {}
            }
        }
        for (path, stamp) in entries.files {
            self.remove_beneath(&path, true);
            self.file(path, stamp);
        }
        Ok(())
    }

    /// Whether something may be there and yet not be listed: under another spelling, or where one may enter but not
    /// look around.
    fn may_be_unlisted(&self, path: &RelPath) -> bool {
        MANY_SPELLINGS || self.indexer.skips.contains_key(&DirPath::holding(path))
    }

    /// Whether the directory above lists this very name.
    fn is_listed_above(&mut self, path: &RelPath) -> bool {
        let (directory, root) = (DirPath::holding(path), &self.indexer.root);
        let list = || {
            let mut names = BTreeSet::new();
            // One that cannot be listed has nothing to be indexed in it.
            let _ = root.list(&directory, |name, _, _| names.extend(directory.entry(name)));
            names
        };
        self.names.entry(directory.clone()).or_insert_with(list).contains(path)
    }

    /// Whether a directory is not the one the index has.
    fn is_another(&self, path: &RelPath, stamp: &Stamp) -> bool {
        let identity = |stamp: &Stamp| (stamp.device, stamp.inode);
        self.old.directory(path).is_some_and(|known| identity(&known.stamp) != identity(stamp))
    }

    /// What is in a directory and to be indexed; `None` if it is gone or must not be read.
    fn list(&mut self, directory: &DirPath) -> Result<Option<Entries>> {
        let mut entries = Entries { files: Vec::new(), directories: Vec::new() };
        let mut skipped = Skipped::default();
        let mut failed = None;
        let Indexer { root, rules, .. } = &mut *self.indexer;
        rules.look_for_sources(directory);
        let listed = root.list(directory, |name, kind, stamp| {
            if !matches!(kind, Kind::File | Kind::Directory) || name == ".git" {
                return;
            }
            let Some(path) = directory.entry(name) else {
                match name.to_str() {
                    Some(_) => skipped.invalid_path += 1,
                    None => skipped.not_utf8_path += 1,
                }
                return;
            };
            if rules.ignore(&path, kind == Kind::Directory) {
                return;
            }
            if kind == Kind::Directory {
                entries.directories.push(path);
                return;
            }
            match stamp() {
                Ok(stamp) => entries.files.push((path, stamp)),
                Err(error) if is_gone(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => skipped.unreadable += 1,
                Err(error) => failed = Some(Error::io(&path, &error)),
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let entries = match listed {
            Ok(()) => Some(entries),
            Err(error) if is_gone(&error) => None,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                tracing::warn!("skipped, not readable: {directory:?}");
                skipped.unreadable += 1;
                Some(Entries { files: Vec::new(), directories: Vec::new() })
            }
            Err(error) => return Err(Error::new(Code::IoError, format!("{directory:?} cannot be listed: {error}"))),
        };
        self.indexer.skipped_in(directory, skipped);
        Ok(entries)
    }

    fn file(&mut self, path: RelPath, stamp: Stamp) {
        let holds = self.old.file(&path).is_some_and(|entry| entry.still_holds(&stamp));
        if holds && !self.is_touched(&path) {
            self.delta.files.remove(&path);
        } else {
            self.found.insert(path, stamp);
        }
    }

    fn is_touched(&self, path: &RelPath) -> bool {
        let touched = self.touched;
        touched.contains_key(path) || (self.reads_all && path.ancestors().any(|above| touched.contains_key(above)))
    }

    /// Nothing to be indexed is at `path`; `gone` says whether nothing at all is.
    fn remove(&mut self, path: &RelPath, gone: bool) {
        self.remove_file(path);
        self.remove_beneath(path, gone);
    }

    fn remove_file(&mut self, path: &RelPath) {
        self.found.remove(path);
        if let Some(entry) = self.old.file(path) {
            // Only an inode tells that it is the same file elsewhere.
            if let Some(facts) = entry.known().filter(|facts| !facts.racy && entry.stamp.inode != 0) {
                self.displaced.insert(entry.stamp, Facts::Known(facts));
            }
            self.delta.files.insert(path.clone(), None);
        } else {
            self.delta.files.remove(path);
        }
    }

    /// There is no directory to be indexed at `path`.
    fn remove_beneath(&mut self, path: &RelPath, gone: bool) {
        let directory = DirPath::from(path.clone());
        if !self.has_directory(&directory) {
            return;
        }
        for file in self.files_beneath(&directory) {
            self.remove_file(&file);
        }
        let mut directories = self.directories_beneath(&directory);
        directories.push(path.clone());
        if !gone {
            self.stop_watching_ignored(&directories);
        }
        self.forget(&directories);
    }

    fn forget(&mut self, directories: &[RelPath]) {
        for path in directories {
            if self.old.directory(path).is_some() {
                self.delta.directories.insert(path.clone(), None);
            } else {
                self.delta.directories.remove(path);
            }
        }
        let directories: Vec<DirPath> = directories.iter().cloned().map(DirPath::from).collect();
        self.indexer.unwatch(&directories, true);
    }

    fn files_beneath(&self, directory: &DirPath) -> Vec<RelPath> {
        let old = self.old.files.beneath(directory.as_str()).map(|entry| &entry.path);
        old.chain(beneath(&self.found, directory)).cloned().collect()
    }

    fn directories_beneath(&self, directory: &DirPath) -> Vec<RelPath> {
        let old = self.old.directories.beneath(directory.as_str()).map(|entry| &entry.path);
        old.chain(beneath(&self.delta.directories, directory)).cloned().collect()
    }

    /// Whether the index has this directory, as far as is known by now.
    fn has_directory(&self, directory: &DirPath) -> bool {
        let Some(path) = directory.path() else { return true };
        match self.delta.directories.get(&path) {
            Some(edit) => edit.is_some(),
            None => self.old.directory(&path).is_some(),
        }
    }

    fn is_listed(&self, path: &RelPath) -> bool {
        std::iter::once("").chain(path.ancestors()).any(|above| self.listed.contains(above))
    }

    fn is_listed_itself(&self, directory: &DirPath) -> bool {
        self.listed.contains(directory) || directory.path().is_some_and(|path| self.is_listed(&path))
    }

    /// Reads what is to be read, and gives all that changes.
    pub(super) fn finish(mut self) -> Result<Delta> {
        for directory in std::mem::take(&mut self.above) {
            let Some(path) = directory.path().filter(|_| self.has_directory(&directory)) else { continue };
            if let Ok((Kind::Directory, stamp)) = self.indexer.root.glance(path.as_path()) {
                self.delta.directories.insert(path.clone(), Some(DirectoryEntry { path, stamp }));
            }
        }
        let mut bytes = 0;
        let (read, listed): (Vec<_>, Vec<_>) = std::mem::take(&mut self.found)
            .into_iter()
            .map(|(path, stamp)| {
                let is_new = self.old.file(&path).is_none() && !self.reads_all;
                match self.displaced.get(&stamp).filter(|_| is_new) {
                    Some(facts) => FileEntry::read(path, stamp, *facts),
                    None => FileEntry::listed(path, stamp),
                }
            })
            .partition(|entry| {
                let reads = entry.facts().is_none() && entry.stamp.size <= READ_FILE_BYTES && bytes < READ_ALL_BYTES;
                bytes += if reads { entry.stamp.size } else { 0 };
                reads
            });
        let Indexer { root, pool, stop, .. } = &*self.indexer;
        let read: Vec<(RelPath, Option<FileEntry>)> = pool.install(|| {
            let one = |entry: FileEntry| {
                let now = look(root, &entry, stop);
                (entry.path.clone(), now.map_or_else(|moved| moved, |()| Some(entry)))
            };
            // A handful is read sooner than other threads are woken.
            if read.len() < 4 { read.into_iter().map(one).collect() } else { read.into_par_iter().map(one).collect() }
        });
        stop.check()?;
        self.delta.files.extend(read.into_iter().map(|(path, entry)| (path, entry.map(Arc::new))));
        self.delta.files.extend(listed.into_iter().map(|entry| (entry.path.clone(), Some(Arc::new(entry)))));
        self.delta.skipped = Some(self.indexer.skipped());
        Ok(self.delta)
    }
}

/// The paths of a map that lie beneath a directory.
fn beneath<'map, T>(map: &'map BTreeMap<RelPath, T>, directory: &'map DirPath) -> impl Iterator<Item = &'map RelPath> {
    let start = if directory.as_str().is_empty() { String::new() } else { format!("{}/", directory.as_str()) };
    map.range::<str, _>((std::ops::Bound::Included(start.as_str()), std::ops::Bound::Unbounded))
        .map(|(path, _)| path)
        .take_while(|path| directory.is_above(path.as_str()))
        .collect::<Vec<_>>()
        .into_iter()
}

/// Whether the error says that nothing is there (any more).
pub(super) fn is_gone(error: &io::Error) -> bool {
    // A name longer than the file system takes is that of nothing.
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::InvalidFilename)
}
