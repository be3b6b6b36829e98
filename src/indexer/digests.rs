//! What sources come to: read and parsed once for each content.

use std::sync::Arc;

use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::facts::{Digest, Store};
use crate::fs::WorkspaceRoot;
use crate::path::RelPath;
use crate::protocol::tsx::{Fact, Language};
use crate::text::{self, Class};
use crate::tsx;

/// What a digest is made of.
const FACTS: [Fact; 3] = [Fact::Imports, Fact::Exports, Fact::Jsx];
/// Facts that would take more than this as JSON are those of no source that people write.
const MAX_FACTS_BYTES: usize = 64 << 20;

/// What it takes to find digests.
#[derive(Clone, Copy, Debug)]
pub struct Digests<'digests> {
    /// Where the files are.
    pub root: &'digests WorkspaceRoot,
    /// What is known of contents.
    pub store: &'digests Store,
    /// Longer files are not parsed.
    pub max_bytes: u64,
    /// Of whoever asks.
    pub cancel: &'digests CancelToken,
}

impl Digests<'_> {
    /// The digest of a source, and the hash of what it was made of; of `hash`, if that is known and held. `None` if the
    /// file is too long, no text, not readable, or gone, or if there is too much in it.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn of(
        &self,
        path: &RelPath,
        language: Language,
        hash: Option<blake3::Hash>,
    ) -> Result<Option<(blake3::Hash, Arc<Digest>)>> {
        if let Some(hash) = hash
            && let Some(held) = self.store.get(&(hash, language))
        {
            return Ok(Some((hash, held)));
        }
        self.cancel.check()?;
        let Ok(content) = self.root.read(path, self.max_bytes) else { return Ok(None) };
        let hash = blake3::hash(&content.bytes);
        let Ok(text) = text::decode(&content.bytes, Class::of(&content.bytes)) else { return Ok(None) };
        match tsx::facts(&text, language, &FACTS, MAX_FACTS_BYTES, self.cancel) {
            Ok(facts) => {
                let digest = Arc::new(Digest::of(&facts));
                self.store.put((hash, language), Arc::clone(&digest));
                Ok(Some((hash, digest)))
            }
            Err(error) if error.code == Code::Cancelled => Err(error),
            Err(error) => {
                tracing::debug!("{path}: its facts are not known: {error}");
                Ok(None)
            }
        }
    }
}
