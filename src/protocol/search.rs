//! What `search` finds, in its result and in `partial` events.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Position, TextRange};
use crate::path::RelPath;

/// A file with at least one match.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchFile {
    /// The file.
    pub path: RelPath,
    /// BLAKE3 of the bytes that were searched, 64 lower-case hex digits.
    pub hash: String,
    /// Matches reported for this file.
    pub match_count: u64,
    /// Whether the file has more matches than are reported.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub limit_hit: bool,
    /// The lines with matches, and their context; in mode `matches` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lines: Option<Vec<SearchLine>>,
}

/// A line with matches, or a line of context. For a match over several lines, all of them.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SearchLine {
    /// 1-based number of the (first) line.
    pub line: u64,
    /// The line without its line end, cut to `maxLineLength` UTF-16 code units around the first match.
    pub text: String,
    /// 1-based column at which `text` starts; more than 1 where the beginning was cut.
    pub text_column: u64,
    /// The matches, in order; empty for a line of context.
    pub matches: Vec<SearchMatch>,
    /// Set on lines that only surround a match.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub context: bool,
    /// Set when the line is not valid UTF-8 (or UTF-16) and `text` has U+FFFD in place of what is not.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub lossy: bool,
}

/// One match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SearchMatch {
    /// Where it starts.
    pub start: Position,
    /// Where it ends, half-open.
    pub end: Position,
    /// The same in UTF-16 code units from the start of the file's text.
    pub range: TextRange,
}
