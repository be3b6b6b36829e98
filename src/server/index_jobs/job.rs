//! What a job is, and doing it.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::fs::now_ns;
use crate::index::{Delta, FileEntry, Rebuild, Replaced, Snapshot, TextPart};
use crate::indexer::{Counter, Filled, Indexer, Report, Warmer};
use crate::methods::{Depth, Shared};
use crate::path::RelPath;
use crate::server::event::SyncRequest;
use crate::server::schedule::Look;

/// What jobs work with.
pub(super) struct Tools {
    pub(super) shared: Arc<Shared>,
    /// Locked by the job under way, of which there is one.
    pub(super) indexer: Mutex<Indexer>,
    /// For reading beside the jobs, so that requests and the jobs they wait for do not queue behind it.
    pub(super) fill_pool: rayon::ThreadPool,
    /// Knows which sources are not worth trying again.
    pub(super) warmer: Warmer,
    /// Ends all jobs.
    pub(super) stop: CancelToken,
    /// Files and bytes walked, and read beside the jobs, since the start.
    pub(super) scanned: Arc<Counter>,
    pub(super) filled: Counter,
}

/// The job under way.
pub(super) struct Running {
    pub(super) started_at: Instant,
    pub(super) kind: Job,
}

#[derive(Clone, Debug)]
pub(super) enum Job {
    /// Looks at everything; at the files, too, unless only names are wanted.
    Scan { stats: bool, first: bool },
    /// Looks where the watcher noticed something; if `synced`, at all that had happened before.
    Follow { synced: bool },
    /// Looks at these.
    Paths(Arc<HashSet<RelPath>>),
    /// Brings in what was found moved while it was read.
    Settle(Arc<Filled>),
    /// Brings in parts of the text index. Those of the first index are worth keeping at once.
    Adopt { parts: BuiltParts, first: bool },
    /// Finds out what is worth keeping by now.
    Keep,
    /// Compares a sample with the disk.
    Audit { after: String, count: usize },
}

/// Parts of the text index, each with what it was built in place of.
pub(super) type BuiltParts = Arc<Vec<(Rebuild, Vec<Arc<TextPart>>)>>;

impl Job {
    /// Whether it looks nowhere but where it was told to, so that nothing is lost with it.
    pub(super) fn is_by_name(&self) -> bool {
        matches!(self, Self::Paths(_) | Self::Adopt { .. })
    }

    pub(super) fn look(&self) -> Look {
        match self {
            Self::Scan { stats: true, .. } | Self::Follow { synced: true } => Look::Unwatched,
            Self::Audit { .. } => Look::Sample,
            Self::Follow { synced: false } => Look::Noticed,
            Self::Scan { stats: false, .. } | Self::Paths(_) | Self::Settle(_) | Self::Adopt { .. } | Self::Keep => {
                Look::Other
            }
        }
    }
}

/// What a job came to.
#[derive(Debug)]
pub(in crate::server) struct Done {
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) replaced: Vec<Replaced>,
    pub(super) unread: Vec<Arc<FileEntry>>,
    pub(super) report: Report,
    /// Whether it saw all that had happened when it began, as far as it was to.
    pub(super) synced: bool,
    /// Where the audit goes on, and what it found.
    pub(super) audited: Option<String>,
    pub(super) drift: Vec<RelPath>,
    /// Whether it started from what was kept.
    pub(super) from_cache: bool,
    /// What is worth keeping now.
    pub(super) keep: Option<Vec<TextPart>>,
}

/// Turns a panic into an error: whoever waits for a job is told in any case.
pub(super) fn survive<T>(job: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(job)).unwrap_or_else(|_| Err(Error::internal("it panicked; the log has the place")))
}

impl Running {
    pub(super) fn began_after(&self, request: &SyncRequest) -> bool {
        self.started_at >= request.read_at
    }

    /// Whether what the job saw is all the request asked for, as of when it was read or later.
    pub(super) fn satisfies(&self, request: &SyncRequest) -> bool {
        self.began_after(request)
            && match (&self.kind, &request.depth) {
                (Job::Scan { .. } | Job::Follow { synced: true }, Depth::Names)
                | (Job::Scan { stats: true, .. } | Job::Follow { synced: true }, Depth::Contents) => true,
                (Job::Paths(looked), Depth::Paths(paths)) => paths.iter().all(|path| looked.contains(path)),
                // What looks at everything trusts stamps; `paths` are read again whatever their stamps say.
                _ => false,
            }
    }
}

impl Tools {
    pub(super) fn run(&self, job: &Job, snapshot: &Snapshot) -> Result<Done> {
        let mut indexer = self.indexer.lock().unwrap_or_else(PoisonError::into_inner);
        let began_ns = now_ns();
        let (mut audited, mut drift, mut synced, mut all_known_ns) = (None, Vec::new(), true, None);
        let kept = if matches!(job, Job::Scan { first: true, .. }) { self.kept(snapshot) } else { None };
        let from_cache = kept.is_some();
        let snapshot = kept.as_ref().unwrap_or(snapshot);
        let delta = match job {
            Job::Scan { stats, first } => indexer.scan(snapshot, *stats, *first)?,
            Job::Follow { synced: wanted } => {
                let followed = indexer.follow(snapshot, *wanted)?;
                synced = followed.synced;
                followed.delta
            }
            Job::Paths(paths) => indexer.look(snapshot, &paths.iter().cloned().collect::<Vec<_>>())?,
            Job::Keep if indexer.report(snapshot).ordered => {
                let followed = indexer.follow(snapshot, true)?;
                all_known_ns = followed.synced.then_some(began_ns);
                followed.delta
            }
            Job::Adopt { .. } | Job::Keep => Delta::default(),
            Job::Settle(filled) => filled.delta(snapshot, &self.shared.root),
            Job::Audit { after, count } => {
                let found = indexer.audit(snapshot, after, *count)?;
                audited = Some(found.last.map(|path| path.as_str().to_owned()).unwrap_or_default());
                drift = found.drift;
                found.delta
            }
        };
        if !indexer.is_in_place() {
            // Some of it was seen in one root, some in another.
            (synced, all_known_ns) = (false, None);
        }
        indexer.note(snapshot, &delta);
        let mut unread = unread(&delta);
        let (mut next, replaced) = snapshot.apply(delta);
        if from_cache {
            // What was kept has files that were not read, too, and nothing happened to them.
            unread = next.files.iter().filter(|entry| entry.facts().is_none()).cloned().collect();
        }
        if let Job::Adopt { parts, .. } = job {
            next = next.with_text(parts.to_vec());
        }
        let report = indexer.report(&next);
        if matches!(job, Job::Adopt { .. } | Job::Keep) {
            next = next.settled();
        }
        let keeps = matches!(job, Job::Adopt { first: true, .. } | Job::Keep) && self.shared.cache.is_some();
        let keep = keeps.then(|| next.to_keep(all_known_ns));
        Ok(Done { snapshot: Arc::new(next), replaced, unread, report, synced, audited, drift, from_cache, keep })
    }

    /// What was kept of the last run, if anything was.
    fn kept(&self, snapshot: &Snapshot) -> Option<Snapshot> {
        let cache = self.shared.cache.as_ref().filter(|_| snapshot.files.is_empty())?;
        let parts = self.fill_pool.install(|| cache.load());
        (!parts.is_empty()).then(|| snapshot.kept(parts))
    }
}

fn unread(delta: &Delta) -> Vec<Arc<FileEntry>> {
    delta.files.values().flatten().filter(|entry| entry.facts().is_none()).cloned().collect()
}
