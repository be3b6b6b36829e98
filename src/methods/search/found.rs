//! A file with matches, as it is written on the wire.

use serde::Serialize;

use crate::error::Result;
use crate::path::RelPath;
use crate::protocol::frame;
use crate::protocol::search::SearchLine;
use crate::search::FileMatches;

/// A file with matches. It is encoded where it was searched: by all threads, and so that no more than the text of an
/// answer is held.
pub(super) struct Found {
    pub(super) path: RelPath,
    pub(super) matches: FileMatches,
    hash: blake3::Hash,
    encoded: Vec<u8>,
}

/// [`crate::protocol::search::SearchFile`] without copies.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'found> {
    path: &'found RelPath,
    hash: &'found str,
    match_count: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    limit_hit: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    lines: Option<&'found [SearchLine]>,
}

impl Found {
    pub(super) fn new(path: RelPath, hash: blake3::Hash, matches: FileMatches) -> Result<Self> {
        let encoded = encode(&path, hash, &matches)?;
        Ok(Self { path, matches, hash, encoded })
    }

    /// Cuts to the first so many matches.
    pub(super) fn truncate(&mut self, matches: u64) -> Result<()> {
        self.matches.truncate(matches);
        self.encoded = encode(&self.path, self.hash, &self.matches)?;
        Ok(())
    }

    /// How many bytes it takes in a list.
    pub(super) fn length(&self) -> usize {
        self.encoded.len() + 1
    }

    /// It as JSON.
    pub(super) fn into_encoded(self) -> Vec<u8> {
        self.encoded
    }
}

fn encode(path: &RelPath, hash: blake3::Hash, matches: &FileMatches) -> Result<Vec<u8>> {
    let hash = hash.to_hex();
    let FileMatches { match_count, limit_hit, .. } = *matches;
    let wire = Wire { path, hash: &hash, match_count, limit_hit, lines: matches.lines.as_deref() };
    frame::encode(&wire)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::search::{SearchFile, SearchMatch};
    use crate::protocol::{Position, TextRange};

    #[test]
    fn it_is_a_file_of_the_contract_of_the_length_it_says() {
        let place = Position { line: 3, column: 1 };
        let found = SearchMatch { start: place, end: place, range: TextRange { start: 7, end: 9 } };
        let line = |context| SearchLine {
            line: 3,
            text: "\u{1}\"é\u{2028}\u{2029}\u{2027}".repeat(10),
            text_column: 1,
            matches: vec![found; 3],
            context,
            lossy: context,
        };
        for (lines, limit_hit) in [(None, false), (Some(vec![]), true), (Some(vec![line(true), line(false)]), true)] {
            let (path, hash) = (RelPath::parse("a\tb").unwrap(), blake3::hash(b"x"));
            let mut matches = FileMatches::default();
            (matches.match_count, matches.limit_hit) = (3, limit_hit);
            matches.lines.clone_from(&lines);
            let file =
                SearchFile { path: path.clone(), hash: hash.to_hex().to_string(), match_count: 3, limit_hit, lines };
            let found = Found::new(path, hash, matches).unwrap();
            assert_eq!(found.length(), found.encoded.len() + ",".len());
            assert_eq!(found.into_encoded(), frame::encode(&file).unwrap());
        }
    }
}
