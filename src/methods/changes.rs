//! `changes`: what happened since an older state of the index.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Depth, History, Lane, Method, Shared};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::Stamp;
use crate::glob::PathFilter;
use crate::index::{Difference, FileEntry, differences};
use crate::indexer;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::watch::{Change, ChangeKind};

/// The method.
pub struct Changes;

/// The params of `changes`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangesParams {
    /// The clock of an earlier answer, or of `ready`.
    pub since: String,
    /// Globs of the paths to tell of; all if absent or empty.
    pub include: Option<Vec<String>>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// How fresh the answer must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// The result of `changes`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ChangesResult {
    /// The state the changes lead to: the next `since`.
    pub clock: String,
    /// Whether `since` is too long ago or of another process: then `changes` is the full list of what there is, all
    /// of it `created`.
    pub fresh: bool,
    /// What changed, by path. A file whose bytes are what they were is not among it.
    pub changes: Vec<Change>,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

impl Method for Changes {
    const NAME: &'static str = "changes";
    const SUMMARY: &'static str = "Tells which files changed since an earlier clock.";
    const EXAMPLE: &'static str = r#"{"since": "the clock of an earlier answer", "include": ["src/**"]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = ChangesParams;
    type Output = ChangesResult;

    fn run(params: ChangesParams, context: &Context) -> Result<ChangesResult> {
        let filter = PathFilter::new(&params.include.unwrap_or_default(), &params.exclude.unwrap_or_default(), true)?;
        let view = context.view(params.consistency, Depth::Contents, params.sync_timeout_ms)?;
        let mut history = context.link.history(&params.since, &context.cancel)?;
        let mut told = describe(&find(&history, &filter), &context.shared, &context.cancel)?;
        for _ in 0..MAX_MOVES {
            if !told.moved {
                break;
            }
            // It is not as this state has it any more: another one is there, or will be in a moment.
            context.view(params.consistency, Depth::Contents, params.sync_timeout_ms)?;
            history = context.link.history(&params.since, &context.cancel)?;
            told = describe(&find(&history, &filter), &context.shared, &context.cancel)?;
        }
        let clock = history.snapshot.clock.to_string();
        Ok(ChangesResult { clock, fresh: history.ticks.is_none(), changes: told.changes, synced: view.synced })
    }
}

/// How often an answer is made anew because a file moved while it was made.
const MAX_MOVES: usize = 3;

/// What changed, and whether some of it changed again while it was looked at.
pub struct Told {
    /// What changed, by path.
    pub changes: Vec<Change>,
    /// Whether a file was not as the state has it any more when it was read for this.
    pub moved: bool,
}

/// What a history comes to, for those who accept some paths: all there is, if it does not reach back.
pub fn find(history: &History, filter: &PathFilter) -> Vec<Difference> {
    if let Some(ticks) = &history.ticks {
        return differences(ticks, &history.snapshot, |path| filter.accepts(path));
    }
    let accepted = history.snapshot.files.iter().filter(|entry| filter.accepts(entry.path.as_str()));
    let new =
        |entry: &Arc<FileEntry>| Difference { path: entry.path.clone(), before: None, after: Some(Arc::clone(entry)) };
    accepted.map(new).collect()
}

/// Describes differences; files that nobody read yet are read.
///
/// # Errors
/// `cancelled`.
pub fn describe(found: &[Difference], shared: &Shared, cancel: &CancelToken) -> Result<Told> {
    let moved = AtomicBool::new(false);
    let one = |difference: &Difference| change(difference, shared, cancel, &moved);
    // A handful is told sooner than other threads are woken.
    let changes: Vec<Option<Change>> = if found.len() < 4 {
        found.iter().map(one).collect()
    } else {
        shared.pool.install(|| found.par_iter().map(one).collect())
    };
    cancel.check()?;
    Ok(Told { changes: changes.into_iter().flatten().collect(), moved: moved.into_inner() })
}

fn change(difference: &Difference, shared: &Shared, cancel: &CancelToken, moved: &AtomicBool) -> Option<Change> {
    let Difference { path, before, after } = difference;
    let Some(after) = after else {
        return Some(deleted(path.clone()));
    };
    if cancel.is_cancelled() {
        return None;
    }
    let Some((stamp, hash)) = state(after, shared, cancel, moved) else {
        // It is gone by now, which the next state will say, too.
        return before.as_ref().map(|_| deleted(path.clone()));
    };
    let kind = match before {
        None => ChangeKind::Created,
        Some(before) => match (before.known().map(|facts| facts.hash), hash) {
            (Some(before), Some(after)) if before == after => return None,
            (None, None) if before.stamp == stamp => return None,
            _ => ChangeKind::Modified,
        },
    };
    Some(described(path.clone(), kind, &stamp, hash))
}

/// A difference to a file whose content is not known, and not to be read now.
pub fn unread(difference: &Difference) -> Option<Change> {
    let after = difference.after.as_ref()?;
    let kind = if difference.before.is_some() { ChangeKind::Modified } else { ChangeKind::Created };
    Some(described(difference.path.clone(), kind, &after.stamp, None))
}

/// What a listed file is, read now if nobody did yet; `None` if it is gone.
fn state(
    entry: &FileEntry,
    shared: &Shared,
    cancel: &CancelToken,
    moved: &AtomicBool,
) -> Option<(Stamp, Option<blake3::Hash>)> {
    let hash = |entry: &FileEntry| entry.known().map(|facts| facts.hash);
    if entry.facts().is_none()
        && let Err(now) = indexer::look(&shared.root, entry, cancel)
    {
        moved.store(true, Ordering::Relaxed);
        return now.map(|now| (now.stamp, hash(&now)));
    }
    Some((entry.stamp, hash(entry)))
}

fn deleted(path: RelPath) -> Change {
    Change { path, kind: ChangeKind::Deleted, size: None, mtime_ms: None, hash: None }
}

fn described(path: RelPath, kind: ChangeKind, stamp: &Stamp, hash: Option<blake3::Hash>) -> Change {
    Change {
        path,
        kind,
        size: Some(stamp.size),
        mtime_ms: Some(stamp.mtime_ms()),
        hash: hash.map(|hash| hash.to_hex().to_string()),
    }
}
