//! When what is worth keeping is written to the cache.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::IndexJobs;
use super::job::{Tools, survive};
use crate::index::TextPart;
use crate::server::event::Event;

/// So long after the first index, files that were young when they were read are old enough to be trusted.
const SETTLED: Duration = Duration::from_secs(5);
/// Later changes are kept at most so often, and so long after they came in.
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
        let at = now + if first { SETTLED } else { PAUSE };
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When to write next; not while something is being written.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.is_writing())
    }

    /// What was due is done now.
    pub(super) fn start(&mut self) {
        self.due = None;
    }

    /// Writes these parts. The loop is told when that ended, and then calls [`Self::wrote`].
    pub(super) fn write(
        &mut self,
        parts: Vec<TextPart>,
        tools: &Arc<Tools>,
        events: &mpsc::UnboundedSender<Event>,
        runtime: &Handle,
    ) {
        let (tools, events) = (Arc::clone(tools), events.clone());
        self.writing = Some(runtime.spawn_blocking(move || {
            let save = || tools.shared.cache.as_ref().map(|cache| cache.save(&parts));
            // A failure is logged; there is nothing else to be done about it.
            let _ = survive(|| Ok(save()));
            let _ = events.send(Event::Kept);
        }));
    }

    /// It is written, or could not be: what was wanted meanwhile is due when it is due.
    pub(super) fn wrote(&mut self) {
        self.writing = None;
    }

    pub(super) fn is_writing(&self) -> bool {
        self.writing.is_some()
    }

    /// What writes at the moment.
    pub(super) fn take(&mut self) -> Option<JoinHandle<()>> {
        self.writing.take()
    }
}

impl IndexJobs {
    /// There is more that is worth keeping, if anything is kept.
    pub(super) fn want_kept(&mut self, first: bool) {
        if self.tools.shared.cache.is_some() {
            self.keeping.want(first, Instant::now());
        }
    }

    /// Writes what is worth keeping, beside the jobs; later, if something is being written.
    pub(super) fn keep(&mut self, parts: Vec<TextPart>) {
        if self.keeping.is_writing() {
            return self.want_kept(false);
        }
        self.keeping.write(parts, &self.tools, &self.events, &self.runtime);
    }

    /// Writing ended.
    pub(in crate::server) fn kept(&mut self) {
        self.keeping.wrote();
        self.advance();
    }

    /// What writes at the moment, to be waited for at the end.
    pub(in crate::server) fn writing(&mut self) -> Option<JoinHandle<()>> {
        self.keeping.take()
    }
}
