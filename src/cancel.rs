//! Telling a running request that nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::error::{Error, Result};

/// Shared by the server, which cancels, and the worker, which looks. Cheap to look at: one
/// relaxed load.
#[derive(Clone, Debug, Default)]
pub struct CancelToken {
    inner: Arc<Inner>,
    /// When this one is cancelled by itself.
    until: Option<Instant>,
    /// When the server will cancel it.
    deadline: Option<Instant>,
}

#[derive(Debug, Default)]
struct Inner {
    cancelled: AtomicBool,
    notify: Notify,
}

impl CancelToken {
    /// One that whoever makes it will cancel at `deadline`.
    pub fn due(deadline: Option<Instant>) -> Self {
        Self { deadline, ..Self::default() }
    }

    /// How long there is for the work, as far as that is known.
    pub fn time_left(&self) -> Option<Duration> {
        let end = [self.until, self.deadline].into_iter().flatten().min()?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// Cancels; cannot be taken back.
    pub fn cancel(&self) {
        self.inner.cancelled.store(true, Ordering::Release);
        self.inner.notify.notify_waiters();
    }

    /// The same one for work that has a time limit of its own: cancelled with it, and for this work alone after `until`,
    /// which [`Self::cancelled`] does not wait for.
    #[must_use]
    pub fn limited(&self, until: Instant) -> Self {
        let until = self.until.map_or(until, |before| before.min(until));
        Self { inner: Arc::clone(&self.inner), until: Some(until), deadline: self.deadline }
    }

    /// Whether [`Self::cancel`] was called, or the time is over.
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.load(Ordering::Relaxed) || self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// `Err(cancelled)` once it is: for `?` at the points where work can stop.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn check(&self) -> Result<()> {
        if self.is_cancelled() { Err(Error::cancelled()) } else { Ok(()) }
    }

    /// Waits until [`Self::cancel`] is called.
    pub async fn cancelled(&self) {
        let notified = self.inner.notify.notified();
        // Registered before the look, so a cancellation in between is not missed.
        if !self.is_cancelled() {
            notified.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_its_own_cancels_nothing_else() {
        let token = CancelToken::default();
        let now = Instant::now();
        let (over, long) = (token.limited(now), token.limited(now + Duration::from_secs(3600)));
        assert!(over.is_cancelled() && over.limited(now + Duration::from_secs(3600)).is_cancelled());
        assert!(!token.is_cancelled() && !long.is_cancelled());
        assert_eq!(token.time_left(), None);
        assert!(long.time_left().is_some_and(|left| left > Duration::from_secs(3000)));
        let due = CancelToken::due(Some(now));
        assert!(!due.is_cancelled(), "that is up to the server");
        assert_eq!(due.limited(now + Duration::from_secs(3600)).time_left(), Some(Duration::ZERO));
        long.cancel();
        assert!(token.is_cancelled() && long.is_cancelled());
    }
}
