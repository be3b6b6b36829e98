//! What a source's facts are, in a compact notation: a range is shown as the text it covers.

use std::fmt::Write;

use proptest::prelude::*;

use super::budget::tests::measured;
use super::*;
use crate::error::Code;
use crate::protocol::TextRange;
use crate::protocol::tsx::{JsxAttribute, JsxElement, JsxValueKind};

const ALL: [Fact; 6] = Fact::ALL;

fn facts_of(text: &str, language: Language) -> Facts {
    measured(text, language, &ALL)
}

/// What a JavaScript program would slice.
fn slice(text: &str, range: TextRange) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    String::from_utf16(&units[range.start as usize..range.end as usize]).unwrap()
}

fn word(value: impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().to_owned()
}

fn imports(text: &str) -> Vec<String> {
    let shown = |import: &crate::protocol::tsx::Import| {
        let mut line = format!("{} {}", word(import.kind), import.source);
        if let Some(default) = &import.default {
            assert_eq!(slice(text, default.range), default.name);
            write!(line, " default={}", default.name).unwrap();
        }
        if let Some(namespace) = &import.namespace {
            assert_eq!(slice(text, namespace.range), namespace.name);
            write!(line, " *={}", namespace.name).unwrap();
        }
        for name in &import.named {
            let type_only = if name.type_only { "type " } else { "" };
            write!(line, " {type_only}{}={}<{}>", name.local, name.imported, slice(text, name.range)).unwrap();
        }
        line
    };
    facts_of(text, Language::Ts).imports.unwrap().iter().map(shown).collect()
}

