//! When parts of the trigram index are built.

use std::time::{Duration, Instant};

use crate::error::Result;
use crate::index::{Rebuild, TextIndex};
use crate::indexer::Built;

/// Changes that are searched one by one rather than built anew.
const MAX_WEAR: usize = 64;
/// After so long without a change, or so many changes, it is worth the while.
const QUIET: Duration = Duration::from_secs(2);
/// Nor is it put off for longer than this by what is written all the time.
const MAX_QUIET_WAIT: Duration = Duration::from_secs(60);
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
    /// Since when building would be worth the while, if only it were quiet.
    restless_at: Option<Instant>,
    not_before: Instant,
}

impl Texts {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { started_at: None, built: None, changed_at: now, restless_at: None, not_before: now }
    }

    /// Files changed; `index` knows of it.
    pub(super) fn changed(&mut self, index: &TextIndex, now: Instant) {
        self.changed_at = now;
        if index.wear() < MAX_WEAR {
            self.restless_at = None;
        } else {
            self.restless_at.get_or_insert(now);
        }
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
            MAX_WEAR.. => {
                let quiet = self.changed_at + QUIET;
                let at_last = self.restless_at.map_or(quiet, |since| since + MAX_QUIET_WAIT);
                Some(self.not_before.max(quiet.min(at_last)))
            }
            _ => None,
        }
    }

    /// What to build now; it counts as being built.
    pub(super) fn start(&mut self, index: &TextIndex, now: Instant) -> Vec<Rebuild> {
        (self.started_at, self.restless_at) = (Some(now), None);
        index.most_worn()
    }

    /// Building ended, for `index`. What came of it is to be brought in.
    pub(super) fn done(&mut self, built: Result<Built>, index: &TextIndex, now: Instant) {
        let took = self.started_at.take().map_or(Duration::ZERO, |started| now - started);
        match built {
            Ok(built) => {
                self.not_before = now + SHARE * took;
                self.built = Some(built);
            }
            Err(error) => {
                self.not_before = now + RETRY;
                if index.is_built() {
                    tracing::error!("searches read all files that changed: they were not indexed anew: {error}");
                } else {
                    tracing::error!("searches read all files: the text index was not built: {error}");
                }
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
    use std::sync::Arc;

    use super::*;
    use crate::fs::Stamp;
    use crate::index::{Clock, Delta, FileEntry, Snapshot, TextPart};
    use crate::path::RelPath;
    use crate::trigram::SegmentBuilder;

    /// An index of an empty part, worn by so many new files.
    fn worn(wear: usize) -> TextIndex {
        let segment = Arc::new(SegmentBuilder::default().finish());
        let part = Arc::new(TextPart { files: Box::default(), segment, binary: Box::default() });
        let snapshot = Snapshot::empty(Clock::start("test"));
        let built = snapshot.text.most_worn().into_iter().map(|rebuild| (rebuild, vec![Arc::clone(&part)]));
        let snapshot = snapshot.with_text(built.collect());
        let file = |at: usize| {
            let path = RelPath::parse(&format!("f{at}")).unwrap();
            (path.clone(), Some(Arc::new(FileEntry::listed(path, Stamp::default()))))
        };
        let (snapshot, _) = snapshot.apply(Delta { files: (0..wear).map(file).collect(), ..Delta::default() });
        assert_eq!(snapshot.text.wear(), wear);
        snapshot.text
    }

    #[test]
    fn what_is_written_all_the_time_does_not_put_building_off_for_ever() {
        let (little, much) = (worn(MAX_WEAR - 1), worn(MAX_WEAR));
        let start = Instant::now();
        let mut texts = Texts { not_before: start, ..Texts::new() };
        let mut built = Vec::new();
        for second in 0..600 {
            let now = start + Duration::from_secs(second);
            // Worn enough after a while; building makes good little, as more is written meanwhile.
            let index = if second < 100 { &little } else { &much };
            texts.changed(index, now);
            if texts.due(index).is_some_and(|due| due <= now) {
                texts.start(index, now);
                texts.done(Ok(Built::default()), index, now);
                texts.take();
                built.push(second);
            }
        }
        assert_eq!(built, [160, 221, 282, 343, 404, 465, 526, 587]);
        let end = start + Duration::from_secs(600);
        texts.changed(&little, end);
        texts.changed(&much, end);
        assert_eq!(texts.due(&much), Some(end + QUIET), "as soon as it is quiet");
    }

    #[test]
    fn building_takes_a_share_of_the_time() {
        let mut texts = Texts::new();
        let index = TextIndex::default();
        let start = Instant::now();
        assert!(texts.due(&index).is_some_and(|due| due <= start), "at once at the start");
        assert_eq!(texts.start(&index, start).len(), 1);
        assert_eq!(texts.due(&index), None, "one at a time");
        let end = start + Duration::from_secs(3);
        texts.done(Ok(Built::default()), &index, end);
        assert_eq!((texts.due(&index), texts.is_under_way()), (None, true), "it is not brought in yet");
        assert!(texts.take().is_some());
        assert_eq!(texts.due(&index), Some(end + Duration::from_secs(30)));
        texts.start(&index, end);
        texts.done(Err(crate::error::Error::internal("a test")), &index, end);
        assert_eq!(texts.due(&index), Some(end + RETRY));
    }
}
