//! Searching the bytes of one file, as ripgrep searches them.
//!
//! Pure: no I/O and no threads. [`Query::compile`] turns a pattern into a matcher, a [`FileSearcher`]
//! (one for each thread) runs it over whole files in memory and gives [`FileMatches`].
//!
//! What counts as a match is ripgrep's answer: `rg --json` for the same pattern and flags lists the
//! same submatches. The one thing added to it is where they are in the text as an editor holds it,
//! in lines, columns and UTF-16 code units.

mod collect;
mod excerpt;
mod file;
mod matches;
mod place;
mod query;
mod reach;
mod syntax;
mod window;

#[cfg(test)]
mod tests;

pub use excerpt::{Excerpt, Excerpts, MARGIN_BYTES, Place};
pub use file::{FileOptions, FileSearcher, Mode};
pub use matches::FileMatches;
pub use query::{CaseMode, MAX_PATTERN_BYTES, Query, QueryOptions};
pub use reach::Reach;
