use proptest::prelude::*;

use super::*;

fn shown(text: &str, found: &[Reference]) -> Vec<String> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let line = |reference: &Reference| {
        let range = reference.range.start as usize..reference.range.end as usize;
        let literal = String::from_utf16(&units[range]).unwrap();
        assert!(literal.starts_with(['"', '\'', '`']) && literal.ends_with(literal.chars().next().unwrap()), "{text}");
        let kind = serde_json::to_value(reference.kind).unwrap();
        format!("{} {}", kind.as_str().unwrap(), reference.source)
    };
    found.iter().map(line).collect()
}

fn of(text: &str, language: Language) -> Vec<String> {
    let cancel = CancelToken::default();
    let found = references(text, language, &cancel).unwrap();
    assert_eq!(found, parsed(text, &places(text), language, &cancel).unwrap(), "parsed: {text}");
    shown(text, &found)
}

/// Texts, and their references. `Tsx` unless the grammar would not read it.
const TABLE: &[(&str, &[&str])] = &[
    ("", &[]),
    ("// import 'a'\nconst b = \"import 'c'\"; `${d} import 'e'`; f.import; g = { require: 1 }", &[]),
    (
        "import 'a'; import b from \"c\"\nimport { d } from 'e'; import * as f from 'g'; import h, { i as j } from 'k'",
        &["sideEffect a", "value c", "value e", "value g", "value k"],
    ),
    (
        "import type { A } from 'a'; import type B from 'b'; import type * as C from 'c'; import { type D } from 'd'",
        &["type a", "type b", "type c", "value d"],
    ),
    ("import type from 'a'; import type, { c } from 'd'; import from from 'e'", &["value a", "value d", "value e"]),
    (
        "import { from } from 'a'; import { 'a b' as c } from 'd'; import {} from 'e'; import { f, } from 'g'",
        &["value a", "value d", "value e", "value g"],
    ),
    ("import a from './a.json' with { type: 'json' }\nimport b from 'c'", &["value ./a.json", "value c"]),
    (
        "export { a } from 'b'; export * from 'c'; export * as d from 'e'; export { default } from 'f'",
        &["reExport b", "reExport c", "reExport e", "reExport f"],
    ),
    (
        "export type { A } from 'b'; export type * from 'c'; export type /* d */ * as E from 'f'; export { type G } from 'h'",
        &["typeReExport b", "typeReExport c", "typeReExport f", "reExport h"],
    ),
    (
        "const a = 1; export { a }\nexport default a; export type B = 1; export type { B as C }; export const from = 'd'",
        &[],
    ),
    (
        "const a = await import('b'); import('c').then(d); () => import(\"e\"); import(`f`); import(g); import(`h${i}`)",
        &["dynamic b", "dynamic c", "dynamic e", "dynamic f"],
    ),
    (
        "import(/* webpackChunkName: 'a' */ 'b'); import('c', { with: { type: 'json' } }); import('./\u{fc}.js')",
        &["dynamic b", "dynamic c", "dynamic ./\u{fc}.js"],
    ),
    (
        "const a = require('b'), { c } = require(\"d\").e; require(`f`); require(g); h.require('i'); require.resolve('j')",
        &["require b", "require d", "require f"],
    ),
    (
        "import a = require('b'); import type c = require('d'); import e = f.g; export import h = require('i')",
        &["require b", "type d", "require i"],
    ),
    (
        "let a: import('b').C; let d: typeof import('e'); let f: typeof import('g').h; let i: import('j').K.L<import('m').N>",
        &["type b", "type e", "type g", "type j", "type m"],
    ),
    (
        "type A = import('b'); function c(d: import('e').F): import('g').H { return import('i') as any }",
        &["type b", "type e", "type g", "dynamic i"],
    ),
    ("declare module 'a' { import b from 'c'; export { d } from 'e' }", &["value c", "reExport e"]),
    ("function a() { if (b) { return import('c') } }\nexport { d } from 'e'", &["dynamic c", "reExport e"]),
    ("<a b={() => import('c')}>Don't import('d') from 'e'</a>; import f from 'g'", &["dynamic c", "value g"]),
    (
        "#!/usr/bin/env node\n'use client'\n/* a */ import 'b' // c\nimport 'd' /* import 'e' */",
        &["sideEffect b", "sideEffect d"],
    ),
    ("\u{feff}// \u{1f600}\nimport a from '\u{1f600}'; export * from 'b'", &["value \u{1f600}", "reExport b"]),
    (
        "import 'a\\u0062c'; import \"d'e\"; import '\u{2028}'",
        &["sideEffect abc", "sideEffect d'e", "sideEffect \u{2028}"],
    ),
    ("'use strict'\n+ import('a'); import 'b'", &["dynamic a", "sideEffect b"]),
    ("export {} /a/.test(b); import 'c'", &["sideEffect c"]),
    (
        "import a,\n{ b }\nfrom\n'c'\n;import'd';import{e}from'f';import*as g from'h';export*from'i'",
        &["value c", "sideEffect d", "value f", "value h", "reExport i"],
    ),
];

