//! The index, the jobs that change it, one at a time, and who waits for them.

mod job;
mod keeping;
mod texts;
mod warming;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

pub(super) use self::job::Done;
use self::job::{Job, Running, Tools, survive};
use self::keeping::Keeping;
use self::texts::Texts;
pub(super) use self::warming::Warmed;
use self::warming::Warming;
use super::event::{Event, SyncRequest};
use super::schedule::{Due, Schedule};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::now_ns;
use crate::index::{FileEntry, Journal, Snapshot};
use crate::indexer::{Builder, Built, Counter, Filled, Indexer, Report, Walker, Warmer, WatchOptions, fill};
use crate::methods::{Depth, History, IndexState, Shared, View};
use crate::ordered::pool;
use crate::watch::{Counts, Queue, Source};

/// The index and the jobs that change it. The loop calls, jobs answer with events.
#[expect(clippy::struct_excessive_bools, reason = "each is about something else, all combinations may be")]
pub(super) struct IndexJobs {
    tools: Arc<Tools>,
    source: Arc<dyn Source>,
    queue: Arc<Queue>,
    events: mpsc::UnboundedSender<Event>,
    runtime: Handle,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) state: IndexState,
    pub(super) report: Report,
    journal: Journal,
    running: Option<Running>,
    schedule: Schedule,
    /// Whether the watcher's queue holds something.
    noticed: bool,
    /// Files that are to be read beside the jobs, and whether some are being read.
    unread: Vec<Arc<FileEntry>>,
    filling: bool,
    /// Large files that are being written, most likely, and when to look at them again.
    hot: Vec<Arc<FileEntry>>,
    hot_until: Option<Instant>,
    /// How often files were read for the first index.
    rounds: u32,
    /// What turned out to have moved while it was read; it is brought in next.
    unsettled: VecDeque<Filled>,
    texts: Texts,
    keeping: Keeping,
    warming: Warming,
    /// Whether the first index started from what was kept.
    pub(super) from_cache: bool,
    /// Whether the first index was read, and whether it is complete since [`Self::take_completed`] was called last.
    is_read: bool,
    completed: bool,
    /// Whether the last job was for everybody: then those that wait for single paths come first.
    for_all_last: bool,
    /// Where the audit goes on.
    audited: String,
    waiting: Vec<SyncRequest>,
}

/// Files that move on all the time do not keep the first index from being complete for ever.
const MAX_ROUNDS: u32 = 5;
/// How long a large file that was just written is left alone.
const HOT_PAUSE: Duration = Duration::from_secs(1);
/// Files that the journal remembers: a client that asks, or is told, within so many changes gets just these.
const MAX_RECORDS: usize = 65_536;
/// Paths that the watcher's queue holds before it asks for a look at everything.
const MAX_NOTICED: usize = 65_536;

impl IndexJobs {
    pub(super) fn new(
        shared: Arc<Shared>,
        walker: Walker,
        snapshot: Arc<Snapshot>,
        source: Arc<dyn Source>,
        events: mpsc::UnboundedSender<Event>,
        runtime: Handle,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = shared.config.threads;
        let fill_pool = pool("fill", threads)?;
        let wake = events.clone();
        let queue = Arc::new(Queue::new(MAX_NOTICED, move || drop(wake.send(Event::Noticed))));
        let (stop, scanned) = (CancelToken::default(), Arc::new(Counter::default()));
        let options =
            WatchOptions { mode: shared.config.watch, source: Arc::clone(&source), queue: Arc::clone(&queue) };
        let root = Arc::clone(&shared.root);
        let indexer = Indexer::new(root, walker, threads, options, stop.clone(), Arc::clone(&scanned))?;
        let report = Report { mode: shared.config.watch, ..Report::default() };
        let journal = Journal::new(snapshot.clock.tick(), MAX_RECORDS);
        let tools = Tools {
            shared,
            indexer: Mutex::new(indexer),
            fill_pool,
            warmer: Warmer::default(),
            stop,
            scanned,
            filled: Counter::default(),
        };
        Ok(Self {
            schedule: Schedule::new(report.mode),
            tools: Arc::new(tools),
            source,
            queue,
            events,
            runtime,
            snapshot,
            state: IndexState::Scanning,
            report,
            journal,
            running: None,
            noticed: false,
            unread: Vec::new(),
            filling: false,
            hot: Vec::new(),
            hot_until: None,
            rounds: 0,
            unsettled: VecDeque::new(),
            texts: Texts::new(),
            keeping: Keeping::default(),
            warming: Warming::new(),
            from_cache: false,
            is_read: false,
            completed: false,
            for_all_last: false,
            audited: String::new(),
            waiting: Vec::new(),
        })
    }

