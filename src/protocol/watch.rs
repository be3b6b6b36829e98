//! Changes: what `changes` and `changed` tell.

use schemars::JsonSchema;
use serde::Serialize;

use crate::path::RelPath;

/// How changes are noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum WatchMode {
    /// By the operating system's own means.
    #[default]
    Native,
    /// By walking the tree again and again.
    Poll,
    /// Not at all: synced answers walk the tree.
    Off,
}

/// A file that is not what it was. A rename is a deletion and a creation with the same hash.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Where it is, or was.
    pub path: RelPath,
    /// What happened to it.
    pub kind: ChangeKind,
    /// Bytes; absent for a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Modification time, milliseconds since 1970; absent for a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime_ms: Option<f64>,
    /// BLAKE3 of the bytes; absent for a deletion, for a file that cannot be read, and in an event for a large one that
    /// was not read yet: another event tells it then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// What happened to a file, from the first of the states compared to the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is there now.
    Created,
    /// Its bytes are other ones.
    Modified,
    /// It is there no more.
    Deleted,
}

/// What a subscription tells: after `settleMs` of quiet; while changes go on, after a second (or after `settleMs`, if
/// that is longer).
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChangedData")]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// Whose.
    pub subscription: String,
    /// The state of the index the changes lead to.
    pub clock: String,
    /// Whether `changes` is the full list of what there is, all of it `created`: it replaces what was told before.
    pub fresh: bool,
    /// What changed, by path.
    pub changes: Vec<Change>,
    /// Whether the full list did not fit a line and was left out; `glob` has it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub limit_hit: bool,
}
