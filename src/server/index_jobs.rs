//! The jobs that change the index, one at a time, and who waits for them.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::event::{Event, SyncRequest};
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::fs::{Kind, WorkspaceRoot};
use crate::index::{Delta, DirectoryEntry, FileEntry, Snapshot};
use crate::indexer::{Counter, Filled, Walker, fill};
use crate::methods::{Depth, IndexState, Shared, View};
use crate::path::{Paths, RelPath};

/// What jobs work with.
pub(super) struct Tools {
    shared: Arc<Shared>,
    walker: Walker,
    /// For reading beside the jobs, so that requests and the jobs they wait for do not queue behind it.
    fill_pool: rayon::ThreadPool,
    /// For the jobs, so that they do not queue behind requests.
    job_pool: rayon::ThreadPool,
    /// Ends all jobs.
    stop: CancelToken,
    /// Files and bytes walked by the first walk, and read beside the jobs since the start.
    scanned: Counter,
    filled: Counter,
}

/// The index and the jobs that change it. The loop calls, jobs answer with events.
pub(super) struct IndexJobs {
    tools: Arc<Tools>,
    events: mpsc::UnboundedSender<Event>,
    runtime: Handle,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) state: IndexState,
    pub(super) walks: u64,
    running: Option<Running>,
    /// Whether files are being read beside the jobs, and which were read last.
    filling: bool,
    filled: Option<Arc<[Arc<FileEntry>]>>,
    /// How often files were read for the first index.
    rounds: u32,
    /// What turned out to have moved while it was read; it is brought in next.
    unsettled: Option<Filled>,
    /// Whether the last job was a walk: then those that wait for single paths come first.
    walked_last: bool,
    waiting: Vec<SyncRequest>,
}

/// Files that move on all the time do not keep the first index from being complete for ever.
const MAX_ROUNDS: u32 = 5;

/// The job under way.
struct Running {
    started_at: Instant,
    kind: Job,
}

enum Job {
    /// Walks everything; stats the files, too, unless only names are wanted.
    Walk { stats: bool },
    /// Looks at these.
    Paths(Arc<Paths>),
    /// Brings in what was found moved while it was read.
    Settle,
}

