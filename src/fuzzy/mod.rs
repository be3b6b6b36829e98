//! Ranking paths by some letters of them, as an editor's go-to-file does. Pure: no I/O.
//!
//! **What is found**: a [`Query`] is split at spaces. A path is found if each piece is a subsequence of it, whatever
//! the case of the letters; a `/` of the query stands for a `/` of the path.
//!
//! **In which order**: by [`score`](Scorer::score), then the shorter path, then the bytes of the path. A score is one
//! number out of these, the weightiest first:
//!
//! 1. how many pieces lie in the file name: what stands behind a piece's last `/` in the name, what stands before in
//!    the folders above;
//! 2. how many of the pieces with an upper-case letter are there in that very case;
//! 3. where in the name: a piece may be all of it, all before a `.`, its beginning, or anything else;
//! 4. how well the letters lie: at the beginnings of words and in runs, by the best alignment there is ([`align`]).
//!
//! A path's score depends on nothing but the path and the query.

mod align;
mod letters;
mod query;
mod rank;
mod score;

#[cfg(test)]
mod tests;

pub use query::{MAX_QUERY_CHARS, Query};
pub use rank::{Hit, Ranking, rank};
pub use score::Scorer;
