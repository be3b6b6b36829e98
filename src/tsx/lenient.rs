//! What the grammar is shown where it found errors at first.

/// `seen`, which is [`super::tolerant::view`] of `code`, with more replaced, byte for byte. `casts`: whether
/// the grammar is the one with casts, and without JSX.
///
/// What is replaced here could be something else where the grammar finds no errors. So this view is for texts in which it
/// found some, and is only taken when it finds none then:
///
/// - `in` and `out` of type parameters (`<in out A>`), `override` behind `abstract` and `readonly` behind `keyof` are left out.
/// - `accessor` behind another modifier, and `defer` of `import defer * as a`, are left out.
/// - The attributes of `export … from "module" with { … }` are left out.
/// - `as`, `abstract`, `accessor`, `using` and `type` in the place of a name become another name, and so
///   does `undefined` in `typeof undefined`.
/// - `as A` of what is assigned to in a pattern (`[a, b as A] = c`) is left out.
/// - `global {}` becomes a label, `global:{}`, as the grammar knows it behind `declare` alone.
/// - The dot of `a?.5:b` becomes a digit.
/// - `require("module")` of `export import a = require("module")` becomes a name.
/// - `from` on the line behind `export {}` moves up.
/// - `export default function (): a;` gets a body in place of its result.
/// - A type that ends at a line end does not go on with the `<` of the next line, nor with its `in` where that is a name.
pub(super) fn view(code: &str, seen: &[u8], casts: bool) -> Vec<u8> {
    let mut view = View { code, seen: seen.to_vec(), exports: false };
    let bytes = code.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if is_name(byte) {
            let len = bytes[at..].iter().take_while(|byte| is_name(**byte)).count();
            view.word(at, at + len);
            at += len;
            continue;
        }
        match byte {
            b'?' if bytes.get(at + 1) == Some(&b'.') && bytes.get(at + 2).is_some_and(u8::is_ascii_digit) => {
                view.seen[at + 1] = b'1';
            }
            b'\n' => view.line_end(at, casts),
            _ => {}
        }
        at += 1;
    }
    view.seen
}

struct View<'text> {
    code: &'text str,
    seen: Vec<u8>,
    /// Whether `export` was read after any `import`.
    exports: bool,
}

