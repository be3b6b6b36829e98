//! Thread pools, and mapping many items in parallel and getting the results in order, as they come.

use std::sync::Arc;
use std::sync::mpsc;

use crate::error::{Error, Result};

/// A pool of `threads` threads that are called `name-0`, `name-1`, and so on.
///
/// # Errors
/// The system has no threads to give.
pub fn pool(name: &'static str, threads: usize) -> std::result::Result<rayon::ThreadPool, rayon::ThreadPoolBuildError> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(move |at| format!("{name}-{at}")).build()
}

/// Maps `items` on `pool`, `batch` of them a task, and yields the results in the order of the items.
///
/// At most `window` batches are under way or waiting for the consumer, so memory stays bounded
/// however slow it is; dropping the iterator starts no further ones. Each batch is a task of its own
/// in FIFO order, so that a long mapping does not keep a short one of another request waiting.
pub fn ordered_map<T, R, F>(
    pool: Arc<rayon::ThreadPool>,
    items: Vec<T>,
    batch: usize,
    window: usize,
    map: F,
) -> OrderedMap<T, R>
where
    T: Send + Sync + 'static,
    R: Send + 'static,
    F: Fn(&T) -> R + Send + Sync + 'static,
{
    OrderedMap {
        pool,
        items: items.into(),
        batch: batch.max(1),
        window: window.max(1),
        map: Arc::new(map),
        under_way: std::collections::VecDeque::new(),
        started: 0,
        ready: Vec::new().into_iter(),
    }
}

/// The iterator of [`ordered_map`]. A batch whose task panicked is an `internal` error.
pub struct OrderedMap<T, R> {
    pool: Arc<rayon::ThreadPool>,
    items: Arc<[T]>,
    batch: usize,
    window: usize,
    map: Arc<dyn Fn(&T) -> R + Send + Sync>,
    under_way: std::collections::VecDeque<mpsc::Receiver<Vec<R>>>,
    started: usize,
    ready: std::vec::IntoIter<R>,
}

impl<T: Send + Sync + 'static, R: Send + 'static> OrderedMap<T, R> {
    fn start(&mut self) {
        while self.under_way.len() < self.window && self.started < self.items.len() {
            let range = self.started..self.items.len().min(self.started + self.batch);
            self.started = range.end;
            let (items, map) = (Arc::clone(&self.items), Arc::clone(&self.map));
            let (send, receive) = mpsc::sync_channel(1);
            self.pool.spawn_fifo(move || {
                // A panic drops the sender; the consumer reports it. Unwinding further would abort.
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let results: Vec<R> = items[range].iter().map(|item| map(item)).collect();
                    let _ = send.send(results);
                }));
            });
            self.under_way.push_back(receive);
        }
    }
}

impl<T: Send + Sync + 'static, R: Send + 'static> Iterator for OrderedMap<T, R> {
    type Item = Result<R>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(result) = self.ready.next() {
                return Some(Ok(result));
            }
            self.start();
            match self.under_way.pop_front()?.recv() {
                Ok(results) => self.ready = results.into_iter(),
                Err(mpsc::RecvError) => return Some(Err(Error::internal("a worker failed; the log has the place"))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn two() -> Arc<rayon::ThreadPool> {
        Arc::new(pool("test", 2).unwrap())
    }

    #[test]
    fn results_come_in_order() {
        let items: Vec<u64> = (0..1000).collect();
        let got: Vec<u64> = ordered_map(two(), items.clone(), 7, 4, |item| *item).map(Result::unwrap).collect();
        assert_eq!(got, items);
    }

    #[test]
    fn a_consumer_that_stops_starts_no_more_work() {
        let done = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&done);
        let mut map = ordered_map(two(), vec![(); 10_000], 1, 4, move |()| counted.fetch_add(1, Ordering::SeqCst));
        assert!(map.next().is_some());
        drop(map);
        assert!(done.load(Ordering::SeqCst) <= 5);
    }

    #[test]
    fn a_panic_is_an_error_and_the_pool_lives_on() {
        let pool = two();
        let results: Vec<_> =
            ordered_map(Arc::clone(&pool), vec![1, 2, 3], 1, 2, |item| assert_ne!(*item, 2)).collect();
        assert_eq!(results.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(pool.install(|| 5), 5);
    }
}
