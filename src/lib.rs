//! The workspace sidecar: a read-only file layer for editors.
//!
//! `ARCHITECTURE.md` is the map; imports go down only (a test checks it).

pub mod cancel;
pub mod error;
pub mod path;
pub mod protocol;
pub mod text;
pub mod tsx;
