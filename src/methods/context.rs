//! What a request has to work with.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::filters::Filters;
use crate::cache::Cache;
use crate::cancel::CancelToken;
use crate::courtesy::Courtesy;
use crate::error::Result;
use crate::facts::Store;
use crate::fs::WorkspaceRoot;
use crate::glob::PathFilter;
use crate::index::{FileFacts, Snapshot, Tick};
use crate::indexer::{self, Report};
use crate::modules::Modules;
use crate::path::RelPath;
use crate::protocol::Consistency;
use crate::protocol::events::Limits;
use crate::protocol::watch::WatchMode;
use crate::watch::Counts;

/// What the process was started with.
#[derive(Clone, Debug)]
pub struct Config {
    /// The bounds in force.
    pub limits: Limits,
    /// Globs to leave out of the index.
    pub exclude: Vec<String>,
    /// Threads that read, hash and search.
    pub threads: usize,
    /// Whether to send `progress` events.
    pub progress: bool,
    /// How changes are noticed.
    pub watch: WatchMode,
    /// Where to keep files of our own, outside the workspace.
    pub cache_dir: Option<PathBuf>,
    /// How long requests that were read are still answered after the end of the input.
    pub drain_timeout: Duration,
}

/// What all requests share.
#[derive(Debug)]
pub struct Shared {
    /// The workspace's files.
    pub root: Arc<WorkspaceRoot>,
    /// What the process was started with.
    pub config: Config,
    /// Where requests do their parallel work; nothing on it blocks but disks.
    pub pool: Arc<rayon::ThreadPool>,
    /// What passed the latest globs.
    pub filters: Filters,
    /// What is known of modules.
    pub modules: Modules,
    /// What sources come to, by content.
    pub facts: Store,
    /// What is kept between runs, if anything is.
    pub cache: Option<Cache>,
    /// Lets requests go before the building of the index.
    pub courtesy: Courtesy,
    /// When the process started.
    pub started: Instant,
}

/// What the index is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IndexState {
    /// The first walk.
    Scanning,
    /// Reading and hashing what it found.
    Indexing,
    /// Complete.
    Ready,
}

/// What the server loop knows, as of the start of a request.
#[derive(Clone, Debug)]
pub struct Server {
    /// What the index is doing.
    pub state: IndexState,
    /// Requests in flight, this one included.
    pub in_flight: u64,
    /// How changes are noticed.
    pub watcher: Report,
    /// What the watcher told so far.
    pub events: Counts,
}

/// A state of the index to answer from.
#[derive(Clone, Debug)]
pub struct View {
    /// The state.
    pub snapshot: Arc<Snapshot>,
    /// Whether it reflects every change made before the request was read.
    pub synced: bool,
}

/// What happened since an older state of the index.
#[derive(Clone, Debug)]
pub struct History {
    /// The state now.
    pub snapshot: Arc<Snapshot>,
    /// What led to it; `None` if that is not known (any more).
    pub ticks: Option<Vec<Arc<Tick>>>,
}

/// How much of the index a request needs to be fresh.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Which files there are. Enough for whoever reads them anyway.
    Names,
    /// Which files there are, and their stamps and contents.
    Contents,
    /// Exactly these paths, and what lies beneath those that are directories, read again whatever their stamps say.
    Paths(Vec<RelPath>),
}

impl Depth {
    /// The paths asked for by name.
    pub fn paths(&self) -> &[RelPath] {
        match self {
            Self::Paths(paths) => paths,
            Self::Names | Self::Contents => &[],
        }
    }
}

/// What a request may ask of the server loop. Blocks the worker that calls, never the loop.
pub trait Link: Send + Sync {
    /// A state that reflects, as far as `depth` says, every change made before `read_at`; past `timeout`
    /// the newest there is.
    ///
    /// # Errors
    /// `cancelled`.
    fn sync(&self, read_at: Instant, depth: Depth, timeout: Duration, cancel: &CancelToken) -> Result<View>;

    /// What happened since the state that `clock` names.
    ///
    /// # Errors
    /// `cancelled`.
    fn history(&self, clock: &str, cancel: &CancelToken) -> Result<History>;

    /// Starts a subscription, from the state of now on. Returns its name and that state's clock.
    ///
    /// # Errors
    /// `cancelled`.
    fn subscribe(&self, filter: PathFilter, settle: Duration, cancel: &CancelToken) -> Result<(String, String)>;

    /// Ends one. False if there is none of that name.
    ///
    /// # Errors
    /// `cancelled`.
    fn unsubscribe(&self, subscription: &str, cancel: &CancelToken) -> Result<bool>;

    /// Writes a line; waits while too much output is unread.
    ///
    /// # Errors
    /// `cancelled`.
    fn emit(&self, line: Vec<u8>, cancel: &CancelToken) -> Result<()>;
}

/// What one request has to work with.
#[derive(Clone)]
pub struct Context {
    /// What all requests share.
    pub shared: Arc<Shared>,
    /// The request's id.
    pub id: String,
    /// When the request was read.
    pub read_at: Instant,
    /// Set when nobody waits for the answer any more.
    pub cancel: CancelToken,
    /// The index as the request found it.
    pub snapshot: Arc<Snapshot>,
    /// What the server loop knew then.
    pub server: Server,
    /// The way back to the server loop.
    pub link: Arc<dyn Link>,
}

impl Context {
    /// A state of the index as fresh as the request wants it.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn view(&self, consistency: Option<Consistency>, depth: Depth, sync_timeout_ms: Option<u64>) -> Result<View> {
        match consistency.unwrap_or_default() {
            Consistency::Eventual => Ok(View { snapshot: Arc::clone(&self.snapshot), synced: false }),
            Consistency::Synced => self.sync(depth, sync_timeout_ms),
        }
    }

    /// A state that reflects, as far as `depth` says, every change made before the request was read.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn sync(&self, depth: Depth, timeout_ms: Option<u64>) -> Result<View> {
        let timeout = Duration::from_millis(timeout_ms.unwrap_or(self.shared.config.limits.sync_timeout_ms));
        self.link.sync(self.read_at, depth, timeout, &self.cancel)
    }

    /// What is known of a listed file, read now if nobody did yet. `None` if it is gone or cannot be read.
    pub fn facts(&self, entry: &crate::index::FileEntry) -> Option<FileFacts> {
        if entry.facts().is_none()
            && let Err(moved) = indexer::look(&self.shared.root, entry, &self.cancel)
        {
            return moved.and_then(|now| now.known());
        }
        entry.known()
    }
}
