//! How a worker reaches the server loop.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::event::{Event, SyncRequest};
use super::output::Room;
use super::pending::Serial;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::methods::{Depth, Link, View};

/// The link of one request.
#[derive(Debug)]
pub(super) struct WorkerLink {
    pub(super) serial: Serial,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) room: Room,
    pub(super) runtime: Handle,
}

impl Link for WorkerLink {
    fn sync(&self, read_at: Instant, depth: Depth, timeout: Duration, cancel: &CancelToken) -> Result<View> {
        let (reply, answer) = oneshot::channel();
        let deadline = read_at.checked_add(timeout);
        // The loop is gone only when the process is ending.
        self.events
            .send(Event::Sync(SyncRequest { read_at, depth, deadline, reply }))
            .map_err(|_| Error::cancelled())?;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::cancelled()),
                view = answer => view.map_err(|_| Error::cancelled()),
            }
        })
    }

    fn emit(&self, line: Vec<u8>, cancel: &CancelToken) -> Result<()> {
        let line = self.runtime.block_on(self.room.reserve(line, cancel))?;
        self.events.send(Event::Emit { serial: self.serial, line }).map_err(|_| Error::cancelled())
    }
}
