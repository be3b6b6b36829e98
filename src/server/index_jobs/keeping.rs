//! When what is worth keeping is written to the cache.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

/// So long after the first index, files that were young when they were read are old enough to be trusted.
const SETTLED: Duration = Duration::from_secs(5);
/// Later changes are kept at most so often.
const PAUSE: Duration = Duration::from_secs(60);

/// What is to be kept, and what is being written.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    due: Option<Instant>,
    writing: Option<JoinHandle<()>>,
}

impl Keeping {
    /// There is more to keep: soon, if it is the first index that is complete now.
    pub(super) fn want(&mut self, first: bool, now: Instant) {
        self.due.get_or_insert(now + if first { SETTLED } else { PAUSE });
    }

    /// When to write next; not while something is being written.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_writing())
    }

    /// What was due is done now.
    pub(super) fn start(&mut self) {
        self.due = None;
    }

    /// This writes it.
    pub(super) fn writes(&mut self, writing: JoinHandle<()>) {
        self.writing = Some(writing);
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.as_ref().is_some_and(|writing| !writing.is_finished())
    }

    /// What writes at the moment.
    pub(super) fn take(&mut self) -> Option<JoinHandle<()>> {
        self.writing.take()
    }
}
