//! Walking the tree by ripgrep's rules.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};
use crate::fs::{Stamp, walk_stamp};
use crate::index::{DirectoryEntry, Listing, Skipped};
use crate::path::RelPath;

/// Lists what `rg --files --hidden --no-require-git -g '!.git'` lists, less what is excluded.
#[derive(Debug)]
pub struct Walker {
    root: PathBuf,
    overrides: Override,
    threads: usize,
}

/// How far a walk or a fill is; written by it, read by whoever wants to know.
#[derive(Debug, Default)]
pub struct Counter {
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Counter {
    /// Counts a file.
    pub fn add(&self, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Files and bytes so far.
    pub fn get(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// What one thread of a walk found.
#[derive(Default)]
struct Found {
    files: Vec<(RelPath, Option<Stamp>)>,
    directories: Vec<DirectoryEntry>,
    skipped: Skipped,
}

impl Walker {
    /// A walker of `root`, which is absolute, that leaves out `exclude`.
    ///
    /// # Errors
    /// `invalid_glob`, naming the glob.
    pub fn new(root: &Path, exclude: &[String], threads: usize) -> Result<Self> {
        let mut overrides = OverrideBuilder::new(root);
        // Anything named `.git` goes, a worktree's file too.
        for glob in std::iter::once(".git").chain(exclude.iter().map(String::as_str)) {
            crate::glob::check(glob)?;
            // `./x` is `x` at the root, which ignore rules write as `/x`.
            let rooted = glob.strip_prefix("./").map(|glob| format!("/{glob}"));
            let glob = rooted.as_deref().unwrap_or(glob);
            overrides
                .add(&format!("!{glob}"))
                .map_err(|error| Error::new(Code::InvalidGlob, format!("invalid glob {glob:?}: {error}")))?;
        }
        let overrides = overrides.build().map_err(|error| Error::new(Code::InvalidGlob, error.to_string()))?;
        Ok(Self { root: root.to_path_buf(), overrides, threads })
    }

    /// Walks the whole tree; without `stats`, files get no stamp.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn walk(&self, stats: bool, counter: &Counter, cancel: &CancelToken) -> Result<Listing> {
        self.run(&self.builder(), stats, counter, cancel)
    }

    /// Lists only `paths`, and what lies beneath those that are directories: exact by the same
    /// rules, at the cost of listing the directories above them, which are part of the result.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn walk_only(&self, paths: &[RelPath], cancel: &CancelToken) -> Result<Listing> {
        let root = self.root.clone();
        let wanted = paths.to_vec();
        let mut builder = self.builder();
        builder.threads(1).filter_entry(move |entry| {
            let Some(path) = entry.path().strip_prefix(&root).ok().and_then(RelPath::from_disk) else {
                return false;
            };
            wanted.iter().any(|wanted| path.is_within(wanted) || wanted.is_within(&path))
        });
        let mut listing = self.run(&builder, true, &Counter::default(), cancel)?;
        let asked = |path: &RelPath| paths.iter().any(|wanted| path.is_within(wanted));
        listing.files.retain(|(path, _)| asked(path));
        // The directories above were come across, and are as new as what was asked for.
        Ok(listing)
    }

    fn builder(&self) -> WalkBuilder {
        let mut builder = WalkBuilder::new(&self.root);
        builder
            // Where a user's global excludes with a leading `/` start; the process may have been started anywhere.
            .current_dir(&self.root)
            .hidden(false)
            .require_git(false)
            .parents(true)
            .ignore(true)
            .git_ignore(true)
            .git_global(true)
            .git_exclude(true)
            .add_custom_ignore_filename(".rgignore")
            .follow_links(false)
            .overrides(self.overrides.clone())
            .threads(self.threads);
        builder
    }

    fn run(&self, builder: &WalkBuilder, stats: bool, counter: &Counter, cancel: &CancelToken) -> Result<Listing> {
        let all: Mutex<Vec<Found>> = Mutex::default();
        builder.build_parallel().run(|| {
            let mut visitor = Visitor { root: &self.root, stats, counter, found: Found::default(), all: &all };
            Box::new(move |entry| {
                if cancel.is_cancelled() {
                    return WalkState::Quit;
                }
                visitor.visit(entry);
                WalkState::Continue
            })
        });
        cancel.check()?;
        let mut listing = Listing::default();
        for found in all.into_inner().unwrap_or_else(PoisonError::into_inner) {
            listing.files.extend(found.files);
            listing.directories.extend(found.directories);
            listing.skipped.not_utf8_path += found.skipped.not_utf8_path;
            listing.skipped.invalid_path += found.skipped.invalid_path;
            listing.skipped.unreadable += found.skipped.unreadable;
        }
        // Each thread has sorted its part; a stable sort merges such runs in linear time.
        listing.files.sort_by(|a, b| a.0.cmp(&b.0));
        listing.directories.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(listing)
    }
}

/// Collects what one thread of a walk comes across, and hands it in when the thread is done.
struct Visitor<'walk> {
    root: &'walk Path,
    stats: bool,
    counter: &'walk Counter,
    found: Found,
    all: &'walk Mutex<Vec<Found>>,
}

impl Visitor<'_> {
    fn visit(&mut self, entry: Result<DirEntry, ignore::Error>) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => {
                // What vanished between listing and looking was never there.
                if error.io_error().is_none_or(|error| error.kind() != std::io::ErrorKind::NotFound) {
                    self.found.skipped.unreadable += 1;
                    // The error names the path and the cause.
                    tracing::warn!("skipped while walking: {error}");
                }
                return;
            }
        };
        let Some(kind) = entry.file_type() else { return };
        if entry.depth() == 0 || !(kind.is_file() || kind.is_dir()) {
            return;
        }
        let Ok(relative) = entry.path().strip_prefix(self.root) else { return };
        let Some(path) = RelPath::from_disk(relative) else {
            match relative.to_str() {
                Some(_) => self.found.skipped.invalid_path += 1,
                None => self.found.skipped.not_utf8_path += 1,
            }
            return;
        };
        if kind.is_file() && !self.stats {
            self.found.files.push((path, None));
            return;
        }
        match walk_stamp(&entry) {
            Ok(stamp) if kind.is_dir() => self.found.directories.push(DirectoryEntry { path, stamp }),
            Ok(stamp) => {
                self.counter.add(stamp.size);
                self.found.files.push((path, Some(stamp)));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                self.found.skipped.unreadable += 1;
                tracing::warn!("skipped while walking: {path}: {error}");
            }
        }
    }
}

impl Drop for Visitor<'_> {
    fn drop(&mut self) {
        let mut found = std::mem::take(&mut self.found);
        found.files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        found.directories.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(found);
    }
}
