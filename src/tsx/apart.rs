//! Work in C that may need a deep stack, and may not stop when it is told to.
//!
//! tree-sitter recurses as deep as a text nests where it reads it in several ways at once, and an overflow of the stack
//! ends the process. It looks at its cancellation only between steps, and a step on a hostile text may be a long one. So
//! such work runs on a thread of its own, with a stack for the worst case (the system gives memory for what is used
//! alone), and whoever waits for it leaves it behind when it does not stop. It ends by itself in the end.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};

/// How often a waiting thread looks whether it still has to.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// How long what was cancelled may take to stop.
const GRACE: Duration = Duration::from_millis(200);
/// More threads are never left behind: until one of them ends, no others are started.
const MAX_ABANDONED: usize = 8;

/// Threads that were left behind and still run.
static ABANDONED: AtomicUsize = AtomicUsize::new(0);

/// How many threads were left behind and still run.
pub fn abandoned() -> usize {
    ABANDONED.load(Ordering::Relaxed)
}

/// When work has to stop: nobody waits for it any more, or it has taken too long.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// What the work is, in a message.
    what: &'static str,
    cancel: CancelToken,
    deadline: Instant,
    limit: Duration,
}

impl Stop {
    /// From now on, the work may take so long.
    pub(super) fn within(limit: Duration, what: &'static str, cancel: &CancelToken) -> Self {
        Self { what, cancel: cancel.clone(), deadline: Instant::now() + limit, limit }
    }

    /// `Err` once it has to stop.
    ///
    /// # Errors
    /// `cancelled`, `timeout`.
    pub(super) fn check(&self) -> Result<()> {
        self.cancel.check()?;
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(Error::new(Code::Timeout, format!("{} took more than {} s", self.what, self.limit.as_secs())))
    }

    /// For the callbacks of the library.
    pub(super) fn control_flow(&self) -> ControlFlow<()> {
        if self.check().is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Why it stopped.
    pub(super) fn error(&self) -> Error {
        self.check().err().unwrap_or_else(Error::cancelled)
    }
}

/// Runs `work` on a thread with `stack` bytes of stack and gives its result. `work` should stop when it is told to.
///
/// # Errors
/// Those of [`Stop::check`], where the work did not stop; `internal` where it panicked or too many were left behind;
/// `io_error` where the system has no thread to give.
pub(super) fn run<R: Send + 'static>(
    stack: usize,
    stop: &Stop,
    work: impl FnOnce(&Stop) -> R + Send + 'static,
) -> Result<R> {
    run_counted(&ABANDONED, stack, stop, work)
}

fn run_counted<R: Send + 'static>(
    left_behind: &'static AtomicUsize,
    stack: usize,
    stop: &Stop,
    work: impl FnOnce(&Stop) -> R + Send + 'static,
) -> Result<R> {
    let abandoned = left_behind.load(Ordering::Relaxed);
    if abandoned >= MAX_ABANDONED {
        let message =
            format!("{abandoned} parsers that could not be stopped still run; none is started until one ends");
        return Err(Error::internal(message));
    }
    let (send, receive) = mpsc::sync_channel(1);
    let told = stop.clone();
    let parting = Arc::new(Parting { gone: AtomicBool::new(false), left_behind });
    let end = End(Arc::clone(&parting));
    let thread = thread::Builder::new().name("parser".to_owned()).stack_size(stack).spawn(move || {
        let end = end; // Taken in as a whole: dropped after the work, however that ends.
        let _ = send.send(work(&told));
        drop(end);
    });
    thread.map_err(|error| Error::new(Code::IoError, format!("no thread for a parser: {error}")))?;
    let mut waited = Duration::ZERO;
    loop {
        match receive.recv_timeout(LOOK_INTERVAL) {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Error::internal("a parser failed; the log has the place"));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = stop.check() {
                    if waited >= GRACE {
                        parting.leave();
                        return Err(error);
                    }
                    waited += LOOK_INTERVAL;
                }
            }
        }
    }
}

/// Of two, the thread and who waits for it, one goes first.
#[derive(Debug)]
struct Parting {
    gone: AtomicBool,
    left_behind: &'static AtomicUsize,
}

impl Parting {
    /// The one who waits goes.
    fn leave(&self) {
        self.left_behind.fetch_add(1, Ordering::Relaxed);
        self.end_if_left();
    }

    /// Counts the thread no more, if this is the second to go.
    fn end_if_left(&self) {
        if self.gone.swap(true, Ordering::AcqRel) {
            self.left_behind.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Held by the thread until it ends.
struct End(Arc<Parting>);

impl Drop for End {
    fn drop(&mut self) {
        self.0.end_if_left();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn what_does_not_stop_is_left_behind_and_counted_until_it_ends() {
        // Not the count of the other tests, which would be refused meanwhile.
        static LEFT_BEHIND: AtomicUsize = AtomicUsize::new(0);
        let counted = || LEFT_BEHIND.load(Ordering::Relaxed);
        let stack = 1 << 20;
        let cancel = CancelToken::default();
        let stop = |limit| Stop::within(Duration::from_secs(limit), "a test", &cancel);
        assert_eq!(run_counted(&LEFT_BEHIND, stack, &stop(60), |_| 5).unwrap(), 5);
        let panics = run_counted(&LEFT_BEHIND, stack, &stop(60), |_| assert_eq!(1, 2));
        assert_eq!(panics.unwrap_err().code, Code::Internal);
        assert_eq!(counted(), 0);
        let gate = Arc::new(Barrier::new(MAX_ABANDONED + 1));
        thread::scope(|scope| {
            for at in 0..MAX_ABANDONED {
                // Some of them are too slow, the others are cancelled.
                let cancelled = CancelToken::default();
                cancelled.cancel();
                let (stop, code) = match at % 2 {
                    0 => (stop(0), Code::Timeout),
                    _ => (Stop::within(Duration::from_secs(60), "a test", &cancelled), Code::Cancelled),
                };
                let gate = Arc::clone(&gate);
                scope.spawn(move || {
                    let left = run_counted(&LEFT_BEHIND, stack, &stop, move |_| gate.wait().is_leader());
                    assert_eq!(left.unwrap_err().code, code);
                });
            }
        });
        assert_eq!(counted(), MAX_ABANDONED);
        let stop = stop(60);
        let refused = run_counted(&LEFT_BEHIND, stack, &stop, |_| 5).unwrap_err();
        assert_eq!(refused.code, Code::Internal);
        assert!(refused.message.starts_with("8 parsers"), "{}", refused.message);
        gate.wait();
        // They end at some time from now on, and nothing tells when.
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while counted() > 0 {
            assert!(std::time::Instant::now() < end, "{} threads are still counted", counted());
            thread::yield_now();
        }
        assert_eq!(run_counted(&LEFT_BEHIND, stack, &stop, |_| 5).unwrap(), 5);
    }
}
