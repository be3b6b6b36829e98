//! `glob`: which files there are.

use std::cmp::Reverse;
use std::sync::Arc;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stat::EntryKind;
use super::{Context, Depth, Lane, Method, Passed, size};
use crate::error::{Error, Result};
use crate::fs::Stamp;
use crate::glob::PathFilter;
use crate::index::{DirectoryEntry, FileEntry, Snapshot};
use crate::path::RelPath;
use crate::protocol::Consistency;

/// The method.
pub struct Glob;

/// The params of `glob`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GlobParams {
    /// Globs of the paths to list; all if empty.
    pub include: Vec<String>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// Whether globs tell upper from lower case.
    #[schemars(extend("default" = true))]
    pub case_sensitive: Option<bool>,
    /// What to tell of each file beside its path.
    pub fields: Option<Vec<GlobField>>,
    /// Whether to list directories, too.
    #[schemars(extend("default" = false))]
    pub directories: Option<bool>,
    /// The order.
    #[schemars(extend("default" = GlobSort::default()))]
    pub sort: Option<GlobSort>,
    /// List at most this many; all, as far as they fit a response, if absent.
    pub limit: Option<u64>,
    /// List what comes behind this path, to go on after a limit.
    pub after: Option<String>,
    /// How fresh the answer must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// Something to tell of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum GlobField {
    /// Bytes.
    Size,
    /// Modification time.
    MtimeMs,
    /// BLAKE3 of the bytes.
    Hash,
    /// File or directory.
    Kind,
}

/// An order of a listing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum GlobSort {
    /// By the bytes of the path.
    #[default]
    Path,
    /// The newest first; by path where that is equal.
    Mtime,
}

/// The result of `glob`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlobResult {
    /// What matches.
    pub files: Vec<GlobFile>,
    /// Whether there is more: the limit, or the length of a response, was reached.
    pub limit_hit: bool,
    /// The state of the index listed.
    pub clock: String,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

/// A file (or directory) of the listing.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GlobFile {
    /// Where it is.
    pub path: RelPath,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Modification time, milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mtime_ms: Option<f64>,
    /// BLAKE3 of the bytes; absent for directories and for files that cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<EntryKind>,
}

/// What a listing lists.
#[derive(Clone, Copy)]
enum Item<'snapshot> {
    File(&'snapshot Arc<FileEntry>),
    Directory(&'snapshot DirectoryEntry),
}

impl Item<'_> {
    fn path(&self) -> &RelPath {
        match self {
            Self::File(entry) => &entry.path,
            Self::Directory(entry) => &entry.path,
        }
    }

    fn stamp(&self) -> &Stamp {
        match self {
            Self::File(entry) => &entry.stamp,
            Self::Directory(entry) => &entry.stamp,
        }
    }
}

impl Method for Glob {
    const NAME: &'static str = "glob";
    const SUMMARY: &'static str = "Lists the files of the workspace that match globs.";
    const EXAMPLE: &'static str =
        r#"{"include": ["src/**/*.tsx"], "exclude": ["*.stories.tsx"], "fields": ["size", "hash"]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = GlobParams;
    type Output = GlobResult;

    fn run(params: GlobParams, context: &Context) -> Result<GlobResult> {
        let exclude = params.exclude.unwrap_or_default();
        let filter = PathFilter::new(&params.include, &exclude, params.case_sensitive.unwrap_or(true))?;
        let after = params.after.as_deref().map(RelPath::parse).transpose()?;
        let sort = params.sort.unwrap_or_default();
        let fields = params.fields.unwrap_or_default();
        let names_suffice = sort == GlobSort::Path && fields.iter().all(|field| *field == GlobField::Kind);
        let depth = if names_suffice { Depth::Names } else { Depth::Contents };
        let view = context.view(params.consistency, depth, params.sync_timeout_ms)?;
        let shared = &context.shared;
        shared.pool.install(|| {
            let passed = shared.filters.passed(&view.snapshot.files, &filter);
            let mut items = matching(&passed, &view.snapshot, &filter, params.directories.unwrap_or_default());
            if sort == GlobSort::Mtime {
                items.par_sort_by_key(|item| Reverse(item.stamp().mtime_ns));
            }
            let start = match &after {
                None => 0,
                Some(after) => behind(&items, after, sort)?,
            };
            let limit = usize::try_from(params.limit.unwrap_or(u64::MAX)).unwrap_or(usize::MAX);
            let (listed, fits) = cut(&items[start..], limit, &fields, context);
            context.cancel.check()?;
            let files = listed.par_iter().map(|item| describe(item, &fields, context)).collect::<Result<Vec<_>>>()?;
            Ok(GlobResult { files, limit_hit: !fits, clock: view.snapshot.clock.to_string(), synced: view.synced })
        })
    }
}

