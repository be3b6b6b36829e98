//! Telling a running request that nobody waits for it any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use crate::error::{Error, Result};

/// Shared by the server, which cancels, and the worker, which looks. Cheap to look at: one
/// relaxed load.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    cancelled: AtomicBool,
    notify: Notify,
}

impl CancelToken {
    /// Cancels; cannot be taken back.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        self.0.notify.notify_waiters();
    }

    /// Whether [`Self::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Relaxed)
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
        let notified = self.0.notify.notified();
        // Registered before the look, so a cancellation in between is not missed.
        if !self.is_cancelled() {
            notified.await;
        }
    }
}
