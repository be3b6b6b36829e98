//! `search`: which lines of which files match.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::accepted::accepted;
use super::{Context, Depth, Lane, Method, Shared, View, size};
use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::fs::Stamp;
use crate::glob::PathFilter;
use crate::index::FileEntry;
use crate::ordered::ordered_map;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::events::Partial;
use crate::protocol::frame;
use crate::protocol::search::{SearchFile, SearchLine};
use crate::search::{CaseMode, FileMatches, FileOptions, FileSearcher, Mode, Query, QueryOptions};
use crate::text::Class;

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
    /// Files whose content was searched.
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
/// Files and bytes a worker searches before it hands the results on.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 1 << 20;
/// When a `partial` event is full, or has waited long enough.
const PARTIAL_BYTES: usize = 64 * 1024;
const PARTIAL_INTERVAL: Duration = Duration::from_millis(25);

impl Method for Search {
    const NAME: &'static str = "search";
    const SUMMARY: &'static str = "Searches the content of the workspace's text files.";
    const EXAMPLE: &'static str = r#"{"pattern": "useBoard", "wholeWord": true, "include": ["src/**/*.{ts,tsx}"]}"#;
    const LANE: Lane = Lane::Heavy;
    type Params = SearchParams;
    type Output = SearchResult;

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
        let view = context.view(params.consistency, Depth::Names, params.sync_timeout_ms)?;
        let files: Vec<Arc<FileEntry>> =
            context.shared.pool.install(|| accepted(&view.snapshot.files, &filter).into_iter().cloned().collect());
        let output = if params.stream.unwrap_or_default() {
            Output::Stream { waiting: Vec::new(), bytes: 0, sent: Instant::now() }
        } else {
            Output::Collect { files: Vec::new(), room }
        };
        let mut collector = Collector {
            context,
            output,
            max_matches,
            file_count: 0,
            match_count: 0,
            limit_hit: false,
            stats: SearchStats { files_considered: files.len() as u64, ..SearchStats::default() },
        };
        for batch in search_all(files, query, options, context) {
            context.cancel.check()?;
            if !collector.take(batch??)? {
                break;
            }
        }
        collector.finish(&view)
    }
}

/// What came of searching one file.
enum Searched {
    /// No match.
    Nothing,
    /// At least one match.
    Found {
        path: RelPath,
        hash: blake3::Hash,
        matches: FileMatches,
    },
    Binary,
    TooLarge,
    Unreadable,
    /// It was deleted since it was listed.
    Gone,
}

/// Searches in parallel, gives batches in path order.
fn search_all(
    files: Vec<Arc<FileEntry>>,
    query: Query,
    options: FileOptions,
    context: &Context,
) -> impl Iterator<Item = Result<Result<Vec<Searched>>>> {
    let (shared, cancel) = (Arc::clone(&context.shared), context.cancel.clone());
    let threads = shared.config.threads;
    let pool = Arc::clone(&shared.pool);
    // A searcher is expensive to make and belongs to one thread at a time.
    let spare: Mutex<Vec<Worker>> = Mutex::default();
    let batches = batches(&files);
    ordered_map(pool, batches, 1, 2 * threads + 2, move |range: &std::ops::Range<usize>| {
        let worker = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = worker
            .unwrap_or_else(|| Worker { searcher: FileSearcher::new(&query, options.clone()), buffer: Vec::new() });
        let searched = files[range.clone()].iter().map(|entry| worker.search(entry, &shared, &cancel)).collect();
        spare.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        searched
    })
}

/// Cuts the files into stretches of similar work.
fn batches(files: &[Arc<FileEntry>]) -> Vec<std::ops::Range<usize>> {
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, entry) in files.iter().enumerate() {
        bytes += entry.stamp.size;
        if bytes >= BATCH_BYTES || at + 1 - start >= BATCH_FILES {
            batches.push(start..at + 1);
            (start, bytes) = (at + 1, 0);
        }
    }
    if start < files.len() {
        batches.push(start..files.len());
    }
    batches
}

/// What a thread needs to search files one after the other.
struct Worker {
    searcher: FileSearcher,
    buffer: Vec<u8>,
}

/// A buffer that grew beyond this is given back to the system when it is not needed any more.
const KEEP_BUFFER: usize = 4 << 20;

impl Worker {
    fn search(&mut self, entry: &FileEntry, shared: &Shared, cancel: &CancelToken) -> Result<Searched> {
        cancel.check()?;
        if self.buffer.len() > KEEP_BUFFER && entry.stamp.size < KEEP_BUFFER as u64 {
            self.buffer = Vec::new();
        }
        let binary = |stamp: &Stamp| entry.known_under(stamp).is_some_and(|facts| facts.class == Class::Binary);
        let max_bytes = shared.config.limits.max_file_bytes;
        let read = match shared.root.read_into(&entry.path, max_bytes, &mut self.buffer, |stamp| !binary(stamp)) {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Searched::Binary),
            Err(error) => {
                return Ok(match error.code {
                    Code::NotFound | Code::NotAFile | Code::PathOutsideWorkspace => Searched::Gone,
                    Code::FileTooLarge => Searched::TooLarge,
                    _ => Searched::Unreadable,
                });
            }
        };
        let bytes = &self.buffer[..read.length];
        let class = Class::of(bytes);
        if class == Class::Binary {
            return Ok(Searched::Binary);
        }
        let found = self.searcher.search(bytes, class, cancel)?;
        let searched = match found {
            None => Searched::Nothing,
            Some(matches) => {
                let known = if read.stable { entry.known_under(&read.stamp) } else { None };
                let hash = known.map_or_else(|| blake3::hash(bytes), |facts| facts.hash);
                Searched::Found { path: entry.path.clone(), hash, matches }
            }
        };
        Ok(searched)
    }
}

