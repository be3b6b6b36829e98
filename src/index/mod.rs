//! The index: what files there are and what is known of them. Pure data; it does no I/O.

mod delta;
mod entry;
mod snapshot;

pub use delta::Delta;
pub use entry::{Facts, FileEntry, FileFacts};
pub use snapshot::{Clock, DirectoryEntry, Listing, Skipped, Snapshot};
