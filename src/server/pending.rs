//! The requests in flight: each is answered exactly once.

use std::collections::HashMap;
use std::time::Instant;

use crate::cancel::CancelToken;
use crate::protocol::frame::Request;

/// Tells requests apart, also those that use an id again.
pub(super) type Serial = u64;

/// A request that was read and not answered yet.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) id: String,
    pub(super) cancel: CancelToken,
    pub(super) deadline: Option<Instant>,
    pub(super) read_at: Instant,
    /// Memory its params take while it is in flight.
    pub(super) bytes: usize,
}

/// All requests in flight. Taking one out is the permission to answer it.
#[derive(Debug, Default)]
pub(super) struct Requests {
    by_serial: HashMap<Serial, Pending>,
    by_id: HashMap<String, Serial>,
    last: Serial,
    bytes: usize,
}

impl Requests {
    /// Takes a request in. `None` if its id is in flight already.
    pub(super) fn register(&mut self, request: &Request, now: Instant) -> Option<Serial> {
        if self.by_id.contains_key(&request.id) {
            return None;
        }
        self.last += 1;
        let deadline = request.timeout.and_then(|timeout| now.checked_add(timeout));
        let pending = Pending {
            id: request.id.clone(),
            cancel: CancelToken::due(deadline),
            deadline,
            read_at: now,
            bytes: request.params.as_ref().map_or(0, |params| params.get().len()),
        };
        self.bytes += pending.bytes;
        self.by_id.insert(request.id.clone(), self.last);
        self.by_serial.insert(self.last, pending);
        Some(self.last)
    }

    pub(super) fn get(&self, serial: Serial) -> Option<&Pending> {
        self.by_serial.get(&serial)
    }

    pub(super) fn serial_of(&self, id: &str) -> Option<Serial> {
        self.by_id.get(id).copied()
    }

    /// Takes a request out, to answer it.
    pub(super) fn complete(&mut self, serial: Serial) -> Option<Pending> {
        let pending = self.by_serial.remove(&serial)?;
        self.by_id.remove(&pending.id);
        self.bytes -= pending.bytes;
        Some(pending)
    }

    /// All of them, in the order they came.
    pub(super) fn all(&self) -> Vec<Serial> {
        self.those(|_| true)
    }

    /// Those whose deadline has passed, in the order they came.
    pub(super) fn expired(&self, now: Instant) -> Vec<Serial> {
        self.those(|pending| pending.deadline.is_some_and(|deadline| deadline <= now))
    }

    fn those(&self, which: impl Fn(&Pending) -> bool) -> Vec<Serial> {
        let mut serials: Vec<Serial> =
            self.by_serial.iter().filter(|(_, pending)| which(pending)).map(|(serial, _)| *serial).collect();
        serials.sort_unstable();
        serials
    }

    /// The next deadline.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.by_serial.values().filter_map(|pending| pending.deadline).min()
    }

    /// Memory their params take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn len(&self) -> usize {
        self.by_serial.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_serial.is_empty()
    }
}
