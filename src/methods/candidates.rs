//! Which files may hold something, for methods other than `search`.

use std::sync::Arc;

use crate::index::{FileEntry, Snapshot};
use crate::search::{CaseMode, Query, QueryOptions};
use crate::trigram::Plan;

/// The files that may match by `plan`, by path; all, where the index does not tell.
pub(super) fn candidates(snapshot: &Snapshot, plan: &Plan) -> Vec<Arc<FileEntry>> {
    let index = &snapshot.text;
    if matches!(plan, Plan::All) || !index.is_built() {
        return snapshot.files.iter().cloned().collect();
    }
    let candidates = index.candidates(plan);
    match index.select(&candidates) {
        Some(selected) => selected.into_iter().map(|file| Arc::clone(file.entry)).collect(),
        None => snapshot.files.iter().cloned().collect(),
    }
}

/// The plan of texts that hold all of these, each as a whole word if `words`.
pub(super) fn texts_with<'text>(pieces: impl IntoIterator<Item = &'text str>, words: bool) -> Plan {
    let plans = pieces.into_iter().filter(|piece| !piece.is_empty()).map(|piece| {
        let options = QueryOptions {
            pattern: piece.to_owned(),
            regex: false,
            case: CaseMode::Sensitive,
            whole_word: words,
            multiline: true,
        };
        Query::compile(&options).map_or(Plan::All, |query| query.plan().clone())
    });
    Plan::all_of(plans.collect())
}
