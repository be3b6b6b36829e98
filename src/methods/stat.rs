//! `stat`: what is at some paths, as it is now.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Depth, IndexState, Lane, Method, size};
use crate::error::{Code, Error, Result};
use crate::fs::Kind;
use crate::index::Snapshot;
use crate::path::RelPath;

/// The method.
pub struct Stat;

/// The params of `stat`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatParams {
    /// The paths to look at. Symbolic links at their end are not followed.
    pub paths: Vec<String>,
}

/// The result of `stat`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct StatResult {
    /// One for every path, in the same order.
    pub entries: Vec<StatEntry>,
}

/// What is at a path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum StatEntry {
    /// Something.
    Found(Found),
    /// Nothing that can be looked at.
    Failed(FailedPath),
}

/// Something at a path.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "FoundPath")]
pub struct Found {
    /// The path asked for.
    pub path: RelPath,
    /// What is there.
    pub kind: EntryKind,
    /// Bytes.
    pub size: u64,
    /// Modification time, milliseconds since 1970.
    pub mtime_ms: f64,
    /// BLAKE3 of the bytes, where the index holds it for exactly this state of the file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// Whether the index lists it.
    pub indexed: bool,
}

/// A path that failed, with why.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FailedPath {
    /// The path as it was given.
    pub path: String,
    /// What went wrong.
    pub error: Error,
}

/// What a path can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link.
    Symlink,
}

impl Method for Stat {
    const NAME: &'static str = "stat";
    const SUMMARY: &'static str = "Looks at paths on disk, ignored ones too.";
    const EXAMPLE: &'static str = r#"{"paths": ["README.md", "dist/bundle.js"]}"#;
    const LANE: Lane = Lane::Quick;
    type Params = StatParams;
    type Output = StatResult;

    fn run(params: StatParams, context: &Context) -> Result<StatResult> {
        let mut entries = Vec::with_capacity(params.paths.len());
        // Until the first walk is done, nothing is known of what is listed.
        let snapshot = match context.server.state {
            IndexState::Scanning => context.sync(Depth::Names, None)?.snapshot,
            _ => Arc::clone(&context.snapshot),
        };
        let mut room = size::room(context);
        for path in params.paths {
            context.cancel.check()?;
            // The path comes back, perhaps with an error that quotes it again.
            let length = 2 * size::of_str(&path).min(5000) + size::of_str(&path) + 100;
            room = room.checked_sub(length).ok_or_else(|| {
                let max = context.shared.config.limits.max_response_bytes;
                Error::new(Code::ResponseTooLarge, format!("so many paths do not fit a response of {max} bytes"))
                    .with("maxResponseBytes", max)
            })?;
            entries.push(match stat(&path, &snapshot, context) {
                Ok(found) => StatEntry::Found(found),
                Err(error) => StatEntry::Failed(FailedPath { path, error }),
            });
        }
        Ok(StatResult { entries })
    }
}

fn stat(path: &str, snapshot: &Snapshot, context: &Context) -> Result<Found> {
    let path = RelPath::parse(path)?;
    let (kind, stamp) = context.shared.root.stat(&path)?;
    let entry = snapshot.file(&path);
    let kind = match kind {
        Kind::File => EntryKind::File,
        Kind::Directory => EntryKind::Directory,
        Kind::Symlink => EntryKind::Symlink,
        Kind::Other => {
            return Err(Error::new(Code::NotAFile, format!("{path}: it is a FIFO, a socket or a device")));
        }
    };
    let indexed = match kind {
        EntryKind::File => entry.is_some(),
        EntryKind::Directory => snapshot.directory(&path).is_some(),
        EntryKind::Symlink => false,
    };
    let hash = entry
        .filter(|_| kind == EntryKind::File)
        .and_then(|entry| entry.known_under(&stamp))
        .map(|facts| facts.hash.to_hex().to_string());
    Ok(Found { path, kind, size: stamp.size, mtime_ms: stamp.mtime_ms(), hash, indexed })
}
