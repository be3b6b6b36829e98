//! Digests by content, in bounded memory.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Digest;
use crate::protocol::tsx::Language;

/// A text: the hash of the file's bytes, and as what they are read.
pub type Key = (blake3::Hash, Language);

/// The digests that were asked for or put in lately.
#[derive(Debug)]
pub struct Store {
    held: Mutex<Held>,
    max_bytes: usize,
    /// How many were put in since [`Self::keep`] was called last.
    unkept: AtomicUsize,
}

/// Two halves. When the young one is full, it becomes the old one, and what was in that and was not asked for is gone.
#[derive(Debug, Default)]
struct Held {
    young: HashMap<Key, Arc<Digest>>,
    old: HashMap<Key, Arc<Digest>>,
    /// Of either.
    young_bytes: usize,
    old_bytes: usize,
}

/// What a digest costs beside its bytes: its key, its places in the map and on the heap.
const ENTRY_BYTES: usize = 128;

impl Store {
    /// One that holds about `max_bytes` at most.
    pub fn new(max_bytes: usize) -> Self {
        Self { held: Mutex::default(), max_bytes, unkept: AtomicUsize::new(0) }
    }

    /// The digest of a text, if it is held.
    pub fn get(&self, key: &Key) -> Option<Arc<Digest>> {
        let mut held = self.lock();
        if let Some(digest) = held.young.get(key) {
            return Some(Arc::clone(digest));
        }
        let digest = held.old.remove(key)?;
        held.old_bytes -= cost(&digest);
        held.put(*key, Arc::clone(&digest), self.max_bytes);
        Some(digest)
    }

    /// Holds a digest.
    pub fn put(&self, key: Key, digest: Arc<Digest>) {
        self.put_kept(key, digest);
        self.unkept.fetch_add(1, Ordering::Relaxed);
    }

    /// Holds a digest that is kept elsewhere.
    pub fn put_kept(&self, key: Key, digest: Arc<Digest>) {
        self.lock().put(key, digest, self.max_bytes);
    }

    /// Whether there are some that are not kept elsewhere.
    pub fn has_unkept(&self) -> bool {
        self.unkept.load(Ordering::Relaxed) > 0
    }

    /// Whether it holds a digest, which stays as old as it is.
    pub fn has(&self, key: &Key) -> bool {
        let held = self.lock();
        held.young.contains_key(key) || held.old.contains_key(key)
    }

    /// Whether another digest of a usual size would push out others.
    pub fn is_full(&self) -> bool {
        let held = self.lock();
        held.young_bytes + held.old_bytes >= self.max_bytes / 2
    }

    /// How many bytes are held.
    pub fn bytes(&self) -> usize {
        let held = self.lock();
        held.young_bytes + held.old_bytes
    }

    /// How many texts are held.
    pub fn len(&self) -> usize {
        let held = self.lock();
        held.young.len() + held.old.len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All there is, the old ones first, to be kept elsewhere.
    pub fn keep(&self) -> Vec<(Key, Arc<Digest>)> {
        // What comes in from now on may be among them, and is kept once more.
        self.unkept.store(0, Ordering::Relaxed);
        let held = self.lock();
        held.old.iter().chain(&held.young).map(|(key, digest)| (*key, Arc::clone(digest))).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn put(&mut self, key: Key, digest: Arc<Digest>, max_bytes: usize) {
        if let Some(old) = self.old.remove(&key) {
            self.old_bytes -= cost(&old);
        }
        self.young_bytes += cost(&digest);
        if let Some(before) = self.young.insert(key, digest) {
            self.young_bytes -= cost(&before);
        }
        if self.young_bytes > max_bytes / 2 {
            (self.old, self.old_bytes) = (std::mem::take(&mut self.young), std::mem::take(&mut self.young_bytes));
        }
    }
}

fn cost(digest: &Digest) -> usize {
    digest.bytes().len() + ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(at: u64) -> Key {
        (blake3::hash(&at.to_le_bytes()), Language::Tsx)
    }

    #[test]
    fn what_is_asked_for_stays_and_memory_is_bounded() {
        const MAX: usize = 100_000;
        let store = Store::new(MAX);
        let digest = Arc::new(Digest::kept(&[7; 900]));
        for at in 0..1000 {
            store.put(key(at), Arc::clone(&digest));
            store.put(key(at), Arc::clone(&digest));
            assert!(store.get(&key(0)).is_some());
            assert!(store.bytes() <= MAX + 2 * (900 + ENTRY_BYTES));
            assert_eq!(store.bytes(), store.len() * (900 + ENTRY_BYTES));
        }
        assert!(!store.has(&key(1)) && store.has(&key(999)));
        assert!(store.has_unkept());
        assert_eq!(store.keep().len(), store.len());
        store.put_kept(key(0), Arc::clone(&digest));
        assert!(!store.has_unkept());
        store.put(key(1), digest);
        assert!(store.has_unkept());
        let other = (key(0).0, Language::Jsx);
        assert!(!store.has(&other), "the same bytes read as another language are another text");
    }
}
