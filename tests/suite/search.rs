//! `search`: what it finds, where, and how it tells.

mod differential;
mod places;
mod queries;
