//! `findFiles`: which files somebody means by some letters of their paths.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Context, Depth, Lane, Method, size};
use crate::error::Result;
use crate::fuzzy::{self, Hit, Query, Scorer};
use crate::glob::PathFilter;
use crate::path::RelPath;
use crate::protocol::Consistency;

/// The method.
pub struct FindFiles;

/// The params of `findFiles`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FindFilesParams {
    /// Letters of the path, in their order, others between them or not; spaces separate pieces that are each found
    /// anywhere. A `/` (or a backslash) stands for a `/` of the path. Case makes no difference, but that files in the
    /// case of a piece with an upper-case letter come first. Without letters, files are listed by path. At most 1024
    /// characters.
    pub query: String,
    /// List at most this many.
    #[schemars(extend("default" = DEFAULT_LIMIT))]
    pub limit: Option<u64>,
    /// Globs of the paths to find; all if absent or empty.
    pub include: Option<Vec<String>>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// How fresh the answer must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// The result of `findFiles`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FindFilesResult {
    /// What was found, the best first: letters in the file name before letters in the folders; the whole name, or its
    /// beginning, before others; letters at the beginnings of words, and in a row, before scattered ones. Among equals
    /// the shorter path comes first, then it goes by the bytes of the path.
    pub files: Vec<FoundFile>,
    /// Whether there is more: the limit, or the length of a response, was reached.
    pub limit_hit: bool,
    /// The state of the index searched.
    pub clock: String,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

/// A file that was found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FoundFile {
    /// Where it is.
    pub path: RelPath,
    /// The higher, the better; to be compared with scores of the same query alone.
    pub score: u64,
    /// Where the letters of the query stand in `path`: UTF-16 indices, ascending, each once.
    pub positions: Vec<u32>,
}

const DEFAULT_LIMIT: u64 = 100;

impl Method for FindFiles {
    const NAME: &'static str = "findFiles";
    const SUMMARY: &'static str = "Finds files by some letters of their paths, as an editor's go-to-file does.";
    const EXAMPLE: &'static str = r#"{"query": "comp/ordform", "limit": 20}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = FindFilesParams;
    type Output = FindFilesResult;

    fn run(params: FindFilesParams, context: &Context) -> Result<FindFilesResult> {
        let query = Query::parse(&params.query)?;
        let filter = PathFilter::new(&params.include.unwrap_or_default(), &params.exclude.unwrap_or_default(), true)?;
        let limit = usize::try_from(params.limit.unwrap_or(DEFAULT_LIMIT)).unwrap_or(usize::MAX);
        let view = context.view(params.consistency, Depth::Names, params.sync_timeout_ms)?;
        let shared = &context.shared;
        shared.pool.install(|| {
            let passed = shared.filters.passed(&view.snapshot.files, &filter);
            let files: Vec<_> = passed.iter().collect();
            let ranking = fuzzy::rank(&query, &files, |file| file.path.as_str(), limit, &context.cancel)?;
            let path = |hit: &Hit| &files[hit.index].path;
            let fitting = fitting(ranking.hits.iter().map(path), query.letters(), size::room(context));
            let describe = |scorer: &mut Scorer<'_>, hit: &Hit| {
                context.cancel.check()?;
                let path = path(hit).clone();
                let positions = scorer.positions(path.as_str());
                Ok(FoundFile { path, score: hit.score, positions })
            };
            let found = ranking.hits[..fitting].par_iter().map_init(|| Scorer::new(&query), describe);
            Ok(FindFilesResult {
                files: found.collect::<Result<_>>()?,
                limit_hit: ranking.more || fitting < ranking.hits.len(),
                clock: view.snapshot.clock.to_string(),
                synced: view.synced,
            })
        })
    }
}

/// How many of the first files a response has room for.
fn fitting<'paths>(paths: impl Iterator<Item = &'paths RelPath>, letters: usize, mut room: usize) -> usize {
    let fits = |path: &&RelPath| {
        let length = json_bound(path, letters);
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    };
    paths.take_while(fits).count()
}

/// An upper bound of the length of a [`FoundFile`] as JSON.
fn json_bound(path: &RelPath, letters: usize) -> usize {
    // Field names and the longest score; an index has no more digits than the length of the path.
    let length = path.as_str().len();
    let digits = length.checked_ilog10().unwrap_or_default() as usize + 1;
    size::of_str(path.as_str()) + 60 + letters.min(length) * (digits + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_holds() {
        for path in ["a", "a/\t\"é😀", &"0123456789".repeat(10), &"x".repeat(32 * 1024)] {
            let path = RelPath::parse(path).unwrap();
            let length = path.as_str().len() as u32;
            for letters in [0, 1, length / 2, length] {
                let file = FoundFile {
                    path: path.clone(),
                    score: (1 << 53) - 1,
                    positions: (length - letters..length).collect(),
                };
                let written = serde_json::to_string(&file).unwrap().len() + ",".len();
                assert!(written <= json_bound(&path, letters as usize), "{letters} of {length}");
            }
        }
    }
}