    /// Starts the next job if there is a reason for one and none is under way.
    pub(super) fn advance(&mut self) {
        if self.running.is_some() {
            return;
        }
        self.waiting.retain(|waiting| !waiting.reply.is_closed());
        if let Some(job) = self.next_job(Instant::now()) {
            self.start(job);
        }
    }

    fn next_job(&mut self, now: Instant) -> Option<Job> {
        let due = self.due();
        let is_due = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        let waits_for_paths = self.waiting.iter().any(|waiting| matches!(waiting.depth, Depth::Paths(_)));
        let waits_for_all = self.waiting.iter().any(|waiting| !matches!(waiting.depth, Depth::Paths(_)));
        let stats = self.waiting.iter().any(|waiting| waiting.depth == Depth::Contents);
        if self.state == IndexState::Scanning {
            let wanted = is_due(due.first) || !self.waiting.is_empty();
            return wanted.then_some(Job::Scan { stats: true, first: true });
        }
        if is_due(due.audit) && (self.waiting.is_empty() || self.schedule.audit_is_overdue(now)) {
            let count = Schedule::sample(self.snapshot.files.len().max(self.snapshot.directories.len()));
            return Some(Job::Audit { after: self.audited.clone(), count });
        }
        if let Some(built) = self.texts.take() {
            let first = self.state == IndexState::Indexing;
            return Some(Job::Adopt { parts: Arc::new(built.parts), first });
        }
        if let Some(filled) = self.unsettled.pop_front() {
            return Some(Job::Settle(Arc::new(filled)));
        }
        // A poll is one more that waits for all, so neither requests nor what is noticed all the time put it off.
        let polls = is_due(due.poll);
        let waits_for_all = waits_for_all || polls;
        if waits_for_paths && (self.for_all_last || !waits_for_all) {
            self.for_all_last = false;
            let paths = self.waiting.iter().flat_map(|waiting| waiting.depth.paths()).cloned();
            return Some(Job::Paths(Arc::new(paths.collect())));
        }
        if waits_for_all {
            self.for_all_last = true;
            return Some(self.synced_job(stats || polls));
        }
        if is_due(due.follow) {
            return Some(Job::Follow { synced: false });
        }
        is_due(self.keeping.due()).then(|| {
            self.keeping.start();
            Job::Keep
        })
    }

    /// When what is due that nobody asks for.
    fn due(&self) -> Due {
        self.schedule.due(self.state, self.noticed, self.report.polled > 0)
    }

    /// What brings the index up to date: what the watcher noticed, if it notices all; a look at everything, if not.
    fn synced_job(&self, stats: bool) -> Job {
        if self.report.ordered { Job::Follow { synced: true } } else { Job::Scan { stats, first: false } }
    }

    fn start(&mut self, kind: Job) {
        self.running = Some(Running { started_at: Instant::now(), kind: kind.clone() });
        // Where events have an order, keeping follows them first.
        if matches!(kind, Job::Follow { .. }) || (matches!(kind, Job::Keep) && self.report.ordered) {
            // It empties the queue; what comes after that wakes the loop again.
            self.noticed = false;
        }
        let (tools, snapshot, events) = (Arc::clone(&self.tools), Arc::clone(&self.snapshot), self.events.clone());
        self.runtime.spawn_blocking(move || {
            let result = survive(|| tools.run(&kind, &snapshot)).map(Box::new);
            let _ = events.send(Event::JobDone { result });
        });
    }

    /// The watcher noticed something.
    pub(super) fn noticed(&mut self) {
        self.noticed = true;
        self.advance();
    }

    /// A worker waits for a fresh state.
    pub(super) fn wait(&mut self, request: SyncRequest) {
        self.waiting.push(request);
        self.schedule.busy(Instant::now());
        self.advance();
    }

