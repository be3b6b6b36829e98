//! Escapes that only tagged templates may have.

use std::ops::Range;

use tree_sitter::Tree;

use super::grammar::{Grammar, Kind};

/// Hides the backslash of each `\u` and `\x` that is no escape and stands in a tagged template (``String.raw`\users` ``),
/// where the grammar takes it for an error. `tree` is that of the text with these errors.
pub(super) fn hide(code: &str, tree: &Tree, grammar: &Grammar, seen: &mut [u8]) {
    let mut ill = ill_formed(code.as_bytes()).peekable();
    if ill.peek().is_none() {
        return;
    }
    let mut tagged = tagged(tree, grammar).into_iter().peekable();
    for at in ill {
        while tagged.next_if(|range| range.end <= at).is_some() {}
        if tagged.peek().is_some_and(|range| range.contains(&at)) {
            seen[at] = b'_';
        }
    }
}

/// The templates that have a tag, in the order in which they begin.
fn tagged(tree: &Tree, grammar: &Grammar) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut cursor = tree.walk();
    loop {
        let node = cursor.node();
        if grammar.kind(node) == Kind::CallExpression
            && let Some(template) = node.child_by_field_name("arguments")
            && grammar.kind(template) == Kind::TemplateString
        {
            found.push(template.byte_range());
        }
        if cursor.goto_first_child() {
            continue;
        }
        while !cursor.goto_next_sibling() {
            if !cursor.goto_parent() {
                found.sort_by_key(|range| range.start);
                return found;
            }
        }
    }
}

/// Where the backslashes of `\u` and `\x` are that no hexadecimal digits follow as they should.
fn ill_formed(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += memchr::memchr(b'\\', bytes.get(at..)?)?;
            let (start, behind) = (at, bytes.get(at + 2..).unwrap_or_default());
            at += 2;
            let digits = |count: usize| behind.len() >= count && behind[..count].iter().all(u8::is_ascii_hexdigit);
            let is_escape = match bytes.get(start + 1) {
                Some(b'x') => digits(2),
                Some(b'u') if behind.first() == Some(&b'{') => {
                    let count = behind[1..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
                    count > 0 && behind.get(1 + count) == Some(&b'}')
                }
                Some(b'u') => digits(4),
                _ => true,
            };
            if !is_escape {
                return Some(start);
            }
        }
    })
}
