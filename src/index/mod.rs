//! The index: what files there are and what is known of them. Pure data; it does no I/O.

mod delta;
mod entry;
mod journal;
mod snapshot;
mod sorted;
mod text;

pub use delta::Delta;
pub use entry::{Facts, FileEntry, FileFacts};
pub use journal::{Difference, Journal, Replaced, Tick, differences};
pub use snapshot::{Clock, DirectoryEntry, Listing, Skipped, Snapshot};
pub use sorted::{Located, Sorted};
pub use text::{Rebuild, Selected, TextIndex, TextPart};
