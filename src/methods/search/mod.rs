//! `search`: which lines of which files match.

mod collect;
mod excerpts;
mod found;
mod scan;
mod select;

use std::time::Instant;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::collect::{Collector, Output};
use self::scan::search_all;
use self::select::{Selection, binary_files};
use super::{Context, Depth, Lane, Method, size};
use crate::error::Result;
use crate::glob::PathFilter;
use crate::protocol::Consistency;
use crate::protocol::frame;
use crate::protocol::items::Items;
use crate::protocol::search::SearchFile;
use crate::search::{CaseMode, FileOptions, Mode, Query, QueryOptions};
use crate::trigram::Plan;

/// The method.
pub struct Search;

/// The params of `search`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SearchParams {
    /// What to look for.
    pub pattern: String,
    /// Whether the pattern is a regular expression (the `regex` crate's syntax).
    #[schemars(extend("default" = false))]
    pub regex: Option<bool>,
    /// Whether upper and lower case differ. `"smart"`: only if the pattern has an upper-case letter.
    #[schemars(extend("default" = true))]
    pub case_sensitive: Option<CaseSensitive>,
    /// Whether a match must stand between word boundaries.
    #[schemars(extend("default" = false))]
    pub whole_word: Option<bool>,
    /// Whether a match may span lines.
    #[schemars(extend("default" = false))]
    pub multiline: Option<bool>,
    /// Globs of the paths to search; all if absent or empty.
    pub include: Option<Vec<String>>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// Lines of context before each line with a match.
    #[schemars(extend("default" = 0))]
    pub context_before: Option<u64>,
    /// Lines of context after each line with a match.
    #[schemars(extend("default" = 0))]
    pub context_after: Option<u64>,
    /// Report at most this many matches. A cut is always the first ones in path order.
    #[schemars(extend("default" = DEFAULT_MAX_MATCHES))]
    pub max_matches: Option<u64>,
    /// Report at most this many matches of one file.
    pub max_matches_per_file: Option<u64>,
    /// Cut the text of longer lines to this many UTF-16 code units.
    #[schemars(extend("default" = DEFAULT_MAX_LINE_LENGTH))]
    pub max_line_length: Option<u64>,
    /// What to report.
    #[schemars(extend("default" = Mode::default()))]
    pub mode: Option<Mode>,
    /// Whether to send the files as `partial` events while they are found.
    #[schemars(extend("default" = false))]
    pub stream: Option<bool>,
    /// Whether an index may narrow what is read. The results are the same.
    #[schemars(extend("default" = true))]
    pub use_index: Option<bool>,
    /// How fresh the answer must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// `true`, `false` or `"smart"`.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected true, false or \"smart\"")]
pub enum CaseSensitive {
    /// Whether case differs.
    Fixed(bool),
    /// It depends on the pattern.
    Smart(Smart),
}

/// `"smart"`
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Smart {
    /// Case differs only if the pattern has an upper-case letter.
    Smart,
}

/// The result of `search`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchResult {
    /// The files with matches, by path; empty when they were streamed.
    pub files: Vec<SearchFile>,
    /// The items of `files`, which are encoded where they are found.
    #[serde(skip)]
    encoded: Items,
    /// How many files are reported.
    pub file_count: u64,
    /// How many matches are reported (in mode `files`: one for each file).
    pub match_count: u64,
    /// Whether there is more than is reported.
    pub limit_hit: bool,
    /// What it took.
    pub stats: SearchStats,
    /// The state of the index searched.
    pub clock: String,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

/// What a search took.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchStats {
    /// Files that `include` and `exclude` leave.
    pub files_considered: u64,
    /// Of these, files that may match as far as the index tells; without it, all.
    pub candidates: u64,
    /// Candidates whose content was searched, up to where the search ended.
    pub files_scanned: u64,
    /// Binary files passed over.
    pub binary_skipped: u64,
    /// Files above `limits.maxFileBytes` passed over.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    pub too_large_skipped: u64,
    /// Files that could not be read.
    #[serde(skip_serializing_if = "is_zero")]
    #[schemars(default)]
    pub unreadable_skipped: u64,
    /// Whether an index narrowed what was read.
    pub indexed: bool,
    /// Milliseconds, waiting for freshness included.
    pub elapsed_ms: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

