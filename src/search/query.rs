//! From a pattern to a matcher.

use std::sync::Arc;

use grep_matcher::Matcher as _;
use grep_regex::{ErrorKind, RegexMatcher, RegexMatcherBuilder};

use super::reach::Reach;
use super::syntax;
use crate::error::{Code, Error, Result};
use crate::trigram::Plan;

/// The longest pattern that is compiled. Reading a pattern takes memory in proportion to its
/// length, and by a large factor (`\w` stands for 700 ranges), before any other limit applies.
pub const MAX_PATTERN_BYTES: usize = 16 * 1024;

/// How large a compiled pattern may get. Where the faster engines give up, time is this size times
/// that of the text, so it bounds how long a stretch of text can keep a thread from looking whether
/// the search was cancelled. Counted repetitions of large classes are what runs into it.
const SIZE_LIMIT: usize = 10 * 1024 * 1024;

/// How much a thread may spend on states of the automaton it builds while it searches, in each
/// direction. Ordinary patterns need a fraction of a megabyte.
const CACHE_LIMIT: usize = 16 * 1024 * 1024;

/// An error message longer than this is cut to its last line: the parser's messages repeat the pattern.
const MAX_MESSAGE_BYTES: usize = 1000;

/// Whether upper and lower case are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CaseMode {
    /// They are.
    #[default]
    Sensitive,
    /// They are not, by Unicode's simple case folding: `k` also matches U+212A, the Kelvin sign.
    Insensitive,
    /// They are if the pattern has a literal character in upper case (`\W` has none).
    Smart,
}

/// What to look for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueryOptions {
    /// The text to find, or the regular expression if `regex` is set.
    pub pattern: String,
    /// Whether `pattern` is a regular expression, in the syntax of Rust's `regex` crate.
    pub regex: bool,
    /// Whether upper and lower case are told apart.
    pub case: CaseMode,
    /// Whether a match must have no word character just before it and just behind it.
    pub whole_word: bool,
    /// Whether a match may span lines. `.` does not match `\n` even then; `(?s:.)` does.
    pub multiline: bool,
}

/// A compiled pattern. Every use is through a [`super::FileSearcher`].
#[derive(Clone, Debug)]
pub struct Query {
    matcher: RegexMatcher,
    across_lines: bool,
    plan: Arc<Plan>,
    reach: Option<Arc<Reach>>,
}

impl Query {
    /// Compiles a pattern with the settings ripgrep would use.
    ///
    /// # Errors
    /// `invalid_pattern`: the message says why, and to set `multiline` where the pattern can match
    /// `\n` only.
    pub fn compile(options: &QueryOptions) -> Result<Self> {
        if options.pattern.len() > MAX_PATTERN_BYTES {
            return Err(Error::new(
                Code::InvalidPattern,
                format!("the pattern has {} bytes; at most {MAX_PATTERN_BYTES} are taken", options.pattern.len()),
            ));
        }
        if options.regex {
            syntax::check(&options.pattern).map_err(|error| invalid(error.to_string()))?;
        }
        let mut builder = RegexMatcherBuilder::new();
        builder
            .multi_line(true)
            .unicode(true)
            .octal(false)
            .dot_matches_new_line(false)
            .fixed_strings(!options.regex)
            .case_insensitive(options.case == CaseMode::Insensitive)
            .case_smart(options.case == CaseMode::Smart)
            .word(options.whole_word)
            .size_limit(SIZE_LIMIT)
            .dfa_size_limit(CACHE_LIMIT);
        if !options.multiline {
            // Takes `\n` out of every class, so that no match can leave its line.
            builder.line_terminator(Some(b'\n'));
        }
        let matcher = builder.build(&options.pattern).map_err(|error| invalid(said(&error)))?;
        // A pattern that cannot match `\n` finds the same line by line, which is faster.
        let across_lines = options.multiline && matcher.non_matching_bytes().is_none_or(|never| !never.contains(b'\n'));
        let pattern = syntax::parse(options);
        let reach = pattern.as_ref().map(|pattern| Arc::new(Reach::of(pattern)));
        let plan = pattern.map_or(Plan::All, |pattern| Plan::of(&pattern));
        Ok(Self { matcher, across_lines, plan: Arc::new(plan), reach })
    }

    /// What a text must hold for the pattern to match it.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether it matches somewhere in a text, taken as one piece.
    pub fn is_in(&self, text: &[u8]) -> bool {
        // The matcher has no errors.
        self.matcher.is_match(text).unwrap_or(true)
    }

    /// How far a match can reach; `None` if that is not known.
    pub(super) fn reach(&self) -> Option<&Reach> {
        self.reach.as_deref()
    }

    /// The compiled pattern.
    pub(super) fn matcher(&self) -> &RegexMatcher {
        &self.matcher
    }

    /// Whether a match may span lines, by the options and by the pattern.
    pub(super) fn across_lines(&self) -> bool {
        self.across_lines
    }
}

fn said(error: &grep_regex::Error) -> String {
    match error.kind() {
        ErrorKind::NotAllowed(literal) if literal == "\n" => {
            "the pattern needs a line end (`\\n`) to match, and no match spans lines: set `multiline`".to_owned()
        }
        _ => error.to_string(),
    }
}

fn invalid(message: String) -> Error {
    // It shows the pattern, which may be long.
    let message = match message.rsplit_once('\n') {
        Some((_, last)) if message.len() > MAX_MESSAGE_BYTES => last.to_owned(),
        _ => message,
    };
    Error::new(Code::InvalidPattern, message)
}
