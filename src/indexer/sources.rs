//! Files that decide about listings and are not part of the watched tree: which they are, and whether they moved.

use std::env;
use std::path::{Path, PathBuf};

use super::rules::IGNORE_FILES;
use crate::fs::{Stamp, git_text, now_ns, rule_file, rules_hash, rules_stamp};

/// What such a file looked like. One so new that an edit might leave the same stamp is known by its content.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    stamp: Option<Stamp>,
    hash: Option<blake3::Hash>,
}

impl Seen {
    /// What the file at `path` looks like now.
    pub(super) fn of(path: &Path) -> Self {
        let stamp = rules_stamp(path);
        let racy = stamp.is_some_and(|stamp| stamp.is_racy(now_ns()));
        // The stamp is the older of the two: an edit in between shows in it.
        Self { stamp, hash: racy.then(|| rules_hash(path)).flatten() }
    }

    /// Whether the file at `path` still is what it was.
    pub(super) fn holds(&mut self, path: &Path) -> bool {
        let now = Self::of(path);
        let same =
            now.stamp == self.stamp && (self.hash.is_none() || self.hash == now.hash.or_else(|| rules_hash(path)));
        if same && now.hash.is_none() {
            // From here on the stamp tells.
            self.hash = None;
        }
        same
    }
}

/// Those that decide about the listing of the directory at `at`: its rules that are links, and, where it is a
/// repository, what leads to the repository's own excludes.
pub(super) fn sources_of(at: &Path) -> Vec<PathBuf> {
    let is_link = |path: &PathBuf| rule_file(path, u64::MAX).is_some_and(|file| file.is_link);
    let links = IGNORE_FILES.iter().map(|name| at.join(name)).filter(is_link);
    links.chain(exclude_files(at)).collect()
}

/// Files outside the root whose rules, or settings, apply to all of it.
pub(super) fn outer_sources(root: &Path) -> Vec<PathBuf> {
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

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "tests make and change files")]

    use std::fs;

    use super::*;

    #[test]
    fn an_edit_that_leaves_the_stamp_is_seen() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("exclude");
        fs::write(&path, "a").unwrap();
        let mut seen = Seen::of(&path);
        assert!(seen.holds(&path) && seen.hash.is_some(), "it is as new as the look at it");
        let mut other = Seen { hash: Some(blake3::hash(b"b")), ..seen.clone() };
        assert!(!other.holds(&path));
        fs::write(&path, "ab").unwrap();
        assert!(!seen.holds(&path));
        fs::remove_file(&path).unwrap();
        let mut none = Seen::of(&path);
        assert!(none.holds(&path) && !seen.holds(&path));
    }

    #[test]
    fn what_happens_in_a_directory_is_nothing_about_it() {
        let directory = tempfile::tempdir().unwrap();
        let git = directory.path().join(".git");
        fs::create_dir(&git).unwrap();
        let mut seen = Seen::of(&git);
        fs::write(git.join("index.lock"), "").unwrap();
        assert!(seen.holds(&git));
        fs::remove_dir_all(&git).unwrap();
        assert!(!seen.clone().holds(&git), "it is gone");
        fs::write(&git, "gitdir: elsewhere\n").unwrap();
        assert!(!seen.holds(&git), "a file took its place");
    }
}
