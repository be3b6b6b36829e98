//! How well one path fits.

use super::align::{Aligner, MAX_WORTH};
use super::letters::{Case, Text};
use super::query::{MAX_QUERY_CHARS, Pattern, Query};

/// Scores paths, one after the other. Keeps its scratch memory, so each thread has one for many paths.
pub struct Scorer<'query> {
    query: &'query Query,
    aligner: Aligner,
    buffer: Vec<char>,
}

/// A path and its parts.
struct Path<'path> {
    whole: Text<'path>,
    /// With the last `/`.
    folders: Text<'path>,
    name: Text<'path>,
    /// How many letters stand before the name.
    before_name: usize,
    name_str: &'path str,
}

/// How a piece lies in a path.
struct Found<'query> {
    pattern: &'query Pattern,
    in_name: bool,
    place: Place,
    worth: u32,
}

/// Where in the file name a piece lies, the best last.
#[derive(Clone, Copy)]
enum Place {
    Anywhere,
    Beginning,
    /// All before a `.`.
    Stem,
    All,
}

// The parts of a score, each with room for its largest value.
const WORTH_BITS: u32 = 16;
const PLACE_BITS: u32 = 11;
const COUNT_BITS: u32 = 10;
const MAX_PIECES: usize = MAX_QUERY_CHARS.div_ceil(2);
const _: () = assert!(MAX_QUERY_CHARS * MAX_WORTH < 1 << WORTH_BITS);
const _: () = assert!(MAX_PIECES * (Place::All as usize) < 1 << PLACE_BITS);
const _: () = assert!(MAX_PIECES < 1 << COUNT_BITS && 2 * COUNT_BITS + PLACE_BITS + WORTH_BITS < 53);

impl<'query> Scorer<'query> {
    /// For the paths of one query.
    pub fn new(query: &'query Query) -> Self {
        Self { query, aligner: Aligner::default(), buffer: Vec::new() }
    }

    /// The score of a path; `None` if a piece is not in it.
    pub fn score(&mut self, path: &str) -> Option<u64> {
        let path = Path::new(path, &mut self.buffer);
        let (mut names, mut cases, mut places, mut worth) = (0, 0, 0, 0);
        for piece in &self.query.pieces {
            let found = find(&mut self.aligner, &path, piece)?;
            names += u64::from(found.in_name);
            cases += u64::from(found.pattern.case == Case::Same);
            places += found.place as u64;
            worth += u64::from(found.worth);
        }
        let counts = names << COUNT_BITS | cases;
        Some((counts << PLACE_BITS | places) << WORTH_BITS | worth)
    }

    /// Where the letters of the query lie in a path, as UTF-16 indices, ascending, each once.
    pub fn positions(&mut self, path: &str) -> Vec<u32> {
        let path = Path::new(path, &mut self.buffer);
        let mut places = Vec::with_capacity(self.query.letters());
        for piece in &self.query.pieces {
            let Some(Found { pattern, in_name, .. }) = find(&mut self.aligner, &path, piece) else { continue };
            let parts = if in_name {
                [(path.folders, pattern.folders.as_ref(), 0), (path.name, pattern.name.as_ref(), path.before_name)]
            } else {
                [(path.whole, Some(&pattern.whole), 0), (path.name, None, 0)]
            };
            for (text, needle, offset) in parts {
                if let Some(needle) = needle {
                    self.aligner.locate(text, needle, offset, &mut places);
                }
            }
        }
        places.sort_unstable();
        places.dedup();
        path.whole.utf16(&places)
    }
}

impl<'path> Path<'path> {
    fn new(path: &'path str, buffer: &'path mut Vec<char>) -> Self {
        let whole = Text::new(path, buffer);
        let (folders_str, name_str) =
            path.split_at(memchr::memrchr(b'/', path.as_bytes()).map_or(0, |slash| slash + 1));
        let before_name = match whole {
            Text::Ascii(_) => folders_str.len(),
            Text::Spread(_) => folders_str.chars().count(),
        };
        let (folders, name) = whole.split_at(before_name);
        Self { whole, folders, name, before_name, name_str }
    }
}

/// Where a piece lies best: in the name rather than elsewhere, and then in its own case rather than another.
fn find<'query>(aligner: &mut Aligner, path: &Path<'_>, piece: &'query [Pattern]) -> Option<Found<'query>> {
    let in_name = piece.iter().find_map(|pattern| find_in_name(aligner, path, pattern));
    in_name.or_else(|| piece.iter().find_map(|pattern| find_anywhere(aligner, path, pattern)))
}

fn find_in_name<'query>(aligner: &mut Aligner, path: &Path<'_>, pattern: &'query Pattern) -> Option<Found<'query>> {
    let needle = pattern.name.as_ref()?;
    let mut worth = aligner.worth(path.name, needle)?;
    if let Some(needle) = &pattern.folders {
        worth += aligner.worth(path.folders, needle)?;
    }
    let place = match needle.prefixes(path.name_str) {
        None => Place::Anywhere,
        Some("") => Place::All,
        Some(rest) if rest.starts_with('.') => Place::Stem,
        Some(_) => Place::Beginning,
    };
    Some(Found { pattern, in_name: true, place, worth })
}

fn find_anywhere<'query>(aligner: &mut Aligner, path: &Path<'_>, pattern: &'query Pattern) -> Option<Found<'query>> {
    let worth = aligner.worth(path.whole, &pattern.whole)?;
    Some(Found { pattern, in_name: false, place: Place::Anywhere, worth })
}
