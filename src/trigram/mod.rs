//! Which files may match a pattern, by the trigrams they hold.
//!
//! A *gram* is three consecutive bytes of a text. A file's grams are recorded by blocks, so that a
//! [`Plan`] can ask for all grams of a literal in one place.

pub mod plan;

pub use plan::{GramRange, Plan, Stretch};

/// How far the range that a block's grams and words are taken from reaches into the next block. What
/// is no longer than this, and starts in a block, is seen there as a whole.
pub const OVERLAP: usize = 128;
