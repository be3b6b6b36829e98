//! Noticing changes: what the operating system tells, as a bounded queue of paths to look at again.
//!
//! A watcher only says where to look; what is there, the indexer finds out. What it could not tell is a value,
//! too: [`Batch::rescan`].

mod cookie;
mod native;
mod queue;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::path::DirPath;

pub use native::Native;
pub use queue::{Batch, Counts, Queue, Touch};

/// A running watcher. Dropping it ends it.
pub trait Watcher: Send {
    /// Watches these directories, each without what lies below. Returns those it could not watch though they
    /// exist, and why.
    fn watch(&mut self, directories: &[DirPath]) -> Unwatched;

    /// Stops watching directories; `gone` if they do not exist any more.
    fn unwatch(&mut self, directories: &[DirPath], gone: bool);

    /// Waits until everything that happened before the call is in the queue.
    fn barrier(&mut self, timeout: Duration) -> Barrier;
}

/// Directories that are not watched.
#[derive(Debug, Default)]
pub struct Unwatched {
    /// Which.
    pub directories: Vec<DirPath>,
    /// Why the last of them is not.
    pub reason: Option<String>,
}

/// How waiting for the past ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Barrier {
    /// All that happened before is in the queue, or the queue asks for a rescan.
    Passed,
    /// It took too long.
    TimedOut,
    /// This watcher cannot tell: its events have no order.
    Unordered,
}

/// Where watchers come from.
pub trait Source: Send + Sync + Debug {
    /// Starts a watcher that fills `queue`.
    ///
    /// # Errors
    /// Why there can be none, such as a limit of the operating system.
    fn start(&self, queue: &Arc<Queue>) -> Result<Box<dyn Watcher>, String>;

    /// Whether its barriers can ever pass.
    fn is_ordered(&self) -> bool;

    /// Removes what it keeps outside the workspace; called before the process ends.
    fn close(&self);
}
