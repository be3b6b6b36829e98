//! What a tree-sitter query found.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Position, TextRange};
use crate::path::RelPath;

/// A file in which a query matches.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryFile {
    /// The file.
    pub path: RelPath,
    /// BLAKE3 of its bytes.
    pub hash: String,
    /// The matches, in the order of the tree.
    pub matches: Vec<QueryMatch>,
}

/// One match of one pattern.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryMatch {
    /// Which of the query's patterns, counted from 0.
    pub pattern: u64,
    /// The captured nodes, in document order.
    pub captures: Vec<QueryCapture>,
}

/// A captured node.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct QueryCapture {
    /// The capture's name, without its `@`.
    pub name: String,
    /// The node's kind.
    pub kind: String,
    /// The node's text, or the beginning of a long one.
    pub text: String,
    /// Whether `text` is only the beginning.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub truncated: bool,
    /// Where the node is, in UTF-16 code units.
    pub range: TextRange,
    /// Where it starts.
    pub start: Position,
    /// Where it ends, half-open.
    pub end: Position,
}
