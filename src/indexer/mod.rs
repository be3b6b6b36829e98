//! The I/O half of the index: walking the tree and reading the files.

mod facts;
mod fill;
mod walk;

pub use facts::FactsReader;
pub use fill::{Filled, fill, look};
pub use walk::{Counter, Walker};
