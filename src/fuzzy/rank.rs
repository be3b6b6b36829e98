//! The best of many paths.

use rayon::prelude::*;

use super::query::Query;
use super::score::Scorer;
use crate::cancel::CancelToken;
use crate::error::Result;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranking {
    /// The best, in order.
    pub hits: Vec<Hit>,
    /// Whether there are others.
    pub more: bool,
}

/// An item that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which of the items.
    pub index: usize,
    /// The higher, the better.
    pub score: u64,
    /// Letters of the path, for which the shorter of equal ones is better.
    length: usize,
}

/// How many paths are a task.
const TASK: usize = 2048;
/// How many are fetched from memory, where they lie far apart, before they are scored: the processor waits once for
/// many rather than once for each.
pub(super) const BATCH: usize = 64;

/// The `limit` best of some items with paths, found on the current rayon pool. Neither the order of the items nor the
/// number of threads makes a difference. For a query without letters, all are found, in the order of their paths.
///
/// # Errors
/// `cancelled`.
pub fn rank<T: Sync>(
    query: &Query,
    items: &[T],
    path: impl Fn(&T) -> &str + Sync,
    limit: usize,
    cancel: &CancelToken,
) -> Result<Ranking> {
    let by_path = |a: &Hit, b: &Hit| path(&items[a.index]).cmp(path(&items[b.index]));
    let order = |a: &Hit, b: &Hit| b.score.cmp(&a.score).then(a.length.cmp(&b.length)).then_with(|| by_path(a, b));
    // One more than asked for, which tells whether there are more.
    let keep = limit.saturating_add(1);
    let task = |(task, items): (usize, &[T])| {
        let mut scorer = Scorer::new(query);
        let mut hits = Vec::new();
        let mut batch: Vec<(&str, usize)> = Vec::with_capacity(BATCH);
        for (start, items) in (task * TASK..).step_by(BATCH).zip(items.chunks(BATCH)) {
            batch.clear();
            batch.extend(items.iter().map(|item| (path(item), 0)));
            for (path, length) in &mut batch {
                *length = path.chars().count();
            }
            for (index, (path, length)) in (start..).zip(&batch) {
                cancel.check()?;
                let length = if query.letters() == 0 { 0 } else { *length };
                hits.extend(scorer.score(path).map(|score| Hit { index, score, length }));
            }
        }
        if hits.len() > keep {
            hits.select_nth_unstable_by(limit, order);
            hits.truncate(keep);
        }
        Ok(hits)
    };
    let found = items.par_chunks(TASK).enumerate().map(task).collect::<Result<Vec<_>>>()?;
    let mut hits = found.concat();
    hits.par_sort_unstable_by(order);
    cancel.check()?;
    let more = hits.len() > limit;
    hits.truncate(limit);
    Ok(Ranking { hits, more })
}
