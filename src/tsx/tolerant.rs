//! What the grammar is shown in place of what it would wrongly take for an error.

use std::borrow::Cow;

use memchr::memmem;

/// The bytes of `code` with what the grammar takes for an error, and TypeScript does not,
/// replaced by as many bytes that give the same structure. Names and values are read from the original.
///
/// Each replacement is made wherever its pattern occurs, without knowing what is around it: in strings,
/// templates, regular expressions, comments and JSX text both spellings are text, and in code they have the same
/// boundaries, as far as facts are concerned.
///
/// - `&` becomes `|`. The grammar wants every `&` in JSX text and attribute strings to begin an entity, and
///   lets one before the closing quote hide it. In code `&&`, `&=`, `&&=`, `a & b` and `A & B` have twins in `|`.
/// - `type` in `export type * from` is left out.
/// - The type argument of a tagged template is left out where it is written in braces: the grammar
///   takes the `<` in ``styled.div<{ a?: b }>`…` `` for a comparison.
/// - `import("module")` becomes a plain name: the grammar does not know it everywhere a type may stand.
/// - `using` in front of a name that is declared becomes `const`, and an `await` in front of it is left out: the grammar
///   takes them for an assignment.
pub(super) fn view(code: &str) -> Cow<'_, [u8]> {
    let bytes = code.as_bytes();
    let mut seen = Cow::Borrowed(bytes);
    for at in memchr::memchr_iter(b'&', bytes) {
        seen.to_mut()[at] = b'|';
    }
    for at in memmem::find_iter(bytes, "export") {
        let behind = code[at + "export".len()..].trim_start();
        if let Some(star) = behind.strip_prefix("type")
            && star.trim_start().starts_with('*')
        {
            blank(&mut seen.to_mut()[code.len() - behind.len()..code.len() - star.len()]);
        }
    }
    for at in memmem::find_iter(bytes, "import") {
        if let Some(behind) = behind_module(&code[at + "import".len()..]) {
            seen.to_mut()[at..code.len() - behind.len()].fill(b'_');
        }
    }
    for at in memmem::find_iter(bytes, "using") {
        let (before, behind) = (&code[..at], &code[at + "using".len()..]);
        // What is declared is no element and no member of that name.
        if !before.ends_with(|last| is_name(last) || matches!(last, '<' | '.' | '#')) && declares(behind) {
            let seen = seen.to_mut();
            seen[at..at + "using".len()].copy_from_slice(b"const");
            let start = before.trim_end_matches([' ', '\t']);
            if let Some(outside) =
                start.strip_suffix("await").filter(|outside| start.len() < at && !outside.ends_with(is_name))
            {
                blank(&mut seen[outside.len()..start.len()]);
            }
        }
    }
    for at in memchr::memchr_iter(b'<', bytes) {
        if bytes[..at].last().is_some_and(|before| before.is_ascii_alphanumeric() || b"_$)".contains(before))
            && let Some(template) = behind_type_argument(&code[at + 1..])
        {
            blank(&mut seen.to_mut()[at..code.len() - template.len()]);
        }
    }
    seen
}

/// What follows `{ … }>`, if it is a template. Looks no further than the next `<{`, so a text is read once; gives up on
/// whatever could lead out of the code: templates, comments that hold a `<` or a `` ` ``, and strings that are not plain.
fn behind_type_argument(behind: &str) -> Option<&str> {
    let braces = behind.trim_start();
    if !braces.starts_with('{') {
        return None;
    }
    let mut depth = 0_usize;
    let mut rest = braces;
    loop {
        let next = rest.chars().next()?;
        rest = &rest[next.len_utf8()..];
        match next {
            '{' => depth += 1,
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            '"' | '\'' => {
                let plain = |next: char| next.is_ascii_alphanumeric() || " _$-".contains(next);
                rest = rest.trim_start_matches(plain).strip_prefix(next)?;
            }
            '<' if rest.trim_start().starts_with('{') => return None,
            '/' => {
                let bytes = rest.as_bytes();
                let leads_out = |byte: u8| matches!(byte, b'<' | b'`');
                let end = match bytes.first()? {
                    b'*' => 1 + bytes[1..].windows(2).position(|pair| pair == b"*/" || leads_out(pair[0]))?,
                    b'/' => bytes.iter().position(|&byte| byte == b'\n' || leads_out(byte))?,
                    _ => return None,
                };
                if leads_out(bytes[end]) {
                    return None;
                }
                rest = &rest[end..];
                rest = rest.strip_prefix("*/").unwrap_or(rest);
            }
            '`' => return None,
            _ => {}
        }
    }
    let template = rest.trim_start().strip_prefix('>')?;
    template.trim_start().starts_with('`').then_some(template)
}

/// What follows `("module")`. The module has no character that could end a string or the code between two.
pub(super) fn behind_module(behind: &str) -> Option<&str> {
    let quoted = behind.trim_start().strip_prefix('(')?.trim_start();
    let quote = quoted.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let module = |next: char| next.is_ascii_alphanumeric() || "@/._-~:#$".contains(next);
    quoted[1..].trim_start_matches(module).strip_prefix(quote)?.trim_start().strip_prefix(')')
}

/// Whether what follows `using` is a name, on the same line, and what may follow one that is declared. Not where both would
/// be names in code that has no declaration, such as `import using from`, and not `using void`, which TypeScript does not know.
fn declares(behind: &str) -> bool {
    let declared = behind.trim_start_matches([' ', '\t']);
    let rest = declared.trim_start_matches(is_name);
    let name = &declared[..declared.len() - rest.len()];
    let is_one = declared.len() < behind.len() && name.starts_with(|first: char| !first.is_ascii_digit());
    if !is_one || ["as", "extends", "from", "in", "instanceof", "is", "of", "satisfies", "void"].contains(&name) {
        return false;
    }
    let next = rest.trim_start();
    let is_assigned = next.strip_prefix('=').is_some_and(|next| !next.starts_with(['=', '>']));
    let is_of = next.strip_prefix("of").is_some_and(|next| !next.starts_with(is_name)) && next.len() < rest.len();
    is_assigned || is_of || next.starts_with([':', ';', ','])
}

fn is_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '$')
}

/// White space in place of everything but line ends, which can end statements.
pub(super) fn blank(bytes: &mut [u8]) {
    for byte in bytes.iter_mut().filter(|byte| !matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_argument_is_left_out_unless_a_comment_in_it_could_lead_out() {
        for (text, is_left_out) in [
            ("a<{ b: c }>`d`", true),
            ("a<{ /* b's } */ c: d; // e's }\n f: g /**/ }>`h`", true),
            ("a<{ /*/ b */ }>`c`", true),
            ("a<{ /* b < c */ }>`d`", false),
            ("a<{ // b `c`\n }>`d`", false),
            ("a<{ b: /c/ }>`d`", false),
            ("a<{ /* b }>`c`", false),
            ("a<{ // b }>`c`", false),
        ] {
            assert_eq!(view(text) != text.as_bytes(), is_left_out, "{text}");
        }
    }
}
