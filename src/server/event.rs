//! Everything that can happen to the server loop.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::output::Line;
use super::pending::Serial;
use crate::error::Result;
use crate::index::Snapshot;
use crate::indexer::Filled;
use crate::methods::{Depth, Lane, View};

/// What other tasks and threads tell the loop.
#[derive(Debug)]
pub(super) enum Event {
    /// A worker is done with a request: its response, or nothing if nobody waits for it any more.
    Done { serial: Serial, lane: Lane, line: Option<Line> },
    /// A part of a streamed response.
    Emit { serial: Serial, line: Line },
    /// A worker needs a fresh state of the index.
    Sync(SyncRequest),
    /// An index job is done.
    Walked { result: Result<Arc<Snapshot>> },
    /// A round of reading the files of the first index is done.
    Filled { result: Result<Filled> },
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