#[test]
fn import_declarations() {
    for (text, shown) in [
        (r#"import "a";"#, r"sideEffect a"),
        (r"import a from 'b'", "value b default=a"),
        (r#"import a, * as b from "c""#, "value c default=a *=b"),
        (r#"import a, { b, c as d } from "e""#, "value e default=a b=b<b> d=c<c as d>"),
        (r#"import {} from "a""#, "value a"),
        (r#"import type { A } from "a""#, "type a type A=A<A>"),
        (r#"import type A from "a""#, "type a default=A"),
        (r#"import type * as A from "a""#, "type a *=A"),
        (r#"import { type A, type B as C, d } from "a""#, "value a type A=A<type A> type C=B<type B as C> d=d<d>"),
        (r#"import type from "a""#, "value a default=type"),
        (r#"import { "a-\u0062" as c } from "d""#, r#"value d c=a-b<"a-\u0062" as c>"#),
        (r#"import { default as a } from "b""#, "value b a=default<default as a>"),
        (r#"import a from "./b.json" with { type: "json" };"#, "value ./b.json default=a"),
        (r#"import a = require("b");"#, "value b default=a"),
        (r#"import /* x */ a /* y */, { /* z */ b /* w */ } from "c""#, "value c default=a b=b<b>"),
        (r#"import a from "\u{1F600}\x41""#, "value 😀A default=a"),
    ] {
        assert_eq!(imports(text), [shown], "{text}");
    }
    for none in [r#"import("a")"#, "import a = b.c;", r#"declare module "x" { import a from "b"; }"#, "import a from"] {
        assert_eq!(imports(none), [""; 0], "{none}");
    }
    let text = "import a from 'b' // c\nimport 'd';;";
    let found = facts_of(text, Language::Ts).imports.unwrap();
    assert_eq!(slice(text, found[0].range), "import a from 'b'");
    assert_eq!(slice(text, found[1].range), "import 'd';");
}

fn exports(text: &str) -> String {
    let shown = |export: &crate::protocol::tsx::Export| {
        let mut line = String::new();
        if export.type_only {
            line.push_str("type ");
        }
        write!(line, "{} {}", word(export.kind), export.name).unwrap();
        if let Some(local) = &export.local {
            write!(line, "={local}").unwrap();
        }
        if let Some(source) = &export.source {
            write!(line, " from {source}").unwrap();
        }
        write!(line, "<{}>", slice(text, export.range)).unwrap();
        line
    };
    let found = facts_of(text, Language::Tsx).exports.unwrap();
    found.iter().map(shown).collect::<Vec<_>>().join("; ")
}

#[test]
fn exported_names() {
    for (text, shown) in [
        ("export const a = 1, b = 2;", "named a=a<a>; named b=b<b>"),
        (
            "export const { a, b: c, d = 1, e: { f }, g: [h, , i = 2], ...j } = k;",
            "named a=a<a>; named c=c<c>; named d=d<d>; named f=f<f>; named h=h<h>; named i=i<i>; named j=j<j>",
        ),
        ("export let [a, [b], ...[c]] = d", "named a=a<a>; named b=b<b>; named c=c<c>"),
        ("export function a() {}", "named a=a<a>"),
        ("export async function* a() {}", "named a=a<a>"),
        ("export function a(x: 1): 1; export function a(x: 2): 2; export function a(x) {}", "named a=a<a>"),
        ("export class A {} export abstract class B {}", "named A=A<A>; named B=B<B>"),
        ("export enum A {} export const enum B {}", "named A=A<A>; named B=B<B>"),
        ("export interface A {} export type B = 1", "type named A=A<A>; type named B=B<B>"),
        ("export interface A {} export const A = 1", "named A=A<A>"),
        ("export namespace A.B {} export declare const c: 1", "named A=A<A>; named c=c<c>"),
        ("export declare function a(): void; export declare class B {}", "named a=a<a>; named B=B<B>"),
        ("export import a = b.c;", "named a=a<a>"),
        ("export default 1 + 2;", "default default<export default 1 + 2;>"),
        ("export default a;", "default default=a<export default a;>"),
        ("export default function a() {}", "default default=a<a>"),
        ("export default function () {};", "default default<export default function () {}>"),
        ("export default class {}", "default default<export default class {}>"),
        ("export default class A {}", "default default=A<A>"),
        ("export default interface A {}", "type default default=A<A>"),
        ("export default () => 1", "default default<export default () => 1>"),
        (
            "export { a, b as c, d as default, type E };",
            "named a=a<a>; named c=b<b as c>; default default=d<d as default>; type named E=E<type E>",
        ),
        (r#"export { a as "b-c" };"#, r#"named b-c=a<a as "b-c">"#),
        ("export type { A }", "type named A=A<A>"),
        (
            "export { a, default, b as default2 } from 'x'",
            "reExport a=a from x<a>; reExport default=default from x<default>; reExport default2=b from x<b as default2>",
        ),
        ("export type { A } from 'x'", "type reExport A=A from x<A>"),
        ("export * from 'x'; export * from 'y'", "all * from x<export * from 'x';>; all * from y<export * from 'y'>"),
        ("export * as n from 'x'", "all n from x<* as n>"),
        ("export type * from 'x'", "type all * from x<export type * from 'x'>"),
        ("export type * as N from 'x'", "type all N from x<* as N>"),
        ("export = a;", "default default=a<export = a;>"),
        ("export * from 'x' /* a */ // b\n", "all * from x<export * from 'x'>"),
        ("export default a // b\n", "default default=a<export default a>"),
        ("export {};", ""),
        ("export as namespace A;", ""),
        ("namespace A { export const b = 1 }", ""),
        ("@a export class A {}", "named A=A<A>"),
    ] {
        let errors = facts_of(text, Language::Tsx).errors.unwrap();
        assert_eq!((exports(text).as_str(), errors.len()), (shown, 0), "{text}");
    }
}

fn components(text: &str) -> String {
    let shown = |component: &crate::protocol::tsx::Component| {
        assert_eq!(slice(text, component.name_range), component.name);
        let exported = if component.exported { " exported" } else { "" };
        let default = if component.default { " default" } else { "" };
        format!("{} {}{exported}{default}<{}>", word(component.kind), component.name, slice(text, component.range))
    };
    let found = facts_of(text, Language::Tsx).components.unwrap();
    found.iter().map(shown).collect::<Vec<_>>().join("; ")
}

#[test]
fn component_declarations() {
    for (text, shown) in [
        ("function A() { return <a/> }", "function A<function A() { return <a/> }>"),
        ("function a() { return <a/> } function B() {}", ""),
        ("export function A() { return <a/> }", "function A exported<export function A() { return <a/> }>"),
        (
            "export default async function A() { return <a/> };",
            "function A exported default<export default async function A() { return <a/> }>",
        ),
        ("const A = () => <a/>, b = () => <b/>, C = 1;", "arrow A<A = () => <a/>>"),
        (
            "export const A: F<P> = function () { return <a/> }",
            "arrow A exported<A: F<P> = function () { return <a/> }>",
        ),
        ("const A = (() => <a/>) as F", "arrow A<A = (() => <a/>) as F>"),
        ("const A = () => <a/>; export { A as B }", "arrow A exported<A = () => <a/>>"),
        ("const A = () => <a/>; export { A as default }", "arrow A exported default<A = () => <a/>>"),
        ("const A = () => <a/>; export default A", "arrow A exported default<A = () => <a/>>"),
        ("export default memo(React.forwardRef(A)); const A = () => <a/>", "arrow A exported default<A = () => <a/>>"),
        ("const A = () => <a/>; export type { A }; export { A as B } from 'x'", "arrow A<A = () => <a/>>"),
        ("function f() { const A = () => <a/> } export { A }", "arrow A<A = () => <a/>>"),
        ("class A extends Component {}", "class A<class A extends Component {}>"),
        (
            "export class A extends React.PureComponent<P> {}",
            "class A exported<export class A extends React.PureComponent<P> {}>",
        ),
        ("class A extends B {} class C {}", ""),
        ("const A = class extends Component {}", "class A<A = class extends Component {}>"),
        ("const A = memo(B)", "memo A<A = memo(B)>"),
        (
            "const A = React.memo(React.forwardRef<B, C>((b, c) => <a/>))",
            "memo A<A = React.memo(React.forwardRef<B, C>((b, c) => <a/>))>",
        ),
        ("const A = forwardRef<B, C>((b, c) => <a/>)", "forwardRef A<A = forwardRef<B, C>((b, c) => <a/>)>"),
        (
            "const A = forwardRef(B) as <T>(p: P<T>) => React.JSX.Element | null",
            "forwardRef A<A = forwardRef(B) as <T>(p: P<T>) => React.JSX.Element | null>",
        ),
        ("const A = other.memo(B), C = observer(() => <a/>)", ""),
        (
            "export default memo(function A() { return <a/> })",
            "memo A exported default<export default memo(function A() { return <a/> })>",
        ),
        ("export function A() { return <a/> } // b\n", "function A exported<export function A() { return <a/> }>"),
        ("const A = () => { return <a/> } // b\n", "arrow A<A = () => { return <a/> }>"),
        ("export default memo(class A {}) // b\n", "memo A exported default<export default memo(class A {})>"),
        ("if (a) { function A() { return <a/> } }", "function A<function A() { return <a/> }>"),
        ("export const a = 1; if (a) { function B() { return <a/> } }", "function B<function B() { return <a/> }>"),
        (
            "export const A = () => { const B = () => <b/>; return <B/> }, C = () => <c/>",
            "arrow A exported<A = () => { const B = () => <b/>; return <B/> }>; arrow B<B = () => <b/>>; arrow C exported<C = () => <c/>>",
        ),
    ] {
        assert_eq!(components(text), shown, "{text}");
    }
}

fn elements(text: &str) -> Vec<JsxElement> {
    facts_of(text, Language::Tsx).jsx.unwrap()
}

fn outline(text: &str) -> String {
    let shown = |element: &JsxElement| {
        let mut line = format!(
            "{}.{}:{}#{}",
            element.index,
            element.parent.map_or_else(String::new, |parent| parent.to_string()),
            element.name,
            element.nth
        );
        if let Some(component) = &element.component {
            write!(line, "@{component}").unwrap();
        }
        line
    };
    elements(text).iter().map(shown).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_outline_of_elements() {
    for (text, shown) in [
        ("<a><b/><b/></a>", "0.:a#0 1.0:b#0 2.0:b#1"),
        ("<><></></>", "0.:#0 1.0:#1"),
        (
            "<a x=<b/> y={<c/>}>{z && <d/>}{list.map(() => <e>{<f/>}</e>)}</a>",
            "0.:a#0 1.0:b#0 2.0:c#0 3.0:d#0 4.0:e#0 5.4:f#0",
        ),
        ("const a = <a/>; const b = [() => <b/>]; if (c) { d(<d/>) }", "0.:a#0 1.:b#0 2.:d#0"),
        (
            "const A = () => { const b = () => <b/>; const C = () => <c/>; return <d/> }; <e/>",
            "0.:b#0@A 1.:c#0@C 2.:d#0@A 3.:e#0",
        ),
        ("class A extends Component { render() { return <a/> } }", "0.:a#0@A"),
        ("const A = memo(forwardRef(function B() { return <a/> }))", "0.:a#0@A"),
        ("<A . /* x */ B.C><s:p/><a-b/></A.B.C>", "0.:A.B.C#0 1.0:s:p#0 2.0:a-b#0"),
        ("<A<B<C>> d/>", "0.:A#0"),
        // Unclosed: what there is of it.
        ("<a><b/>", "0.:a#0 1.:b#0"),
    ] {
        assert_eq!(outline(text), shown, "{text}");
    }
}

#[test]
fn the_places_of_elements() {
    let text = "\u{FEFF}😀;\r\n x = <a.b c>é&<></></a.b>;";
    let found = elements(text);
    assert_eq!(slice(text, found[0].range), "<a.b c>é&<></></a.b>");
    assert_eq!(slice(text, found[0].opening_range), "<a.b c>");
    assert_eq!(slice(text, found[0].name_range), "a.b");
    assert_eq!((found[0].start.line, found[0].start.column), (2, 6));
    assert_eq!((found[0].self_closing, found[0].fragment), (false, false));
    assert_eq!(slice(text, found[1].range), "<></>");
    assert_eq!(slice(text, found[1].opening_range), "<>");
    assert_eq!(found[1].name_range, TextRange { start: found[1].range.start + 1, end: found[1].range.start + 1 });
    assert_eq!((found[1].self_closing, found[1].fragment), (false, true));
    assert!(elements("<a/>")[0].self_closing);
}

/// The only attribute of an element with `source`.
fn attribute(source: &str) -> String {
    let text = format!("<a {source}/>");
    let found = facts_of(&text, Language::Tsx);
    assert_eq!(found.errors.unwrap(), [], "{source}");
    match found.jsx.unwrap()[0].attributes.as_slice() {
        [JsxAttribute::Spread { range, text: inner }] => format!("...{inner}<{}>", slice(&text, *range)),
        [JsxAttribute::Attribute { name, range, name_range, value }] => {
            assert_eq!(slice(&text, *range), source);
            let mut line = if slice(&text, *name_range) == *name { name.clone() } else { format!("{name}!") };
            if let Some(value) = value {
                let braces = if value.in_expression { "{}" } else { "" };
                let literal = value.literal.as_ref().map_or_else(String::new, |literal| format!("={literal}"));
                let range = slice(&text, value.range);
                write!(line, " {}{braces}{literal}<{range}>", word(value.kind)).unwrap();
            }
            line
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn attributes() {
    for (source, shown) in [
        ("b", "b"),
        ("b-c", "b-c"),
        ("b:c", "b:c"),
        (r#"b="c""#, r#"b string="c"<"c">"#),
        (r#"b='"\n&amp;'"#, r#"b string="\"\\n&"<'"\n&amp;'>"#),
        ("b='c & d'", "b string=\"c & d\"<'c & d'>"),
        ("b='?c=1&d=2&'", "b string=\"?c=1&d=2&\"<'?c=1&d=2&'>"),
        ("b='c\n  d'", "b string=\"c\\n  d\"<'c\n  d'>"),
        (r"b={'\u{1F600}\n'}", r#"b string{}="😀\n"<{'\u{1F600}\n'}>"#),
        (r"b={'\uD800'}", r"b string{}<{'\uD800'}>"),
        (r#"b={/* c */ "d" /* e */}"#, r#"b string{}="d"<{/* c */ "d" /* e */}>"#),
        ("b={1}", "b number{}=1<{1}>"),
        ("b={- 1.5}", "b number{}=-1.5<{- 1.5}>"),
        ("b={+1}", "b expression{}<{+1}>"),
        ("b={1n}", "b expression{}<{1n}>"),
        ("b={1e999}", "b number{}<{1e999}>"),
        ("b={true}", "b boolean{}=true<{true}>"),
        ("b={null}", "b null{}=null<{null}>"),
        ("b={undefined}", "b expression{}<{undefined}>"),
        ("b={`c`}", "b template{}=\"c\"<{`c`}>"),
        ("b={`c${d}`}", "b template{}<{`c${d}`}>"),
        ("b={c`d`}", "b expression{}<{c`d`}>"),
        ("b={('c')}", "b expression{}<{('c')}>"),
        ("b={'c' as const}", "b expression{}<{'c' as const}>"),
        ("b={<c/>}", "b element{}<{<c/>}>"),
        ("b={<></>}", "b element{}<{<></>}>"),
        ("b=<c></c>", "b element<<c></c>>"),
        ("b={a && b & c}", "b expression{}<{a && b & c}>"),
        ("{...b.c}", "...b.c<{...b.c}>"),
        ("{ /* b */ ... /* c */ d() }", "...d()<{ /* b */ ... /* c */ d() }>"),
    ] {
        assert_eq!(attribute(source), shown, "{source}");
    }
    let JsxAttribute::Attribute { value, .. } = &elements("<a b={null}/>")[0].attributes[0] else { unreachable!() };
    assert_eq!(value.as_ref().unwrap().kind, JsxValueKind::Null);
}

#[test]
fn the_grammar_of_each_extension() {
    for (text, extension) in [
        ("const a = <b>c;", "ts"),
        ("const a = <T,>(b: T) => <c/>;", "TSX"),
        ("#!/usr/bin/env node\nconst a = <b/>;", "mjs"),
        ("\u{FEFF}#!/usr/bin/env node\nlet a: import('b').C[] = d;", "cts"),
        ("<a>b & c && d &e; http://f 'g</a>", "jsx"),
        ("const A = b.c<{ $d?: 'e' | \"f\"; g: { h: i } }>`j`, K = l(M)< { n: o } >`${p}`;", "tsx"),
        ("a = f ? <b>x<c>{d}</c>`g`</b> : h<{ i: j }>(k);", "tsx"),
        ("type A = B & C & { d: E }; let f = g & h; i &&= j;", "tsx"),
        ("f = { a: 'import(\"x\")', b: `export type *`, c: /&&/ };", "js"),
    ] {
        let language = Language::of_extension(extension).unwrap();
        assert_eq!(facts_of(text, language).errors.unwrap(), [], "{text}");
    }
    assert_eq!(Language::of_extension("css"), None);
}

#[test]
fn a_broken_source_has_the_facts_of_its_healthy_parts() {
    let text = "import a from 'b';\nexport const C = () => <d e='f'/>;\nconst = ;\nexport default C;\n";
    let found = facts_of(text, Language::Tsx);
    let errors = found.errors.unwrap();
    assert!(!errors.is_empty());
    assert!(errors.iter().all(|error| error.start.line == 3), "{errors:?}");
    assert_eq!(found.imports.unwrap().len(), 1);
    assert_eq!(found.exports.unwrap().len(), 2);
    assert_eq!(found.components.unwrap().len(), 1);
    assert_eq!(found.jsx.unwrap().len(), 1);
}

#[test]
fn what_the_grammar_lets_pass() {
    for (text, shown) in [
        ("<a><b.c></b . c></a>", ""),
        ("<a><b></c></d>", "c d"),
        ("<a></>", "</>"),
        ("<></a>", "a"),
        ("<a b {...c} {d} />", "{d}"),
        ("<a {/* b */}></a>", "{/* b */}"),
    ] {
        let errors = measured(text, Language::Tsx, &[Fact::Errors]).errors.unwrap();
        let found: Vec<_> = errors.iter().map(|error| slice(text, error.range)).collect();
        assert_eq!(found.join(" "), shown, "{text}");
    }
}

#[test]
fn only_what_is_wanted() {
    let text = "import a from 'b'; export const C = () => <d/>; (";
    for fact in ALL {
        let found = serde_json::to_value(measured(text, Language::Tsx, &[fact])).unwrap();
        let keys: Vec<_> = found.as_object().unwrap().keys().collect();
        assert_eq!(keys, [&word(fact)]);
        assert_eq!(found[word(fact)], serde_json::to_value(facts_of(text, Language::Tsx)).unwrap()[word(fact)]);
    }
}

#[test]
fn cancelling_stops_and_leaves_the_parser_fit() {
    let cancel = CancelToken::default();
    cancel.cancel();
    let found = facts("<a/>", Language::Tsx, &ALL, usize::MAX, &cancel);
    assert_eq!(found.unwrap_err().code, Code::Cancelled);
    // While it parses: the token is set by another thread.
    let cancel = CancelToken::default();
    let text = "<a b={".repeat(2_000_000);
    let other = cancel.clone();
    let started = std::sync::Barrier::new(2);
    let found = std::thread::scope(|scope| {
        scope.spawn(|| {
            started.wait();
            other.cancel();
        });
        started.wait();
        facts(&text, Language::Tsx, &ALL, usize::MAX, &cancel)
    });
    assert_eq!(found.unwrap_err().code, Code::Cancelled);
    assert_eq!(outline("<a/>"), "0.:a#0");
}

#[test]
fn deep_nesting_neither_overflows_nor_drags() {
    let deep = 100_000;
    for (text, count) in [
        ("(".repeat(2 * deep), 0),
        ("{".repeat(deep), 0),
        ("<a>".repeat(deep), deep),
        (format!("{}{}", "<a>".repeat(deep), "</a>".repeat(deep)), deep),
        (format!("{}1{}", "<a b={".repeat(deep), "}/>".repeat(deep)), deep),
        (format!("{}<a/>{}", "function A() {".repeat(deep / 10), "}".repeat(deep / 10)), 1),
        (format!("<a b='{}é'/>", "&".repeat(deep)), 1),
        (format!("export default {}A{}", "memo(".repeat(deep), ")".repeat(deep)), 0),
        (format!("export const {}a{} = 1", "[".repeat(deep), "]".repeat(deep)), 0),
    ] {
        assert_eq!(elements(&text).len(), count, "{}", &text[..20]);
        let _ = tree(&text, Language::Tsx, usize::MAX, &CancelToken::default()).unwrap();
    }
}

#[test]
fn trees() {
    let of = |text, max| tree(text, Language::Tsx, max, &CancelToken::default());
    for (text, shown) in [
        ("", "(program)"),
        ("a & b", "(program (expression_statement (binary_expression left: (identifier) right: (identifier))))"),
        (
            "if (a) {",
            "(program (if_statement condition: (parenthesized_expression (identifier)) consequence: (expression_statement (object (MISSING })))))",
        ),
    ] {
        assert_eq!(of(text, 1000).unwrap(), shown, "{text}");
    }
    assert_eq!(of("a", 5).unwrap_err().code, Code::ResponseTooLarge);
}

/// A source with something of everything.
const SAMPLE: &str = r#"import a, { type B as c } from "d"; export * as e from 'f';
export const { g, ...h } = i, J = memo(forwardRef<K>((l, m) => <n.o p="q &amp; r" {...s} t={-1} u=<v/>>w{x && <y:z/>}</n.o>));
export default class Aa extends React.Component { render() { return <>é😀{`b${1}`}</> } } // "
"#;

proptest! {
    #[test]
    fn any_mutation_is_answered(
        cuts in proptest::collection::vec((0_usize..400, 0_usize..12, "[<>{}()\"'`&/=;,.a é😀\\\\*\n]{0,4}"), 0..6),
        language in prop_oneof![Just(Language::Ts), Just(Language::Tsx)],
    ) {
        let mut text = SAMPLE.to_owned();
        for (at, len, inserted) in cuts {
            let floor = |mut at: usize| { while !text.is_char_boundary(at) { at -= 1 } at };
            let (start, end) = (floor(at.min(text.len())), floor((at + len).min(text.len())));
            text.replace_range(start..end, &inserted);
        }
        let found = facts_of(&text, language);
        let units = text.encode_utf16().count() as u64;
        let mut before = 0;
        for element in found.jsx.unwrap() {
            prop_assert!(before <= element.range.start && element.range.start < element.range.end);
            prop_assert!(element.range.end <= units && element.opening_range.end <= element.range.end);
            prop_assert!(element.parent.is_none_or(|parent| parent < element.index));
            before = element.range.start;
        }
        tree(&text, language, 1 << 20, &CancelToken::default()).unwrap();
    }
}
