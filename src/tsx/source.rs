//! A parsed text: the tree, and ranges of the original text for its nodes.

use std::borrow::Cow;
use std::ops::Range;

use tree_sitter::{Node, Tree};

use super::grammar::{Grammar, Kind};
use super::{escapes, lenient, literal, parser, tolerant, trivia};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::protocol::tsx::Language;
use crate::protocol::{Position, TextRange};
use crate::text::LineIndex;

/// A text and its tree.
pub(super) struct Source<'text> {
    text: &'text str,
    /// Bytes in front of what was parsed: the byte-order mark.
    base: usize,
    lines: LineIndex<'text>,
    tree: Tree,
    grammar: &'static Grammar,
}

/// Which text the grammar sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// The text as it is.
    Verbatim,
    /// The text with what the grammar would trip over replaced, byte for byte; see [`tolerant::view`] and, where that is
    /// not enough, [`lenient::view`] and [`escapes::hide`].
    Tolerant,
    /// The same, of a text that may come again, edited: what it takes to parse that faster is remembered.
    Edited,
}

impl<'text> Source<'text> {
    /// Parses `text`.
    ///
    /// # Errors
    /// `cancelled`; those of [`parser::parse`].
    pub(super) fn parse(text: &'text str, language: Language, view: View, cancel: &CancelToken) -> Result<Self> {
        let grammar = Grammar::of(language);
        let code = text.strip_prefix('\u{FEFF}').unwrap_or(text);
        let seen = match view {
            View::Verbatim => Cow::Borrowed(code.as_bytes()),
            View::Tolerant | View::Edited => tolerant::view(code),
        };
        let parse = if view == View::Edited { parser::parse_edited } else { parser::parse };
        let mut tree = parse(&seen, grammar, cancel)?;
        if view != View::Verbatim && tree.root_node().has_error() {
            let mut other = lenient::view(code, &seen, language == Language::Ts);
            escapes::hide(code, &tree, grammar, &mut other);
            if *other != *seen {
                let again = parser::parse(&other, grammar, cancel)?;
                if !again.root_node().has_error() {
                    tree = again;
                }
            }
        }
        Ok(Self { text, base: text.len() - code.len(), lines: LineIndex::new(text), tree, grammar })
    }

    /// What was parsed: the text without its byte-order mark.
    pub(super) fn code(&self) -> &'text str {
        &self.text[self.base..]
    }

    /// The tree's root.
    pub(super) fn root(&self) -> Node<'_> {
        self.tree.root_node()
    }

    /// What a node is.
    pub(super) fn kind(&self, node: Node<'_>) -> Kind {
        self.grammar.kind(node)
    }

    /// The whole text.
    pub(super) fn text(&self) -> &'text str {
        self.text
    }

    /// A node's place in the text, in bytes.
    pub(super) fn bytes_of(&self, node: Node<'_>) -> Range<usize> {
        node.start_byte() + self.base..node.end_byte() + self.base
    }

    /// A stretch of the text's bytes in UTF-16 code units.
    pub(super) fn range_in_text(&self, bytes: Range<usize>) -> TextRange {
        self.lines.range(bytes)
    }

    /// A node's text as written.
    pub(super) fn slice(&self, node: Node<'_>) -> &'text str {
        self.slice_of(node.byte_range())
    }

    /// A stretch of the tree as written.
    pub(super) fn slice_of(&self, bytes: Range<usize>) -> &'text str {
        self.text.get(bytes.start + self.base..bytes.end + self.base).unwrap_or_default()
    }

    /// The text behind a place in the tree.
    pub(super) fn behind(&self, end: usize) -> &'text str {
        self.text.get(end + self.base..).unwrap_or_default()
    }

    /// Where one of `separators` ends that follows `end`; `end` itself where there is none.
    pub(super) fn with_separator(&self, end: usize, separators: &[char]) -> usize {
        let behind = self.behind(end);
        match trivia::skip(behind).strip_prefix(separators) {
            Some(rest) => end + behind.len() - rest.len(),
            None => end,
        }
    }

    /// A node's place in the text.
    pub(super) fn range(&self, node: Node<'_>) -> TextRange {
        self.range_of(node.byte_range())
    }

    /// The place of a stretch of the tree in the text.
    pub(super) fn range_of(&self, bytes: Range<usize>) -> TextRange {
        self.lines.range(bytes.start + self.base..bytes.end + self.base)
    }

    /// Where a statement ends. One whose semicolon is implied has the comments of its last line in
    /// it, at any level: it ends with its last token.
    pub(super) fn end_of(&self, statement: Node<'_>) -> usize {
        let mut last = statement;
        loop {
            let mut cursor = last.walk();
            match last.children(&mut cursor).filter(|child| !self.kind(*child).is_comment()).last() {
                Some(child) => last = child,
                None => return last.end_byte(),
            }
        }
    }

    /// A statement's place in the text.
    pub(super) fn statement_range(&self, statement: Node<'_>) -> TextRange {
        self.range_of(statement.start_byte()..self.end_of(statement))
    }

    /// Line and column of an offset in the tree.
    pub(super) fn position(&self, byte: usize) -> Position {
        self.lines.position(byte + self.base)
    }

    /// The name that an identifier, or a string in its place (`import { "a b" as c }`), stands for.
    pub(super) fn name(&self, node: Node<'_>) -> String {
        match self.kind(node) {
            Kind::String => self.string(node),
            _ => literal::identifier(self.slice(node)),
        }
    }

    /// The value of a string literal; lone surrogates become U+FFFD.
    pub(super) fn string(&self, node: Node<'_>) -> String {
        literal::string_lossy(self.slice(node))
    }

    /// The first named child that is no comment.
    pub(super) fn first_part<'tree>(&self, node: Node<'tree>) -> Option<Node<'tree>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).find(|child| !self.kind(*child).is_comment())
    }

    /// The named children that are no comments.
    pub(super) fn parts<'tree>(&self, node: Node<'tree>) -> Vec<Node<'tree>> {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).filter(|child| !self.kind(*child).is_comment()).collect()
    }
}
