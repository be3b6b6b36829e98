//! Walking the tree by ripgrep's rules.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, WalkBuilder, WalkState};

use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};
use crate::fs::{Stamp, rules_are_sane, walk_stamp};
use crate::index::{DirectoryEntry, Listing, Skipped};
use crate::path::{Paths, RelPath};

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
    /// Why the walk saw less than there is.
    failed: Option<String>,
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
    /// `cancelled`; `io_error` if it could not see all there is.
    pub fn walk(&self, stats: bool, counter: &Counter, cancel: &CancelToken) -> Result<Listing> {
        self.run(&self.builder(), stats, counter, cancel)
    }

    /// Lists only `paths`, and what lies beneath those that are directories: exact by the same
    /// rules, at the cost of listing the directories above them, which are part of the result.
    ///
    /// # Errors
    /// `cancelled`; `io_error` if it could not see all there is.
    pub fn walk_only(&self, paths: &Paths, cancel: &CancelToken) -> Result<Listing> {
        let root = self.root.clone();
        let wanted = paths.clone();
        let mut builder = self.builder();
        builder.threads(1).filter_entry(move |entry| {
            let path = entry.path().strip_prefix(&root).ok().and_then(RelPath::from_disk);
            path.is_some_and(|path| wanted.is_above(&path) || wanted.covers(&path)) && ignore_files_are_sane(entry)
        });
        let mut listing = self.run(&builder, true, &Counter::default(), cancel)?;
        listing.files.retain(|(path, _)| paths.covers(path));
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
            .filter_entry(ignore_files_are_sane)
            .threads(self.threads);
        builder
    }

    fn run(&self, builder: &WalkBuilder, stats: bool, counter: &Counter, cancel: &CancelToken) -> Result<Listing> {
        if !directory_is_sane(&self.root) {
            return Err(Error::new(Code::IoError, "an ignore file in the root is not a regular file of ordinary size"));
        }
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
            if let Some(failed) = found.failed {
                return Err(Error::new(Code::IoError, format!("the tree cannot be walked: {failed}")));
            }
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

/// Whether the walk may enter: it reads ignore files as a whole, whatever they are. A FIFO would block it
/// for ever, a link to a device fill the memory.
fn ignore_files_are_sane(entry: &DirEntry) -> bool {
    if !entry.file_type().is_some_and(|kind| kind.is_dir()) || directory_is_sane(entry.path()) {
        return true;
    }
    tracing::warn!("not walked, an ignore file in it is no regular file of ordinary size: {}", entry.path().display());
    false
}

fn directory_is_sane(directory: &Path) -> bool {
    IGNORE_FILES.iter().all(|name| rules_are_sane(&directory.join(name), MAX_IGNORE_BYTES))
}

/// Names of files whose rules a walk applies.
const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".rgignore"];
/// Rules of more bytes than this are no rules.
const MAX_IGNORE_BYTES: u64 = 16 << 20;

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
                let kind = error.io_error().map(std::io::Error::kind);
                match kind {
                    // What vanished between listing and looking was never there.
                    Some(std::io::ErrorKind::NotFound) if error.depth() != Some(0) => {}
                    // What is denied today is denied tomorrow. A bad rule, or a loop, is not the system's failure.
                    Some(std::io::ErrorKind::PermissionDenied) | None => {
                        self.found.skipped.unreadable += 1;
                        // The error names the path and the cause.
                        tracing::warn!("skipped while walking: {error}");
                    }
                    // Such as too many open files: what lies beneath is there and must not be dropped.
                    Some(_) => self.found.failed = Some(error.to_string()),
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
            Err(error) => self.found.failed = Some(format!("{path}: {error}")),
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
