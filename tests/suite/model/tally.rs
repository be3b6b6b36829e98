//! What a run came to, in numbers.

use std::fmt;
use std::time::Duration;

/// Sums over one or many runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) operations: usize,
    /// Operations that were not done.
    pub(crate) skipped: usize,
    /// Of these, the ones that the system has but that did not fit the tree.
    pub(crate) misfits: Vec<String>,
    pub(crate) bursts: usize,
    /// Files compared, over all bursts.
    pub(crate) files: usize,
    pub(crate) unsynced: usize,
    pub(crate) overflows: u64,
    pub(crate) rescans: u64,
    /// Changes in events.
    pub(crate) changes: usize,
    /// Full lists in place of changes.
    pub(crate) fresh: usize,
    /// From a question to its answer, where it was the first after a burst.
    pub(crate) listing_times: Vec<Duration>,
    pub(crate) search_times: Vec<Duration>,
    pub(crate) sync_times: Vec<Duration>,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Self) {
        self.operations += other.operations;
        self.skipped += other.skipped;
        self.misfits.extend(other.misfits);
        self.bursts += other.bursts;
        self.files += other.files;
        self.unsynced += other.unsynced;
        self.overflows += other.overflows;
        self.rescans += other.rescans;
        self.changes += other.changes;
        self.fresh += other.fresh;
        self.listing_times.extend(other.listing_times);
        self.search_times.extend(other.search_times);
        self.sync_times.extend(other.sync_times);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "operations            {} ({} skipped)", self.operations, self.skipped)?;
        let files = self.files / self.bursts.max(1);
        writeln!(f, "bursts compared       {} ({files} files each)", self.bursts)?;
        writeln!(f, "unsynced answers      {}", self.unsynced)?;
        writeln!(f, "overflows, rescans    {}, {}", self.overflows, self.rescans)?;
        writeln!(f, "changed events        {} changes, {} full lists", self.changes, self.fresh)?;
        writeln!(f, "first answer after a burst:")?;
        writeln!(f, "  listing with hashes {}", percentiles(&self.listing_times))?;
        writeln!(f, "  search              {}", percentiles(&self.search_times))?;
        write!(f, "  sync of paths       {}", percentiles(&self.sync_times))
    }
}

fn percentiles(times: &[Duration]) -> String {
    let mut times = times.to_vec();
    times.sort_unstable();
    let Some(last) = times.len().checked_sub(1) else { return "none".to_owned() };
    let at = |percent: usize| times[last * percent / 100].as_secs_f64() * 1e3;
    format!("p50 {:.1} ms, p99 {:.1} ms, of {}", at(50), at(99), times.len())
}