impl View<'_> {
    /// Looks at a word.
    fn word(&mut self, start: usize, end: usize) {
        if self.seen[start] == b' ' {
            // It was left out with others.
            return;
        }
        let (before, behind) = (without_comments_behind(&self.code[..start]), &self.code[end..]);
        let next = behind.trim_start();
        match &self.code[start..end] {
            "in" | "out" if next.starts_with(starts_name) && next.len() < behind.len() => {
                // The one before may be left out already.
                let is_modifier = before.ends_with(['<', ',']) || self.is_blank_word_before(start);
                if is_modifier {
                    self.blank(start, end);
                }
            }
            "undefined" if ends_with_word(before, "typeof") => self.seen[start] = b'_',
            "override" if ends_with_word(before, "abstract") => self.blank(start, end),
            "accessor" if is_modifier(before) && is_member(behind) => self.blank(start, end),
            "defer" if ends_with_word(before, "import") && next.starts_with('*') => self.blank(start, end),
            "export" => self.exports = true,
            "import" => self.exports = false,
            "with" | "assert" if self.exports && before.ends_with(['\'', '"']) => self.attributes(start, end),
            "readonly" if ends_with_word(before, "keyof") => self.blank(start, end),
            "abstract" | "accessor" if next.starts_with(['(', ')', '=', ',', ';', ':', '.', '?']) => {
                self.seen[start] = b'_';
            }
            // It is another word by now where it declares something.
            "using" if self.seen[start] == b'u' => self.seen[start] = b'_',
            "as" if let Some(length) = assigned_as(behind) => self.blank(start, end + length),
            "as" if next.starts_with(['(', ')', '=', ',', ';', ':', '.', ']']) && expects_name(before) => {
                self.seen[start] = b'_';
            }
            "type"
                if next.starts_with(['>', ',', ')', ']', '|', '&', ';', '?', ':', '='])
                    || begins_with_word(next, "extends") =>
            {
                self.seen[start] = b'_';
            }
            "global" if next.starts_with('{') && before.ends_with(['{', '}', ';']) => {
                let between = &behind[..behind.len() - next.len()];
                if !between.is_empty() && !between.contains('\n') {
                    self.seen[end] = b':';
                }
            }
            "from" if next.starts_with(['\'', '"']) && before.ends_with('}') => {
                self.seen[before.len()..start].fill(b' ');
            }
            "require" if before.ends_with('=') => self.required(before, end),
            "function" => self.bodiless(before, end),
            _ => {}
        }
    }

    /// `with { type: "json" }` behind a module; those of imports the grammar knows.
    fn attributes(&mut self, start: usize, end: usize) {
        if let Some(stop) = attributes_end(&self.code[end..]) {
            self.blank(start, end + stop);
        }
    }

    /// `require("module")` of an exported alias.
    fn required(&mut self, before: &str, end: usize) {
        let name = before[..before.len() - 1].trim_end();
        let word = name.trim_end_matches(|next: char| next.is_alphanumeric() || matches!(next, '_' | '$')).trim_end();
        let Some(import) = word.strip_suffix("import") else { return };
        if ends_with_word(import.trim_end(), "export")
            && let Some(behind) = super::tolerant::behind_module(&self.code[end..])
        {
            let call = end..self.code.len() - behind.len();
            self.seen[call].fill(b'_');
        }
    }

    /// `export default function (): a;`
    fn bodiless(&mut self, before: &str, end: usize) {
        let before = before.strip_suffix("async").unwrap_or(before).trim_end();
        if !ends_with_word(before, "default") || !self.code[end..].trim_start().starts_with(['(', '<']) {
            return;
        }
        let Some(parameters) = closing(self.code, end, |_, byte| byte == b')') else { return };
        let colon = self.code.len() - self.code[parameters..].trim_start().len();
        if !self.code[colon..].starts_with(':') {
            return;
        }
        let is_body = |at: usize| !self.code[..at].trim_end().ends_with([':', '|', '&', '<', '(', ',', '[', '>', '=']);
        let stop = closing(self.code, colon, |at, byte| byte == b';' || (byte == b'{' && is_body(at)));
        if let Some(stop) = stop
            && self.code.as_bytes()[stop - 1] == b';'
            && !self.code[colon + 1..stop - 1].trim().is_empty()
        {
            self.blank(colon, stop);
            self.seen[colon] = b'{';
            self.seen[stop - 1] = b'}';
        }
    }

    /// A line end that ends a member whose type could go on with a type argument.
    fn line_end(&mut self, at: usize, casts: bool) {
        let next = self.code[at + 1..].trim_start_matches([' ', '\t']);
        let is_argument =
            casts && next.strip_prefix('<').is_some_and(|next| next.trim_start().starts_with(starts_name));
        // The grammar takes `in2` for an `in`, too.
        let is_name = ["in", "instanceof"].iter().filter_map(|word| next.strip_prefix(word)).any(|name| {
            !name.starts_with(char::is_alphabetic)
                && name
                    .trim_start_matches(|next: char| next.is_alphanumeric() || "_$".contains(next))
                    .starts_with([':', '?'])
        });
        if !is_argument && !is_name {
            return;
        }
        let line = &self.code[self.code[..at].rfind('\n').map_or(0, |end| end + 1)..at];
        if line.contains("//") {
            // A comment up to the line end would go on.
            return;
        }
        let before = without_comments_behind(&self.code[..at]);
        if before.ends_with(|last: char| last.is_alphanumeric() || matches!(last, '_' | '$' | '>' | ']' | ')' | '}')) {
            self.seen[at] = b';';
        }
    }

    /// Whether the word in front of `start` was left out.
    fn is_blank_word_before(&self, start: usize) -> bool {
        let end = self.code[..start].trim_end().len();
        let word = self.code.as_bytes()[..end].iter().rev().take_while(|byte| is_name(**byte)).count();
        word > 0 && self.seen[end - word..end].iter().all(|byte| *byte == b' ')
    }

    /// White space in place of everything but line ends.
    fn blank(&mut self, start: usize, end: usize) {
        super::tolerant::blank(&mut self.seen[start..end]);
    }
}

