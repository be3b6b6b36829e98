//! Searching files in parallel.

use std::sync::{Arc, Mutex, PoisonError};

use super::excerpts::{Known, Looked};
use super::found::Found;
use super::select::Item;
use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::fs::Stamp;
use crate::index::FileEntry;
use crate::methods::{Context, Shared};
use crate::ordered::ordered_map;
use crate::search::{FileOptions, FileSearcher, Query};
use crate::text::Class;

/// Files and bytes a worker searches before it hands the results on.
const BATCH_FILES: usize = 64;
const BATCH_BYTES: u64 = 1 << 20;
/// Batches under way for each thread: enough that nobody waits while one of them takes long.
const WINDOW: usize = 8;

/// What came of searching one file.
pub(super) enum Searched {
    /// No match.
    Nothing,
    /// At least one match.
    Found(Box<Found>),
    Binary,
    TooLarge,
    Unreadable,
    /// It was deleted since it was listed.
    Gone,
}

/// Searches in parallel, gives batches in path order.
pub(super) fn search_all(
    items: Vec<Item>,
    query: Query,
    options: FileOptions,
    context: &Context,
) -> impl Iterator<Item = Result<Result<Vec<Searched>>>> {
    let (shared, cancel) = (Arc::clone(&context.shared), context.cancel.clone());
    let threads = shared.config.threads;
    let pool = Arc::clone(&shared.pool);
    // A searcher is expensive to make and belongs to one thread at a time.
    let spare: Mutex<Vec<Worker>> = Mutex::default();
    let batches = batches(&items, threads);
    ordered_map(pool, batches, 1, WINDOW * threads, move |range: &std::ops::Range<usize>| {
        let worker = spare.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut worker = worker
            .unwrap_or_else(|| Worker { searcher: FileSearcher::new(&query, options.clone()), buffer: Vec::new() });
        let searched = items[range.clone()].iter().map(|item| worker.search(item, &shared, &cancel)).collect();
        spare.lock().unwrap_or_else(PoisonError::into_inner).push(worker);
        searched
    })
}

/// Cuts the files into stretches of similar work, enough of them for all threads.
fn batches(items: &[Item], threads: usize) -> Vec<std::ops::Range<usize>> {
    let most = items.len().div_ceil(4 * threads.max(1)).clamp(1, BATCH_FILES);
    let mut batches = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, item) in items.iter().enumerate() {
        bytes += item.bytes();
        if bytes >= BATCH_BYTES || at + 1 - start >= most {
            batches.push(start..at + 1);
            (start, bytes) = (at + 1, 0);
        }
    }
    if start < items.len() {
        batches.push(start..items.len());
    }
    batches
}

/// What a thread needs to search files one after the other.
struct Worker {
    searcher: FileSearcher,
    buffer: Vec<u8>,
}

/// A buffer that grew beyond this is given back to the system when it is not needed any more.
const KEEP_BUFFER: usize = 16 << 20;

impl Worker {
    fn search(&mut self, item: &Item, shared: &Shared, cancel: &CancelToken) -> Result<Searched> {
        cancel.check()?;
        let entry = &item.entry;
        if let Some(known) = &item.known
            && let Looked::Done(found) = self.look(known, entry, shared, cancel)?
        {
            return Ok(match (found, entry.known()) {
                (Some(matches), Some(facts)) => {
                    Searched::Found(Box::new(Found::new(entry.path.clone(), facts.hash, matches)?))
                }
                _ => Searched::Nothing,
            });
        }
        if self.buffer.len() > KEEP_BUFFER && entry.stamp.size < KEEP_BUFFER as u64 {
            self.buffer = Vec::new();
        }
        let binary = |stamp: &Stamp| entry.known_under(stamp).is_some_and(|facts| facts.class == Class::Binary);
        let max_bytes = shared.config.limits.max_file_bytes;
        let read = match shared.root.read_into(&entry.path, max_bytes, &mut self.buffer, |stamp| !binary(stamp)) {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(Searched::Binary),
            Err(error) => {
                return Ok(match error.code {
                    Code::NotFound | Code::NotAFile | Code::PathOutsideWorkspace => Searched::Gone,
                    Code::FileTooLarge => Searched::TooLarge,
                    _ => Searched::Unreadable,
                });
            }
        };
        let bytes = &self.buffer[..read.length];
        let class = Class::of(bytes);
        if class == Class::Binary {
            return Ok(Searched::Binary);
        }
        let found = self.searcher.search(bytes, class, cancel)?;
        let searched = match found {
            None => Searched::Nothing,
            Some(matches) => {
                let known = if read.stable { entry.known_under(&read.stamp) } else { None };
                let hash = known.map_or_else(|| blake3::hash(bytes), |facts| facts.hash);
                Searched::Found(Box::new(Found::new(entry.path.clone(), hash, matches)?))
            }
        };
        Ok(searched)
    }

    /// Looks into a large file that is as it was indexed.
    fn look(&mut self, known: &Known, entry: &FileEntry, shared: &Shared, cancel: &CancelToken) -> Result<Looked> {
        let opened = shared.root.open_parts(&entry.path, |stamp| entry.known_under(stamp).is_some());
        let Ok(Some(mut file)) = opened else { return Ok(Looked::Whole) };
        known.look(&mut file, &mut self.searcher, &mut self.buffer, cancel)
    }
}
