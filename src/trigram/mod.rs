//! The trigram index: which blocks of which files may match a regular expression. Pure data, no I/O.
//!
//! A file is cut into blocks of [`BLOCK_BYTES`]; each has the trigrams of its bytes and of the [`OVERLAP`] behind them,
//! so that a short literal that starts in a block has all its trigrams there. A [`Plan`] says which of them a match
//! needs, a [`Segment`] which blocks have them, [`Candidates`] brings the two together. All of it over-approximates: a
//! file that is no candidate has no match.
//!
//! The ancestor is Russ Cox, "Regular Expression Matching with a Trigram Index" (2012).

mod bits;
mod candidates;
mod cut;
mod dictionary;
mod extract;
mod plan;
mod segment;

pub use candidates::{Candidates, Inside};
pub use plan::{GramRange, Plan, Stretch};
pub use segment::{Before, MAX_BLOCKS, Segment, SegmentBuilder, SegmentParts};

/// The bytes of a block.
pub const BLOCK_BYTES: usize = 64 * 1024;
/// Bytes behind a block whose trigrams and words count as the block's.
pub const OVERLAP: usize = 128;
/// Words of so many bytes are indexed as a whole; more than [`MAX_WORD`] would not fit the overlap.
pub const MIN_WORD: usize = 2;
/// See [`MIN_WORD`].
pub const MAX_WORD: usize = 64;
