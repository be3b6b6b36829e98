//! The server: one task that owns the state and does no I/O, and the tasks around it.
//!
//! ```text
//! stdin ─► LineReader ─┐                            ┌─► writer ─► stdout (its only owner)
//!                      ▼                            │
//!        the loop: snapshot, pending requests, index jobs
//!          line      → decode → pending → worker
//!          Done      → pending.complete, exactly once ┘
//!          Sync      → index job, or join the one under way
//!          Noticed   → index job
//!          JobDone   → snapshot, subscriptions
//!          deadlines → `timeout`, `synced: false`, `changed`
//! ```

mod event;
mod index_jobs;
mod input;
mod link;
mod output;
mod pending;
mod run;
mod schedule;
mod serve;
mod subscriptions;
mod tell;
#[cfg(test)]
mod testing;
mod workers;

pub use serve::{Exit, Io, blocking_threads, serve, serve_with};
