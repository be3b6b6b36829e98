//! From bytes to a tree, whatever the bytes are.

use std::sync::PoisonError;
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, Parser, Tree};

use super::apart::{self, Stop};
use super::grammar::Grammar;
use crate::cancel::CancelToken;
use crate::error::{Code, Error, Result};

/// How deep a stack the parser may need for each byte of a text: a frame for each token, where all of them are read in
/// several ways. Measured: 100 bytes in `stack_node_release`.
const STACK_PER_BYTE: usize = 256;
/// What it needs besides.
const STACK: usize = 1 << 20;
/// Texts up to this length are parsed on the thread that asks: they need no more than half the stack of any thread.
const SMALL_BYTES: usize = 4 * 1024;
/// How many parsers are kept for the next texts; making one is expensive.
const MAX_KEPT: usize = 16;
/// One that has read a longer text is not kept: what it keeps itself would hold on to the memory around it.
const MAX_KEPT_BYTES: usize = 256 * 1024;

/// How long one text may take. An ordinary one of four megabytes takes about a second; one that is made to be ambiguous
/// could take hours, and nobody might have said how long to wait.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Parses `bytes`.
///
/// # Errors
/// `cancelled`; `timeout` for a text that takes too long by itself, or longer than there is time; those of
/// [`apart::run`].
pub(super) fn parse(bytes: &[u8], grammar: &'static Grammar, cancel: &CancelToken) -> Result<Tree> {
    parse_from(None, bytes, grammar, cancel)
}

/// Parses `bytes`, from the tree of the text that they are an edit of, if that was parsed lately.
///
/// What a tree with errors looks like depends on where the parser came from. So such trees are neither taken nor
/// remembered.
///
/// # Errors
/// Those of [`parse`].
pub(super) fn parse_edited(bytes: &[u8], grammar: &'static Grammar, cancel: &CancelToken) -> Result<Tree> {
    let again = grammar.recent.before(bytes).map(|before| parse_from(Some(before), bytes, grammar, cancel));
    let again = again.transpose()?.filter(|tree| !tree.root_node().has_error());
    let tree = again.map_or_else(|| parse(bytes, grammar, cancel), Ok)?;
    if !tree.root_node().has_error() {
        grammar.recent.remember(bytes, &tree);
    }
    Ok(tree)
}

fn parse_from(before: Option<Tree>, bytes: &[u8], grammar: &'static Grammar, cancel: &CancelToken) -> Result<Tree> {
    cancel.check()?;
    let time = cancel.time_left().map_or(MAX_TIME, |left| left.min(MAX_TIME));
    if let Some(tried) = grammar.slow.tried(bytes, time, MAX_TIME) {
        return Err(Error::new(Code::Timeout, format!("parsing took more than {} s", tried.as_secs())));
    }
    let started = Instant::now();
    let parsed = parse_within(&Stop::within(MAX_TIME, "parsing", cancel), before, bytes, grammar);
    if matches!(&parsed, Err(error) if matches!(error.code, Code::Timeout | Code::Cancelled)) {
        grammar.slow.gave_up(bytes, started.elapsed());
    }
    parsed
}

fn parse_within(stop: &Stop, before: Option<Tree>, bytes: &[u8], grammar: &'static Grammar) -> Result<Tree> {
    if bytes.len() <= SMALL_BYTES {
        return parse_here(before.as_ref(), bytes, grammar, stop);
    }
    let bytes = bytes.to_vec();
    let stack = STACK + bytes.len() * STACK_PER_BYTE;
    apart::run(stack, stop, move |stop| parse_here(before.as_ref(), &bytes, grammar, stop))?
}

fn parse_here(before: Option<&Tree>, bytes: &[u8], grammar: &Grammar, stop: &Stop) -> Result<Tree> {
    stop.check()?;
    let kept = grammar.parsers.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut parser = kept.map_or_else(|| new_parser(grammar), Ok)?;
    let mut progress = |_: &_| stop.control_flow();
    let options = ParseOptions::new().progress_callback(&mut progress);
    let tree = parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), before, Some(options));
    // One that was stopped would read the next text on from where this one was left.
    if tree.is_some() && bytes.len() <= MAX_KEPT_BYTES {
        let mut parsers = grammar.parsers.lock().unwrap_or_else(PoisonError::into_inner);
        if parsers.len() < MAX_KEPT {
            parsers.push(parser);
        }
    }
    tree.ok_or_else(|| stop.error())
}

fn new_parser(grammar: &Grammar) -> Result<Parser> {
    let mut parser = Parser::new();
    parser.set_language(&grammar.language).map_err(|_| Error::internal("the grammar does not fit the parser"))?;
    Ok(parser)
}
