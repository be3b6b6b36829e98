//! Taking what is found, in path order, up to the limits of a request and of a response.

use std::time::{Duration, Instant};

use super::found::Found;
use super::scan::Searched;
use super::{SearchResult, SearchStats};
use crate::error::Result;
use crate::methods::{Context, View};
use crate::path::RelPath;
use crate::protocol::events::Partial;
use crate::protocol::frame;
use crate::protocol::items::Items;

/// When a `partial` event is full, or has waited long enough.
const PARTIAL_BYTES: usize = 64 * 1024;
const PARTIAL_INTERVAL: Duration = Duration::from_millis(25);

/// Where files with matches go.
pub(super) enum Output {
    Collect {
        /// What was found, encoded.
        files: Items,
        /// Bytes of JSON that still fit the response.
        room: usize,
    },
    Stream {
        waiting: Items,
        sent: Instant,
    },
}

/// Takes what is found in path order and cuts it at the limits.
pub(super) struct Collector<'search> {
    pub(super) context: &'search Context,
    pub(super) output: Output,
    pub(super) max_matches: u64,
    pub(super) file_count: u64,
    pub(super) match_count: u64,
    pub(super) limit_hit: bool,
    pub(super) stats: SearchStats,
    /// Where the search ended, if before its end.
    pub(super) last: Option<RelPath>,
}

impl Collector<'_> {
    /// Takes a batch. False when nothing more can be reported.
    pub(super) fn take(&mut self, batch: Vec<Searched>) -> Result<bool> {
        for searched in batch {
            match searched {
                Searched::Nothing => self.stats.files_scanned += 1,
                Searched::Binary => self.stats.binary_skipped += 1,
                Searched::TooLarge => self.stats.too_large_skipped += 1,
                Searched::Unreadable => self.stats.unreadable_skipped += 1,
                Searched::Gone => {}
                Searched::Found(file) => {
                    self.stats.files_scanned += 1;
                    let last = file.path.clone();
                    if !self.found(*file)? {
                        self.last = Some(last);
                        return Ok(false);
                    }
                }
            }
        }
        if let Output::Stream { sent, .. } = &self.output
            && sent.elapsed() >= PARTIAL_INTERVAL
        {
            self.send()?;
        }
        Ok(true)
    }

    fn found(&mut self, mut file: Found) -> Result<bool> {
        let left = self.max_matches - self.match_count;
        if left == 0 {
            self.limit_hit = true;
            return Ok(false);
        }
        let mut cut = file.matches.match_count > left;
        if cut {
            file.truncate(left)?;
        }
        self.limit_hit |= file.matches.limit_hit;
        if file.matches.match_count == 0 {
            // There are matches, but `maxMatchesPerFile` allows none.
            return Ok(true);
        }
        if let Output::Collect { room, .. } = &self.output {
            // The first matches that fit; none of the files behind would come before them.
            while file.matches.match_count > 1 && file.length() > *room {
                file.truncate(file.matches.match_count / 2)?;
                cut = true;
            }
        }
        self.limit_hit |= cut;
        let (count, length) = (file.matches.match_count, file.length());
        match &mut self.output {
            Output::Collect { files, room } => {
                if length > *room {
                    self.limit_hit = true;
                    return Ok(false);
                }
                *room -= length;
                files.push(file.into_encoded());
            }
            Output::Stream { waiting, .. } => {
                waiting.push(file.into_encoded());
                if waiting.bytes() >= PARTIAL_BYTES {
                    self.send()?;
                }
            }
        }
        self.file_count += 1;
        self.match_count += count;
        Ok(!cut)
    }

    /// Sends what waits as a `partial` event.
    fn send(&mut self) -> Result<()> {
        let Output::Stream { waiting, sent } = &mut self.output else { return Ok(()) };
        if !waiting.is_empty() {
            let partial = Partial { id: self.context.id.clone(), files: Vec::new() };
            let line = frame::event_with_files("partial", &partial, waiting)?;
            *waiting = Items::default();
            self.context.link.emit(line, &self.context.cancel)?;
        }
        *sent = Instant::now();
        Ok(())
    }

    pub(super) fn finish(mut self, view: &View) -> Result<SearchResult> {
        self.send()?;
        self.stats.elapsed_ms = self.context.read_at.elapsed().as_millis() as u64;
        Ok(SearchResult {
            files: Vec::new(),
            encoded: match self.output {
                Output::Collect { files, .. } => files,
                Output::Stream { .. } => Items::default(),
            },
            file_count: self.file_count,
            match_count: self.match_count,
            limit_hit: self.limit_hit,
            stats: self.stats,
            clock: view.snapshot.clock.to_string(),
            synced: view.synced,
        })
    }
}