    /// A job ended. Returns whether the index is another one now.
    pub(super) fn job_done(&mut self, result: Result<Box<Done>>) -> bool {
        let Some(running) = self.running.take() else { return false };
        let before = self.snapshot.clock.tick();
        let first = matches!(running.kind, Job::Scan { first: true, .. });
        // It takes nothing from the queue, and whether it fails is up to what it was given.
        let by_name = running.kind.is_by_name();
        let succeeded = result.is_ok();
        let synced = match result {
            Ok(done) => self.adopt(*done, first),
            Err(error) => {
                if !self.tools.stop.is_cancelled() {
                    tracing::error!("the index cannot be brought up to date: {error}");
                }
                // Whatever it had taken from the queue is to be found again.
                if !by_name {
                    self.queue.rescan(&format!("a job failed: {}", error.message));
                }
                false
            }
        };
        if !by_name {
            let look = running.kind.look();
            self.schedule.job_done(look, running.started_at, Instant::now(), succeeded, self.report.rescans);
        }
        if succeeded && first {
            self.state = IndexState::Indexing;
        }
        match running.kind {
            Job::Adopt { first: false, .. } if succeeded => self.want_kept(false),
            Job::Keep if !succeeded => self.want_kept(false),
            _ => {}
        }
        for request in std::mem::take(&mut self.waiting) {
            // Where the job failed, what there is, honestly; without a first look that is all anybody can be told.
            let is_answered = if succeeded {
                synced && running.satisfies(&request)
            } else {
                running.satisfies(&request) || (first && running.began_after(&request))
            };
            if is_answered {
                self.answer(request, synced);
            } else {
                self.waiting.push(request);
            }
        }
        let is_another = self.snapshot.clock.tick() != before;
        if is_another {
            self.texts.changed(&self.snapshot.text, Instant::now());
            if self.state == IndexState::Ready {
                self.warming.want(false, Instant::now());
            }
        }
        self.complete();
        self.fill();
        self.advance();
        is_another
    }

    fn adopt(&mut self, done: Done, first: bool) -> bool {
        if done.snapshot.clock != self.snapshot.clock {
            let tick = done.snapshot.clock.tick();
            if first || done.replaced.len() > MAX_RECORDS / 2 {
                self.journal.restart(tick);
            } else {
                self.journal.push(tick, done.replaced);
            }
        }
        for path in &done.drift {
            tracing::warn!("it had changed though nobody told: {path}");
        }
        self.from_cache |= done.from_cache;
        if let Some(parts) = done.keep {
            self.keep(parts);
        }
        self.snapshot = done.snapshot;
        self.unread.extend(done.unread);
        self.report = done.report;
        self.audited = done.audited.unwrap_or(std::mem::take(&mut self.audited));
        done.synced
    }

