//! The program under test, driven over real pipes.
//!
//! A test starts a [`harness::Sidecar`], talks to it, and ends it with `finish` or `ended`, which
//! check what must hold of every conversation: one response for each request, nothing that nobody
//! asked for, a clean exit, no panic in the log.
#![allow(clippy::disallowed_methods, reason = "tests make, change and look at files")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "that is how a test fails")]
#![allow(clippy::needless_pass_by_value, reason = "`json!` is written where it is sent")]
#![allow(clippy::format_collect, clippy::naive_bytecount, reason = "tests are read more often than they wait for that")]
#![allow(clippy::print_stderr, reason = "a skipped test says so")]

mod edits;
mod faults;
mod find_files;
mod fixtures;
mod framing;
mod freshness;
mod globs;
mod harness;
#[cfg(unix)]
mod hostile;
mod layers;
mod lifecycle;
mod limits;
mod listing;
mod local;
mod memory;
mod methods;
mod model;
mod modules;
mod naive;
mod parse;
mod paths;
mod persistence;
mod query;
mod random;
#[cfg(target_os = "linux")]
mod readonly;
mod reads;
mod referee;
mod search;
mod trees;
mod usages;
mod waiting;
mod watching;
mod wrong_types;
