//! Work that nobody waits for lets go first what somebody waits for.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Who is at work that somebody waits for.
#[derive(Debug, Default)]
pub struct Courtesy {
    busy: Mutex<usize>,
    free: Condvar,
}

/// How long one step of other work is put off at most, so that it gets done in the end.
const PATIENCE: Duration = Duration::from_millis(2);

/// Work that somebody waits for, as long as it lives.
#[derive(Debug)]
pub struct Busy<'courtesy>(&'courtesy Courtesy);

impl Courtesy {
    /// Somebody waits for what is done from here on.
    pub fn busy(&self) -> Busy<'_> {
        *self.busy.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Busy(self)
    }

    /// Waits a moment while there is work that somebody waits for: to be called between small steps.
    pub fn after_you(&self) {
        let busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if *busy > 0 {
            let _ = self.free.wait_timeout_while(busy, PATIENCE, |busy| *busy > 0);
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let mut busy = self.0.busy.lock().unwrap_or_else(PoisonError::into_inner);
        *busy -= 1;
        if *busy == 0 {
            self.0.free.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Instant;

    use super::*;

    #[test]
    fn other_work_waits_while_somebody_is_busy_but_not_for_ever() {
        let courtesy = Courtesy::default();
        let start = Instant::now();
        let first = courtesy.busy();
        let second = courtesy.busy();
        drop(first);
        courtesy.after_you();
        assert!(start.elapsed() >= PATIENCE, "one is still busy");
        drop(second);
        std::thread::scope(|scope| {
            let busy = courtesy.busy();
            let (started, waits) = mpsc::channel();
            let courtesy = &courtesy;
            let other = scope.spawn(move || {
                let _ = started.send(());
                courtesy.after_you();
            });
            waits.recv().unwrap();
            drop(busy);
            other.join().unwrap();
        });
        courtesy.after_you();
        assert_eq!(*courtesy.busy.lock().unwrap(), 0);
    }
}
