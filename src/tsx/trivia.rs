//! White space and comments between two parts of something.

/// What is left of `text` behind the white space and comments it starts with.
pub(super) fn skip(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(is_white_space);
        rest = if rest.starts_with("/*") {
            rest.find("*/").map_or("", |end| &rest[end + 2..])
        } else if rest.starts_with("//") {
            rest.find('\n').map_or("", |end| &rest[end..])
        } else {
            return rest;
        }
    }
}

/// A name without the white space and comments it may hold (`Foo . /* */ Bar`).
pub(super) fn without(written: &str) -> String {
    let mut name = String::with_capacity(written.len());
    let mut rest = skip(written);
    while let Some(next) = rest.chars().next() {
        name.push(next);
        rest = skip(&rest[next.len_utf8()..]);
    }
    name
}

fn is_white_space(next: char) -> bool {
    next.is_whitespace() || next == '\u{FEFF}'
}