#[test]
fn references_of_sources() {
    for (text, wanted) in TABLE {
        assert_eq!(of(text, Language::Tsx), *wanted, "{text}");
        if !text.contains('<') {
            assert_eq!(of(text, Language::Ts), *wanted, "{text}");
        }
    }
}

#[test]
fn casts_are_left_to_typescript() {
    assert_eq!(of("const a = <import('b').C>d; import e from 'f'", Language::Ts), ["type b", "value f"]);
}

#[test]
fn most_sources_are_not_parsed() {
    let parses = |text: &str| prologue::references(text, &places(text)).is_none();
    for text in [
        "",
        "export const a = 1;",
        "import a from 'b';\nexport { c } from 'd';\nexport function e() { return <f>it's</f> }",
        "/* import */ 'use client';\nimport a from 'b';\n// import\nexport default a;",
    ] {
        assert!(!parses(text), "{text}");
    }
    for text in ["import a from 'b';\nconst c = import('d');", "const a = require('b')", "a;\nimport 'b'"] {
        assert!(parses(text), "{text}");
    }
}

#[test]
fn hostile_sources_take_no_time() {
    let cancel = CancelToken::default();
    for text in ["import ".repeat(200_000), "import{".repeat(100_000), "export*".repeat(100_000), "/*".repeat(300_000)]
    {
        references(&text, Language::Js, &cancel).unwrap();
    }
    let cancelled = CancelToken::default();
    cancelled.cancel();
    assert!(references("a; import 'b'", Language::Js, &cancelled).is_err());
}

proptest! {
    /// Statements in any order, with trivia in any place: read from the beginning or parsed, the same.
    #[test]
    fn read_or_parsed_it_is_the_same(parts in proptest::collection::vec((0..PARTS.len(), 0..TRIVIA.len()), 0..12)) {
        let text: String = parts.iter().flat_map(|(part, trivia)| [PARTS[*part], TRIVIA[*trivia]]).collect();
        let cancel = CancelToken::default();
        let read = references(&text, Language::Ts, &cancel).unwrap();
        prop_assert_eq!(read, parsed(&text, &places(&text), Language::Ts, &cancel).unwrap(), "{}", text);
    }
}

const PARTS: &[&str] = &[
    "import 'a';",
    "import b from 'c';",
    "import type D from \"e\";",
    "import { f as g, type h } from 'i';",
    "import * as j from 'k';",
    "export * from 'l';",
    "export { m } from 'n';",
    "export type { O } from 'p';",
    "export { q };",
    "'use client';",
    "const r = require('s');",
    "import('t');",
    "type U = import('v').W;",
    "export const from = 'x';",
    "f(`import 'y'`);",
];

const TRIVIA: &[&str] = &["", " ", "\n", "\r\n", "// import 'z'\n", "/* from 'z' */", "\u{2028}", ";"];
