//! Who works on what: requests wait here for a thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::event::Event;
use super::output::Room;
use super::pending::Serial;
use crate::error::Error;
use crate::methods::{Context, Entry, Lane};
use crate::protocol::frame;

/// A request that waits for a thread.
pub(super) struct Job {
    pub(super) serial: Serial,
    pub(super) entry: &'static Entry,
    pub(super) params: Option<Box<RawValue>>,
}

impl Job {
    /// How much memory waiting costs.
    pub(super) fn bytes(&self) -> usize {
        self.params.as_ref().map_or(0, |params| params.get().len()) + size_of::<Self>()
    }
}

/// The threads for requests. Heavy requests never take all of them, so a read does not wait behind searches.
pub(super) struct Workers {
    quick: VecDeque<Job>,
    heavy: VecDeque<Job>,
    quick_running: usize,
    heavy_running: usize,
    slots: usize,
}

/// Threads kept free of heavy requests.
const QUICK_SLOTS: usize = 2;

impl Workers {
    /// How many threads requests may take when `threads` do the parallel work: some wait for disks,
    /// for a walk or for the reader of stdout.
    pub(super) fn slots(threads: usize) -> usize {
        2 * threads + QUICK_SLOTS
    }

    pub(super) fn new(threads: usize) -> Self {
        Self {
            quick: VecDeque::new(),
            heavy: VecDeque::new(),
            quick_running: 0,
            heavy_running: 0,
            slots: Self::slots(threads),
        }
    }

    pub(super) fn enqueue(&mut self, job: Job) {
        match job.entry.lane {
            Lane::Heavy => self.heavy.push_back(job),
            Lane::Quick | Lane::Control => self.quick.push_back(job),
        }
    }

    /// The next job that may start now; it counts as running.
    pub(super) fn next(&mut self) -> Option<Job> {
        if self.quick_running + self.heavy_running >= self.slots {
            return None;
        }
        if let Some(job) = self.quick.pop_front() {
            self.quick_running += 1;
            return Some(job);
        }
        if self.heavy_running >= self.slots - QUICK_SLOTS {
            return None;
        }
        let job = self.heavy.pop_front()?;
        self.heavy_running += 1;
        Some(job)
    }

    /// Forgets a job that has not started: its request was answered already.
    pub(super) fn forget(&mut self, serial: Serial) {
        self.quick.retain(|job| job.serial != serial);
        self.heavy.retain(|job| job.serial != serial);
    }

    /// A job of this lane ended.
    pub(super) fn done(&mut self, lane: Lane) {
        match lane {
            Lane::Heavy => self.heavy_running -= 1,
            Lane::Quick | Lane::Control => self.quick_running -= 1,
        }
    }
}

/// Runs a job on a thread of its own and reports [`Event::Done`], whatever happens.
pub(super) fn start(job: Job, context: Context, events: mpsc::UnboundedSender<Event>, room: Room, runtime: &Handle) {
    let handle = runtime.clone();
    runtime.spawn_blocking(move || {
        let Job { serial, entry, params } = job;
        let bytes = catch_unwind(AssertUnwindSafe(|| (entry.answer)(params.as_deref(), &context)))
            .unwrap_or_else(|_| Err(Error::internal(format!("`{}` failed; the log has the place", entry.name))))
            .unwrap_or_else(|error| frame::failure(Some(&context.id), &error));
        // Whoever cancelled has answered already.
        let line = handle.block_on(room.reserve(bytes, &context.cancel)).ok();
        let _ = events.send(Event::Done { serial, lane: entry.lane, line });
    });
}
