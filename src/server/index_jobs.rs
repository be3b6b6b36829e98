//! The jobs that change the index, one at a time, and who waits for them.

use std::collections::{BTreeMap, BTreeSet};
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
use crate::path::RelPath;

/// What jobs work with.
pub(super) struct Tools {
    shared: Arc<Shared>,
    walker: Walker,
    /// For the first fill alone, so that requests and the jobs they wait for do not queue behind it.
    pool: rayon::ThreadPool,
    /// Ends all jobs.
    stop: CancelToken,
    /// Files and bytes walked by the first walk, and read by the first fill.
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
    /// The first fill ended while a job ran; it is settled next.
    unsettled: Option<Filled>,
    waiting: Vec<SyncRequest>,
}

/// The job under way.
struct Running {
    started_at: Instant,
    kind: Job,
}

#[derive(PartialEq, Eq)]
enum Job {
    /// Walks everything; stats the files, too, unless only names are wanted.
    Walk { stats: bool },
    /// Looks at these.
    Paths(BTreeSet<RelPath>),
    /// Brings in what the first fill found moved; then the index is complete.
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
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(shared.config.threads)
            .thread_name(|at| format!("index-{at}"))
            .build()?;
        let tools = Tools {
            shared,
            walker,
            pool,
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
            unsettled: None,
            waiting: Vec::new(),
        })
    }

    /// Starts the next job if there is a reason for one and none is under way.
    pub(super) fn advance(&mut self) {
        if self.running.is_some() {
            return;
        }
        self.waiting.retain(|waiting| !waiting.reply.is_closed());
        if let Some(filled) = self.unsettled.take() {
            self.start(Job::Settle, move |tools, snapshot| Ok(tools.complete(snapshot.apply(filled.delta(snapshot)))));
        } else if self.walks == 0 || self.waiting.iter().any(|waiting| !matches!(waiting.depth, Depth::Paths(_))) {
            let first = self.walks == 0;
            let stats = first || self.waiting.iter().any(|waiting| waiting.depth == Depth::Contents);
            let complete = self.state == IndexState::Ready;
            self.walks += 1;
            self.start(Job::Walk { stats }, move |tools, snapshot| tools.walk(snapshot, first, stats, complete));
        } else if !self.waiting.is_empty() {
            let paths: BTreeSet<RelPath> =
                self.waiting.iter().flat_map(|waiting| waiting.depth.paths()).cloned().collect();
            let look: Vec<RelPath> = paths.iter().cloned().collect();
            self.start(Job::Paths(paths), move |tools, snapshot| tools.look(snapshot, &look));
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

    /// A job ended. Returns whether the first index is complete with it.
    pub(super) fn job_done(&mut self, result: Result<Arc<Snapshot>>) -> bool {
        let Some(running) = self.running.take() else { return false };
        match result {
            Ok(snapshot) => self.snapshot = snapshot,
            Err(error) => {
                // Everything is being stopped; or a defect, which the next request may not meet again.
                tracing::error!("an index job failed: {error}");
                for request in std::mem::take(&mut self.waiting) {
                    self.answer(request, false);
                }
                return false;
            }
        }
        let first_walk = matches!(running.kind, Job::Walk { .. }) && self.state == IndexState::Scanning;
        if first_walk {
            self.state = IndexState::Indexing;
            self.fill();
        }
        let complete = running.kind == Job::Settle;
        if complete {
            self.state = IndexState::Ready;
        }
        let waiting = std::mem::take(&mut self.waiting);
        for request in waiting {
            if running.satisfies(&request) {
                self.answer(request, true);
            } else {
                self.waiting.push(request);
            }
        }
        self.advance();
        complete
    }

    /// Reads all files of the first walk, beside the jobs.
    fn fill(&self) {
        let (tools, snapshot, events) = (Arc::clone(&self.tools), Arc::clone(&self.snapshot), self.events.clone());
        self.runtime.spawn_blocking(move || {
            let result =
                survive(|| tools.pool.install(|| fill(tools.root(), &snapshot.files, &tools.filled, &tools.stop)));
            let _ = events.send(Event::Filled { result });
        });
    }

    /// The first fill ended.
    pub(super) fn filled(&mut self, result: Result<Filled>) {
        self.unsettled = result.ok();
        self.advance();
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

    fn walk(&self, snapshot: &Snapshot, first: bool, stats: bool, complete: bool) -> Result<Snapshot> {
        let counter = Counter::default();
        let counter = if first { &self.scanned } else { &counter };
        let listing = self.walker.walk(stats, counter, &self.stop)?;
        let look = |path: &RelPath| {
            self.root().stat(path).ok().filter(|(kind, _)| *kind == Kind::File).map(|(_, stamp)| stamp)
        };
        let walked = snapshot.walked(listing, look);
        Ok(if complete { self.complete(walked) } else { walked })
    }

    /// Reads those of `files` that were not read yet.
    fn read(&self, files: &[Arc<FileEntry>]) -> Result<Filled> {
        self.shared.pool.install(|| fill(self.root(), files, &Counter::default(), &self.stop))
    }

    /// Reads what was not read yet. Files that move on while they are read are taken as last read.
    fn complete(&self, snapshot: Snapshot) -> Snapshot {
        match self.read(&snapshot.files) {
            Ok(filled) => snapshot.apply(filled.delta(&snapshot)),
            Err(_stopped) => snapshot,
        }
    }

    /// Looks at `paths` again, reading every file whatever its stamp says.
    fn look(&self, snapshot: &Snapshot, paths: &[RelPath]) -> Result<Snapshot> {
        let listing = self.walker.walk_only(paths, &self.stop)?;
        let files: Vec<Arc<FileEntry>> = listing
            .files
            .into_iter()
            .filter_map(|(path, stamp)| Some(Arc::new(FileEntry::listed(path, stamp?))))
            .collect();
        let filled = self.read(&files)?;
        let mut looked = Snapshot::empty(snapshot.clock.clone());
        looked.files = files.into();
        let looked = looked.apply(filled.delta(&looked));

        let asked = |path: &RelPath| paths.iter().any(|asked| path.is_within(asked));
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
            .filter(|path| asked(path) && looked.file(path).is_none())
            .cloned()
            .collect();
        let mut directories: BTreeMap<RelPath, DirectoryEntry> = snapshot
            .directories
            .iter()
            .filter(|old| !asked(&old.path))
            .map(|old| (old.path.clone(), old.clone()))
            .collect();
        directories.extend(listing.directories.into_iter().map(|new| (new.path.clone(), new)));
        Ok(snapshot.apply(delta).with_directories(directories.into_values().collect()))
    }
}
