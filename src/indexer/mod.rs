//! The I/O half of the index: walking the tree, reading the files, following what changes.

mod audit;
mod build;
mod digests;
mod facts;
mod fill;
mod follow;
mod links;
mod refresh;
mod rules;
mod scan;
mod sources;
mod walk;

#[cfg(test)]
mod tests;

pub use audit::Audited;
pub use build::{Builder, Built};
pub use digests::{Digested, Digests, Warmer};
pub use facts::FactsReader;
pub use fill::{Filled, fill, look};
pub use follow::{Followed, Indexer, Report, WatchOptions};
pub use walk::{Counter, Walker};
