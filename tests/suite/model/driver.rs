//! Whoever answers: the program over its pipes, or something in this process.

use std::time::Duration;

use serde_json::Value;

use crate::harness::Sidecar;

/// One side of a conversation. Errors are defects of the other side, in words.
pub(crate) trait Driver {
    /// Sends requests in one write; returns their ids.
    fn send(&mut self, requests: Vec<(&'static str, Value)>) -> Result<Vec<String>, String>;

    /// Waits for the response to a request.
    fn response(&mut self, id: &str) -> Result<Value, String>;

    /// The data of the next event of this name; none if none came within `patience`, which may be zero.
    fn event(&mut self, name: &str, patience: Duration) -> Result<Option<Value>, String>;

    /// What else it had to say, for the message of a failure.
    fn told(&self) -> String;

    /// Ends it in good order.
    fn finish(self) -> Result<(), String>;

    /// Ends it however it is.
    fn abandon(self);
}

impl Driver for Sidecar {
    fn send(&mut self, requests: Vec<(&'static str, Value)>) -> Result<Vec<String>, String> {
        self.try_send_all(requests)
    }

    fn response(&mut self, id: &str) -> Result<Value, String> {
        self.try_wait_for(id)
    }

    fn event(&mut self, name: &str, patience: Duration) -> Result<Option<Value>, String> {
        self.try_event(name, patience)
    }

    fn told(&self) -> String {
        Self::told(self)
    }

    fn finish(self) -> Result<(), String> {
        // It panics with what is wrong, which is printed; the operations that led there are still to be.
        let finished = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| Self::finish(self)));
        finished.map_err(|_| "it does not end as it should; see above".to_owned())
    }

    fn abandon(self) {
        Self::abandon(self);
    }
}
