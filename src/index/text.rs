//! The trigram index of a state of the files: parts that never change, and what changed since they were built.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::entry::{Facts, FileEntry, FileFacts};
use super::journal::Replaced;
use super::sorted::{Located, Sorted};
use crate::path::RelPath;
use crate::trigram::{Candidates, MAX_BLOCKS, Plan, Segment};

/// A part of fewer bytes is built anew together with its neighbours: each part is looked up by itself.
const SMALL_PART_BYTES: u64 = 4 << 20;
/// As far as they are one part then: larger ones are cut when they are built.
const MAX_JOINED_BYTES: u64 = 64 << 20;
const MAX_JOINED_FILES: usize = MAX_BLOCKS as usize / 4;

/// What the files of a stretch of paths had in them when it was built.
#[derive(Debug)]
pub struct TextPart {
    /// By path. Where a file is not opaque in the segment, its content had the hash that its entry has.
    pub files: Box<[Arc<FileEntry>]>,
    /// Which trigrams they have; files are numbered as in `files`.
    pub segment: Arc<Segment>,
    /// Those that were known to be binary, ascending: they have none, unless they are opaque.
    pub binary: Box<[u32]>,
}

/// A stretch of the order of all paths: from one on, up to the next stretch's; from the beginning if there is none.
type From = Option<RelPath>;

/// A part, and which of its files are not as they were.
#[derive(Clone, Debug)]
struct Held {
    from: From,
    part: Arc<TextPart>,
    /// Of its files, when it was built.
    bytes: u64,
    stale: Arc<Flags>,
    /// Changes since it was built: files that are not as they were, and new ones.
    worn: usize,
}

/// The trigram index of a state: a file is either as a part has it, or it is dirty.
#[derive(Clone, Debug, Default)]
pub struct TextIndex {
    /// By path; together they cover all paths, if there are any.
    held: Arc<[Held]>,
    /// Files whose content is not, or not known to be, what a part has.
    dirty: Sorted<Arc<FileEntry>>,
}

/// Parts to be built, in place of those there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuild {
    /// Which parts.
    parts: Range<usize>,
    /// The paths they cover.
    from: From,
    to: From,
}

/// A file that may match.
#[derive(Debug)]
pub struct Selected<'index> {
    /// The file.
    pub entry: &'index Arc<FileEntry>,
    /// Where in the index it is: a part and a number there; none if it is dirty.
    pub at: Option<(usize, u32)>,
}

impl TextIndex {
    /// Whether there is anything but dirt.
    pub fn is_built(&self) -> bool {
        !self.held.is_empty()
    }

    /// Files that no part has as they are.
    pub fn dirty(&self) -> &Sorted<Arc<FileEntry>> {
        &self.dirty
    }

    /// Bytes of all parts.
    pub fn bytes(&self) -> usize {
        self.held.iter().map(|held| held.part.segment.bytes()).sum()
    }

    /// The parts, by path.
    pub fn parts(&self) -> impl Iterator<Item = &Arc<TextPart>> {
        self.held.iter().map(|held| &held.part)
    }

    /// The candidates of a plan in each part.
    pub fn candidates<'search>(&'search self, plan: &'search Plan) -> Vec<Candidates<'search>> {
        self.held.iter().map(|held| Candidates::find(plan, &held.part.segment)).collect()
    }

