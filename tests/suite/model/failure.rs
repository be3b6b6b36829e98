//! What went wrong.

use std::fmt;

use crate::referee::Contents;

/// What an answer was wrong about: a list of operations that is cut shorter has to fail in the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Aspect {
    Listing,
    Search,
    Stat,
    /// `sync` with paths.
    Paths,
    Changes,
    Events,
    Clock,
    /// No synced answer was to be had.
    Unsynced,
    /// The conversation itself.
    Protocol,
}

/// A divergence.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) aspect: Aspect,
    pub(crate) what: String,
}

impl Failure {
    pub(crate) fn new(aspect: Aspect, what: impl Into<String>) -> Self {
        Self { aspect, what: what.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.aspect, self.what)
    }
}

const SHOWN: usize = 10;

/// The first paths that differ; nothing if none do.
pub(crate) fn differences(have: &Contents, want: &Contents) -> Option<String> {
    if have == want {
        return None;
    }
    let short = |hash: Option<&String>| hash.map_or("nothing".to_owned(), |hash| hash.chars().take(12).collect());
    let mut paths: Vec<&String> = have.keys().chain(want.keys()).collect();
    paths.sort();
    paths.dedup();
    paths.retain(|path| have.get(*path) != want.get(*path));
    let shown = paths
        .iter()
        .take(SHOWN)
        .map(|path| format!("\n  {path}: have {}, want {}", short(have.get(*path)), short(want.get(*path))));
    let more = paths.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    Some(format!("{} paths differ{}{more}", paths.len(), shown.collect::<String>()))
}
