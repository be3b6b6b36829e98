//! Walking the tree by ripgrep's rules.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ignore::overrides::{Override, OverrideBuilder};
use ignore::{DirEntry, IncrementalIgnore, WalkBuilder, WalkState};

use super::rules::IGNORE_FILES;
use super::sources::{Seen, sources_of};
use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};
use crate::fs::{RuleFile, Stamp, is_there, rule_file, rules_stamp, walk_stamp};
use crate::index::{DirectoryEntry, Listing, Skipped};
use crate::path::{DirPath, RelPath};

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

/// What a walk found.
pub(super) struct Walked {
    pub(super) listing: Listing,
    /// What was passed over, by directory.
    pub(super) skips: BTreeMap<DirPath, Skipped>,
    pub(super) rulings: Rulings,
}

/// What decided about a walk, as it was before the walk read it.
#[derive(Default)]
pub(super) struct Rulings {
    /// Directories whose rules are, in part, not in the tree, with these; the root is not among them.
    pub(super) places: BTreeMap<DirPath, Vec<(Seen, PathBuf)>>,
    /// Directories with files of rules, and what those looked like.
    pub(super) files: Vec<(DirPath, &'static str, Option<Stamp>)>,
}

impl Rulings {
    /// Whether rules may have been read as they were, or half: those that moved since, or may have without showing
    /// it, and those that came or went in a directory of `moved`. What happens in a `watched` directory is told.
    pub(super) fn are_doubtful(
        &self,
        root: &Path,
        moved: &BTreeSet<DirPath>,
        began_ns: i64,
        watched: &HashSet<DirPath>,
    ) -> bool {
        let at = |directory: &DirPath, name: &str| root.join(directory.as_path()).join(name);
        let known: HashSet<(&str, &str)> =
            self.files.iter().map(|(directory, name, _)| (directory.as_str(), *name)).collect();
        let came = |directory: &&DirPath| {
            let is_new = |name: &&str| !known.contains(&(directory.as_str(), *name)) && is_there(&at(directory, name));
            IGNORE_FILES.iter().any(is_new)
        };
        self.files.iter().filter(|(directory, ..)| !watched.contains(directory)).any(|(directory, name, stamp)| {
            let now = rules_stamp(&at(directory, name));
            now != *stamp || stamp.is_some_and(|stamp| stamp.is_racy(began_ns))
        }) || moved.iter().filter(|directory| !watched.contains(*directory)).any(|directory| came(&directory))
    }

    fn add(&mut self, directory: DirPath, rules: Vec<(&'static str, RuleFile)>, sources: Vec<(Seen, PathBuf)>) {
        self.files.extend(rules.into_iter().map(|(name, file)| (directory.clone(), name, file.stamp)));
        if !sources.is_empty() {
            self.places.insert(directory, sources);
        }
    }
}

/// What one thread of a walk found.
#[derive(Default)]
struct Found {
    files: Vec<(RelPath, Option<Stamp>)>,
    directories: Vec<DirectoryEntry>,
    skips: BTreeMap<DirPath, Skipped>,
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
    pub(super) fn walk(&self, stats: bool, counter: &Counter, cancel: &CancelToken) -> Result<Walked> {
        let rulings: Arc<Mutex<Rulings>> = Arc::default();
        let (found, root) = (Arc::clone(&rulings), self.root.clone());
        let mut builder = self.builder();
        builder.filter_entry(move |entry| {
            if !entry.file_type().is_some_and(|kind| kind.is_dir()) {
                return true;
            }
            let rules = rules_in(entry.path());
            if !are_sane(&rules) {
                let shown = entry.path().display();
                tracing::warn!("not walked, an ignore file in it is no regular file of ordinary size: {shown}");
                return false;
            }
            let has_git = is_there(&entry.path().join(".git"));
            if (has_git || !rules.is_empty())
                && let Ok(relative) = entry.path().strip_prefix(&root)
                && let Some(directory) = DirPath::from_disk(relative)
            {
                let outer = has_git || rules.iter().any(|(_, file)| file.is_link);
                let sources = if outer { sources_of(entry.path()) } else { Vec::new() };
                let sources = sources.into_iter().map(|path| (Seen::of(&path), path)).collect();
                found.lock().unwrap_or_else(PoisonError::into_inner).add(directory, rules, sources);
            }
            true
        });
        let root_rules = rules_in(&self.root);
        if !are_sane(&root_rules) {
            return Err(Error::new(Code::IoError, "an ignore file in the root is not a regular file of ordinary size"));
        }
        let mut walked = self.run(&builder, stats, counter, cancel)?;
        walked.rulings = std::mem::take(&mut *rulings.lock().unwrap_or_else(PoisonError::into_inner));
        walked.rulings.add(DirPath::root(), root_rules, Vec::new());
        Ok(walked)
    }