    /// The files that may match by what [`Self::candidates`] gave, by path: those of the parts that are still as they
    /// were, and all that are dirty; what is known to be binary is not among them. `None` if nothing is selected.
    pub fn select(&self, candidates: &[Candidates<'_>]) -> Option<Vec<Selected<'_>>> {
        let found: Vec<Option<Vec<u32>>> = candidates.iter().map(Candidates::files).collect();
        if found.iter().all(Option::is_none) {
            return None;
        }
        let mut selected = Vec::new();
        let mut dirty = self.dirty.iter().peekable();
        for (at, (held, found)) in self.held.iter().zip(found).enumerate() {
            let all = || (0..held.part.files.len() as u32).filter(|file| !held.part.is_binary(*file));
            let files = found.unwrap_or_else(|| all().collect());
            for file in files.into_iter().filter(|file| !held.stale.has(*file)) {
                let entry = &held.part.files[file as usize];
                while let Some(before) = dirty.next_if(|dirty| dirty.path < entry.path) {
                    selected.push(Selected { entry: before, at: None });
                }
                selected.push(Selected { entry, at: Some((at, file)) });
            }
        }
        selected.extend(dirty.map(|entry| Selected { entry, at: None }));
        Some(selected)
    }

    /// The binary files that are as a part has them, by path.
    pub fn binary_files(&self) -> impl Iterator<Item = &Arc<FileEntry>> {
        self.held.iter().flat_map(|held| held.binary().filter_map(|file| held.part.files.get(file as usize)))
    }

    /// How many they are.
    pub fn binary_count(&self) -> usize {
        self.held.iter().map(|held| held.binary().count()).sum()
    }

    /// After some files were replaced; `files` is what there is now.
    #[must_use]
    pub(super) fn replaced(&self, replaced: &[Replaced], files: &Sorted<Arc<FileEntry>>) -> Self {
        if self.held.is_empty() || replaced.is_empty() {
            return self.clone();
        }
        let mut held = self.held.to_vec();
        let mut edits: BTreeMap<RelPath, Option<Arc<FileEntry>>> = BTreeMap::new();
        for path in replaced.iter().map(|replaced| &replaced.path) {
            let Some(held) = Self::at(&held, path).and_then(|at| held.get_mut(at)) else { continue };
            let now = files.get(path.as_str());
            let had = held.part.number_of(path);
            let is_clean = matches!((had, now), (Some(file), Some(now)) if held.part.is_as_it_was(file, now));
            let was_dirty = self.dirty.get(path.as_str()).is_some();
            let was_worn = was_dirty || had.is_some_and(|file| held.stale.has(file));
            if let Some(file) = had {
                Arc::make_mut(&mut held.stale).set(file, !is_clean);
            }
            let dirty = now.filter(|_| !is_clean).cloned();
            let is_worn = dirty.is_some() || (had.is_some() && !is_clean);
            held.worn = held.worn + usize::from(is_worn) - usize::from(was_worn).min(held.worn);
            if dirty.is_some() || was_dirty {
                edits.insert(path.clone(), dirty);
            }
        }
        Self { held: held.into(), dirty: self.dirty.with(edits) }
    }

    /// What is best built anew: the parts that are worn at least half as much as the one that is worn most, with small
    /// ones beside them; or everything if there are none. By path.
    pub fn most_worn(&self) -> Vec<Rebuild> {
        if self.held.is_empty() {
            return vec![Rebuild::all()];
        }
        let most = self.held.iter().map(|held| held.worn).max().unwrap_or_default();
        let mut rebuilds: Vec<Rebuild> = Vec::new();
        for (at, held) in self.held.iter().enumerate() {
            let taken = rebuilds.last().map_or(0, |last| last.parts.end);
            if at >= taken && held.worn >= most.div_ceil(2).max(1) {
                rebuilds.push(self.rebuild(self.with_small_neighbours(at, taken)));
            }
        }
        rebuilds
    }

    /// A part, and the small ones beside it, from `first` on, as far as all are one part together.
    fn with_small_neighbours(&self, at: usize, first: usize) -> Range<usize> {
        let (mut parts, mut bytes, mut files) = (at..at + 1, self.held[at].bytes, self.held[at].part.files.len());
        let mut fits = |held: &Held| {
            let joined = (bytes + held.bytes, files + held.part.files.len());
            let fits = held.bytes < SMALL_PART_BYTES && joined.0 <= MAX_JOINED_BYTES && joined.1 <= MAX_JOINED_FILES;
            if fits {
                (bytes, files) = joined;
            }
            fits
        };
        while parts.start > first && fits(&self.held[parts.start - 1]) {
            parts.start -= 1;
        }
        while self.held.get(parts.end).is_some_and(&mut fits) {
            parts.end += 1;
        }
        parts
    }

    fn rebuild(&self, parts: Range<usize>) -> Rebuild {
        let from = |at: usize| self.held.get(at).and_then(|held| held.from.clone());
        Rebuild { from: from(parts.start), to: from(parts.end), parts }
    }

    /// How many changes there were to files since their parts were built.
    pub fn wear(&self) -> usize {
        self.held.iter().map(|held| held.worn).sum()
    }

    /// Of parts that were kept; `files` is what they were kept with.
    pub(super) fn kept(mut parts: Vec<Arc<TextPart>>, files: &Sorted<Arc<FileEntry>>) -> Self {
        // By now nobody knows where one without a file began.
        parts.retain(|part| !part.files.is_empty());
        Self::default().adopt(vec![(Rebuild::all(), parts)], files)
    }

    /// With parts that were built in place of others, each a list for what it was asked for. `files` is what there is
    /// now: whatever changed since they were built is dirty.
    #[must_use]
    pub(super) fn adopt(&self, built: Vec<(Rebuild, Vec<Arc<TextPart>>)>, files: &Sorted<Arc<FileEntry>>) -> Self {
        let mut held = self.held.to_vec();
        let mut edits: BTreeMap<RelPath, Option<Arc<FileEntry>>> = BTreeMap::new();
        // From the back, so that the numbers of those in front stay.
        for (rebuild, parts) in built.into_iter().rev() {
            for entry in rebuild.within(&self.dirty) {
                edits.insert(entry.path.clone(), None);
            }
            let mut now = rebuild.within(files).peekable();
            let mut next = Vec::with_capacity(parts.len());
            let mut parts = parts.into_iter().enumerate().peekable();
            while let Some((at, part)) = parts.next() {
                let from =
                    if at == 0 { rebuild.from.clone() } else { part.files.first().map(|first| first.path.clone()) };
                let end = parts.peek().and_then(|(_, next)| next.files.first()).map(|first| first.path.clone());
                let mut stale = Flags::new(part.files.len());
                let (mut worn, mut had) = (0, part.files.iter().zip(0..).peekable());
                while let Some(entry) = now.next_if(|entry| end.as_ref().is_none_or(|end| entry.path < *end)) {
                    while let Some((_, file)) = had.next_if(|(had, _)| had.path < entry.path) {
                        stale.set(file, true);
                        worn += 1;
                    }
                    let same = had.next_if(|(had, _)| had.path == entry.path);
                    if same.is_some_and(|(_, file)| part.is_as_it_was(file, entry)) {
                        continue;
                    }
                    if let Some((_, file)) = same {
                        stale.set(file, true);
                    }
                    worn += 1;
                    edits.insert(entry.path.clone(), Some(Arc::clone(entry)));
                }
                for (_, file) in had {
                    stale.set(file, true);
                    worn += 1;
                }
                let bytes = part.files.iter().map(|entry| entry.stamp.size).sum();
                next.push(Held { from, part, bytes, stale: Arc::new(stale), worn });
            }
            held.splice(rebuild.parts.clone(), next);
        }
        Self { held: held.into(), dirty: self.dirty.with(edits) }
    }

    /// After files were read that were not known to be as a part has them: some are, after all.
    #[must_use]
    pub(super) fn settled(&self, files: &Sorted<Arc<FileEntry>>) -> Self {
        let dirty = self.dirty.iter().map(|entry| Replaced { path: entry.path.clone(), before: None });
        self.replaced(&dirty.collect::<Vec<_>>(), files)
    }

    /// What is worth keeping: the parts, with the files as they are now (`files`). Those that are not as a part has them
    /// are kept as not known. A file that could have changed when it was read without showing it has not, if by now
    /// its stamp is older than a moment up to which all changes are known: `all_known_ns`, where there is one. What
    /// happens to a file by another of its names may not be told.
    pub(super) fn to_keep(&self, files: &Sorted<Arc<FileEntry>>, all_known_ns: Option<i64>) -> Vec<TextPart> {
        let keep = |held: &Held| {
            let entries = held.part.files.iter().zip(0..).map(|(entry, file)| {
                let now = files.get(entry.path.as_str()).filter(|_| !held.stale.has(file));
                let Some(now) = now else {
                    return Arc::new(FileEntry::listed(entry.path.clone(), entry.stamp));
                };
                match now.known() {
                    Some(facts)
                        if facts.racy
                            && now.stamp.links == 1
                            && all_known_ns.is_some_and(|known| !now.stamp.is_racy(known)) =>
                    {
                        let facts = Facts::Known(FileFacts { racy: false, ..facts });
                        Arc::new(FileEntry::read(now.path.clone(), now.stamp, facts))
                    }
                    _ => Arc::clone(now),
                }
            });
            let (files, segment) = (entries.collect(), Arc::clone(&held.part.segment));
            TextPart { files, segment, binary: held.part.binary.clone() }
        };
        self.held.iter().map(keep).collect()
    }

    /// The part that covers a path.
    fn at(held: &[Held], path: &RelPath) -> Option<usize> {
        held.partition_point(|held| held.from.as_ref().is_none_or(|from| from <= path)).checked_sub(1)
    }
}

impl Rebuild {
    /// Of everything, where there is nothing.
    fn all() -> Self {
        Self { parts: 0..0, from: None, to: None }
    }

    /// Whether a path is covered.
    pub fn covers(&self, path: &RelPath) -> bool {
        self.from.as_ref().is_none_or(|from| from <= path) && self.to.as_ref().is_none_or(|to| path < to)
    }

    /// Whether it covers all paths.
    pub fn is_all(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// The items whose paths are covered, by path.
    pub fn within<'items, T>(&self, items: &'items Sorted<T>) -> impl Iterator<Item = &'items T>
    where
        T: Located + Clone + Send + Sync,
    {
        let from = self.from.as_ref().map_or("", RelPath::as_str);
        let to = self.to.clone();
        items.starting_at(from).take_while(move |item| to.as_ref().is_none_or(|to| item.path() < to))
    }
}

impl Held {
    /// The files that are binary and as they were, ascending.
    fn binary(&self) -> impl Iterator<Item = u32> {
        self.part.binary.iter().copied().filter(|file| !self.stale.has(*file) && !self.part.is_opaque(*file))
    }
}

impl TextPart {
    /// Whether the segment knows nothing of a file: it may be anything by now, and counts as clean.
    fn is_opaque(&self, file: u32) -> bool {
        self.segment.opaque().binary_search(&file).is_ok()
    }

    fn is_binary(&self, file: u32) -> bool {
        self.binary.binary_search(&file).is_ok() && !self.is_opaque(file)
    }

    fn number_of(&self, path: &RelPath) -> Option<u32> {
        self.files.binary_search_by(|entry| entry.path.cmp(path)).ok().map(|at| at as u32)
    }

    /// Whether the content of a file is the one that was indexed, or one about which nothing is known anyway: not even
    /// that it is binary, unless it still is.
    fn is_as_it_was(&self, file: u32, now: &FileEntry) -> bool {
        let hash = |entry: &FileEntry| entry.known().map(|facts| facts.hash);
        let had = self.files.get(file as usize).and_then(|entry| hash(entry));
        self.is_opaque(file) || had.is_some_and(|had| hash(now) == Some(had))
    }
}

/// One flag for each file of a part.
#[derive(Clone, Debug)]
struct Flags(Box<[u64]>);

impl Flags {
    fn new(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)].into())
    }

    fn has(&self, at: u32) -> bool {
        self.0.get(at as usize / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    fn set(&mut self, at: u32, on: bool) {
        if let Some(word) = self.0.get_mut(at as usize / 64) {
            *word = *word & !(1 << (at % 64)) | u64::from(on) << (at % 64);
        }
    }
}

#[cfg(test)]
mod kept;
#[cfg(test)]
mod tests;
