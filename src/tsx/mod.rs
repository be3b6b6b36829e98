//! Facts about TypeScript and JavaScript sources, by tree-sitter. Pure: texts in, facts out.
//!
//! Ranges are those of the TypeScript compiler's nodes (`getStart()` to `end`) in UTF-16 code units
//! of the whole text; a byte-order mark counts as one. A text that does not parse still has the
//! facts of its healthy parts.
//!
//! `source` parses and maps nodes to the text, `walk` visits each node once and hands it to the
//! collectors, one a fact, which charge a `budget`. `edits` plans what to write for props to have other values.

mod apart;
mod budget;
mod components;
pub mod edits;
mod entities;
mod escapes;
mod exports;
mod grammar;
mod imports;
mod jsx;
mod lenient;
mod literal;
mod parser;
mod patterns;
mod prologue;
pub mod query;
mod recent;
mod references;
mod sexp;
mod slow;
mod source;
mod symbols;
#[cfg(test)]
mod tests;
mod tolerant;
mod trivia;
mod walk;

pub use apart::abandoned;
pub use references::{Reference, references};
use source::{Source, View};

use crate::cancel::CancelToken;
use crate::error::Result;
use crate::protocol::tsx::{Fact, Facts, Language};

/// How long a text callers should hand over. Parsing takes about 30 bytes of memory for each byte
/// of an ordinary source, and 500 for one that is made to be ambiguous.
pub const MAX_PARSE_BYTES: usize = 4 * 1024 * 1024;

impl Language {
    /// The language of files with an extension (given without its dot, in any case).
    pub fn of_extension(extension: &str) -> Option<Self> {
        Some(match extension.to_ascii_lowercase().as_str() {
            "tsx" => Self::Tsx,
            "ts" | "mts" | "cts" => Self::Ts,
            "jsx" => Self::Jsx,
            "js" | "mjs" | "cjs" => Self::Js,
            _ => return None,
        })
    }
}

/// The `wanted` facts of a text; the others are `None`.
///
/// # Errors
/// `response_too_large` where they take more than `max_bytes` as JSON; `cancelled`.
pub fn facts(text: &str, language: Language, wanted: &[Fact], max_bytes: usize, cancel: &CancelToken) -> Result<Facts> {
    facts_in(View::Tolerant, text, language, wanted, max_bytes, cancel)
}

/// The same of a text that may come again, edited: then it takes less time.
///
/// # Errors
/// Those of [`facts`].
pub fn facts_of_edited(
    text: &str,
    language: Language,
    wanted: &[Fact],
    max_bytes: usize,
    cancel: &CancelToken,
) -> Result<Facts> {
    facts_in(View::Edited, text, language, wanted, max_bytes, cancel)
}

fn facts_in(
    view: View,
    text: &str,
    language: Language,
    wanted: &[Fact],
    max_bytes: usize,
    cancel: &CancelToken,
) -> Result<Facts> {
    if wanted.is_empty() {
        return Ok(Facts::default());
    }
    let source = Source::parse(text, language, view, cancel)?;
    walk::facts(&source, wanted, max_bytes, cancel)
}

/// The tree of a text as an S-expression of its named nodes: what a tree-sitter query matches.
///
/// # Errors
/// `response_too_large` where it takes more than `max_bytes`; `cancelled`.
pub fn tree(text: &str, language: Language, max_bytes: usize, cancel: &CancelToken) -> Result<String> {
    let source = Source::parse(text, language, View::Verbatim, cancel)?;
    sexp::sexp(&source, max_bytes, cancel)
}
