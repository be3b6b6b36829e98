//! Taking what is found, in path order, up to the limits of a request and of a response.

use super::scan::Matched;
use super::{QueryResult, QueryStats};
use crate::error::Result;
use crate::methods::{Context, View};
use crate::protocol::frame;
use crate::protocol::items::Items;
use crate::protocol::query::QueryFile;

/// Takes files with matches and cuts them at the limits.
pub(super) struct Collector<'query> {
    context: &'query Context,
    /// What was found, encoded.
    files: Items,
    /// Bytes of JSON that still fit the response.
    room: usize,
    max_matches: u64,
    match_count: u64,
    limit_hit: bool,
    pub(super) stats: QueryStats,
}

impl<'query> Collector<'query> {
    pub(super) fn new(context: &'query Context, room: usize, max_matches: u64) -> Self {
        Self {
            context,
            files: Items::default(),
            room,
            max_matches,
            match_count: 0,
            limit_hit: false,
            stats: QueryStats::default(),
        }
    }

    /// Takes what came of one file. False when nothing more can be reported.
    pub(super) fn take(&mut self, matched: Matched) -> Result<bool> {
        match matched {
            Matched::Nothing { parsed } => self.stats.files_parsed += u64::from(parsed),
            Matched::NotText => self.stats.not_text_skipped += 1,
            Matched::TooLarge => self.stats.too_large_skipped += 1,
            Matched::TooSlow => self.stats.too_slow_skipped += 1,
            Matched::Unreadable => self.stats.unreadable_skipped += 1,
            Matched::Gone => {}
            Matched::Found { file, cut, lost, .. } => {
                self.stats.files_parsed += 1;
                self.limit_hit |= cut | lost;
                return Ok(self.found(file)? && !cut);
            }
        }
        Ok(true)
    }

    fn found(&mut self, mut file: QueryFile) -> Result<bool> {
        let left = self.max_matches - self.match_count;
        if left == 0 && !file.matches.is_empty() {
            self.limit_hit = true;
            return Ok(false);
        }
        let mut cut = file.matches.len() as u64 > left;
        if cut {
            file.matches.truncate(left as usize);
        }
        let mut encoded = frame::encode(&file)?;
        // The first matches that fit; none of the files behind would come before them.
        while file.matches.len() > 1 && encoded.len() >= self.room {
            file.matches.truncate(file.matches.len() / 2);
            encoded = frame::encode(&file)?;
            cut = true;
        }
        self.limit_hit |= cut;
        if file.matches.is_empty() {
            return Ok(true);
        }
        if encoded.len() >= self.room {
            self.limit_hit = true;
            return Ok(false);
        }
        self.room -= encoded.len() + 1;
        self.files.push(encoded);
        self.match_count += file.matches.len() as u64;
        Ok(!cut)
    }

    pub(super) fn finish(mut self, view: &View) -> QueryResult {
        self.stats.elapsed_ms = self.context.read_at.elapsed().as_millis() as u64;
        QueryResult {
            files: Vec::new(),
            encoded: self.files,
            match_count: self.match_count,
            limit_hit: self.limit_hit,
            stats: self.stats,
            clock: view.snapshot.clock.to_string(),
            synced: view.synced,
        }
    }
}