/// How long `{ … }` is, with what is in front of it, where there is nothing but attributes in it.
pub(super) fn attributes_end(behind: &str) -> Option<usize> {
    let braces = behind.trim_start();
    let inside = braces.strip_prefix('{')?;
    let attribute = |next: char| next.is_alphanumeric() || next.is_whitespace() || "_$-/.'\":,".contains(next);
    let rest = inside.trim_start_matches(attribute).strip_prefix('}')?;
    Some(behind.len() - rest.len())
}

/// How long a plain type is that ends what is assigned to last in a list: `A.B] =`.
fn assigned_as(behind: &str) -> Option<usize> {
    let is_type = |next: char| next.is_alphanumeric() || "_$.".contains(next);
    let rest = behind.trim_start().trim_start_matches(is_type);
    let equals = rest.trim_start().strip_prefix(']')?.trim_start().strip_prefix('=')?;
    let is_assigned = rest.len() < behind.trim_start().len() && !equals.starts_with(['=', '>']);
    is_assigned.then_some(behind.len() - rest.len())
}

/// Whether a text ends with a modifier that the grammar wants in front of a name.
fn is_modifier(before: &str) -> bool {
    ["static", "abstract", "override", "readonly", "declare"].iter().any(|word| ends_with_word(before, word))
}

/// Whether the name of a member comes next, on the same line.
fn is_member(behind: &str) -> bool {
    let name = behind.trim_start_matches([' ', '\t']);
    name.len() < behind.len()
        && name.starts_with(|next: char| starts_name(next) || matches!(next, '#' | '[' | '\'' | '"'))
}

