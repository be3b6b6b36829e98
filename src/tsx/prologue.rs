//! The beginning of a source, read without a grammar: comments, directives, imports and re-exports.
//!
//! There, text is unambiguous: no regular expression, template or JSX can stand between two such statements. What
//! does not look as it should ends the reading, so a source with more to it is parsed.

use std::ops::Range;

use super::references::Reference;
use crate::protocol::modules::ReferenceKind;
use crate::text::LineIndex;

/// The references of `text`, if all the `places` where one may start, in bytes, lie in its first statements.
pub(super) fn references(text: &str, places: &[usize]) -> Option<Vec<Reference>> {
    let Some(last) = places.last() else { return Some(Vec::new()) };
    let code = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let base = text.len() - code.len();
    let mut reader = Reader { code, at: 0 };
    let mut found = Vec::new();
    // How far everything is understood.
    let mut end = 0;
    while let Some(statement) = reader.statement() {
        found.extend(statement);
        end = reader.at;
        if base + end > *last {
            break;
        }
    }
    // A comment behind the last statement may hold a place, too.
    reader.at = end;
    reader.skip_trivia();
    if base + reader.at <= *last {
        return None;
    }
    if found.is_empty() {
        return Some(Vec::new());
    }
    let lines = LineIndex::new(text);
    let reference = |(kind, literal): (ReferenceKind, Range<usize>)| Reference {
        source: code[literal.start + 1..literal.end - 1].into(),
        kind,
        range: lines.range(base + literal.start..base + literal.end),
    };
    Some(found.into_iter().map(reference).collect())
}

/// What a statement refers to, if it does: how, and the string literal.
type Found = Option<(ReferenceKind, Range<usize>)>;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token<'code> {
    Word(&'code str),
    /// Without escapes.
    String(Range<usize>),
    Mark(char),
}

#[derive(Clone)]
struct Reader<'code> {
    code: &'code str,
    /// Bytes read.
    at: usize,
}

impl<'code> Reader<'code> {
    /// The next statement; `None` if it is of another kind, or there is none.
    fn statement(&mut self) -> Option<Found> {
        let mut ahead = self.clone();
        let found = match ahead.token()? {
            // A directive. What goes on behind the string is no statement of these kinds.
            Token::String(_) => None,
            Token::Word("import") => Some(ahead.import()?),
            Token::Word("export") => ahead.re_export()?,
            _ => return None,
        };
        if found.is_some() {
            ahead.attributes()?;
        }
        let mut behind = ahead.clone();
        if behind.token() == Some(Token::Mark(';')) {
            ahead = behind;
        } else if found.is_none() {
            // Another token could make it a longer expression, and `export {}` ends anyway.
            ahead.ends_here()?;
        }
        *self = ahead;
        Some(found)
    }

    /// What stands behind `import`.
    fn import(&mut self) -> Option<(ReferenceKind, Range<usize>)> {
        let first = self.token()?;
        if let Token::String(module) = first {
            return Some((ReferenceKind::SideEffect, module));
        }
        let mut ahead = self.clone();
        let kind = match (&first, ahead.token()?) {
            // `import type from "…"` has the name `type`, `import type from from "…"` the name `from`.
            (Token::Word("type"), Token::Word("from")) => match ahead.token()? {
                Token::Word("from") => ReferenceKind::Type,
                Token::String(_) => ReferenceKind::Value,
                _ => return None,
            },
            (Token::Word("type"), Token::Word(_) | Token::Mark('{' | '*')) => ReferenceKind::Type,
            // Phases (`import defer * as …`) are left to the grammar.
            (Token::Word(_), Token::Word("from") | Token::Mark(',')) | (Token::Mark('{' | '*'), _) => {
                ReferenceKind::Value
            }
            _ => return None,
        };
        Some((kind, self.clause(first)?))
    }

