//! stdout: the task that owns it, and the bound on what waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::event::Event;
use crate::cancel::CancelToken;
use crate::error::{Error, Result};

/// A line on its way to stdout. It takes room until it is written (or dropped).
#[derive(Debug)]
pub(super) struct Line {
    bytes: Vec<u8>,
    _room: Option<OwnedSemaphorePermit>,
}

/// The bound on output that waits to be read, in bytes. Workers wait for room before they hand a
/// line to the loop; the loop's own short lines are always taken, but it stops reading requests
/// while there is too much.
#[derive(Clone, Debug)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    max: usize,
    queued: Arc<AtomicUsize>,
}

impl Room {
    pub(super) fn new(max: usize) -> Self {
        let max = max.clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        Self { free: Arc::new(Semaphore::new(max)), max, queued: Arc::default() }
    }

    /// Waits until `bytes` fit. A line longer than the whole bound fits when nothing else waits.
    ///
    /// # Errors
    /// `cancelled`.
    pub(super) async fn reserve(&self, bytes: Vec<u8>, cancel: &CancelToken) -> Result<Line> {
        let permits = bytes.len().min(self.max) as u32;
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Error::cancelled()),
            room = Arc::clone(&self.free).acquire_many_owned(permits) => match room {
                Ok(room) => Ok(Line { bytes, _room: Some(room) }),
                Err(_closed) => Err(Error::cancelled()),
            },
        }
    }

    /// A short line that does not wait.
    pub(super) fn short(bytes: Vec<u8>) -> Line {
        Line { bytes, _room: None }
    }

    /// Whether so much waits to be read that no more requests should be taken.
    pub(super) fn is_full(&self) -> bool {
        self.queued.load(Ordering::Relaxed) >= self.max
    }
}

/// The way to the writer, for the loop alone.
#[derive(Debug)]
pub(super) struct Output {
    lines: mpsc::UnboundedSender<Line>,
    room: Room,
}

impl Output {
    /// Starts the task that owns `stdout`.
    pub(super) fn start<W>(
        stdout: W,
        room: Room,
        events: mpsc::UnboundedSender<Event>,
    ) -> (Self, tokio::task::JoinHandle<()>)
    where
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (lines, receive) = mpsc::unbounded_channel();
        let task = tokio::spawn(write_all(stdout, receive, room.clone(), events));
        (Self { lines, room }, task)
    }

    /// Queues a line. The queue is bounded by [`Room`], not by itself.
    pub(super) fn send(&self, line: Line) {
        self.room.queued.fetch_add(line.bytes.len(), Ordering::Relaxed);
        // After the writer ended there is nobody to tell; the loop learns it as an event.
        let _ = self.lines.send(line);
    }

    /// See [`Room::is_full`].
    pub(super) fn is_full(&self) -> bool {
        self.room.is_full()
    }
}

async fn write_all<W: AsyncWrite + Unpin>(
    mut stdout: W,
    mut lines: mpsc::UnboundedReceiver<Line>,
    room: Room,
    events: mpsc::UnboundedSender<Event>,
) {
    while let Some(line) = lines.recv().await {
        let written = async {
            stdout.write_all(&line.bytes).await?;
            // Lines that wait already go out together.
            if lines.is_empty() { stdout.flush().await } else { Ok(()) }
        };
        if let Err(error) = written.await {
            tracing::info!("stdout is closed: {error}");
            let _ = events.send(Event::OutputClosed);
            return;
        }
        let was_full = room.is_full();
        room.queued.fetch_sub(line.bytes.len(), Ordering::Relaxed);
        drop(line);
        if was_full {
            let _ = events.send(Event::Written);
        }
    }
    let _ = stdout.flush().await;
}
