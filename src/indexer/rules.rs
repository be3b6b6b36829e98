//! The ignore rules, asked about one path at a time, and whether they are still what the disk says.
//!
//! Edits of rule files inside the tree arrive as changes like any other; those outside of it (above the root,
//! the user's own, `.git/info/exclude`) are compared by their stamps before each use.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::env;
use std::path::{Path, PathBuf};

use ignore::IncrementalIgnore;

use super::walk::{Walker, directory_is_sane};
use crate::fs::{Stamp, git_text, rule_file, rules_stamp};
use crate::path::{DirPath, RelPath};

/// Names of files whose rules a walk applies.
pub(super) const IGNORE_FILES: [&str; 3] = [".gitignore", ".ignore", ".rgignore"];

/// Whether an edit of something with this name may change what is ignored beneath the directory it lies in.
pub(super) fn is_rule_file(name: &str) -> bool {
    name == ".git" || IGNORE_FILES.contains(&name)
}

/// The rules as they were loaded, directory by directory, when they were first asked for.
pub(super) struct Rules {
    root: PathBuf,
    /// None before the rules were loaded.
    matcher: Option<IncrementalIgnore>,
    /// Whether the rule files of a directory may be read at all.
    sane: HashMap<DirPath, bool>,
    /// Rule files outside the watched tree, each with the directory whose listing depends on it.
    sources: BTreeMap<PathBuf, Source>,
    /// Directories with something named `.git`, and those with a rule file that is a symbolic link.
    places: BTreeSet<DirPath>,
    /// Directories that are not watched: nothing tells that their rule files change.
    unwatched: BTreeSet<DirPath>,
}

struct Source {
    stamp: Option<Stamp>,
    scope: DirPath,
}

impl Rules {
    /// Rules of which nothing is known before [`Self::reload`].
    pub(super) fn new(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
            matcher: None,
            sane: HashMap::new(),
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
            source.stamp = rules_stamp(path);
        }
        self.forget(walker);
    }

    /// Notes what outside the tree decides about a directory's listing.
    pub(super) fn look_for_sources(&mut self, directory: &DirPath) {
        let at = self.root.join(directory.as_path());
        let is_link = |path: &PathBuf| rule_file(path, u64::MAX).is_some_and(|file| file.is_link);
        let links: Vec<PathBuf> = IGNORE_FILES.iter().map(|name| at.join(name)).filter(is_link).collect();
        let exclude = exclude_files(&at);
        if links.is_empty() && exclude.is_empty() {
            return;
        }
        self.places.insert(directory.clone());
        for path in links.into_iter().chain(exclude) {
            self.add_source(path, directory.clone());
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
        let stamp = rules_stamp(&path);
        self.sources.entry(path).or_insert(Source { stamp, scope });
    }

    /// The directories whose rules outside the tree are not what they were.
    pub(super) fn moved_sources(&self) -> BTreeSet<DirPath> {
        let moved = self.sources.iter().filter(|(path, source)| rules_stamp(path) != source.stamp);
        moved.map(|(_, source)| source.scope.clone()).collect()
    }

    /// Whether a walk would pass over `path`, or never come to it.
    pub(super) fn ignore(&mut self, path: &RelPath, is_directory: bool) -> bool {
        let itself = is_directory.then(|| path.as_str());
        if std::iter::once("").chain(path.ancestors()).chain(itself).any(|directory| !self.is_sane(directory)) {
            return true;
        }
        self.matcher.as_mut().is_some_and(|matcher| matcher.matched(path.as_path(), is_directory).is_ignore())
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

/// Files outside the root whose rules, or settings, apply to all of it.
fn outer_sources(root: &Path) -> Vec<PathBuf> {
    let mut sources = Vec::new();
    for above in root.ancestors().skip(1) {
        sources.extend(IGNORE_FILES.iter().map(|name| above.join(name)));
        sources.push(above.join(".git"));
        sources.extend(exclude_files(above));
    }
    // Where git keeps its settings, which may name a file of excludes.
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    sources.extend(variable("GIT_CONFIG_GLOBAL"));
    sources.push(variable("GIT_CONFIG_SYSTEM").unwrap_or_else(|| "/etc/gitconfig".into()));
    let home = env::home_dir();
    sources.extend(home.iter().map(|home| home.join(".gitconfig")));
    let config = variable("XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
    sources.extend(config.map(|config| config.join("git/config")));
    sources.extend(ignore::gitignore::gitconfig_excludes_path());
    sources
}

/// What decides about a repository's own excludes: the file, and, where `.git` is a file that points elsewhere (a
/// worktree, a submodule), what leads to it.
fn exclude_files(directory: &Path) -> Vec<PathBuf> {
    let git = directory.join(".git");
    let Some(text) = git_text(&git) else {
        return if rules_stamp(&git).is_some() { vec![exclude(&git)] } else { vec![] };
    };
    let Some(there) = text.lines().next().and_then(|line| line.strip_prefix("gitdir: ")) else { return vec![git] };
    let common = Path::new(there).join("commondir");
    let place = git_text(&common).and_then(|text| Some(Path::new(there).join(text.lines().next()?)));
    [git, common].into_iter().chain(place.map(|place| exclude(&place))).collect()
}

fn exclude(git: &Path) -> PathBuf {
    git.join("info/exclude")
}