const DEFAULT_MAX_MATCHES: u64 = 10_000;
const DEFAULT_MAX_LINE_LENGTH: u64 = 1000;

impl Method for Search {
    const NAME: &'static str = "search";
    const SUMMARY: &'static str = "Searches the content of the workspace's text files.";
    const EXAMPLE: &'static str = r#"{"pattern": "useBoard", "wholeWord": true, "include": ["src/**/*.{ts,tsx}"]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = SearchParams;
    type Output = SearchResult;

    fn respond(output: &SearchResult, id: &str, max_bytes: usize) -> Result<Vec<u8>> {
        frame::success_with_files(id, output, &output.encoded, max_bytes)
    }

    fn run(params: SearchParams, context: &Context) -> Result<SearchResult> {
        let query = Query::compile(&QueryOptions {
            pattern: params.pattern,
            regex: params.regex.unwrap_or_default(),
            case: match params.case_sensitive {
                None | Some(CaseSensitive::Fixed(true)) => CaseMode::Sensitive,
                Some(CaseSensitive::Fixed(false)) => CaseMode::Insensitive,
                Some(CaseSensitive::Smart(Smart::Smart)) => CaseMode::Smart,
            },
            whole_word: params.whole_word.unwrap_or_default(),
            multiline: params.multiline.unwrap_or_default(),
        })?;
        let filter = PathFilter::new(&params.include.unwrap_or_default(), &params.exclude.unwrap_or_default(), true)?;
        let lines = |count: Option<u64>| usize::try_from(count.unwrap_or_default()).unwrap_or(usize::MAX);
        let max_matches = params.max_matches.unwrap_or(DEFAULT_MAX_MATCHES);
        let room = size::room(context);
        let options = FileOptions {
            mode: params.mode.unwrap_or_default(),
            context_before: lines(params.context_before),
            context_after: lines(params.context_after),
            max_matches: max_matches.min(params.max_matches_per_file.unwrap_or(u64::MAX)),
            max_line_length: lines(Some(params.max_line_length.unwrap_or(DEFAULT_MAX_LINE_LENGTH))),
            // A stream has no such bound.
            max_bytes: if params.stream.unwrap_or_default() { usize::MAX } else { room / 2 },
        };
        // What the index says of contents must be as fresh as the answer; whoever reads all files needs their names.
        let plan = if params.use_index.unwrap_or(true) { query.plan() } else { &Plan::All };
        let indexed = !matches!(plan, Plan::All) && context.snapshot.text.is_built();
        let depth = if indexed { Depth::Contents } else { Depth::Names };
        let view = context.view(params.consistency, depth, params.sync_timeout_ms)?;
        let selection = Selection::of(&view.snapshot, if indexed { plan } else { &Plan::All }, &filter, context);
        let output = if params.stream.unwrap_or_default() {
            Output::Stream { waiting: Items::default(), sent: Instant::now() }
        } else {
            Output::Collect { files: Items::default(), room }
        };
        let stats = SearchStats {
            files_considered: selection.considered,
            candidates: selection.items.len() as u64,
            indexed: selection.indexed,
            ..SearchStats::default()
        };
        let mut collector = Collector {
            context,
            output,
            max_matches,
            file_count: 0,
            match_count: 0,
            limit_hit: false,
            stats,
            last: None,
        };
        for batch in search_all(selection.items, query, options, context) {
            context.cancel.check()?;
            if !collector.take(batch??)? {
                break;
            }
        }
        if selection.indexed {
            collector.stats.binary_skipped += binary_files(&view.snapshot, &filter, collector.last.as_ref());
        }
        collector.finish(&view)
    }
}
