//! The bounded queue between a watcher and the indexer.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::path::{DirPath, RelPath};

/// How a path was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Touch {
    /// Its content or its attributes; of a directory, its own, not its tree's.
    Content,
    /// What is there: it was made, moved or deleted.
    Entry,
}

/// What was noticed: where to look again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The paths, each once, with the strongest touch.
    pub paths: BTreeMap<RelPath, Touch>,
    /// Directories with entries whose names are no paths: their own entries are to be listed again.
    pub directories: BTreeSet<DirPath>,
    /// Some of what happened is not known: everything is to be looked at again. With the reason.
    pub rescan: Option<String>,
}

impl Batch {
    /// Whether nothing was noticed.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.directories.is_empty() && self.rescan.is_none()
    }

    fn len(&self) -> usize {
        self.paths.len() + self.directories.len()
    }
}

/// Collects what a watcher notices. A path that is touched again before anybody looked takes no more room;
/// more paths than the bound allows become a rescan, never a loss.
pub struct Queue {
    state: Mutex<State>,
    cookie_arrived: Condvar,
    wake: Box<dyn Fn() + Send + Sync>,
    max_paths: usize,
}

#[derive(Default)]
struct State {
    batch: Batch,
    /// The newest cookie that came by, and the newest that was asked for.
    cookie: u64,
    asked: u64,
    counts: Counts,
}

/// What came by since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Events, those of cookies not counted.
    pub events: u64,
    /// Times that events were lost.
    pub overflows: u64,
}

impl Queue {
    /// A queue for up to `max_paths` paths. `wake` is called, on the watcher's thread, when it holds something
    /// after it was empty.
    pub fn new(max_paths: usize, wake: impl Fn() + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), cookie_arrived: Condvar::new(), wake: Box::new(wake), max_paths }
    }

    /// A path was touched.
    pub fn touch(&self, path: RelPath, touch: Touch) {
        self.add(|batch| {
            let held = batch.paths.entry(path).or_insert(touch);
            *held = touch.max(*held);
        });
    }

    /// Something whose name is no path changed in a directory, or the root itself did.
    pub fn touch_entries_of(&self, directory: DirPath) {
        self.add(|batch| {
            batch.directories.insert(directory);
        });
    }

    /// Events were lost.
    pub fn lost(&self, reason: &str) {
        self.state().counts.overflows += 1;
        self.rescan(reason);
    }

    /// Everything is to be looked at again.
    pub fn rescan(&self, reason: &str) {
        self.add(|batch| {
            batch.paths.clear();
            batch.directories.clear();
            batch.rescan.get_or_insert_with(|| reason.to_owned());
        });
        // A cookie may be among what was lost.
        self.cookie_arrived.notify_all();
    }

    fn add(&self, change: impl FnOnce(&mut Batch)) {
        let mut state = self.state();
        state.counts.events += 1;
        let was_empty = state.batch.is_empty();
        // Until somebody looks everywhere, more places to look at add nothing.
        if state.batch.rescan.is_none() {
            change(&mut state.batch);
            if state.batch.len() > self.max_paths {
                state.counts.overflows += 1;
                let reason = format!("more than {} paths changed before they could be looked at", self.max_paths);
                state.batch = Batch { rescan: Some(reason), ..Batch::default() };
                self.cookie_arrived.notify_all();
            }
        }
        drop(state);
        if was_empty {
            (self.wake)();
        }
    }

    /// A number for a cookie, used once, whichever watcher it is for.
    pub fn next_cookie(&self) -> u64 {
        let mut state = self.state();
        state.asked += 1;
        state.asked
    }

    /// A cookie came by: what happened before it was made is in the queue.
    pub fn cookie(&self, number: u64) {
        let mut state = self.state();
        state.cookie = state.cookie.max(number);
        self.cookie_arrived.notify_all();
    }

    /// Waits for a cookie, or for a rescan in its place. False if neither came in time.
    pub fn wait_for_cookie(&self, number: u64, timeout: Duration) -> bool {
        let deadline = Instant::now() + timeout;
        let mut state = self.state();
        loop {
            if state.cookie >= number || state.batch.rescan.is_some() {
                return true;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.cookie_arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes all there is.
    pub fn take(&self) -> Batch {
        std::mem::take(&mut self.state().batch)
    }

    /// What came by since the start.
    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    fn queue(max_paths: usize) -> (Arc<Queue>, Arc<AtomicUsize>) {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        (
            Arc::new(Queue::new(max_paths, move || {
                count.fetch_add(1, Ordering::SeqCst);
            })),
            woken,
        )
    }

    #[test]
    fn a_path_is_held_once_with_its_strongest_touch() {
        let (queue, woken) = queue(10);
        for touch in [Touch::Content, Touch::Entry, Touch::Content] {
            queue.touch(path("a"), touch);
        }
        queue.touch_entries_of(DirPath::root());
        let batch = queue.take();
        assert_eq!(batch.paths, [(path("a"), Touch::Entry)].into());
        assert_eq!((batch.directories.len(), batch.rescan), (1, None));
        assert!(queue.take().is_empty());
        assert_eq!(woken.load(Ordering::SeqCst), 1);
        queue.touch(path("b"), Touch::Content);
        assert_eq!(woken.load(Ordering::SeqCst), 2, "woken again after it was emptied");
        assert_eq!(queue.counts(), Counts { events: 5, overflows: 0 });
    }

    #[test]
    fn too_many_paths_are_a_rescan() {
        let (queue, _) = queue(3);
        for name in ["a", "b", "c", "d", "e"] {
            queue.touch(path(name), Touch::Entry);
        }
        let batch = queue.take();
        assert!(batch.paths.is_empty() && batch.rescan.is_some());
        assert_eq!(queue.counts().overflows, 1);
        queue.touch(path("f"), Touch::Entry);
        assert_eq!(queue.take().paths.len(), 1);
    }

    #[test]
    fn a_cookie_is_waited_for() {
        let (queue, _) = queue(3);
        assert!(!queue.wait_for_cookie(1, Duration::ZERO));
        let other = Arc::clone(&queue);
        let thread = std::thread::spawn(move || other.cookie(2));
        assert!(queue.wait_for_cookie(1, Duration::from_secs(60)) && queue.wait_for_cookie(2, Duration::from_secs(60)));
        thread.join().unwrap();
        assert!(!queue.wait_for_cookie(3, Duration::ZERO));
        queue.lost("a test");
        assert!(queue.wait_for_cookie(3, Duration::from_secs(60)), "what was lost may have held it");
        assert_eq!(queue.counts().overflows, 1);
    }
}