/// What matches, by path.
fn matching<'snapshot>(
    passed: &'snapshot Passed,
    snapshot: &'snapshot Snapshot,
    filter: &PathFilter,
    directories: bool,
) -> Vec<Item<'snapshot>> {
    let files = passed.iter().map(Item::File);
    if !directories {
        return files.collect();
    }
    let directories = directories_of(snapshot, filter).into_iter().map(Item::Directory);
    let mut items: Vec<_> = files.chain(directories).collect();
    items.par_sort_by(|a, b| a.path().cmp(b.path()));
    items
}

/// The directories that pass, by path. What lies outside those that the globs name is not looked at.
fn directories_of<'snapshot>(snapshot: &'snapshot Snapshot, filter: &PathFilter) -> Vec<&'snapshot DirectoryEntry> {
    let all = &snapshot.directories;
    let passes = |entry: &&DirectoryEntry| filter.accepts(entry.path.as_str());
    match filter.within() {
        None => all.par_iter().filter(passes).collect(),
        Some(directories) => {
            let within: Vec<_> = directories.iter().flat_map(|directory| all.beneath(directory)).collect();
            within.into_par_iter().filter(passes).collect()
        }
    }
}

/// Index of the first item behind `after`.
fn behind(items: &[Item<'_>], after: &RelPath, sort: GlobSort) -> Result<usize> {
    match sort {
        GlobSort::Path => Ok(items.partition_point(|item| item.path() <= after)),
        GlobSort::Mtime => match items.iter().position(|item| item.path() == after) {
            Some(at) => Ok(at + 1),
            None => Err(Error::param("after", format!("{after} is not in the listing (any more)"))),
        },
    }
}

/// The first `limit` items, fewer if a response cannot hold them; and whether these are all.
fn cut<'items, 'snapshot>(
    items: &'items [Item<'snapshot>],
    limit: usize,
    fields: &[GlobField],
    context: &Context,
) -> (&'items [Item<'snapshot>], bool) {
    // The names and longest values of all fields.
    let per_item = 16 + fields.len() * 40 + if fields.contains(&GlobField::Hash) { 64 } else { 0 };
    let mut room = size::room(context);
    let count = items
        .iter()
        .take(limit)
        .take_while(|item| {
            let length = size::of_str(item.path().as_str()) + per_item;
            let fits = length <= room;
            room = room.saturating_sub(length);
            fits
        })
        .count();
    (&items[..count], count == items.len())
}

fn describe(item: &Item<'_>, fields: &[GlobField], context: &Context) -> Result<GlobFile> {
    context.cancel.check()?;
    let has = |field| fields.contains(&field);
    let (kind, hash) = match item {
        Item::Directory(_) => (EntryKind::Directory, None),
        Item::File(entry) if has(GlobField::Hash) => (EntryKind::File, context.facts(entry)),
        Item::File(_) => (EntryKind::File, None),
    };
    Ok(GlobFile {
        path: item.path().clone(),
        size: has(GlobField::Size).then_some(item.stamp().size),
        mtime_ms: has(GlobField::MtimeMs).then(|| item.stamp().mtime_ms()),
        hash: hash.map(|facts| facts.hash.to_hex().to_string()),
        kind: has(GlobField::Kind).then_some(kind),
    })
}
