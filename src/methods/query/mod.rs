//! `query`: what a tree-sitter query matches in one file or in many.

mod collect;
mod scan;
mod select;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::collect::Collector;
use self::scan::{Matched, match_all, match_file, match_item};
use self::select::Selection;
use super::{Context, Depth, Lane, Method, View, size};
use crate::error::{Code, Error, Result};
use crate::glob::PathFilter;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::frame;
use crate::protocol::items::Items;
use crate::protocol::query::QueryFile;
use crate::protocol::tsx::Language;
use crate::trigram::Plan;
use crate::tsx::query::{self, Limits};

/// The method.
pub struct Query;

/// The params of `query`: a `path`, or globs of many.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct QueryParams {
    /// The query: one or more patterns of tree-sitter's query language, in terms of its TypeScript and TSX grammars.
    pub query: String,
    /// The one file to look at, indexed or not.
    pub path: Option<String>,
    /// Globs of the paths to look at; all sources if absent or empty.
    pub include: Option<Vec<String>>,
    /// Globs of the paths to leave out; a directory is left out with all that lies beneath it.
    pub exclude: Option<Vec<String>>,
    /// What `path` is read as, if not what its extension says; of many files, look at those in this language only.
    pub language: Option<Language>,
    /// Report at most this many matches. A cut is always the first ones in path order.
    #[schemars(extend("default" = DEFAULT_MAX_MATCHES))]
    pub max_matches: Option<u64>,
    /// Whether an index may narrow what is read. The results are the same.
    #[schemars(extend("default" = true))]
    pub use_index: Option<bool>,
    /// How fresh the list of files must be.
    #[schemars(extend("default" = Consistency::default()))]
    pub consistency: Option<Consistency>,
    /// How long to wait for freshness, in milliseconds; `limits.syncTimeoutMs` if absent.
    pub sync_timeout_ms: Option<u64>,
}

/// The result of `query`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryResult {
    /// The files with matches, by path.
    pub files: Vec<QueryFile>,
    /// The items of `files`, which are encoded when they are taken.
    #[serde(skip)]
    encoded: Items,
    /// How many matches are reported.
    pub match_count: u64,
    /// Whether there is, or may be, more than is reported.
    pub limit_hit: bool,
    /// What it took.
    pub stats: QueryStats,
    /// The state of the index.
    pub clock: String,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

/// What a query took.
#[derive(Clone, Copy, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryStats {
    /// Sources that `include`, `exclude` and `language` leave.
    pub files_considered: u64,
    /// Of these, files that may match as far as the index tells; without it, all.
    pub candidates: u64,
    /// Candidates that were parsed, up to where the query ended.
    pub files_parsed: u64,
    /// Files passed over because they are binary, or no UTF-8 or UTF-16 text.
    pub not_text_skipped: u64,
    /// Files above `limits.maxParseBytes` passed over.
    pub too_large_skipped: u64,
    /// Files given up because each took more than half a minute.
    pub too_slow_skipped: u64,
    /// Files that could not be read.
    pub unreadable_skipped: u64,
    /// Whether an index narrowed what was read.
    pub indexed: bool,
    /// Milliseconds, waiting for freshness included.
    pub elapsed_ms: u64,
}

const DEFAULT_MAX_MATCHES: u64 = 10_000;
/// Longer texts of captures are cut to this many UTF-16 code units.
const MAX_TEXT: usize = 1000;

const ALL_LANGUAGES: [Language; 4] = [Language::Tsx, Language::Ts, Language::Jsx, Language::Js];

impl Method for Query {
    const NAME: &'static str = "query";
    const SUMMARY: &'static str = "Finds what a tree-sitter query matches in sources.";
    const EXAMPLE: &'static str = r#"{"query": "(jsx_self_closing_element name: (identifier) @name (#eq? @name \"LoafCard\")) @element", "include": ["src/**"]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = QueryParams;
    type Output = QueryResult;

    fn respond(output: &QueryResult, id: &str, max_bytes: usize) -> Result<Vec<u8>> {
        frame::success_with_files(id, output, &output.encoded, max_bytes)
    }

    fn run(params: QueryParams, context: &Context) -> Result<QueryResult> {
        let room = size::room(context);
        let max_matches = params.max_matches.unwrap_or(DEFAULT_MAX_MATCHES);
        let limits =
            Limits { matches: usize::try_from(max_matches).unwrap_or(usize::MAX), text: MAX_TEXT, bytes: room / 2 };
        let Some(path) = &params.path else {
            return in_many(&params, limits, Collector::new(context, room, max_matches), context);
        };
        if params.include.is_some() || params.exclude.is_some() {
            return Err(Error::param("path", "give either `path` or `include` and `exclude`"));
        }
        let path = RelPath::parse(path)?;
        let language = super::parse::language_of(&path, params.language)?;
        let query = query::Query::compile(&params.query, &[language], &context.cancel)?;
        let mut collector = Collector::new(context, room, max_matches);
        collector.stats.files_considered = 1;
        collector.stats.candidates = 1;
        collector.take(match_one(&path, language, &query, limits, context)?)?;
        // It was read after the request was.
        let view = View { snapshot: std::sync::Arc::clone(&context.snapshot), synced: true };
        Ok(collector.finish(&view))
    }
}

/// The matches in one file; whatever is wrong with it is an error.
fn match_one(
    path: &RelPath,
    language: Language,
    query: &query::Query,
    limits: Limits,
    context: &Context,
) -> Result<Matched> {
    let content = context.shared.root.read(path, context.shared.config.limits.max_parse_bytes)?;
    let hash = blake3::hash(&content.bytes);
    match_file(path, language, &content.bytes, query, limits, &context.cancel, || hash)?
        .map_err(|problem| Error::new(Code::NotUtf8, format!("{path}: {problem}")))
}

/// The matches in all files that the globs leave.
fn in_many(
    params: &QueryParams,
    limits: Limits,
    mut collector: Collector<'_>,
    context: &Context,
) -> Result<QueryResult> {
    let languages = params.language.map_or_else(|| ALL_LANGUAGES.to_vec(), |language| vec![language]);
    let query = query::Query::compile(&params.query, &languages, &context.cancel)?;
    let globs = |globs: &Option<Vec<String>>| globs.clone().unwrap_or_default();
    let filter = PathFilter::new(&globs(&params.include), &globs(&params.exclude), true)?;
    // What the index says of contents must be as fresh as the answer; whoever reads all files needs their names.
    let plan = if params.use_index.unwrap_or(true) { query.plan() } else { &Plan::All };
    let indexed = !matches!(plan, Plan::All) && context.snapshot.text.is_built();
    let depth = if indexed { Depth::Contents } else { Depth::Names };
    let view = context.view(params.consistency, depth, params.sync_timeout_ms)?;
    let plan = if indexed { plan } else { &Plan::All };
    let selection = Selection::of(&view.snapshot, plan, &filter, &languages, context);
    collector.stats.files_considered = selection.considered;
    collector.stats.candidates = selection.items.len() as u64;
    collector.stats.indexed = selection.indexed;
    let items = selection.items.clone();
    for (item, matched) in items.iter().zip(match_all(selection.items, query.clone(), limits, context)) {
        context.cancel.check()?;
        let matched = match matched?? {
            Some(matched) => matched,
            None => match_item(item, &query, limits, &context.shared, &context.cancel)?,
        };
        if !collector.take(matched)? {
            break;
        }
    }
    Ok(collector.finish(&view))
}
