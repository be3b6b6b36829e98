//! A persistent sorted sequence: a new state shares with the old one all that did not change.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;

use crate::path::RelPath;

/// Something that lies at a path.
pub trait Located {
    /// The path.
    fn path(&self) -> &RelPath;
}

/// Items sorted by path, in chunks. A changed state copies the chunks that changed, and one pointer for each
/// chunk that did not.
#[derive(Clone, Debug)]
pub struct Sorted<T> {
    /// None of them is empty.
    chunks: Arc<[Arc<[T]>]>,
    len: usize,
}

/// Chunks have about this many items: few enough to copy, many enough that their pointers are cheap to copy.
const CHUNK: usize = 256;

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { chunks: Arc::new([]), len: 0 }
    }
}

impl<T: Located + Clone + Send + Sync> Sorted<T> {
    /// The items of an iterator that yields them in the order of their paths, each path once.
    pub fn from_sorted(items: impl IntoIterator<Item = T>) -> Self {
        let mut chunks = Chunks::default();
        items.into_iter().for_each(|item| chunks.push(item));
        chunks.finish()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The item at `path`.
    pub fn get(&self, path: &str) -> Option<&T> {
        let chunk = &self.chunks[self.chunk_of(path)?];
        let at = chunk.binary_search_by(|item| item.path().as_str().cmp(path)).ok()?;
        Some(&chunk[at])
    }

    /// All, by path.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks.iter().flat_map(|chunk| chunk.iter())
    }

    /// All, by path, on the current rayon pool.
    pub fn par_iter(&self) -> impl ParallelIterator<Item = &T> {
        self.chunks.par_iter().flat_map_iter(|chunk| chunk.iter())
    }

    /// Those from `path` on, itself included.
    pub fn starting_at<'a>(&'a self, path: &str) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let from = self.chunk_of(path).unwrap_or(0);
        let passed = self.chunks.get(from).map_or(0, |chunk| chunk.partition_point(|item| item.path().as_str() < path));
        self.chunks[from..].iter().flat_map(|chunk| chunk.iter()).skip(passed)
    }

    /// Those that lie beneath `directory`, at any depth; all for the empty string.
    pub fn beneath<'a>(&'a self, directory: &str) -> impl Iterator<Item = &'a T> + use<'a, T> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        self.starting_at(&prefix).take_while(move |item| item.path().as_str().starts_with(&prefix))
    }

    /// Those that lie in `directory` itself. What lies deeper is jumped over.
    pub fn directly_in<'a>(&'a self, directory: &str) -> Vec<&'a T> {
        let prefix = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        let mut found = Vec::new();
        let mut from = prefix.clone();
        'jump: loop {
            for item in self.starting_at(&from) {
                let Some(rest) = item.path().as_str().strip_prefix(&prefix) else { return found };
                if let Some((name, _)) = rest.split_once('/') {
                    // `0` is what follows `/`.
                    from = format!("{prefix}{name}0");
                    continue 'jump;
                }
                found.push(item);
            }
            return found;
        }
    }

    /// With other items at some paths, or none.
    #[must_use]
    pub fn with(&self, edits: BTreeMap<RelPath, Option<T>>) -> Self {
        let mut edits = edits.into_iter().peekable();
        if edits.peek().is_none() {
            return self.clone();
        }
        let mut out = Chunks::default();
        for (at, chunk) in self.chunks.iter().enumerate() {
            let end = self.chunks.get(at + 1).map(|next| next[0].path());
            let belongs = |path: &RelPath| end.is_none_or(|end| path < end);
            if !edits.peek().is_some_and(|(path, _)| belongs(path)) {
                out.share(chunk);
                continue;
            }
            let mut items = chunk.iter().peekable();
            while let Some((path, edit)) = edits.next_if(|(path, _)| belongs(path)) {
                while let Some(item) = items.next_if(|item| *item.path() < path) {
                    out.push(item.clone());
                }
                items.next_if(|item| *item.path() == path);
                if let Some(item) = edit {
                    out.push(item);
                }
            }
            for item in items {
                out.push(item.clone());
            }
        }
        edits.filter_map(|(_, edit)| edit).for_each(|item| out.push(item));
        out.finish()
    }

    /// The chunk that holds `path` if any does; none if all are behind it.
    fn chunk_of(&self, path: &str) -> Option<usize> {
        self.chunks.partition_point(|chunk| chunk[0].path().as_str() <= path).checked_sub(1)
    }
}

