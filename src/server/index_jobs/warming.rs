//! When the facts of sources are found that nobody asked for yet, and kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::IndexJobs;
use super::job::{Tools, survive};
use crate::index::Snapshot;
use crate::indexer::Digests;
use crate::methods::IndexState;
use crate::server::event::Event;

/// So long after a change: whoever edits a file goes on for a while.
const SETTLED: Duration = Duration::from_secs(1);
/// It takes one part of the time in so many at most.
const SHARE: u32 = 10;
/// What was found is kept at most so often.
const KEEP_PAUSE: Duration = Duration::from_secs(60);

/// What is to be found, and when what was found was kept.
#[derive(Debug)]
pub(super) struct Warming {
    due: Option<Instant>,
    started_at: Option<Instant>,
    not_before: Instant,
    is_loaded: bool,
    keeps_at: Option<Instant>,
}

/// What it came to.
#[derive(Debug, Default)]
pub(in crate::server) struct Warmed {
    /// Whether there are facts that are not kept, whoever found them.
    has_unkept: bool,
}

impl Warming {
    pub(super) fn new() -> Self {
        Self { due: None, started_at: None, not_before: Instant::now(), is_loaded: false, keeps_at: None }
    }

    /// There may be more to find: at once, if the first index is complete now.
    pub(super) fn want(&mut self, first: bool, now: Instant) {
        let at = if first { now } else { now + SETTLED };
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// When to look next; not while it looks.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = [self.due, self.keeps_at].into_iter().flatten().min()?;
        self.started_at.is_none().then(|| due.max(self.not_before))
    }

    /// Whether it looks at the moment.
    #[cfg(test)]
    pub(super) fn is_under_way(&self) -> bool {
        self.started_at.is_some()
    }

    /// Looks, beside all else. The loop is told when that ended, and then calls [`Self::done`].
    pub(super) fn start(
        &mut self,
        now: Instant,
        snapshot: &Arc<Snapshot>,
        tools: &Arc<Tools>,
        events: &mpsc::UnboundedSender<Event>,
        runtime: &Handle,
    ) {
        (self.due, self.started_at) = (None, Some(now));
        let loads = !std::mem::replace(&mut self.is_loaded, true);
        let keeps = self.keeps_at.is_some_and(|at| at <= now);
        if keeps {
            self.keeps_at = None;
        }
        let (snapshot, tools, events) = (Arc::clone(snapshot), Arc::clone(tools), events.clone());
        runtime.spawn_blocking(move || {
            let warmed = survive(|| Ok(tools.warm(&snapshot, loads, keeps))).unwrap_or_default();
            let _ = events.send(Event::Warmed { warmed });
        });
    }

    /// It ended.
    pub(super) fn done(&mut self, warmed: &Warmed, now: Instant) {
        let took = self.started_at.take().map_or(Duration::ZERO, |started| now - started);
        self.not_before = now + SHARE * took;
        if warmed.has_unkept {
            self.want_kept(now);
        }
    }

    /// There are facts that are not kept: soon.
    fn want_kept(&mut self, now: Instant) {
        self.keeps_at.get_or_insert(now + KEEP_PAUSE);
    }
}

impl IndexJobs {
    /// Finds the facts of sources that nobody asked for yet, if that is due.
    pub(super) fn warm(&mut self, now: Instant) {
        if self.warming.due().is_some_and(|due| due <= now) {
            self.warming.start(now, &self.snapshot, &self.tools, &self.events, &self.runtime);
        }
    }

    /// A request ended: what it found is worth keeping, too. Before the first index is complete, that is known anyway.
    pub(in crate::server) fn answered(&mut self) {
        let shared = &self.tools.shared;
        if self.state == IndexState::Ready && shared.cache.is_some() && shared.facts.has_unkept() {
            self.warming.want_kept(Instant::now());
        }
    }

    /// That ended.
    pub(in crate::server) fn warmed(&mut self, warmed: &Warmed) {
        self.warming.done(warmed, Instant::now());
    }
}

impl Tools {
    /// Finds the digests that are missing; before, it takes those that were kept, and behind, it keeps all.
    fn warm(&self, snapshot: &Snapshot, loads: bool, keeps: bool) -> Warmed {
        let shared = &self.shared;
        if let Some(cache) = shared.cache.as_ref().filter(|_| loads) {
            for (key, digest) in cache.load_facts() {
                shared.facts.put_kept(key, Arc::new(digest));
            }
        }
        let digests = Digests {
            root: &shared.root,
            store: &shared.facts,
            max_bytes: shared.config.limits.max_parse_bytes,
            cancel: &self.stop,
        };
        self.warmer.warm(snapshot, digests, &shared.courtesy, &self.fill_pool);
        let Some(cache) = &shared.cache else { return Warmed::default() };
        if (keeps || loads) && shared.facts.has_unkept() && !self.stop.is_cancelled() {
            cache.save_facts(&shared.facts.keep());
        }
        Warmed { has_unkept: shared.facts.has_unkept() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_takes_a_share_of_the_time_and_what_was_found_is_kept_now_and_then() {
        let start = Instant::now();
        let mut warming = Warming { not_before: start, ..Warming::new() };
        assert_eq!(warming.due(), None);
        warming.want(true, start);
        assert_eq!(warming.due(), Some(start));
        (warming.due, warming.started_at) = (None, Some(start));
        warming.want(false, start);
        assert_eq!(warming.due(), None, "one at a time");
        let end = start + Duration::from_millis(300);
        warming.done(&Warmed { has_unkept: true }, end);
        assert_eq!(warming.due(), Some(end + SHARE * Duration::from_millis(300)));
        (warming.due, warming.started_at) = (None, Some(end));
        warming.done(&Warmed { has_unkept: true }, end);
        assert_eq!(warming.due(), Some(end + KEEP_PAUSE), "to be kept");
    }

    #[test]
    fn what_requests_found_is_kept_though_nothing_changes() {
        let start = Instant::now();
        let mut warming = Warming { not_before: start, is_loaded: true, ..Warming::new() };
        warming.want_kept(start);
        warming.want_kept(start + KEEP_PAUSE / 2);
        assert_eq!(warming.due(), Some(start + KEEP_PAUSE), "not put off by each request");
    }
}