    /// The same rules, to be asked about one path at a time.
    pub(super) fn matcher(&self) -> Option<IncrementalIgnore> {
        self.builder().build_matchers().into_iter().next()
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

    fn run(&self, builder: &WalkBuilder, stats: bool, counter: &Counter, cancel: &CancelToken) -> Result<Walked> {
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
        let (mut listing, mut skips) = (Listing::default(), BTreeMap::<DirPath, Skipped>::new());
        for found in all.into_inner().unwrap_or_else(PoisonError::into_inner) {
            listing.files.extend(found.files);
            listing.directories.extend(found.directories);
            if let Some(failed) = found.failed {
                return Err(Error::new(Code::IoError, format!("the tree cannot be walked: {failed}")));
            }
            for (directory, skipped) in found.skips {
                skips.entry(directory).or_default().add(skipped);
            }
        }
        for skipped in skips.values() {
            listing.skipped.add(*skipped);
        }
        // Each thread has sorted its part; a stable sort merges such runs in linear time.
        listing.files.sort_by(|a, b| a.0.cmp(&b.0));
        listing.directories.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Walked { listing, skips, rulings: Rulings::default() })
    }
}

/// The files with rules that lie in a directory, by name.
fn rules_in(directory: &Path) -> Vec<(&'static str, RuleFile)> {
    let file = |name: &&'static str| Some((*name, rule_file(&directory.join(name), MAX_IGNORE_BYTES)?));
    IGNORE_FILES.iter().filter_map(file).collect()
}

/// Whether a directory with these may be entered: a walk reads them as a whole, whatever they are.
fn are_sane(rules: &[(&'static str, RuleFile)]) -> bool {
    rules.iter().all(|(_, file)| file.is_sane)
}

/// Whether rules may be read in a directory.
pub(super) fn directory_is_sane(directory: &Path) -> bool {
    are_sane(&rules_in(directory))
}

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
                    Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
                        if error.depth() != Some(0) => {}
                    // What is denied today is denied tomorrow. A bad rule, or a loop, is not the system's failure.
                    Some(std::io::ErrorKind::PermissionDenied) | None => {
                        self.skip(path_of(&error).unwrap_or(self.root), |skipped| skipped.unreadable += 1);
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
            return self.skip(entry.path().parent().unwrap_or(self.root), |skipped| match relative.to_str() {
                Some(_) => skipped.invalid_path += 1,
                None => skipped.not_utf8_path += 1,
            });
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
            Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
                self.skip(entry.path().parent().unwrap_or(self.root), |skipped| skipped.unreadable += 1);
            }
            Err(error) => self.found.failed = Some(format!("{path}: {error}")),
        }
    }

    /// Counts something passed over in `directory`, as far as that has a name.
    fn skip(&mut self, directory: &Path, count: impl FnOnce(&mut Skipped)) {
        let relative = directory.strip_prefix(self.root).ok();
        let directory = relative.and_then(DirPath::from_disk).unwrap_or_else(DirPath::root);
        count(self.found.skips.entry(directory).or_default());
    }
}

/// The path an error is about.
fn path_of(error: &ignore::Error) -> Option<&Path> {
    match error {
        ignore::Error::WithPath { path, .. } => Some(path),
        ignore::Error::WithDepth { err, .. } | ignore::Error::WithLineNumber { err, .. } => path_of(err),
        _ => None,
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
