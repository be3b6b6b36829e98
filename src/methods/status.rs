//! `status`: how the sidecar is.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Context, Empty, IndexState, Lane, Method};
use crate::error::Result;
use crate::index::{Facts, FileEntry};
use crate::protocol::watch::WatchMode;
use crate::text::Class;
use crate::tsx;

/// The method.
pub struct Status;

/// The result of `status`.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusResult {
    /// What the index is doing.
    pub state: State,
    /// The absolute path of the root, symbolic links resolved.
    pub root: String,
    /// The state of the index.
    pub clock: String,
    /// Files in the index.
    pub files: u64,
    /// Directories in the index, the root not counted.
    pub directories: u64,
    /// The bytes of all files.
    pub bytes: u64,
    /// Files that were read and are text.
    pub text_files: u64,
    /// Files that were read and are binary.
    pub binary_files: u64,
    /// What is not in the index, or not fully.
    pub skipped: SkippedCounts,
    /// How changes are noticed.
    pub watcher: WatcherStatus,
    /// Memory in use.
    pub memory: MemoryStatus,
    /// The index of what files have in them.
    pub text_index: TextIndexStatus,
    /// What is known of sources.
    pub facts: FactsStatus,
    /// What is kept between runs.
    pub cache: CacheStatus,
    /// Threads beside those that take requests.
    pub threads: ThreadStatus,
    /// Requests in flight, this one included.
    pub in_flight: u64,
    /// Milliseconds since the process started.
    pub uptime_ms: u64,
}

/// What the index is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "IndexState")]
pub enum State {
    /// The first walk.
    Scanning,
    /// Reading and hashing what it found.
    Indexing,
    /// Complete.
    Ready,
    /// Complete, but not everything is watched.
    Degraded,
}

/// What is not in the index, or not fully.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SkippedCounts {
    /// Names that are not valid UTF-8.
    pub not_utf8_path: u64,
    /// Names that the contract's paths cannot hold, such as one with a backslash.
    pub invalid_path: u64,
    /// Files above `limits.maxFileBytes`: listed and hashed, not searched.
    pub too_large: u64,
    /// Files and directories the operating system refused to give.
    pub unreadable: u64,
}

/// How changes are noticed.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WatcherStatus {
    /// By which means.
    pub mode: WatchMode,
    /// Directories that are watched.
    pub directories: u64,
    /// Directories that should be watched but are looked at again and again instead; `lastError` says why.
    pub polled: u64,
    /// Events handled so far.
    pub events: u64,
    /// Times that events were lost.
    pub overflows: u64,
    /// Looks at the whole tree because events were lost, or may have been.
    pub rescans: u64,
    /// Changes that nobody told, found by comparing samples with the disk while idle.
    pub drift: u64,
    /// The last thing that went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Memory in use.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemoryStatus {
    /// Resident bytes of the process.
    pub rss_bytes: u64,
    /// Bytes of the index, roughly.
    pub index_bytes: u64,
    /// Bytes of what is known of modules, roughly: what sources refer to, what that leads to, and what was seen on disk
    /// on the way there. Absent as long as nobody asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modules_bytes: Option<u64>,
}

/// Threads beside those that take requests.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ThreadStatus {
    /// Threads that still parse a source that nobody waits for any more, because the parser did not stop when it was told
    /// to. With 8 of them, what needs a parser is refused until one ends.
    pub abandoned: u64,
}

/// What is kept between runs.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CacheStatus {
    /// Whether anything is.
    pub enabled: bool,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// Bytes of what was read or written last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why it could not be read or written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// The index of what files have in them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TextIndexStatus {
    /// Whether searches use it: not before it was built.
    pub ready: bool,
    /// Bytes of it in memory.
    pub bytes: u64,
    /// Files that changed since it was built and are looked at by every search, until it is built anew.
    pub dirty_files: u64,
}

/// The facts of sources that are known without parsing them.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FactsStatus {
    /// Contents that are known.
    pub sources: u64,
    /// Bytes of what is known of them.
    pub bytes: u64,
}

impl Method for Status {
    const NAME: &'static str = "status";
    const SUMMARY: &'static str = "Tells what the index holds and what the process uses.";
    const LANE: Lane = Lane::Quick;
    type Params = Empty;
    type Output = StatusResult;

    fn run(_: Empty, context: &Context) -> Result<StatusResult> {
        let (shared, snapshot) = (&context.shared, &context.snapshot);
        let (limits, watcher) = (&shared.config.limits, &context.server.watcher);
        let count =
            |test: &dyn Fn(&FileEntry) -> bool| snapshot.files.iter().filter(|entry| test(entry)).count() as u64;
        let binary = |entry: &FileEntry| entry.known().map(|facts| facts.class == Class::Binary);
        let unreadable = count(&|entry| matches!(entry.facts(), Some(Facts::Unreadable(_))));
        Ok(StatusResult {
            state: match context.server.state {
                IndexState::Scanning => State::Scanning,
                IndexState::Indexing => State::Indexing,
                IndexState::Ready if watcher.polled > 0 => State::Degraded,
                IndexState::Ready => State::Ready,
            },
            root: shared.root.path().display().to_string(),
            clock: snapshot.clock.to_string(),
            files: snapshot.files.len() as u64,
            directories: snapshot.directories.len() as u64,
            bytes: snapshot.bytes(),
            text_files: count(&|entry| binary(entry) == Some(false)),
            binary_files: count(&|entry| binary(entry) == Some(true)),
            skipped: SkippedCounts {
                not_utf8_path: snapshot.skipped.not_utf8_path,
                invalid_path: snapshot.skipped.invalid_path,
                too_large: count(&|entry| entry.stamp.size > limits.max_file_bytes),
                unreadable: snapshot.skipped.unreadable + unreadable,
            },
            watcher: WatcherStatus {
                mode: watcher.mode,
                directories: watcher.watched,
                polled: watcher.polled,
                events: context.server.events.events,
                overflows: context.server.events.overflows,
                rescans: watcher.rescans,
                drift: watcher.drift,
                last_error: watcher.last_error.clone(),
            },
            memory: MemoryStatus {
                rss_bytes: memory_stats::memory_stats().map_or(0, |stats| stats.physical_mem as u64),
                index_bytes: snapshot.memory_bytes(),
                modules_bytes: Some(shared.modules.bytes() as u64).filter(|bytes| *bytes > 0),
            },
            text_index: TextIndexStatus {
                ready: snapshot.text.is_built(),
                bytes: snapshot.text.bytes() as u64,
                dirty_files: snapshot.text.dirty().len() as u64,
            },
            facts: FactsStatus { sources: shared.facts.len() as u64, bytes: shared.facts.bytes() as u64 },
            cache: shared.cache.as_ref().map_or_else(CacheStatus::default, |cache| {
                let report = cache.report();
                CacheStatus {
                    enabled: true,
                    directory: Some(cache.directory().display().to_string()),
                    bytes: Some(report.bytes),
                    last_error: report.last_error,
                }
            }),
            threads: ThreadStatus { abandoned: tsx::abandoned() as u64 },
            in_flight: context.server.in_flight,
            uptime_ms: shared.started.elapsed().as_millis() as u64,
        })
    }
}
