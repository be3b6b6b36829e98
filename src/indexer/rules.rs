//! The ignore rules, asked about one path at a time, and whether they are still what the disk says.
//!
//! Edits of rule files inside the tree arrive as changes like any other; those outside of it (above the root,
//! the user's own, `.git/info/exclude`) are compared by their stamps before each use.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use ignore::IncrementalIgnore;

use super::sources::{Seen, outer_sources, sources_of};
use super::walk::{Walker, directory_is_sane};
use crate::path::{DirPath, RelPath};

/// Names of files whose rules a walk applies.
pub(super) const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".rgignore"];

/// So many directories may be gone without their rules being forgotten.
const MAX_GONE: usize = 10_000;

/// The rules as they were loaded, directory by directory, when they were first asked for.
pub(super) struct Rules {
    root: PathBuf,
    /// None before the rules were loaded.
    matcher: Option<IncrementalIgnore>,
    /// Whether the rule files of a directory may be read at all: of each whose rules were loaded.
    sane: BTreeMap<DirPath, bool>,
    /// Rule files outside the watched tree, each with the directory whose listing depends on it.
    sources: BTreeMap<PathBuf, Source>,
    /// Directories with something named `.git`, and those with a rule file that is a symbolic link.
    places: BTreeSet<DirPath>,
    /// Directories that are not watched: nothing tells that their rule files change.
    unwatched: BTreeSet<DirPath>,
}

struct Source {
    seen: Seen,
    scope: DirPath,
}

impl Rules {
    /// Rules of which nothing is known before [`Self::reload`].
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            matcher: None,
            sane: BTreeMap::new(),
            sources: BTreeMap::new(),
            places: BTreeSet::new(),
            unwatched: BTreeSet::new(),
        }
    }

    /// Forgets what was loaded: the next questions are answered by the rules as they are then. That those outside the
    /// tree moved stays to be noticed.
    pub(super) fn forget(&mut self, walker: &Walker) {
        self.sane.clear();
        self.matcher = walker.matcher();
    }

    /// As [`Self::forget`], if most of what was loaded is of directories that are not among the `directories` there are:
    /// nothing else lets go of what belonged to those that came and went.
    pub(super) fn forget_the_gone(&mut self, directories: usize, walker: &Walker) {
        if self.sane.len() > 2 * directories + MAX_GONE {
            self.forget(walker);
        }
    }

    /// As [`Self::forget`], before everything is listed again: what moved so far needs no notice any more.
    pub(super) fn reload(&mut self, walker: &Walker) {
        self.sources.clear();
        // The stamps come first: an edit right after them is noticed at the next comparison.
        for path in outer_sources(&self.root) {
            self.add_source(path, DirPath::root());
        }
        for place in std::mem::take(&mut self.places) {
            self.look_for_sources(&place);
        }
        self.look_for_sources(&DirPath::root());
        for directory in std::mem::take(&mut self.unwatched) {
            self.compare_files_of(directory);
        }
        self.forget(walker);
    }

    /// As [`Self::forget`], before just these directories are listed again.
    pub(super) fn reload_those_of(&mut self, scopes: &BTreeSet<DirPath>, walker: &Walker) {
        for (path, source) in self.sources.iter_mut().filter(|(_, source)| scopes.contains(&source.scope)) {
            source.seen = Seen::of(path);
        }
        self.forget(walker);
    }

    /// Notes what outside the tree decides about a directory's listing.
    pub(super) fn look_for_sources(&mut self, directory: &DirPath) {
        let sources = sources_of(&self.root.join(directory.as_path()));
        self.note_sources(directory, sources.into_iter().map(|path| (Seen::of(&path), path)).collect());
    }

    /// As [`Self::look_for_sources`], of which it is known what they looked like before they were read.
    pub(super) fn note_sources(&mut self, directory: &DirPath, sources: Vec<(Seen, PathBuf)>) {
        if !sources.is_empty() {
            self.places.insert(directory.clone());
        }
        for (seen, path) in sources {
            self.sources.entry(path).or_insert(Source { seen, scope: directory.clone() });
        }
    }

    /// The rule files of a directory are to be compared like those outside the tree: it is not watched.
    pub(super) fn compare_files_of(&mut self, directory: DirPath) {
        for name in IGNORE_FILES {
            self.add_source(self.root.join(directory.as_path()).join(name), directory.clone());
        }
        self.unwatched.insert(directory);
    }

    /// All directories are watched, as far as is known.
    pub(super) fn compare_no_files(&mut self) {
        self.unwatched.clear();
    }

    fn add_source(&mut self, path: PathBuf, scope: DirPath) {
        let seen = Seen::of(&path);
        self.sources.entry(path).or_insert(Source { seen, scope });
    }

    /// The directories whose rules outside the tree are not what they were.
    pub(super) fn moved_sources(&mut self) -> BTreeSet<DirPath> {
        let moved =
            self.sources.iter_mut().filter_map(|(path, source)| (!source.seen.holds(path)).then_some(&source.scope));
        moved.cloned().collect()
    }

    /// Whether a walk would pass over `path`, or never come to it.
    pub(super) fn ignore(&mut self, path: &RelPath, is_directory: bool) -> bool {
        let itself = is_directory.then(|| path.as_str());
        if std::iter::once("").chain(path.ancestors()).chain(itself).any(|directory| !self.is_sane(directory)) {
            return true;
        }
        self.matcher.as_mut().is_some_and(|matcher| matcher.matched(path.as_path(), is_directory).is_ignore())
    }

    /// Whether anything was loaded for a directory or beneath it.
    pub(super) fn knows(&self, directory: &DirPath) -> bool {
        let from = self.sane.range::<str, _>((Bound::Included(directory.as_str()), Bound::Unbounded));
        // Between a directory and what lies in it there may be others, such as `a.b` between `a` and `a/b`.
        from.map(|(known, _)| known.as_str())
            .take_while(|known| known.starts_with(directory.as_str()))
            .any(|known| known == directory.as_str() || directory.is_above(known))
    }

    fn is_sane(&mut self, directory: &str) -> bool {
        if let Some(sane) = self.sane.get(directory) {
            return *sane;
        }
        let sane = directory_is_sane(&self.root.join(directory));
        self.sane.insert(DirPath::from_disk(Path::new(directory)).unwrap_or_else(DirPath::root), sane);
        sane
    }
}
