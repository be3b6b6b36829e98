//! Everything that can happen to the server loop.

use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::index_jobs::{Done, Warmed};
use super::output::Line;
use super::pending::Serial;
use super::subscriptions::Told;
use crate::error::Result;
use crate::glob::PathFilter;
use crate::indexer::{Built, Filled};
use crate::methods::{Depth, History, Lane, View};

/// What other tasks and threads tell the loop.
#[derive(Debug)]
pub(super) enum Event {
    /// A worker is done with a request: its response, or nothing if nobody waits for it any more.
    Done { serial: Serial, lane: Lane, line: Option<Line> },
    /// A part of a streamed response.
    Emit { serial: Serial, line: Line },
    /// A worker needs a fresh state of the index.
    Sync(SyncRequest),
    /// A worker asks what happened since the state that a clock names.
    History { clock: String, reply: oneshot::Sender<History> },
    /// A worker starts a subscription; the answer is its name and the clock from which on it is told.
    Subscribe { serial: Serial, filter: PathFilter, settle: Duration, reply: oneshot::Sender<(String, String)> },
    /// A worker ends one; the answer is whether there was one.
    Unsubscribe { subscription: String, reply: oneshot::Sender<bool> },
    /// What a subscription is to be told, if there is anything.
    Told { subscription: u64, told: Told, line: Option<Line> },
    /// The watcher noticed something.
    Noticed,
    /// An index job is done.
    JobDone { result: Result<Box<Done>> },
    /// A round of reading files beside the jobs is done.
    Filled { result: Result<Filled> },
    /// Parts of the text index were built.
    Built { result: Result<Built> },
    /// What is worth keeping was written, or could not be.
    Kept,
    /// Facts of sources were found before anybody asked.
    Warmed { warmed: Warmed },
    /// Output was written; there may be room for more.
    Written,
    /// Nobody reads stdout any more.
    OutputClosed,
    /// SIGTERM or SIGINT.
    Terminate,
}

/// A worker that waits for a fresh state of the index.
#[derive(Debug)]
pub(super) struct SyncRequest {
    /// Changes made before this must be seen.
    pub(super) read_at: Instant,
    /// How much of it.
    pub(super) depth: Depth,
    /// When to give up and answer with what there is.
    pub(super) deadline: Option<Instant>,
    /// Where the answer goes. Closed when the worker stopped waiting.
    pub(super) reply: oneshot::Sender<View>,
}
