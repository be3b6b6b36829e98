//! `moduleGraph`: which files refer to which.

mod contract;
mod differential;
mod hostile;
mod tree;
mod upkeep;
