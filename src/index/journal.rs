//! What changed between two states: a bounded record of what each state replaced.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use super::entry::FileEntry;
use super::snapshot::Snapshot;
use crate::path::RelPath;

/// A file that a state of the index has otherwise than the state before.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// Where it is.
    pub path: RelPath,
    /// What was there; nothing if it is new.
    pub before: Option<Arc<FileEntry>>,
}

/// What one state replaced.
#[derive(Debug)]
pub struct Tick {
    tick: u64,
    replaced: Vec<Replaced>,
}

/// The latest ticks, as many as the bound allows. Whoever asks for what happened since an older state is
/// told that this is not known any more.
#[derive(Debug)]
pub struct Journal {
    ticks: VecDeque<Arc<Tick>>,
    /// What happened behind this state is recorded.
    since: u64,
    records: usize,
    max_records: usize,
}

/// A file that two states have otherwise.
#[derive(Clone, Debug)]
pub struct Difference {
    /// Where it is.
    pub path: RelPath,
    /// What was there.
    pub before: Option<Arc<FileEntry>>,
    /// What is there.
    pub after: Option<Arc<FileEntry>>,
}

impl Journal {
    /// An empty record that begins at `tick` and holds up to `max_records` files.
    pub fn new(tick: u64, max_records: usize) -> Self {
        Self { ticks: VecDeque::new(), since: tick, records: 0, max_records }
    }

    /// The state `tick` replaced these.
    pub fn push(&mut self, tick: u64, replaced: Vec<Replaced>) {
        self.records += replaced.len();
        self.ticks.push_back(Arc::new(Tick { tick, replaced }));
        // A tick without files takes room, too.
        while self.records + self.ticks.len() > self.max_records
            && let Some(oldest) = self.ticks.pop_front()
        {
            self.records -= oldest.replaced.len();
            self.since = oldest.tick;
        }
    }

    /// Forgets everything before `tick`: a change so large that telling it anew is shorter.
    pub fn restart(&mut self, tick: u64) {
        *self = Self::new(tick, self.max_records);
    }

    /// What was replaced after the state `tick`; `None` if that is not known any more.
    pub fn since(&self, tick: u64) -> Option<Vec<Arc<Tick>>> {
        let from = self.ticks.partition_point(|held| held.tick <= tick);
        (tick >= self.since).then(|| self.ticks.range(from..).cloned().collect())
    }
}

/// What `ticks` come to, up to the state `now`: each path once, what changed back left out as far as stamps tell.
pub fn differences(ticks: &[Arc<Tick>], now: &Snapshot, accepts: impl Fn(&str) -> bool) -> Vec<Difference> {
    let mut first: BTreeMap<&RelPath, &Option<Arc<FileEntry>>> = BTreeMap::new();
    for replaced in ticks.iter().filter(|tick| tick.tick <= now.clock.tick()).flat_map(|tick| &tick.replaced) {
        if accepts(replaced.path.as_str()) {
            first.entry(&replaced.path).or_insert(&replaced.before);
        }
    }
    let differs = |before: &Option<Arc<FileEntry>>, after: &Option<Arc<FileEntry>>| match (before, after) {
        (None, None) => false,
        (Some(before), Some(after)) => !Arc::ptr_eq(before, after),
        _ => true,
    };
    first
        .into_iter()
        .map(|(path, before)| (path, before, now.file(path).cloned()))
        .filter(|(_, before, after)| differs(before, after))
        .map(|(path, before, after)| Difference { path: path.clone(), before: before.clone(), after })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::Stamp;
    use crate::index::{Clock, Delta};

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn entry(name: &str, size: u64) -> Arc<FileEntry> {
        Arc::new(FileEntry::listed(path(name), Stamp { size, ..Stamp::default() }))
    }

    /// A snapshot and its journal, driven by sets of `(name, size)`; size 0 deletes.
    struct Index {
        snapshot: Snapshot,
        journal: Journal,
    }

    impl Index {
        fn new(max_records: usize) -> Self {
            let snapshot = Snapshot::empty(Clock::start("t"));
            let journal = Journal::new(snapshot.clock.tick(), max_records);
            Self { snapshot, journal }
        }

        fn apply(&mut self, edits: &[(&str, u64)]) {
            let mut delta = Delta::default();
            for (name, size) in edits {
                delta.files.insert(path(name), (*size > 0).then(|| entry(name, *size)));
            }
            let (next, replaced) = self.snapshot.apply(delta);
            if next.clock != self.snapshot.clock {
                self.journal.push(next.clock.tick(), replaced);
            }
            self.snapshot = next;
        }

        fn since(&self, tick: u64) -> Option<Vec<(String, u64, u64)>> {
            let size = |entry: &Option<Arc<FileEntry>>| entry.as_ref().map_or(0, |entry| entry.stamp.size);
            let ticks = self.journal.since(tick)?;
            let found = differences(&ticks, &self.snapshot, |path| !path.starts_with("hidden"));
            Some(found.iter().map(|it| (it.path.to_string(), size(&it.before), size(&it.after))).collect())
        }
    }

    #[test]
    fn changes_are_told_once_and_from_the_first_to_the_last() {
        let mut index = Index::new(100);
        index.apply(&[("a", 1), ("b", 1), ("hidden", 1)]);
        let start = index.snapshot.clock.tick();
        index.apply(&[("a", 2), ("c", 1)]);
        index.apply(&[("a", 3), ("c", 0), ("b", 0)]);
        index.apply(&[("d", 1), ("hidden", 2)]);
        let told = |name: &str, before, after| (name.to_owned(), before, after);
        assert_eq!(index.since(start).unwrap(), [told("a", 1, 3), told("b", 1, 0), told("d", 0, 1)]);
        assert_eq!(index.since(index.snapshot.clock.tick()).unwrap(), []);
        assert_eq!(index.since(1).unwrap(), [told("a", 0, 3), told("d", 0, 1)], "created and deleted is nothing");
    }

    #[test]
    fn what_is_too_long_ago_is_not_known() {
        let mut index = Index::new(10);
        let mut ticks = Vec::new();
        for size in 1..=20 {
            ticks.push(index.snapshot.clock.tick());
            index.apply(&[("a", size)]);
        }
        assert!(index.since(ticks[0]).is_none());
        let kept = ticks.iter().filter(|tick| index.since(**tick).is_some()).count();
        assert!((1..=5).contains(&kept), "{kept}");
        index.journal.restart(index.snapshot.clock.tick());
        assert!(index.since(ticks[19]).is_none() && index.since(index.snapshot.clock.tick()).is_some());
    }
}
