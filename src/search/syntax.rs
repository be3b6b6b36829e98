//! The pattern as the matcher reads it.
//!
//! grep-regex does not give out what it parsed, so it is parsed once more: with the same settings, and
//! wrapped the same way. Only `\n` is not taken out of classes where no match spans lines; with it, a
//! pattern matches no less.

use std::convert::Infallible;

use regex_syntax::ast::parse::ParserBuilder;
use regex_syntax::ast::{self, Ast, ClassSetItem};
use regex_syntax::hir::translate::TranslatorBuilder;
use regex_syntax::hir::{Hir, Look};

use super::query::{CaseMode, QueryOptions};

/// How deep groups may be nested; grep-regex's limit.
const NEST_LIMIT: u32 = 250;

/// Whether a regex is one by itself. grep-regex wraps it before it parses it: `)(` passes there, and what it says of a
/// wrong one shows a pattern that nobody wrote.
///
/// # Errors
/// What is wrong, with the pattern as it was given.
pub(super) fn check(regex: &str) -> Result<(), Box<regex_syntax::Error>> {
    let mut parser = regex_syntax::ParserBuilder::new();
    parser.nest_limit(NEST_LIMIT).octal(false).utf8(false).unicode(true).multi_line(true);
    parser.build().parse(regex).map(drop).map_err(Box::new)
}

/// None if the pattern is none.
pub(super) fn parse(options: &QueryOptions) -> Option<Hir> {
    let pattern = if !options.regex && options.case == CaseMode::Sensitive {
        Hir::literal(options.pattern.as_bytes())
    } else {
        translate(options)?
    };
    if !options.whole_word {
        return Some(pattern);
    }
    // Unlike `\b`, a half boundary does not ask for a word character on the pattern's side.
    let (start, end) = (Hir::look(Look::WordStartHalfUnicode), Hir::look(Look::WordEndHalfUnicode));
    Some(Hir::concat(vec![start, pattern, end]))
}

fn translate(options: &QueryOptions) -> Option<Hir> {
    let pattern = if options.regex {
        format!("(?:{})", options.pattern)
    } else {
        format!("(?:{})", regex_syntax::escape(&options.pattern))
    };
    let ast = ParserBuilder::new().nest_limit(NEST_LIMIT).octal(false).build().parse(&pattern).ok()?;
    let case_insensitive = match options.case {
        CaseMode::Sensitive => false,
        CaseMode::Insensitive => true,
        CaseMode::Smart => Letters::of(&ast).are_small(),
    };
    let mut translator = TranslatorBuilder::new();
    translator.utf8(false).unicode(true).multi_line(true).case_insensitive(case_insensitive);
    translator.build().translate(&pattern, &ast).ok()
}

/// What is written in a pattern, in a class or outside of one. `\p{Lu}` writes nothing.
#[derive(Default)]
struct Letters {
    any: bool,
    capital: bool,
}

impl Letters {
    fn of(ast: &Ast) -> Self {
        let Ok(letters) = ast::visit(ast, Self::default());
        letters
    }

    fn are_small(&self) -> bool {
        self.any && !self.capital
    }

    fn see(&mut self, literal: &ast::Literal) {
        self.any = true;
        self.capital |= literal.c.is_uppercase();
    }
}

impl ast::Visitor for Letters {
    type Output = Self;
    type Err = Infallible;

    fn finish(self) -> Result<Self, Infallible> {
        Ok(self)
    }

    fn visit_pre(&mut self, ast: &Ast) -> Result<(), Infallible> {
        if let Ast::Literal(literal) = ast {
            self.see(literal);
        }
        Ok(())
    }

    fn visit_class_set_item_pre(&mut self, item: &ClassSetItem) -> Result<(), Infallible> {
        match item {
            ClassSetItem::Literal(literal) => self.see(literal),
            ClassSetItem::Range(range) => {
                self.see(&range.start);
                self.see(&range.end);
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smart_case_looks_at_what_is_written() {
        let parsed = |pattern: &str, case| {
            parse(&QueryOptions { pattern: pattern.to_owned(), regex: true, case, ..QueryOptions::default() }).unwrap()
        };
        for (pattern, folds) in [
            ("a", true),
            ("A", false),
            ("aB", false),
            (r"a\W", true),
            // Nothing is written; folding would take letters out of the second one.
            (r"\p{Lu}", false),
            (r"\P{Lu}", false),
            (r"\P{Lu}b", true),
            ("[a-b]", true),
            ("[A-b]", false),
            ("[a[^b[C]]]", false),
            ("[ab--A]", false),
            ("[ab&&a]", true),
            ("(?:x(a|[0-9]{2}B?))", false),
            (r"\x41b", false),
        ] {
            let (sensitive, insensitive) =
                (parsed(pattern, CaseMode::Sensitive), parsed(pattern, CaseMode::Insensitive));
            assert_ne!(sensitive, insensitive, "{pattern:?} shows whether it was folded");
            let expected = if folds { insensitive } else { sensitive };
            assert_eq!(parsed(pattern, CaseMode::Smart), expected, "{pattern:?}");
        }
    }
}
