//! Modules: what a specifier leads to, and which file refers to which.
//!
//! `looks` is what was seen on disk, beneath the root alone, with what tells whether it is still so; `resolver` resolves
//! over it, as TypeScript and bundlers do; `references` keeps what sources refer to, by content; `links` are the
//! references of a file with what they lead to; `graph` puts them together and is pure.
//!
//! Nothing here is told of changes. What was seen on disk is compared with the disk at the beginning of a request. If it
//! still holds, so does every specifier that was resolved over it; otherwise all are resolved anew, which reads and
//! parses nothing but files whose content was never seen. So they are where that has become too much to keep.

mod graph;
mod links;
mod looks;
mod manifest;
mod references;
mod resolver;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use crate::fs::WorkspaceRoot;

pub use graph::{Direction, Graph, Linked};
pub use links::{Link, Links, Sources, State};
pub use references::References;
pub use resolver::Target;

use looks::{Looks, Now};
use resolver::Resolver;

/// How much of what was seen on disk is kept, in bytes.
const MAX_SEEN_BYTES: usize = 256 << 20;

/// What is known of the workspace's modules, shared by all requests.
#[derive(Debug)]
pub struct Modules {
    /// What sources refer to, by content.
    pub references: References,
    state: Mutex<Option<Arc<State>>>,
    max_seen_bytes: usize,
}

impl Default for Modules {
    fn default() -> Self {
        Self::bounded(MAX_SEEN_BYTES)
    }
}

impl Modules {
    /// With another bound on what is kept of what was seen on disk.
    fn bounded(max_seen_bytes: usize) -> Self {
        Self { references: References::default(), state: Mutex::default(), max_seen_bytes }
    }

    /// A state as of the disk now. Compares what was seen before with the disk, on the current rayon pool.
    pub fn now(&self, root: &Arc<WorkspaceRoot>) -> Arc<State> {
        let looks = match self.held() {
            Some(state) if state.has_all_it_saw() => match state.resolver().looks().now() {
                Now::Same => return state,
                // Some of it may be of no use any more.
                Now::Moved(looks) if looks.bytes() <= self.max_seen_bytes / 2 => *looks,
                Now::Moved(looks) => looks.anew(),
            },
            Some(_) | None => Looks::new(root),
        };
        let state = Arc::new(State::new(Resolver::new(looks), self.max_seen_bytes));
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&state));
        state
    }

    /// The latest state, as of whenever it was looked at.
    pub fn latest(&self, root: &Arc<WorkspaceRoot>) -> Arc<State> {
        self.held().unwrap_or_else(|| self.now(root))
    }

    /// About how many bytes it takes to know all this.
    pub fn bytes(&self) -> usize {
        self.references.bytes() + self.held().map_or(0, |state| state.bytes())
    }

    fn held(&self) -> Option<Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
