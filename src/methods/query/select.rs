//! Which files a query has to look at.

use std::sync::Arc;

use crate::glob::PathFilter;
use crate::index::{FileEntry, Snapshot};
use crate::methods::Context;
use crate::protocol::tsx::Language;
use crate::trigram::Plan;

/// A source to look at.
#[derive(Clone)]
pub(super) struct Item {
    pub(super) entry: Arc<FileEntry>,
    pub(super) language: Language,
}

/// The sources to look at, by path.
pub(super) struct Selection {
    pub(super) items: Vec<Item>,
    /// How many the params of the request leave.
    pub(super) considered: u64,
    /// Whether the index narrowed them.
    pub(super) indexed: bool,
}

impl Selection {
    /// Those that may match by `plan`, that `filter` leaves and that are in one of `languages`.
    pub(super) fn of(
        snapshot: &Snapshot,
        plan: &Plan,
        filter: &PathFilter,
        languages: &[Language],
        context: &Context,
    ) -> Self {
        let item = |entry: &Arc<FileEntry>| {
            let language = entry.path.extension().and_then(Language::of_extension)?;
            languages.contains(&language).then(|| Item { entry: Arc::clone(entry), language })
        };
        let passed = || context.shared.pool.install(|| context.shared.filters.passed(&snapshot.files, filter));
        if !matches!(plan, Plan::All) {
            let candidates = snapshot.text.candidates(plan);
            if let Some(selected) = snapshot.text.select(&candidates) {
                let items = selected.iter().filter(|file| filter.accepts(file.entry.path.as_str()));
                let items = items.filter_map(|file| item(file.entry)).collect();
                let considered = if filter.takes_all() {
                    snapshot.files.iter().filter(|entry| item(entry).is_some()).count()
                } else {
                    passed().iter().filter(|entry| item(entry).is_some()).count()
                };
                return Self { items, considered: considered as u64, indexed: true };
            }
        }
        let items: Vec<Item> = if filter.takes_all() {
            snapshot.files.iter().filter_map(item).collect()
        } else {
            passed().iter().filter_map(item).collect()
        };
        Self { considered: items.len() as u64, items, indexed: false }
    }
}