    /// What stands behind `export`: a module's name, or names of this one.
    fn re_export(&mut self) -> Option<Found> {
        let mut first = self.token()?;
        let mut kind = ReferenceKind::ReExport;
        if first == Token::Word("type") {
            kind = ReferenceKind::TypeReExport;
            first = self.token()?;
        }
        match first {
            Token::Mark('*') => Some(Some((kind, self.clause(first)?))),
            Token::Mark('{') => {
                self.braces()?;
                let mut ahead = self.clone();
                if ahead.token() != Some(Token::Word("from")) {
                    return Some(None);
                }
                let Some(Token::String(module)) = ahead.token() else { return None };
                *self = ahead;
                Some(Some((kind, module)))
            }
            _ => None,
        }
    }

    /// The rest of a clause that begins with `token`, up to the string behind `from`.
    fn clause(&mut self, mut token: Token<'code>) -> Option<Range<usize>> {
        loop {
            match token {
                Token::Mark('{') => self.braces()?,
                Token::Word("from") => {
                    let mut ahead = self.clone();
                    if let Some(Token::String(module)) = ahead.token() {
                        *self = ahead;
                        return Some(module);
                    }
                }
                Token::Word(_) | Token::Mark('*' | ',') => {}
                _ => return None,
            }
            token = self.token()?;
        }
    }

    /// Names up to the closing brace.
    fn braces(&mut self) -> Option<()> {
        loop {
            match self.token()? {
                Token::Mark('}') => return Some(()),
                Token::Word(_) | Token::String(_) | Token::Mark(',') => {}
                Token::Mark(_) => return None,
            }
        }
    }

    /// `with { type: "json" }`, if it is there.
    fn attributes(&mut self) -> Option<()> {
        let mut ahead = self.clone();
        if !matches!(ahead.token(), Some(Token::Word("with" | "assert"))) || ahead.token() != Some(Token::Mark('{')) {
            return Some(());
        }
        loop {
            match ahead.token()? {
                Token::Mark('}') => break,
                Token::Word(_) | Token::String(_) | Token::Mark(',' | ':') => {}
                Token::Mark(_) => return None,
            }
        }
        *self = ahead;
        Some(())
    }

    /// Whether the next token cannot belong to the statement before it: there is none, or it begins one of these kinds.
    fn ends_here(&self) -> Option<()> {
        let mut ahead = self.clone();
        ahead.skip_trivia();
        let rest = &ahead.code[ahead.at..];
        (rest.is_empty() || rest.starts_with("import") || rest.starts_with("export") || rest.starts_with(['"', '\'']))
            .then_some(())
    }

    fn token(&mut self) -> Option<Token<'code>> {
        self.skip_trivia();
        let rest = &self.code[self.at..];
        let first = rest.chars().next()?;
        let start = self.at;
        if is_word(first) {
            let word = &rest[..rest.find(|next| !is_word(next)).unwrap_or(rest.len())];
            self.at += word.len();
            return Some(Token::Word(word));
        }
        match first {
            '"' | '\'' => {
                let length = rest[1..].find([first, '\\', '\n', '\r'])?;
                if !rest[1 + length..].starts_with(first) {
                    return None;
                }
                self.at += length + 2;
                Some(Token::String(start..self.at))
            }
            '{' | '}' | ',' | '*' | ';' | ':' => {
                self.at += 1;
                Some(Token::Mark(first))
            }
            _ => None,
        }
    }

    /// Passes white space and comments, and in the first line `#!`.
    fn skip_trivia(&mut self) {
        loop {
            let rest = &self.code[self.at..];
            let trimmed = rest.trim_start_matches([' ', '\t', '\n', '\r']);
            let line = trimmed.starts_with("//") || (self.at == 0 && rest.starts_with("#!"));
            let length = if line {
                trimmed.find(['\n', '\r', '\u{2028}', '\u{2029}']).unwrap_or(trimmed.len())
            } else if let Some(comment) = trimmed.strip_prefix("/*")
                && let Some(end) = comment.find("*/")
            {
                end + 4
            } else {
                self.at += rest.len() - trimmed.len();
                return;
            };
            self.at += rest.len() - trimmed.len() + length;
        }
    }
}

/// Whether a letter is one of names. Other than ASCII, more are names' letters; what is none ends the reading.
fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_' || letter == '$'
}
