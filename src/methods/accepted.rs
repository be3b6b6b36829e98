//! Which of the index's items pass a request's globs.

use rayon::prelude::*;

use crate::glob::PathFilter;
use crate::index::{Located, Sorted};

/// The items that pass, by path, found on the current rayon pool. What lies outside the directories that the globs
/// name is not looked at.
pub(super) fn accepted<'items, T>(items: &'items Sorted<T>, filter: &PathFilter) -> Vec<&'items T>
where
    T: Located + Clone + Send + Sync,
{
    let passes = |item: &&T| filter.accepts(item.path().as_str());
    match filter.within() {
        None => items.par_iter().filter(passes).collect(),
        Some(directories) => {
            let within: Vec<&T> = directories.iter().flat_map(|directory| items.beneath(directory)).collect();
            within.into_par_iter().filter(passes).collect()
        }
    }
}
