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
/// One with more is split, one with fewer joins a neighbour.
const MAX_CHUNK: usize = 2 * CHUNK;
const MIN_CHUNK: usize = CHUNK / 4;

impl<T> Default for Sorted<T> {
    fn default() -> Self {
        Self { chunks: Arc::new([]), len: 0 }
    }
}

impl<T: Located + Clone + Send + Sync> Sorted<T> {
    /// The items of an iterator that yields them in the order of their paths, each path once.
    pub fn from_sorted(items: impl IntoIterator<Item = T>) -> Self {
        let mut items = items.into_iter().peekable();
        let mut chunks = Chunks::default();
        while items.peek().is_some() {
            chunks.add(items.by_ref().take(CHUNK).collect());
        }
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

    /// All, by path, in the chunks that states of the index share.
    pub fn chunks(&self) -> &[Arc<[T]>] {
        &self.chunks
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
                out.add(Arc::clone(chunk));
                continue;
            }
            let mut edited = Vec::with_capacity(chunk.len() + 1);
            let mut items = chunk.iter().peekable();
            while let Some((path, edit)) = edits.next_if(|(path, _)| belongs(path)) {
                while let Some(item) = items.next_if(|item| *item.path() < path) {
                    edited.push(item.clone());
                }
                items.next_if(|item| *item.path() == path);
                edited.extend(edit);
            }
            edited.extend(items.cloned());
            out.split(&edited);
        }
        // There was no chunk at all.
        out.split(&edits.filter_map(|(_, edit)| edit).collect::<Vec<_>>());
        out.finish()
    }

    /// The chunk that holds `path` if any does; none if all are behind it.
    fn chunk_of(&self, path: &str) -> Option<usize> {
        self.chunks.partition_point(|chunk| chunk[0].path().as_str() <= path).checked_sub(1)
    }
}

/// Puts chunks of fitting sizes in a row: one that is too short stands only where its neighbours have no room for it.
struct Chunks<T> {
    done: Vec<Arc<[T]>>,
    len: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { done: Vec::new(), len: 0 }
    }
}

impl<T: Clone> Chunks<T> {
    /// Takes a chunk as it is, unless it and the one before belong together. What follows is not moved by that: where
    /// the rule held before, it holds on.
    fn add(&mut self, chunk: Arc<[T]>) {
        if chunk.is_empty() {
            return;
        }
        self.len += chunk.len();
        let before = self
            .done
            .last()
            .filter(|before| before.len().min(chunk.len()) < MIN_CHUNK && before.len() + chunk.len() <= MAX_CHUNK);
        let chunk = match before {
            Some(before) => {
                let both = before.iter().chain(chunk.iter()).cloned().collect();
                self.done.pop();
                both
            }
            None => chunk,
        };
        self.done.push(chunk);
    }

    /// Takes items that stood in one chunk, as several of about the same size if there are too many by now.
    fn split(&mut self, items: &[T]) {
        let parts = if items.len() > MAX_CHUNK { items.len() / CHUNK } else { 1 };
        items.chunks(items.len().div_ceil(parts).max(1)).for_each(|part| self.add(part.into()));
    }

    fn finish(self) -> Sorted<T> {
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

    /// `f00000` and so on.
    fn many(count: u32) -> Sorted<Item> {
        Sorted::from_sorted((0..count).map(|at| item(&format!("f{at:05}"), at)))
    }

    fn insert(sorted: &Sorted<Item>, name: &str) -> Sorted<Item> {
        sorted.with([(RelPath::parse(name).unwrap(), Some(item(name, 0)))].into())
    }

    /// How many chunks the second has that the first does not.
    fn made(old: &Sorted<Item>, new: &Sorted<Item>) -> usize {
        new.chunks.iter().filter(|chunk| !old.chunks.iter().any(|other| Arc::ptr_eq(chunk, other))).count()
    }

    #[test]
    fn one_edit_copies_one_chunk() {
        let old = many(10_000);
        let new = insert(&old, "f05000");
        assert_eq!((old.len(), new.len()), (10_000, 10_000));
        assert_eq!((old.chunks.len(), made(&old, &new)), (39, 1));
    }

    #[test]
    fn an_insertion_leaves_the_chunks_behind_it_alone() {
        let first = many(10_000);
        assert_eq!(made(&first, &insert(&first, "f00007-new")), 1);
        let mut sorted = first.clone();
        for at in 0..50 {
            let next = insert(&sorted, &format!("f{:05}-new", at * 197));
            assert!(made(&sorted, &next) <= 2, "the insertion {at} made {}", made(&sorted, &next));
            sorted = next;
        }
        assert_eq!(sorted.len(), 10_050);
    }

    #[test]
    fn chunks_keep_their_sizes_wherever_items_come_and_go() {
        let fits = |sorted: &Sorted<Item>| {
            assert!(
                sorted.chunks.len() <= 1 + 4 * sorted.len() / CHUNK,
                "{} for {}",
                sorted.chunks.len(),
                sorted.len()
            );
            assert!(sorted.chunks.iter().all(|chunk| chunk.len() <= MAX_CHUNK));
        };
        let mut sorted = many(10_000);
        for at in 0..10_000 {
            let next = insert(&sorted, &format!("f05000-{at:05}"));
            assert!(made(&sorted, &next) <= 2);
            sorted = next;
        }
        fits(&sorted);
        assert_eq!(sorted.len(), 20_000);
        // All but each hundredth, one by one.
        for at in (0..10_000).filter(|at| at % 100 != 0) {
            let next = sorted.with([(RelPath::parse(&format!("f{at:05}")).unwrap(), None)].into());
            assert!(made(&sorted, &next) <= 2);
            sorted = next;
        }
        fits(&sorted);
        let many: BTreeMap<_, _> =
            (0..5000).map(|at| item(&format!("f00001-{at:05}"), at)).map(|it| (it.0.clone(), Some(it))).collect();
        sorted = sorted.with(many);
        fits(&sorted);
        assert_eq!(sorted.len(), 15_100);
    }
}
