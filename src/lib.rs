//! The workspace sidecar: a read-only file layer for editors.
//!
//! `ARCHITECTURE.md` is the map; imports go down only (a test checks it).

pub mod cache;
pub mod cancel;
pub mod cli;
pub mod courtesy;
pub mod error;
pub mod facts;
pub mod fs;
pub mod fuzzy;
pub mod glob;
pub mod index;
pub mod indexer;
pub mod methods;
pub mod modules;
pub mod ordered;
pub mod path;
pub mod protocol;
pub mod schema;
pub mod search;
pub mod server;
pub mod text;
pub mod trigram;
pub mod tsx;
pub mod watch;
