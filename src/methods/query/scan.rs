//! Matching files in parallel.

use std::sync::Arc;

use super::select::Item;
use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::methods::{Context, Shared};
use crate::ordered::ordered_map;
use crate::path::RelPath;
use crate::protocol::query::QueryFile;
use crate::protocol::tsx::Language;
use crate::text::{self, Class};
use crate::tsx::query::{Limits, Query};

/// What came of matching one file.
pub(super) enum Matched {
    /// No match. `parsed`: whether it took parsing to find out.
    Nothing {
        parsed: bool,
    },
    /// At least one match, or what has to be said of the limits. `cut`: there are more behind these; `lost`: among them;
    /// `bytes`: about how long it is as JSON.
    Found {
        file: QueryFile,
        cut: bool,
        lost: bool,
        bytes: usize,
    },
    NotText,
    TooLarge,
    TooSlow,
    Unreadable,
    /// It was deleted since it was listed.
    Gone,
}

/// A share of what is held is at least so many bytes.
const MIN_SHARE: usize = 64 * 1024;

/// Matches in parallel, in path order. What was found waits until all before it was taken, so each file has a share of
/// what may be held. `None` where there is more in one: [`match_item`] gives that once it is the file's turn.
pub(super) fn match_all(
    items: Vec<Item>,
    query: Query,
    limits: Limits,
    context: &Context,
) -> impl Iterator<Item = Result<Result<Option<Matched>>>> {
    let (shared, cancel) = (Arc::clone(&context.shared), context.cancel.clone());
    let window = 2 * shared.config.threads + 2;
    let share = Limits { bytes: (limits.bytes / window).max(MIN_SHARE), ..limits };
    let pool = Arc::clone(&shared.pool);
    ordered_map(pool, items, 1, window, move |item: &Item| {
        Ok(match match_item(item, &query, share, &shared, &cancel)? {
            Matched::Found { bytes, .. } if bytes > share.bytes => None,
            matched => Some(matched),
        })
    })
}

/// What matches in one file, as far as `limits` go.
pub(super) fn match_item(
    item: &Item,
    query: &Query,
    limits: Limits,
    shared: &Shared,
    cancel: &CancelToken,
) -> Result<Matched> {
    cancel.check()?;
    let path = &item.entry.path;
    let content = match shared.root.read(path, shared.config.limits.max_parse_bytes) {
        Ok(content) => content,
        Err(error) => {
            return Ok(match error.code {
                Code::NotFound | Code::NotAFile | Code::PathOutsideWorkspace => Matched::Gone,
                Code::FileTooLarge => Matched::TooLarge,
                _ => Matched::Unreadable,
            });
        }
    };
    if Class::of(&content.bytes) == Class::Binary {
        return Ok(Matched::NotText);
    }
    let hash = || {
        let known = if content.stable { item.entry.known_under(&content.stamp) } else { None };
        known.map_or_else(|| blake3::hash(&content.bytes), |facts| facts.hash)
    };
    match match_file(path, item.language, &content.bytes, query, limits, cancel, hash) {
        Ok(matched) => Ok(matched.unwrap_or(Matched::NotText)),
        // One that takes too long, or more than there is at the moment, does not keep the others from being looked at.
        Err(error) if matches!(error.code, Code::Timeout | Code::Internal | Code::IoError) => Ok(Matched::TooSlow),
        Err(error) => Err(error),
    }
}

/// Matches the bytes of a file; says why they are no text, if they are not.
pub(super) fn match_file(
    path: &RelPath,
    language: Language,
    bytes: &[u8],
    query: &Query,
    limits: Limits,
    cancel: &CancelToken,
    hash: impl Fn() -> blake3::Hash,
) -> Result<std::result::Result<Matched, &'static str>> {
    let text = match text::decode(bytes, Class::of(bytes)) {
        Ok(text) => text,
        Err(problem) => return Ok(Err(problem)),
    };
    if !query.may_match(&text, language) {
        return Ok(Ok(Matched::Nothing { parsed: false }));
    }
    let found = query.run(&text, language, limits, cancel)?;
    if found.matches.is_empty() && !found.cut && !found.lost {
        return Ok(Ok(Matched::Nothing { parsed: true }));
    }
    let file = QueryFile { path: path.clone(), hash: hash().to_hex().to_string(), matches: found.matches };
    Ok(Ok(Matched::Found { file, cut: found.cut, lost: found.lost, bytes: found.bytes }))
}
