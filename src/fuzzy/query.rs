//! What was typed, taken apart.

use super::align::Needle;
use super::letters::Case;
use crate::error::{Error, Result};

/// Longer queries are refused: nobody types them, and each letter costs time for each path.
pub const MAX_QUERY_CHARS: usize = 1024;

/// The pieces of what was typed; each must be found.
#[derive(Clone, Debug)]
pub struct Query {
    /// What stands between spaces: if it has an upper-case letter, first with its case, and always without.
    pub(super) pieces: Vec<Vec<Pattern>>,
    letters: usize,
}

/// A piece, to be found whole or in two parts.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    pub(super) case: Case,
    pub(super) whole: Needle,
    /// Up to the last `/`, itself included; none if there is no `/`.
    pub(super) folders: Option<Needle>,
    /// Behind it; none if nothing is.
    pub(super) name: Option<Needle>,
}

impl Query {
    /// Takes apart what was typed. A backslash is a `/`.
    ///
    /// # Errors
    /// `invalid_params` if it is longer than [`MAX_QUERY_CHARS`].
    pub fn parse(text: &str) -> Result<Self> {
        if text.chars().nth(MAX_QUERY_CHARS).is_some() {
            return Err(Error::param("query", format!("it is longer than {MAX_QUERY_CHARS} characters")));
        }
        let text = text.replace('\\', "/");
        let letters = text.chars().filter(|letter| !letter.is_whitespace()).count();
        Ok(Self { pieces: text.split_whitespace().map(piece).collect(), letters })
    }

    /// How many letters are to be found: a path has no more positions.
    pub fn letters(&self) -> usize {
        self.letters
    }
}

fn piece(text: &str) -> Vec<Pattern> {
    let upper = text.chars().any(char::is_uppercase);
    let cases = if upper { &[Case::Same, Case::Any][..] } else { &[Case::Any] };
    cases.iter().map(|case| Pattern::new(text, *case)).collect()
}

impl Pattern {
    fn new(text: &str, case: Case) -> Self {
        let (folders, name) = text.split_at(text.rfind('/').map_or(0, |slash| slash + 1));
        let needle = |text: &str| (!text.is_empty()).then(|| Needle::new(text, case));
        Self { case, whole: Needle::new(text, case), folders: needle(folders), name: needle(name) }
    }
}
