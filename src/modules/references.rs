//! What sources refer to, kept by their content: what was parsed once is not parsed again, wherever it lies.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::fs::WorkspaceRoot;
use crate::path::RelPath;
use crate::protocol::tsx::Language;
use crate::text::{self, Class};
use crate::tsx::{self, Reference};

/// How much is kept, in bytes.
const MAX_BYTES: usize = 128 << 20;
/// What one text costs beside its references.
const ENTRY_BYTES: usize = 128;

/// The references of the texts that were asked for lately.
#[derive(Debug, Default)]
pub struct References {
    held: Mutex<Held>,
}

/// A text: the hash of the file's bytes, and as what they are read.
type Key = (blake3::Hash, Language);

/// Two halves. When the young one is full, it becomes the old one, and what was in that and not asked for is gone.
#[derive(Debug, Default)]
struct Held {
    young: HashMap<Key, Arc<[Reference]>>,
    old: HashMap<Key, Arc<[Reference]>>,
    /// Of either.
    young_bytes: usize,
    old_bytes: usize,
}

impl References {
    /// The references of a file whose content has `hash`, as far as that is known, and the hash of what was read.
    /// `None` if it is not text, cannot be read, or is longer than `max_bytes`.
    ///
    /// # Errors
    /// `cancelled`.
    pub fn of(
        &self,
        root: &WorkspaceRoot,
        path: &RelPath,
        hash: blake3::Hash,
        language: Language,
        max_bytes: u64,
        cancel: &CancelToken,
    ) -> Result<Option<(blake3::Hash, Arc<[Reference]>)>> {
        cancel.check()?;
        if let Some(known) = self.lock().get(&(hash, language)) {
            return Ok(Some((hash, known)));
        }
        let Ok(content) = root.read(path, max_bytes) else { return Ok(None) };
        // The file may have moved on.
        let hash = blake3::hash(&content.bytes);
        let class = Class::of(&content.bytes);
        // A `.ts` file may be a video.
        if class == Class::Binary {
            return Ok(None);
        }
        let Ok(text) = text::decode(&content.bytes, class) else { return Ok(None) };
        let references: Arc<[Reference]> = match tsx::references(&text, language, cancel) {
            Ok(found) => found.into(),
            // One that takes too long, or too much, is not known; the others are.
            Err(error) if error.code != Code::Cancelled => {
                tracing::debug!("{path}: what it refers to is not known: {error}");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.lock().put((hash, language), &references);
        Ok(Some((hash, references)))
    }

    /// About how many bytes are kept.
    pub(super) fn bytes(&self) -> usize {
        let held = self.lock();
        held.young_bytes + held.old_bytes
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn get(&mut self, key: &Key) -> Option<Arc<[Reference]>> {
        if let Some(young) = self.young.get(key) {
            return Some(Arc::clone(young));
        }
        let old = self.old.remove(key)?;
        self.old_bytes -= cost(&old);
        self.put(*key, &old);
        Some(old)
    }

    fn put(&mut self, key: Key, references: &Arc<[Reference]>) {
        self.young_bytes += cost(references);
        if let Some(before) = self.young.insert(key, Arc::clone(references)) {
            self.young_bytes -= cost(&before);
        }
        if self.young_bytes > MAX_BYTES / 2 {
            (self.old, self.old_bytes) = (std::mem::take(&mut self.young), std::mem::take(&mut self.young_bytes));
        }
    }
}

fn cost(references: &[Reference]) -> usize {
    let each = |reference: &Reference| size_of::<Reference>() + reference.source.len() + 16;
    ENTRY_BYTES + references.iter().map(each).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::TextRange;
    use crate::protocol::modules::ReferenceKind;

    #[test]
    fn what_is_asked_for_stays_and_memory_is_bounded() {
        let mut held = Held::default();
        let key = |at: u64| (blake3::hash(&at.to_le_bytes()), Language::Ts);
        let range = TextRange { start: 0, end: 0 };
        let references: Arc<[Reference]> =
            [Reference { source: "a".repeat(1 << 20).into(), kind: ReferenceKind::Value, range }].into();
        for at in 0..1000 {
            held.put(key(at), &references);
            assert!(held.get(&key(0)).is_some());
            assert!(held.young.len() + held.old.len() <= MAX_BYTES >> 20);
            assert_eq!(held.young_bytes + held.old_bytes, (held.young.len() + held.old.len()) * cost(&references));
        }
        assert!(held.get(&key(1)).is_none());
        assert!(held.get(&key(999)).is_some());
    }
}
