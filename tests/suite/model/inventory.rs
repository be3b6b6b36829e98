//! What is where after a list of operations: what the next ones are chosen from. Never what an answer is
//! compared with; that is the disk.

use std::collections::BTreeMap;

use crate::model::operation::{NewFile, Node, Operation, is_apart, many};
use crate::random::Random;

/// What is at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `linked`: it may have another name.
    File {
        linked: bool,
    },
    Directory,
    Link,
}

const FILE: Kind = Kind::File { linked: false };

/// Everything in the workspace, ignored or not, but for `.git`; and what was moved out.
#[derive(Default)]
pub(crate) struct Inventory {
    entries: BTreeMap<String, Kind>,
}

impl Inventory {
    pub(crate) fn kind(&self, path: &str) -> Option<Kind> {
        self.entries.get(path).copied()
    }

    /// Paths within the workspace that `wanted` takes.
    pub(crate) fn all(&self, wanted: impl Fn(&str, Kind) -> bool) -> Vec<&str> {
        self.entries
            .iter()
            .filter(|(path, kind)| !is_apart(path) && wanted(path, **kind))
            .map(|(path, _)| path.as_str())
            .collect()
    }

    /// One of those, if there are any.
    pub(crate) fn pick(&self, random: &mut Random, wanted: impl Fn(&str, Kind) -> bool) -> Option<String> {
        let all = self.all(wanted);
        (!all.is_empty()).then(|| random.pick(&all).to_owned())
    }

    pub(crate) fn file(&self, random: &mut Random) -> Option<String> {
        self.pick(random, |_, kind| matches!(kind, Kind::File { .. }))
    }

    /// A directory, or the root, as what goes before a name: empty or with a `/` at its end.
    pub(crate) fn place(&self, random: &mut Random) -> String {
        let all = self.all(|_, kind| kind == Kind::Directory);
        match random.below(all.len() + 1) {
            0 => String::new(),
            at => format!("{}/", all[at - 1]),
        }
    }

    /// What was moved out.
    pub(crate) fn stashed(&self, random: &mut Random) -> Option<String> {
        let all: Vec<&str> = self
            .entries
            .keys()
            .filter_map(|path| path.strip_prefix("../stash/"))
            .filter(|path| !path.contains('/'))
            .collect();
        (!all.is_empty()).then(|| format!("../stash/{}", random.pick(&all)))
    }

    /// A file in what was moved out, with no other name in the workspace.
    pub(crate) fn stashed_file(&self, random: &mut Random) -> Option<String> {
        let of_stash = self.entries.iter().filter(|(path, kind)| path.starts_with("../stash/") && **kind == FILE);
        let all: Vec<&str> = of_stash.map(|(path, _)| path.as_str()).collect();
        (!all.is_empty()).then(|| random.pick(&all).to_owned())
    }

    /// Files in the workspace.
    pub(crate) fn files(&self) -> usize {
        self.all(|_, kind| matches!(kind, Kind::File { .. })).len()
    }

    /// Whether [`many`] files can be written there.
    pub(crate) fn holds_many(&self, directory: &str, count: usize) -> bool {
        let fits = |path: &str, wanted: fn(Kind) -> bool| self.kind(path).is_none_or(wanted);
        fits(directory, |kind| kind == Kind::Directory)
            && many(directory, count).all(|path| {
                fits(&path, |kind| matches!(kind, Kind::File { .. }))
                    && fits(parent(&path), |kind| kind == Kind::Directory)
            })
    }

    /// Takes in what an operation does.
    pub(crate) fn note(&mut self, operation: &Operation) {
        match operation {
            Operation::Create { path, .. } | Operation::AtomicSave { path, .. } => self.insert(path, FILE),
            Operation::Rules { path, .. } if self.kind(path).is_none() && path != "../.ignore" => {
                self.insert(path, FILE);
            }
            Operation::Rename { from, to } => self.rename(from, to),
            Operation::Delete { path } | Operation::DeleteTree { path } => self.remove(path),
            Operation::MakeTree { files } => self.make(files),
            Operation::Replace { path, by } => {
                self.remove(path);
                match by {
                    Node::File(_) => self.insert(path, FILE),
                    Node::Link(_) => self.insert(path, Kind::Link),
                    Node::Directory(files) => {
                        self.insert(path, Kind::Directory);
                        self.make(files);
                    }
                }
            }
            Operation::HardLink { from, to } => {
                self.insert(from, Kind::File { linked: true });
                self.insert(to, Kind::File { linked: true });
            }
            Operation::WriteMany { directory, count, .. } => {
                many(directory, *count).for_each(|path| {
                    if self.kind(&path).is_none() {
                        self.insert_with_parents(&path);
                    }
                });
            }
            Operation::DeleteMany { directory, count } => {
                for path in many(directory, *count) {
                    if matches!(self.kind(&path), Some(Kind::File { .. })) {
                        self.remove(&path);
                    }
                }
            }
            Operation::RecreateRoot { files, .. } => {
                self.entries.retain(|path, _| path.starts_with("../"));
                self.make(files);
            }
            Operation::Rules { .. }
            | Operation::Write { .. }
            | Operation::Append { .. }
            | Operation::Grow { .. }
            | Operation::Truncate { .. }
            | Operation::EditUnnoticeably { .. }
            | Operation::Rewrite { .. }
            | Operation::SetTime { .. }
            | Operation::Chmod { .. } => {}
        }
    }

    fn insert(&mut self, path: &str, kind: Kind) {
        // `.git` is not for picking.
        if !path.starts_with(".git/") {
            self.entries.insert(path.to_owned(), kind);
        }
    }

    fn insert_with_parents(&mut self, path: &str) {
        for (at, _) in path.match_indices('/') {
            if &path[..at] != ".." && &path[..at] != "../stash" {
                self.insert(&path[..at], Kind::Directory);
            }
        }
        self.insert(path, FILE);
    }

    fn make(&mut self, files: &[NewFile]) {
        for file in files {
            self.insert_with_parents(&file.path);
        }
    }

    fn remove(&mut self, path: &str) {
        self.take(path);
    }

    /// Removes and returns what is at `path` and beneath.
    fn take(&mut self, path: &str) -> Vec<(String, Kind)> {
        // `/` is followed by `0`.
        let beneath = self.entries.range(format!("{path}/")..format!("{path}0")).map(|(path, _)| path.clone());
        let paths: Vec<String> = std::iter::once(path.to_owned()).chain(beneath).collect();
        paths.into_iter().filter_map(|path| self.entries.remove_entry(&path)).collect()
    }

    fn rename(&mut self, from: &str, to: &str) {
        let moved = self.take(from);
        self.remove(to);
        for (path, kind) in moved {
            self.insert(&format!("{to}{}", &path[from.len()..]), kind);
        }
    }
}

/// The directory a path lies in.
pub(crate) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}
