//! What sources come to: read and parsed once for each content.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rayon::prelude::*;

use crate::cancel::CancelToken;
use crate::courtesy::Courtesy;
use crate::error::{Code, Error, Result};
use crate::facts::{Digest, Key, Store};
use crate::fs::WorkspaceRoot;
use crate::index::{FileEntry, Snapshot};
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

/// What came of asking for a digest.
#[derive(Clone, Debug)]
pub enum Digested {
    /// It, and the hash of what it was made of.
    Known(blake3::Hash, Arc<Digest>),
    /// It was not made: nobody is interested in the text.
    OfNoInterest,
    /// The file is too long, no text, not readable, or gone, or there is too much in it.
    Unknown,
}

impl Digests<'_> {
    /// The digest of a source, and the hash of what it was made of; of `hash`, if that is known and held. A text that is
    /// not held and that nobody is `interested` in is not parsed.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn of(
        &self,
        path: &RelPath,
        language: Language,
        hash: Option<blake3::Hash>,
        interested: impl Fn(&str) -> bool,
    ) -> Result<Digested> {
        if let Some(hash) = hash
            && let Some(held) = self.store.get(&(hash, language))
        {
            return Ok(Digested::Known(hash, held));
        }
        self.cancel.check()?;
        let Ok(content) = self.root.read(path, self.max_bytes) else { return Ok(Digested::Unknown) };
        let Ok(text) = text::decode(&content.bytes, Class::of(&content.bytes)) else { return Ok(Digested::Unknown) };
        if !interested(&text) {
            return Ok(Digested::OfNoInterest);
        }
        let hash = blake3::hash(&content.bytes);
        match tsx::facts(&text, language, &FACTS, MAX_FACTS_BYTES, self.cancel) {
            Ok(facts) => {
                let digest = Arc::new(Digest::of(&facts));
                self.store.put((hash, language), Arc::clone(&digest));
                Ok(Digested::Known(hash, digest))
            }
            Err(error) => unknown(path, error).map(|()| Digested::Unknown),
        }
    }

    /// The name of the component that is the default export of a source, also where it is wrapped in calls. Not kept.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn default_component(&self, path: &RelPath, language: Language) -> Result<Option<String>> {
        let Some(text) = self.root.read(path, self.max_bytes).ok().and_then(|content| {
            let class = Class::of(&content.bytes);
            text::decode(&content.bytes, class).ok().map(std::borrow::Cow::into_owned)
        }) else {
            return Ok(None);
        };
        match tsx::facts(&text, language, &[Fact::Components], MAX_FACTS_BYTES, self.cancel) {
            Ok(facts) => {
                let mut components = facts.components.into_iter().flatten();
                Ok(components.find(|component| component.default).map(|component| component.name))
            }
            Err(error) => unknown(path, error).map(|()| None),
        }
    }
}

/// What cannot be told of a source, unless nobody waits for it any more.
fn unknown(path: &RelPath, error: Error) -> Result<()> {
    if error.code == Code::Cancelled {
        return Err(error);
    }
    tracing::debug!("{path}: its facts are not known: {error}");
    Ok(())
}

/// Sources that take longer are left to whoever asks for them, who has a time limit.
const PATIENCE: Duration = Duration::from_secs(1);

/// So many sources that were given up are remembered; then all are tried once more.
const MAX_GIVEN_UP: usize = 10_000;

/// Finds the digests of the JSX sources of the workspace before anybody asks.
#[derive(Debug, Default)]
pub struct Warmer {
    /// Sources that took too long, or have no digest. They are not tried again.
    given_up: Mutex<HashSet<Key>>,
}

impl Warmer {
    /// Finds what is missing, in parallel on `pool`, while nobody waits for anything else and there is room.
    pub fn warm(&self, snapshot: &Snapshot, digests: Digests<'_>, courtesy: &Courtesy, pool: &rayon::ThreadPool) {
        let missing: Vec<_> = snapshot
            .files
            .iter()
            .filter_map(|entry| {
                let language = entry.path.extension().and_then(Language::of_extension)?;
                let is_jsx = matches!(language, Language::Tsx | Language::Jsx);
                let hash = entry.known().filter(|_| is_jsx)?.hash;
                let key = (hash, language);
                (!digests.store.has(&key) && !self.has_given_up(&key)).then_some((entry, key))
            })
            .collect();
        if missing.is_empty() {
            return; // without waiting for the pool, which may be busy for long
        }
        let find = |(entry, key): (&Arc<FileEntry>, Key)| {
            if digests.cancel.is_cancelled() || digests.store.is_full() {
                return;
            }
            courtesy.after_you();
            let limited = digests.cancel.limited(Instant::now() + PATIENCE);
            let digest = Digests { cancel: &limited, ..digests }.of(&entry.path, key.1, Some(key.0), |_| true);
            let is_found = matches!(digest, Ok(Digested::Known(..)));
            if !is_found && !digests.cancel.is_cancelled() {
                let mut given_up = self.given_up.lock().unwrap_or_else(PoisonError::into_inner);
                if given_up.len() >= MAX_GIVEN_UP {
                    given_up.clear();
                }
                given_up.insert(key);
            }
        };
        pool.install(|| missing.into_par_iter().for_each(find));
    }

    fn has_given_up(&self, key: &Key) -> bool {
        self.given_up.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }
}