/// A text without the white space and block comments at its end.
fn without_comments_behind(text: &str) -> &str {
    let mut text = text.trim_end();
    while let Some(inside) = text.strip_suffix("*/") {
        // A comment holds no other's end, so a text is not read once for each.
        let from = inside.rfind("*/").map_or(0, |end| end + 2);
        let Some(start) = inside[from..].rfind("/*") else { break };
        text = text[..from + start].trim_end();
    }
    text
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

fn starts_name(next: char) -> bool {
    next.is_alphabetic() || matches!(next, '_' | '$')
}

fn ends_with_word(text: &str, word: &str) -> bool {
    text.strip_suffix(word).is_some_and(|before| !before.as_bytes().last().is_some_and(|byte| is_name(*byte)))
}

fn begins_with_word(text: &str, word: &str) -> bool {
    text.strip_prefix(word).is_some_and(|behind| !behind.as_bytes().first().is_some_and(|byte| is_name(*byte)))
}

/// Whether what follows is an operand, so that `as` there is no operator.
fn expects_name(before: &str) -> bool {
    before.ends_with(['(', ',', ';', '{', '=', '+', '-', '!', '&', '|', '?', ':', '['])
        || ["new", "let", "const", "var", "return", "typeof", "function"]
            .iter()
            .any(|word| ends_with_word(before, word))
}

/// Behind the first byte from `at` on for which `stops` says so and that is in no brackets opened since; what `stops` is
/// asked of a closing bracket is whether it is the last of them. None where there are strings that are not plain,
/// templates or comments on the way.
fn closing(code: &str, at: usize, stops: impl Fn(usize, u8) -> bool) -> Option<usize> {
    let bytes = code.as_bytes();
    let mut depth = 0_usize;
    let mut at = at;
    loop {
        let byte = *bytes.get(at)?;
        match byte {
            b'`' | b'/' => return None,
            b'\'' | b'"' => {
                let len = bytes[at + 1..].iter().position(|next| *next == byte || *next == b'\\' || *next == b'\n')?;
                at += 1 + len;
                if bytes[at] != byte {
                    return None;
                }
            }
            b'{' if depth == 0 && stops(at, byte) => return Some(at + 1),
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 && stops(at, byte) {
                    return Some(at + 1);
                }
            }
            _ if depth == 0 && stops(at, byte) => return Some(at + 1),
            _ => {}
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use crate::protocol::tsx::{Fact, Language};
    use crate::tsx::budget::tests::measured;

    #[test]
    fn what_typescript_accepts_has_no_errors() {
        for text in [
            "interface A<in out B, out C extends D, in E = F> {} class G<out H> {} type I<\n  /** j */\n  out K\n> = K",
            "abstract class A { abstract override b: c }",
            "type A = { [K in keyof readonly any[]]?: B }",
            "let as = a; new as(b); f(as, b as C, as = 1); import { as } from 'x'",
            "abstract(); class A { abstract() { this.abstract = 1 } } interface B { abstract?: c }",
            "exports.using = using; function f(using: any) {}",
            "type A<type extends B> = type extends 'c' ? D<type> : E | type",
            "declare module 'a' { import 'b'; global { var c: d } /* e */ global { namespace F {} } }",
            "a = b?.5:c?.25e3:d",
            "export import a = require('./b');",
            "export { a, b as c }\n  from 'e'; export {}",
            "export default function (a: { b: c; }, d?: (e) => 'f'): G<{ h: i }>;",
            "export default async function <A>(b): c;\nexport default function (a) { return b; }",
            "class A { static accessor b = 1; private static accessor #c: d; @e static accessor [f] = 2; static accessor }",
            "abstract class A { abstract accessor b: c; override accessor 'd' = 1; static accessor = 2; accessor() {} }",
            "class A { accessor = 1 } interface B { accessor: c; accessor?: d }",
            "import defer * as a from 'b'; import defer from 'c';",
            "class using extends a<using> {} f(b in using, using as c, using instanceof d); async () => { await using }",
            "function a(...b: (typeof undefined | c)[]) {}",
            "[a, b as unknown] = c; [d as e.F] = [g as h]",
            "interface A { a: b | undefined\n  in?: c\n  in2: d\n  instanceof: e }",
            "String.raw`\\users`.b`\\xi`.c``; const d = 1",
            "let as = a; const b = { c, // d\n in: e, }; typeof undefined",
            "String.raw`C:\\users\\xi\\u{zz} ${a} \\unit`; b.c`\\x`; const d = e`${f`\\u`}`;",
            "export { a } from './b' with { type: 'json' }; export * from \"c\" assert { type: \"json\", 'd': \"e\" }\nexport * as f from 'g' with {}",
            "for (using a of b) { for (await using c of d) {} for await (await using e of f) {} }",
            "interface A { (b): <C>(c: C) => D<C>\n  /** e */\n  <F>(g): h\n  <\n    I\n  >(j): this\n  <K>(l): m }",
        ] {
            let errors = measured(text, Language::Ts, &[Fact::Errors]).errors.unwrap();
            assert_eq!(errors, [], "{text}");
        }
    }

    #[test]
    fn what_is_wrong_stays_wrong() {
        for text in [
            "interface A<in> {} let a = in b",
            "let as = ; let b = new as",
            "class A { abstract( { }",
            "export default function (a): ;",
            "export default function (a): b { c; ",
            "global { a",
            "a?.5",
            "f(a,, }",
            "export import a = require(b + c);",
            "a = `\\unit`",
            "a = '\\unit'",
            "[a as] = b",
            "export * from 'a' with { b: c() }",
        ] {
            assert_ne!(measured(text, Language::Ts, &[Fact::Errors]).errors.unwrap(), [], "{text}");
        }
    }
}
