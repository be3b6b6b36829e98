//! What a search of one file gives.

use crate::protocol::search::SearchLine;

/// The matches of one file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FileMatches {
    /// Matches reported; in mode `files` those seen, which is one.
    pub match_count: u64,
    /// Whether the file has more matches than are reported. Always false in mode `files`, where
    /// nothing is looked for behind the first match (unless no match at all may be reported).
    pub limit_hit: bool,
    /// The lines with matches, and their context, in order; in mode `matches` only.
    pub lines: Option<Vec<SearchLine>>,
    /// For [`Self::truncate`]: the lines that matches added to as they came.
    pub(super) grown: Vec<Grown>,
}

/// How the text of a [`SearchLine`] grew: a match that shares a line with the one before it may end
/// further down.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Grown {
    /// Index of the [`SearchLine`].
    pub(super) line: usize,
    /// The states of the text, the first and the last one included.
    pub(super) steps: Vec<Step>,
}

/// The text of a [`SearchLine`] up to the lines of some match.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    /// Index of the match within the line.
    pub(super) first_match: usize,
    /// Bytes of `text`.
    pub(super) text_len: usize,
    /// Whether something ill-formed is in these lines.
    pub(super) lossy: bool,
}

impl FileMatches {
    /// Adds what was found further down in the same file.
    pub(super) fn append(&mut self, further: Self) {
        self.match_count += further.match_count;
        self.limit_hit |= further.limit_hit;
        let before = self.lines.as_ref().map_or(0, Vec::len);
        if let Some(mut lines) = further.lines {
            let own = self.lines.get_or_insert_default();
            // A line that was found in two parts is told once, as it was found first.
            if let (Some(last), Some(first)) = (own.last_mut(), lines.first_mut())
                && last.line == first.line
            {
                last.matches.append(&mut first.matches);
                lines.remove(0);
            }
            own.extend(lines);
        }
        self.grown.extend(further.grown.into_iter().map(|grown| Grown { line: grown.line + before, ..grown }));
    }

    /// Cuts to the first `matches` matches. The result is what a search with that `max_matches`
    /// gives: nothing follows the line of the last match, and `limit_hit` is set if any was cut.
    pub fn truncate(&mut self, matches: u64) {
        if self.match_count <= matches {
            return;
        }
        self.match_count = matches;
        self.limit_hit = true;
        let Some(lines) = &mut self.lines else { return };
        let mut left = matches as usize;
        let mut kept = 0;
        for (index, line) in lines.iter_mut().enumerate() {
            if left == 0 {
                break;
            }
            if line.matches.len() > left {
                line.matches.truncate(left);
                if let Some(grown) = self.grown.iter_mut().find(|grown| grown.line == index) {
                    grown.cut(line);
                }
            }
            left -= line.matches.len();
            kept = index + 1;
        }
        lines.truncate(kept);
        self.grown.retain(|grown| grown.line < kept && grown.steps.len() > 1);
    }
}

impl Grown {
    /// Cuts the text to the lines of the matches that are left.
    fn cut(&mut self, line: &mut SearchLine) {
        self.steps.retain(|step| step.first_match < line.matches.len());
        if let Some(last) = self.steps.last() {
            line.text.truncate(last.text_len);
            line.lossy = last.lossy;
        }
    }
}