impl IndexJobs {
    pub(super) fn new(
        shared: Arc<Shared>,
        walker: Walker,
        snapshot: Arc<Snapshot>,
        events: mpsc::UnboundedSender<Event>,
        runtime: Handle,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = |name: &'static str| {
            let builder = rayon::ThreadPoolBuilder::new().num_threads(shared.config.threads);
            builder.thread_name(move |at| format!("{name}-{at}")).build()
        };
        let tools = Tools {
            fill_pool: pool("fill")?,
            job_pool: pool("job")?,
            shared,
            walker,
            stop: CancelToken::default(),
            scanned: Counter::default(),
            filled: Counter::default(),
        };
        Ok(Self {
            tools: Arc::new(tools),
            events,
            runtime,
            snapshot,
            state: IndexState::Scanning,
            walks: 0,
            running: None,
            filling: false,
            filled: None,
            rounds: 0,
            unsettled: None,
            walked_last: false,
            waiting: Vec::new(),
        })
    }

    /// Starts the next job if there is a reason for one and none is under way.
    pub(super) fn advance(&mut self) {
        if self.running.is_some() {
            return;
        }
        self.waiting.retain(|waiting| !waiting.reply.is_closed());
        let waits_for_paths = self.waiting.iter().any(|waiting| matches!(waiting.depth, Depth::Paths(_)));
        let waits_for_walk = self.waiting.iter().any(|waiting| !matches!(waiting.depth, Depth::Paths(_)));
        if let Some(filled) = self.unsettled.take() {
            self.start(Job::Settle, move |_, snapshot| Ok(snapshot.apply(filled.delta(snapshot))));
        } else if self.walks > 0 && waits_for_paths && (self.walked_last || !waits_for_walk) {
            self.walked_last = false;
            let paths = self.waiting.iter().flat_map(|waiting| waiting.depth.paths()).cloned();
            let paths = Arc::new(Paths::new(paths));
            self.start(Job::Paths(Arc::clone(&paths)), move |tools, snapshot| tools.look(snapshot, &paths));
        } else if self.walks == 0 || waits_for_walk {
            self.walked_last = true;
            let first = self.state == IndexState::Scanning;
            let stats = first || self.waiting.iter().any(|waiting| waiting.depth == Depth::Contents);
            self.walks += 1;
            self.start(Job::Walk { stats }, move |tools, snapshot| tools.walk(snapshot, first, stats));
        }
    }

    fn start(&mut self, kind: Job, job: impl FnOnce(&Tools, &Snapshot) -> Result<Snapshot> + Send + 'static) {
        self.running = Some(Running { started_at: Instant::now(), kind });
        let (tools, snapshot, events) = (Arc::clone(&self.tools), Arc::clone(&self.snapshot), self.events.clone());
        self.runtime.spawn_blocking(move || {
            let result = survive(|| job(&tools, &snapshot)).map(Arc::new);
            let _ = events.send(Event::Walked { result });
        });
    }

    /// A worker waits for a fresh state.
    pub(super) fn wait(&mut self, request: SyncRequest) {
        self.waiting.push(request);
        self.advance();
    }

    /// A job ended.
    pub(super) fn job_done(&mut self, result: Result<Arc<Snapshot>>) {
        let Some(running) = self.running.take() else { return };
        let done = match result {
            Ok(snapshot) => {
                self.snapshot = snapshot;
                true
            }
            Err(error) => {
                tracing::error!("the index cannot be brought up to date: {error}");
                false
            }
        };
        if done && self.state == IndexState::Scanning && matches!(running.kind, Job::Walk { .. }) {
            self.state = IndexState::Indexing;
        }
        for request in std::mem::take(&mut self.waiting) {
            if running.satisfies(&request) {
                // Where the job failed, what there is, honestly.
                self.answer(request, done);
            } else {
                self.waiting.push(request);
            }
        }
        self.fill();
        self.advance();
    }

    /// Reads what was not read yet, beside the jobs.
    fn fill(&mut self) {
        let known = self.filled.as_ref().is_some_and(|filled| Arc::ptr_eq(filled, &self.snapshot.files));
        if self.filling || known || self.unsettled.is_some() || self.state == IndexState::Scanning {
            return;
        }
        self.filling = true;
        self.filled = Some(Arc::clone(&self.snapshot.files));
        let (tools, snapshot, events) = (Arc::clone(&self.tools), Arc::clone(&self.snapshot), self.events.clone());
        self.runtime.spawn_blocking(move || {
            let files = &snapshot.files;
            let result = survive(|| tools.fill_pool.install(|| fill(tools.root(), files, &tools.filled, &tools.stop)));
            let _ = events.send(Event::Filled { result });
        });
    }

    /// A round of reading ended. Returns whether the first index is complete with it.
    pub(super) fn fill_done(&mut self, result: Result<Filled>) -> bool {
        self.filling = false;
        let filled = result.unwrap_or_else(|error| {
            tracing::error!("not all files were read: {error}");
            Filled::default()
        });
        self.rounds += 1;
        let current = self.filled.as_ref().is_some_and(|filled| Arc::ptr_eq(filled, &self.snapshot.files));
        let complete = (current && filled.is_empty()) || self.rounds >= MAX_ROUNDS;
        if !filled.is_empty() {
            self.unsettled = Some(filled);
        }
        let first = complete && self.state == IndexState::Indexing;
        if first {
            self.state = IndexState::Ready;
        }
        self.fill();
        self.advance();
        first
    }

    /// Answers those who waited long enough with what there is.
    pub(super) fn expire(&mut self, now: Instant) {
        let waiting = std::mem::take(&mut self.waiting);
        for request in waiting {
            if request.deadline.is_some_and(|deadline| deadline <= now) {
                self.answer(request, false);
            } else {
                self.waiting.push(request);
            }
        }
    }

    /// When the next of them has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.waiting.iter().filter_map(|waiting| waiting.deadline).min()
    }

    /// Files and bytes of the phase under way, and how many files there will be.
    pub(super) fn progress(&self) -> (u64, u64, Option<u64>) {
        match self.state {
            IndexState::Scanning => {
                let (files, bytes) = self.tools.scanned.get();
                (files, bytes, None)
            }
            IndexState::Indexing | IndexState::Ready => {
                let (files, bytes) = self.tools.filled.get();
                (files, bytes, Some(self.tools.scanned.get().0))
            }
        }
    }

    /// Ends all jobs.
    pub(super) fn stop(&self) {
        self.tools.stop.cancel();
    }

    fn answer(&self, request: SyncRequest, synced: bool) {
        // A worker that stopped waiting is not told.
        let _ = request.reply.send(View { snapshot: Arc::clone(&self.snapshot), synced });
    }
}

