//! Which files may hold something, for methods other than `search`.

use std::sync::Arc;

use crate::index::{FileEntry, Snapshot};
use crate::search::{CaseMode, Query, QueryOptions};
use crate::trigram::Plan;

/// Pieces of text that a file has to hold, all of them.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    queries: Vec<Query>,
    plan: Plan,
}

impl Pieces {
    /// These, each as a whole word if `words`. One that is too long to be looked for counts as held.
    pub(super) fn new<'text>(pieces: impl IntoIterator<Item = &'text str>, words: bool) -> Self {
        let compiled = pieces.into_iter().filter(|piece| !piece.is_empty()).filter_map(|piece| {
            let options = QueryOptions {
                pattern: piece.to_owned(),
                regex: false,
                case: CaseMode::Sensitive,
                whole_word: words,
                multiline: true,
            };
            Query::compile(&options).ok()
        });
        let queries: Vec<Query> = compiled.collect();
        let plan = Plan::all_of(queries.iter().map(|query| query.plan().clone()).collect());
        Self { queries, plan }
    }

    /// The files that may hold them, by path; all, where the index does not tell.
    pub(super) fn candidates(&self, snapshot: &Snapshot) -> Vec<Arc<FileEntry>> {
        let index = &snapshot.text;
        if matches!(self.plan, Plan::All) || !index.is_built() {
            return snapshot.files.iter().cloned().collect();
        }
        let candidates = index.candidates(&self.plan);
        match index.select(&candidates) {
            Some(selected) => selected.into_iter().map(|file| Arc::clone(file.entry)).collect(),
            None => snapshot.files.iter().cloned().collect(),
        }
    }

    /// Whether a text does hold them.
    pub(super) fn are_in(&self, text: &[u8]) -> bool {
        self.queries.iter().all(|query| query.is_in(text))
    }
}
