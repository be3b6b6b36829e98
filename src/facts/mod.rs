//! The facts of sources that whole-workspace questions ask for again and again, in little memory: what was parsed once is
//! not parsed again, wherever it lies.
//!
//! A `digest` is what one text comes to, written by `codec`; the `store` keeps digests by content, in bounded memory.

mod codec;
mod digest;
mod store;
#[cfg(test)]
mod tests;

pub use digest::Digest;
pub use store::{Key, Store};
