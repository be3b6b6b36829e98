//! The server: one task that owns the state and does no I/O, and the tasks around it.
//!
//! ```text
//! stdin ─► LineReader ─┐                            ┌─► writer ─► stdout (its only owner)
//!                      ▼                            │
//!        the loop: snapshot, pending requests, index jobs
//!          line      → decode → pending → worker
//!          Done      → pending.complete, exactly once ┘
//!          Sync      → index job, or join the one under way
//!          Indexed…  → snapshot
//!          deadlines → `timeout`, `synced: false`
//! ```

mod event;
mod index_jobs;
mod input;
mod link;
mod output;
mod pending;
mod run;
mod serve;
mod workers;

pub use serve::{Exit, Io, blocking_threads, serve};
