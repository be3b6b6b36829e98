//! The wire: frames, events and the types that several methods share.
//!
//! The types are the only source of the contract: the JSON Schema, the TypeScript types and the
//! reference text in `protocol/` are generated from them and from their doc comments.

mod ascii;
pub mod edits;
pub mod events;
pub mod frame;
pub mod items;
pub mod modules;
pub(crate) mod object;
pub mod query;
pub mod search;
pub mod tsx;
pub mod watch;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The version of the contract; raised only by changes an existing client cannot ignore.
pub const PROTOCOL_VERSION: u32 = 1;

/// A place in a text, as people and source maps count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Position {
    /// 1-based line; only `\n` and `\r\n` end one.
    pub line: u64,
    /// 1-based column in UTF-16 code units.
    pub column: u64,
}

/// A half-open stretch of a text, in UTF-16 code units from its start (JavaScript string indices).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TextRange {
    /// Offset of the first code unit.
    pub start: u64,
    /// Offset behind the last code unit.
    pub end: u64,
}

/// How fresh an answer has to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Consistency {
    /// Reflects every change made before the request was read, by any process.
    #[default]
    Synced,
    /// What the index holds now; never waits.
    Eventual,
}
