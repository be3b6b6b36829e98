//! Which files a search has to look at.

use std::sync::Arc;

use super::excerpts::Known;
use crate::glob::PathFilter;
use crate::index::{FileEntry, Snapshot};
use crate::methods::Context;
use crate::path::RelPath;
use crate::text::Class;
use crate::trigram::{BLOCK_BYTES, Plan};

/// A file to look at.
pub(super) struct Item {
    pub(super) entry: Arc<FileEntry>,
    /// In a large file: where a match would have to be.
    pub(super) known: Option<Known>,
}

impl Item {
    /// About how many bytes are to be read.
    pub(super) fn bytes(&self) -> u64 {
        let all = self.entry.stamp.size;
        self.known.as_ref().map_or(all, |known| all.min((known.inside.count() * BLOCK_BYTES) as u64))
    }
}

/// The files to look at, by path.
pub(super) struct Selection {
    pub(super) items: Vec<Item>,
    /// How many the globs of the request leave.
    pub(super) considered: u64,
    /// Whether the index narrowed them.
    pub(super) indexed: bool,
}

/// Of files with so many blocks, only the candidate blocks are looked at first.
const LARGE_BLOCKS: u32 = 2;

impl Selection {
    /// Those that may match by `plan` and that `filter` leaves.
    pub(super) fn of(snapshot: &Snapshot, plan: &Plan, filter: &PathFilter, context: &Context) -> Self {
        let pool = &context.shared.pool;
        let index = &snapshot.text;
        if !matches!(plan, Plan::All) {
            let candidates = index.candidates(plan);
            if let Some(selected) = index.select(&candidates) {
                let mut items = Vec::with_capacity(selected.len());
                for file in selected {
                    if !filter.accepts(file.entry.path.as_str()) {
                        continue;
                    }
                    let class = file.entry.known().map(|facts| facts.class);
                    // UTF-16 is indexed as it is decoded, and cannot be entered in the middle.
                    let class = class.filter(|class| matches!(class, Class::Text | Class::Utf8Bom));
                    let known = file.at.zip(class).and_then(|((part, number), class)| {
                        let inside = candidates[part].inside(number, LARGE_BLOCKS)?;
                        Some(Known { inside, before: candidates[part].before_blocks_of(number), class })
                    });
                    items.push(Item { entry: Arc::clone(file.entry), known });
                }
                let considered = if filter.takes_all() {
                    snapshot.files.len()
                } else {
                    pool.install(|| context.shared.filters.passed(&snapshot.files, filter).count())
                };
                return Self { items, considered: considered as u64, indexed: true };
            }
        }
        let item = |entry: &Arc<FileEntry>| Item { entry: Arc::clone(entry), known: None };
        let items: Vec<Item> = if filter.takes_all() {
            snapshot.files.iter().map(item).collect()
        } else {
            pool.install(|| context.shared.filters.passed(&snapshot.files, filter)).iter().map(item).collect()
        };
        Self { considered: items.len() as u64, items, indexed: false }
    }
}

/// Binary files that an index lets nobody look at: those that `filter` leaves, up to a path.
pub(super) fn binary_files(snapshot: &Snapshot, filter: &PathFilter, last: Option<&RelPath>) -> u64 {
    if last.is_none() && filter.takes_all() {
        return snapshot.text.binary_count() as u64;
    }
    let counts =
        |entry: &&Arc<FileEntry>| last.is_none_or(|last| entry.path <= *last) && filter.accepts(entry.path.as_str());
    snapshot.text.binary_files().filter(counts).count() as u64
}
