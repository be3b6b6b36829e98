//! When parts of the trigram index are built.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::index::{Rebuild, TextIndex};
use crate::indexer::Built;

/// Changes that are searched one by one rather than built anew.
const MAX_WEAR: usize = 64;
/// After so long without a change, or so many changes, it is worth the while.
const QUIET: Duration = Duration::from_secs(2);
const MAX_RESTLESS_WEAR: usize = 4096;
/// Building takes one part of the time in so many at most.
const SHARE: u32 = 10;
/// When it is tried again after a failure.
const RETRY: Duration = Duration::from_secs(30);

/// What is being built, and what was and is not in the index yet.
#[derive(Debug)]
pub(super) struct Texts {
    started_at: Option<Instant>,
    built: Option<Built>,
    changed_at: Instant,
    not_before: Instant,
}

impl Texts {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { started_at: None, built: None, changed_at: now, not_before: now }
    }

    /// Files changed.
    pub(super) fn changed(&mut self, now: Instant) {
        self.changed_at = now;
    }

    /// When to build next, as far as it is known.
    pub(super) fn due(&self, index: &TextIndex) -> Option<Instant> {
        if self.started_at.is_some() || self.built.is_some() {
            return None;
        }
        let wear = index.wear();
        match wear {
            _ if !index.is_built() => Some(self.not_before),
            MAX_RESTLESS_WEAR.. => Some(self.not_before),
            MAX_WEAR.. => Some(self.not_before.max(self.changed_at + QUIET)),
            _ => None,
        }
    }

    /// What to build now; it counts as being built.
    pub(super) fn start(&mut self, index: &TextIndex, now: Instant) -> Vec<Rebuild> {
        self.started_at = Some(now);
        index.most_worn()
    }

    /// Building ended. What came of it is to be brought in.
    pub(super) fn done(&mut self, built: Result<Built>, now: Instant) {
        let took = self.started_at.take().map_or(Duration::ZERO, |started| now - started);
        match built {
            Ok(built) => {
                self.not_before = now + SHARE * took;
                self.built = Some(built);
            }
            Err(error) => {
                self.not_before = now + RETRY;
                tracing::error!("searches read all files: the text index was not built: {error}");
            }
        }
    }

    /// What was built and is not in the index yet; to be taken out when it is brought in.
    pub(super) fn take(&mut self) -> Option<Built> {
        self.built.take()
    }

    /// Whether something is being built, or waits to be brought in.
    pub(super) fn is_under_way(&self) -> bool {
        self.started_at.is_some() || self.built.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn building_takes_a_share_of_the_time() {
        let mut texts = Texts::new();
        let index = TextIndex::default();
        let start = Instant::now();
        assert!(texts.due(&index).is_some_and(|due| due <= start), "at once at the start");
        assert_eq!(texts.start(&index, start).len(), 1);
        assert_eq!(texts.due(&index), None, "one at a time");
        let end = start + Duration::from_secs(3);
        texts.done(Ok(Built::default()), end);
        assert_eq!((texts.due(&index), texts.is_under_way()), (None, true), "it is not brought in yet");
        assert!(texts.take().is_some());
        assert_eq!(texts.due(&index), Some(end + Duration::from_secs(30)));
        texts.start(&index, end);
        texts.done(Err(crate::error::Error::internal("a test")), end);
        assert_eq!(texts.due(&index), Some(end + RETRY));
    }
}