    /// Reads what was not read yet, beside the jobs; at first with all that the text index is built of.
    fn fill(&mut self) {
        self.build(Instant::now());
        self.warm(Instant::now());
        if self.filling
            || self.state == IndexState::Scanning
            || (self.unread.is_empty() && (self.is_read || !self.unsettled.is_empty()))
        {
            return;
        }
        // Reading a large file again and again while it is written would take a processor for nothing.
        let now_ns = now_ns();
        let (hot, files): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.unread).into_iter().partition(|entry| entry.stamp.is_hot(now_ns));
        if !hot.is_empty() {
            self.hot.extend(hot);
            self.hot_until.get_or_insert(Instant::now() + HOT_PAUSE);
        }
        // What was seen otherwise since would be read in vain, once for each time that it was seen.
        let snapshot = &self.snapshot;
        let is_as_listed =
            |entry: &Arc<FileEntry>| snapshot.file(&entry.path).is_some_and(|held| held.stamp == entry.stamp);
        let files: Vec<_> = files.into_iter().filter(is_as_listed).collect();
        self.filling = true;
        let tools = Arc::clone(&self.tools);
        let events = self.events.clone();
        self.runtime.spawn_blocking(move || {
            let read = || fill(&tools.shared.root, &files, &tools.filled, &tools.stop);
            let result = survive(|| tools.fill_pool.install(read));
            let _ = events.send(Event::Filled { result });
        });
    }

    /// Whether what was built is being brought in. Until it is, the index is as if it had not been built.
    fn is_adopting(&self) -> bool {
        matches!(self.running, Some(Running { kind: Job::Adopt { .. }, .. }))
    }

    /// When to build next of the text index, as far as it is known.
    fn build_due(&self) -> Option<Instant> {
        if self.filling || self.state == IndexState::Scanning || self.is_adopting() {
            return None;
        }
        self.texts.due(&self.snapshot.text)
    }

    /// Builds what is due of the text index, beside the jobs.
    fn build(&mut self, now: Instant) {
        if self.build_due().is_none_or(|due| due > now) {
            return;
        }
        let wanted = self.texts.start(&self.snapshot.text, now);
        if self.state == IndexState::Indexing {
            // All files of these parts are read now.
            self.filling = true;
            self.unread.retain(|entry| !wanted.iter().any(|rebuild| rebuild.covers(&entry.path)));
        }
        let (tools, snapshot, events) = (Arc::clone(&self.tools), Arc::clone(&self.snapshot), self.events.clone());
        self.runtime.spawn_blocking(move || {
            let builder = Builder {
                root: &tools.shared.root,
                max_file_bytes: tools.shared.config.limits.max_file_bytes,
                counter: &tools.filled,
                courtesy: &tools.shared.courtesy,
                cancel: &tools.stop,
            };
            let result = survive(|| tools.fill_pool.install(|| builder.build(&snapshot, wanted)));
            let _ = events.send(Event::Built { result });
        });
    }

    /// Parts of the text index were built, and files read with them.
    pub(super) fn build_done(&mut self, result: Result<Built>) {
        let (filled, built) = match result {
            Ok(Built { parts, filled }) => (Ok(filled), Ok(Built { parts, filled: Filled::default() })),
            Err(error) => (Err(error.clone()), Err(error)),
        };
        self.texts.done(built, &self.snapshot.text, Instant::now());
        if self.state == IndexState::Indexing {
            if filled.is_err() {
                // What was to be read with it is to be read by itself, as far as it was not.
                self.unread = self.snapshot.files.iter().filter(|entry| entry.facts().is_none()).cloned().collect();
            }
            self.fill_done(filled);
        } else {
            self.unsettled.extend(filled.ok().filter(|filled| !filled.is_empty()));
            self.advance();
        }
    }

    /// A round of reading ended.
    pub(super) fn fill_done(&mut self, result: Result<Filled>) {
        self.filling = false;
        let filled = result.unwrap_or_else(|error| {
            if !self.tools.stop.is_cancelled() {
                tracing::error!("not all files were read: {error}");
            }
            Filled::default()
        });
        self.rounds = self.rounds.saturating_add(1);
        let complete = (filled.is_empty() && self.unread.is_empty()) || self.rounds >= MAX_ROUNDS;
        if !filled.is_empty() {
            self.unsettled.push_back(filled);
        }
        self.is_read |= complete;
        self.complete();
        self.fill();
        self.advance();
    }

    /// The first index is complete when all was read and is in it.
    fn complete(&mut self) {
        if self.state == IndexState::Indexing && self.is_read && !self.texts.is_under_way() && !self.is_adopting() {
            self.state = IndexState::Ready;
            self.completed = true;
            self.want_kept(true);
            self.warming.want(true, Instant::now());
        }
    }

    /// Whether the first index was completed since this was asked last.
    pub(super) fn take_completed(&mut self) -> bool {
        std::mem::take(&mut self.completed)
    }

    /// Answers those who waited long enough with what there is, and does what is due.
    pub(super) fn expire(&mut self, now: Instant) {
        for request in std::mem::take(&mut self.waiting) {
            if request.deadline.is_some_and(|deadline| deadline <= now) {
                self.answer(request, false);
            } else {
                self.waiting.push(request);
            }
        }
        if self.hot_until.is_some_and(|until| until <= now) {
            self.hot_until = None;
            let snapshot = &self.snapshot;
            let is_held =
                |entry: &Arc<FileEntry>| snapshot.file(&entry.path).is_some_and(|held| Arc::ptr_eq(held, entry));
            self.unread.extend(std::mem::take(&mut self.hot).into_iter().filter(is_held));
        }
        self.fill();
        self.advance();
    }

    /// When the next of them has waited long enough, or the next thing is due.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let waited = self.waiting.iter().filter_map(|waiting| waiting.deadline).min();
        // The end of the job under way comes first.
        let scheduled = [self.due().next(), self.keeping.due()].into_iter().flatten().min();
        let scheduled = scheduled.filter(|_| self.running.is_none());
        [waited, scheduled, self.hot_until, self.build_due(), self.warming.due()].into_iter().flatten().min()
    }

    /// What happened since the state that `clock` names.
    pub(super) fn history(&self, clock: &str) -> History {
        let ticks = self.snapshot.clock.tick_of(clock).and_then(|tick| self.journal.since(tick));
        History { snapshot: Arc::clone(&self.snapshot), ticks }
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

    /// What the watcher told so far.
    pub(super) fn counts(&self) -> Counts {
        self.queue.counts()
    }

    /// Ends all jobs, and what lies outside the workspace.
    pub(super) fn stop(&self) {
        self.tools.stop.cancel();
        self.source.close();
    }

    /// What ends all jobs.
    pub(super) fn stop_token(&self) -> CancelToken {
        self.tools.stop.clone()
    }

    fn answer(&self, request: SyncRequest, synced: bool) {
        // A worker that stopped waiting is not told.
        let _ = request.reply.send(View { snapshot: Arc::clone(&self.snapshot), synced });
    }
}

#[cfg(test)]
mod tests;