/// Where files with matches go.
enum Output {
    Collect {
        files: Vec<SearchFile>,
        /// Bytes of JSON that still fit the response.
        room: usize,
    },
    Stream {
        waiting: Vec<SearchFile>,
        bytes: usize,
        sent: Instant,
    },
}

/// Takes what is found in path order and cuts it at the limits.
struct Collector<'search> {
    context: &'search Context,
    output: Output,
    max_matches: u64,
    file_count: u64,
    match_count: u64,
    limit_hit: bool,
    stats: SearchStats,
}

impl Collector<'_> {
    /// Takes a batch. False when nothing more can be reported.
    fn take(&mut self, batch: Vec<Searched>) -> Result<bool> {
        for searched in batch {
            match searched {
                Searched::Nothing => self.stats.files_scanned += 1,
                Searched::Binary => self.stats.binary_skipped += 1,
                Searched::TooLarge => self.stats.too_large_skipped += 1,
                Searched::Unreadable => self.stats.unreadable_skipped += 1,
                Searched::Gone => {}
                Searched::Found { path, hash, matches } => {
                    self.stats.files_scanned += 1;
                    if !self.found(path, hash, matches)? {
                        return Ok(false);
                    }
                }
            }
        }
        if let Output::Stream { sent, .. } = &self.output
            && sent.elapsed() >= PARTIAL_INTERVAL
        {
            self.send()?;
        }
        Ok(true)
    }

    fn found(&mut self, path: RelPath, hash: blake3::Hash, mut matches: FileMatches) -> Result<bool> {
        let left = self.max_matches - self.match_count;
        if left == 0 {
            self.limit_hit = true;
            return Ok(false);
        }
        let mut cut = matches.match_count > left;
        if cut {
            matches.truncate(left);
        }
        self.limit_hit |= matches.limit_hit;
        if matches.match_count == 0 {
            // There are matches, but `maxMatchesPerFile` allows none.
            return Ok(true);
        }
        if let Output::Collect { room, .. } = &self.output {
            // The first matches that fit; none of the files behind would come before them.
            while matches.match_count > 1 && json_bound(&path, matches.lines.as_deref()) > *room {
                matches.truncate(matches.match_count / 2);
                cut = true;
            }
        }
        let length = json_bound(&path, matches.lines.as_deref());
        let file = SearchFile {
            path,
            hash: hash.to_hex().to_string(),
            match_count: matches.match_count,
            limit_hit: matches.limit_hit,
            lines: matches.lines,
        };
        self.limit_hit |= cut;
        let count = file.match_count;
        match &mut self.output {
            Output::Collect { files, room } => {
                if length > *room {
                    self.limit_hit = true;
                    return Ok(false);
                }
                *room -= length;
                files.push(file);
            }
            Output::Stream { waiting, bytes, .. } => {
                *bytes += length;
                waiting.push(file);
                if *bytes >= PARTIAL_BYTES {
                    self.send()?;
                }
            }
        }
        self.file_count += 1;
        self.match_count += count;
        Ok(!cut)
    }

    /// Sends what waits as a `partial` event.
    fn send(&mut self) -> Result<()> {
        let Output::Stream { waiting, bytes, sent } = &mut self.output else { return Ok(()) };
        if !waiting.is_empty() {
            let partial = Partial { id: self.context.id.clone(), files: std::mem::take(waiting) };
            *bytes = 0;
            let line = frame::event("partial", &partial, usize::MAX)?;
            self.context.link.emit(line, &self.context.cancel)?;
        }
        *sent = Instant::now();
        Ok(())
    }

    fn finish(mut self, view: &View) -> Result<SearchResult> {
        self.send()?;
        self.stats.elapsed_ms = self.context.read_at.elapsed().as_millis() as u64;
        Ok(SearchResult {
            files: match self.output {
                Output::Collect { files, .. } => files,
                Output::Stream { .. } => Vec::new(),
            },
            file_count: self.file_count,
            match_count: self.match_count,
            limit_hit: self.limit_hit,
            stats: self.stats,
            clock: view.snapshot.clock.to_string(),
            synced: view.synced,
        })
    }
}

/// An upper bound of the length of a [`SearchFile`] as JSON.
fn json_bound(path: &RelPath, lines: Option<&[SearchLine]>) -> usize {
    // Field names and the longest numbers: 53 bits have 16 digits.
    let line = |line: &SearchLine| size::of_str(&line.text) + 120 + line.matches.len() * 220;
    size::of_str(path.as_str()) + 180 + lines.unwrap_or_default().iter().map(line).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::search::SearchMatch;
    use crate::protocol::{Position, TextRange};

    #[test]
    fn the_bound_holds_for_the_longest_numbers() {
        let most = (1 << 53) - 1;
        let place = Position { line: most, column: most };
        let found = SearchMatch { start: place, end: place, range: TextRange { start: most, end: most } };
        let line = SearchLine {
            line: most,
            text: "\u{1}\"é".repeat(10),
            text_column: most,
            matches: vec![found; 3],
            context: true,
            lossy: true,
        };
        for lines in [None, Some(vec![]), Some(vec![line; 4])] {
            let file = SearchFile {
                path: crate::path::RelPath::parse("a\tb").unwrap(),
                hash: "f".repeat(64),
                match_count: most,
                limit_hit: true,
                lines,
            };
            assert!(serde_json::to_string(&file).unwrap().len() <= json_bound(&file.path, file.lines.as_deref()));
        }
    }
}