/// Turns a panic into an error: whoever waits for a job is told in any case.
fn survive<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(Error::internal("it panicked; the log has the place")))
}

impl Running {
    /// Whether what the job saw is all the request asked for, as of when it was read or later.
    fn satisfies(&self, request: &SyncRequest) -> bool {
        self.started_at >= request.read_at
            && match (&self.kind, &request.depth) {
                (Job::Walk { .. }, Depth::Names) | (Job::Walk { stats: true }, Depth::Contents) => true,
                (Job::Paths(looked), Depth::Paths(paths)) => paths.iter().all(|path| looked.contains(path)),
                // A walk trusts stamps; `paths` are read again whatever their stamps say.
                _ => false,
            }
    }
}

impl Tools {
    fn root(&self) -> &WorkspaceRoot {
        &self.shared.root
    }

    fn walk(&self, snapshot: &Snapshot, first: bool, stats: bool) -> Result<Snapshot> {
        self.root().refresh()?;
        let counter = Counter::default();
        let counter = if first { &self.scanned } else { &counter };
        let listing = self.walker.walk(stats, counter, &self.stop)?;
        let look = |path: &RelPath| {
            self.root().stat(path).ok().filter(|(kind, _)| *kind == Kind::File).map(|(_, stamp)| stamp)
        };
        Ok(snapshot.walked(listing, look))
    }

    /// Looks at `paths` again, reading every file whatever its stamp says.
    fn look(&self, snapshot: &Snapshot, paths: &Paths) -> Result<Snapshot> {
        self.root().refresh()?;
        let listing = self.walker.walk_only(paths, &self.stop)?;
        let files: Vec<Arc<FileEntry>> = listing
            .files
            .into_iter()
            .filter_map(|(path, stamp)| Some(Arc::new(FileEntry::listed(path, stamp?))))
            .collect();
        let read = || fill(self.root(), &files, &Counter::default(), &self.stop);
        let filled = self.job_pool.install(read)?;
        let mut looked = Snapshot::empty(snapshot.clock.clone());
        looked.files = files.into();
        let looked = looked.apply(filled.delta(&looked));

        let mut delta = Delta::default();
        for entry in looked.files.iter() {
            let same =
                snapshot.file(&entry.path).is_some_and(|old| old.stamp == entry.stamp && old.facts() == entry.facts());
            if !same {
                delta.upsert.push(Arc::clone(entry));
            }
        }
        delta.remove = snapshot
            .files
            .iter()
            .map(|entry| &entry.path)
            .filter(|path| paths.covers(path) && looked.file(path).is_none())
            .cloned()
            .collect();
        let mut directories: BTreeMap<RelPath, DirectoryEntry> = snapshot
            .directories
            .iter()
            .filter(|old| !paths.covers(&old.path) && !paths.is_above(&old.path))
            .map(|old| (old.path.clone(), old.clone()))
            .collect();
        directories.extend(listing.directories.into_iter().map(|new| (new.path.clone(), new)));
        Ok(snapshot.apply(delta).with_directories(directories.into_values().collect()))
    }
}
