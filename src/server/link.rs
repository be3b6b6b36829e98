//! How a worker reaches the server loop.

use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};

use super::event::{Event, SyncRequest};
use super::output::Room;
use super::pending::Serial;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};
use crate::glob::PathFilter;
use crate::methods::{Depth, History, Link, View};

/// The link of one request.
#[derive(Debug)]
pub(super) struct WorkerLink {
    pub(super) serial: Serial,
    pub(super) events: mpsc::UnboundedSender<Event>,
    pub(super) room: Room,
    pub(super) runtime: Handle,
}

impl WorkerLink {
    /// Sends a question to the loop and waits for the answer.
    fn ask<T>(&self, question: Event, answer: oneshot::Receiver<T>, cancel: &CancelToken) -> Result<T> {
        // The loop is gone only when the process is ending.
        self.events.send(question).map_err(|_| Error::cancelled())?;
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = cancel.cancelled() => Err(Error::cancelled()),
                answer = answer => answer.map_err(|_| Error::cancelled()),
            }
        })
    }
}

impl Link for WorkerLink {
    fn sync(&self, read_at: Instant, depth: Depth, timeout: Duration, cancel: &CancelToken) -> Result<View> {
        let (reply, answer) = oneshot::channel();
        let deadline = read_at.checked_add(timeout);
        self.ask(Event::Sync(SyncRequest { read_at, depth, deadline, reply }), answer, cancel)
    }

    fn history(&self, clock: &str, cancel: &CancelToken) -> Result<History> {
        let (reply, answer) = oneshot::channel();
        self.ask(Event::History { clock: clock.to_owned(), reply }, answer, cancel)
    }

    fn subscribe(&self, filter: PathFilter, settle: Duration, cancel: &CancelToken) -> Result<(String, String)> {
        let (reply, answer) = oneshot::channel();
        self.ask(Event::Subscribe { serial: self.serial, filter, settle, reply }, answer, cancel)
    }

    fn unsubscribe(&self, subscription: &str, cancel: &CancelToken) -> Result<bool> {
        let (reply, answer) = oneshot::channel();
        self.ask(Event::Unsubscribe { subscription: subscription.to_owned(), reply }, answer, cancel)
    }

    fn emit(&self, line: Vec<u8>, cancel: &CancelToken) -> Result<()> {
        let line = self.runtime.block_on(self.room.reserve(line, cancel))?;
        self.events.send(Event::Emit { serial: self.serial, line }).map_err(|_| Error::cancelled())
    }
}