/// Builds chunks of fitting sizes.
struct Chunks<T> {
    done: Vec<Arc<[T]>>,
    open: Vec<T>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { done: Vec::new(), open: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Chunks<T> {
    fn push(&mut self, item: T) {
        self.open.push(item);
        self.len += 1;
        if self.open.len() == CHUNK {
            self.close();
        }
    }

    /// Takes over a chunk as it is, unless what stands before it is too short for a chunk of its own.
    fn share(&mut self, chunk: &Arc<[T]>) {
        if !self.open.is_empty() && self.open.len() < CHUNK / 4 {
            chunk.iter().for_each(|item| self.push(item.clone()));
            return;
        }
        self.close();
        self.len += chunk.len();
        self.done.push(Arc::clone(chunk));
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.done.push(std::mem::take(&mut self.open).into());
        }
    }

    fn finish(mut self) -> Sorted<T> {
        self.close();
        Sorted { chunks: self.done.into(), len: self.len }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug, PartialEq)]
    struct Item(RelPath, u32);

    impl Located for Item {
        fn path(&self) -> &RelPath {
            &self.0
        }
    }

    fn item(name: &str, value: u32) -> Item {
        Item(RelPath::parse(name).unwrap(), value)
    }

    fn sorted(map: &BTreeMap<String, u32>) -> Sorted<Item> {
        Sorted::from_sorted(map.iter().map(|(name, value)| item(name, *value)))
    }

    fn held(sorted: &Sorted<Item>) -> Vec<(String, u32)> {
        assert!(sorted.chunks.iter().all(|chunk| !chunk.is_empty()));
        assert_eq!(sorted.len(), sorted.iter().count());
        sorted.iter().map(|item| (item.0.as_str().to_owned(), item.1)).collect()
    }

    fn names(max: usize) -> impl Strategy<Value = BTreeMap<String, u32>> {
        proptest::collection::btree_map("[a-e]{1,3}(/[a-e]{1,2})?", 0..9_u32, 0..max)
    }

    proptest! {
        #[test]
        fn edits_do_what_they_do_to_a_map(first in names(900), rounds in proptest::collection::vec((names(40), names(300)), 1..6)) {
            let mut model = first;
            let mut sorted = sorted(&model);
            for (set, drop) in rounds {
                let before = (held(&sorted), sorted.clone());
                let mut edits: BTreeMap<RelPath, Option<Item>> =
                    drop.keys().map(|name| (RelPath::parse(name).unwrap(), None)).collect();
                edits.extend(set.iter().map(|(name, value)| (RelPath::parse(name).unwrap(), Some(item(name, *value)))));
                sorted = sorted.with(edits);
                model.retain(|name, _| !drop.contains_key(name));
                model.extend(set);
                prop_assert_eq!(held(&sorted), model.clone().into_iter().collect::<Vec<_>>());
                prop_assert_eq!(held(&before.1), before.0, "the old state stays");
                prop_assert_eq!(
                    sorted.directly_in("").iter().map(|item| item.0.as_str()).collect::<Vec<_>>(),
                    model.keys().filter(|key| !key.contains('/')).collect::<Vec<_>>()
                );
                for name in ["a", "abc/a", "c", "e/e", "zzz", "0"] {
                    prop_assert_eq!(sorted.get(name).map(|item| item.1), model.get(name).copied());
                    let beneath: Vec<_> = sorted.beneath(name).map(|item| item.0.as_str()).collect();
                    let prefix = format!("{name}/");
                    prop_assert_eq!(beneath, model.keys().filter(|key| key.starts_with(&prefix)).collect::<Vec<_>>());
                    let direct: Vec<_> = sorted.directly_in(name).iter().map(|item| item.0.as_str()).collect();
                    let is_direct = |key: &&String| key.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'));
                    prop_assert_eq!(direct, model.keys().filter(is_direct).collect::<Vec<_>>());
                    let from = sorted.starting_at(name).count();
                    prop_assert_eq!(from, model.range(name.to_owned()..).count());
                }
            }
        }
    }

    #[test]
    fn one_edit_copies_one_chunk() {
        let map: BTreeMap<String, u32> = (0..10_000).map(|at| (format!("f{at:05}"), at)).collect();
        let old = sorted(&map);
        let new = old.with([(RelPath::parse("f05000").unwrap(), Some(item("f05000", 7)))].into());
        let shared = old.chunks.iter().filter(|chunk| new.chunks.iter().any(|other| Arc::ptr_eq(chunk, other))).count();
        assert_eq!((old.chunks.len(), shared), (40, 39));
    }
}
