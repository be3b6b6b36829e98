//! The same sources, read by the TypeScript compiler.

use serde_json::{Value, json};

use crate::fixtures;
use crate::harness::Sidecar;
use crate::random::Random;
use crate::referee::Node;

/// Sources that a reader of TypeScript gets wrong easily. Each stands for a rule of its own.
pub(crate) const TRICKY: &[(&str, &str)] = &[
    ("tsx", "let as = a; const b = { c, // d\n  in: <e />, };"),
    ("tsx", "const a = <using x={1}><p /></using>; b.using = c; using.d = <e.using f={g} />;"),
    (
        "ts",
        "import a, { type B, c as d, default as e } from 'x'; import * as f from \"y\"; import 'z'; import type G from 'g';",
    ),
    (
        "ts",
        "import type { A } from './a'; import type * as B from './b'; import { type C as D } from './c'; import type from './t';",
    ),
    ("ts", "import { \"a b\" as c } from 'd'; export { c as \"e f\" }; export * as \"g h\" from 'i';"),
    ("ts", "import json from './a.json' with { type: 'json' }; import a = require('b'); import c = d.e;"),
    (
        "ts",
        "export * from 'a'; export * from 'b'; export * as c from 'd'; export type * from 'e'; export { f, g as h } from 'i';",
    ),
    ("ts", "export { a, b as c, d as default }; export type { e }; export { type f, type g as h };"),
    ("ts", "export const a = 1, { b, c: { d, ...e }, f = 2 } = g, [h, , i = 1, ...j] = k; export let l; export var m;"),
    (
        "ts",
        "export function f(): void; export function f(a?: string) {} export async function* g() {} export default class {}",
    ),
    (
        "ts",
        "export interface A {} export type B = A; export enum C { D } export const enum E {} export abstract class F {}",
    ),
    (
        "ts",
        "export namespace N { export const inner = 1 } export declare const a: number; declare module 'x' { export const b: 1 }",
    ),
    ("ts", "export default function named() {} // and a comment\nexport const after = 1 // another\n"),
    ("ts", "export default (1 as number)\nexport type { X } from './x' /* last */"),
    ("ts", "const a = <T,>(b: T) => b; const c = <number>d; let e = f < g, h = i > (j); label: for (;;) break label;"),
    ("js", "export default { a: 1 }; export const b = c`x ${d} y`; export { b as d };"),
    ("tsx", "const a = <T,>(b: T) => <b>{b}</b>; const c = <T extends {}>(d: T) => <e.f<T> g={d} />;"),
    ("tsx", "<a>&amp; &nbsp; {'x'} {/* comment */} &copy</a>"),
    ("tsx", "<a b='&quot;&#65;&#x1F600;&eacute;&nope;&' c=\"line\nend\" d='\\n' />"),
    ("tsx", "<a b={1} c={-1} d={1_000} e={0x1F} f={.5} g={1e3} h={1e400} i={0b11} j={0o17} k={- 2} />"),
    (
        "tsx",
        "<a b={'x'} c={\"\\u{1F600}\\x41\\\n\"} d={`e`} f={`g${h}i`} j={true} k={false} l={null} m={undefined} n={('x')} />",
    ),
    ("tsx", "<a b={<c />} d=<e /> f=<></> g={<>{h}</>} i={[<j />]} k={() => <l m />} />"),
    ("tsx", "<a {...b} c {...{ d: 1 }} {/* e */...f} />"),
    ("tsx", "<a.b.c d:e='f' g-h={i} aria-label /> ; <svg:path xlink:href='' />; <this.a />; <A-b />"),
    ("tsx", "<>\n  <a>\n    {b && <c>{d.map((e) => <f key={e} />)}</c>}\n  </a>\n  <a /></>"),
    ("tsx", "const x = a ? <b /> : c < d ? <e>{'}'}</e> : null; const y = f<string>(<g />);"),
    (
        "tsx",
        "styled.div<{ a?: boolean }>`x ${(p) => p.a}`; const z = <a<string> b={c as any} d={e!} f={g satisfies H} />;",
    ),
    ("tsx", "const 野 = '😀'; const e = <a 名前='😀𠮷' b={'é'} >🥐<c d='🍞' /></a>;"),
    ("tsx", "\u{feff}// mark\r\nexport const a = <b\r\n  c='d'\r\n/>;\r\n"),
    ("tsx", "const a = <b>\u{2028}<c />\r<d />\u{c}</b>;"),
    ("tsx", "#!/usr/bin/env node\n'use client';\nexport default () => <a/>;"),
    ("jsx", "import { a } from 'b'; export default () => <a {...a} b={a => a} c={{ d: <e /> }}></a>"),
    ("tsx", "/* <a /> */ const a = '<b />', c = `<d /> ${<e />}`, f = /<g \\/>/; // <h />"),
    ("tsx", "class A<T> extends B<T> { state = <c />; static d = () => <e.f />; render() { return <g>{this.h}</g> } }"),
    ("tsx", "<a b = 'c' /* x */ d /* y */ = {e} // z\n />"),
    ("tsx", "<a // x\n .b\n /* y */ . c />"),
    (
        "ts",
        "class A { @b() c = 1; static #d?: e; private readonly f!: g\n h; accessor i = 1; static { const j = 1 } 'k l'; [m] = n; 1 = 2; declare o; get; set; static }",
    ),
    (
        "ts",
        "@a() export class B { @c @d() /* e */ f() {} ; @g get h() { return 1 } set h(i) {} constructor(); constructor(private j = 1, readonly k?: l, m: n, @o() public p: q) { const r = 1 } async *s() {} #t() {} [u]() {} 'v'() {} get 1() { return 1 } static async w() {} get() {} set() {} }",
    ),
    (
        "ts",
        "abstract class A { abstract b(): c; abstract d: e; protected abstract get f(): g; h(): void; h(i?: j): void {} abstract k(): l\n /* m */ n?(): o /* p */ ; }",
    ),
    (
        "ts",
        "interface A { b: c; d(): e, readonly f?: g\n 'h': i /* j */ ; get k(): l; set k(m: n); (): o; new (): p; [q: string]: r; [s.t]: u; v: { w: x } }",
    ),
    ("ts", "enum A { b, c = 1, 'd e' = 2, f = (() => { let g; return 1 })(), ['h'] }"),
    (
        "ts",
        "namespace A . /* b */ C.D { const e = 1; export namespace F {} } declare module 'g'; declare module 'h' { let i: j } declare global { var k: l }",
    ),
    (
        "ts",
        "for (const a of b) {} for (let [c, { d = 1 }] of e) {} for (var f in g) {} for (let h = 0, i = 1;;) { const j = k } try {} catch (l) { var m }",
    ),
    ("js", "const \\u0061 = 1; class B { \\u0063() {} '\\x64' = 1 } label: function e() {}"),
    (
        "ts",
        "const { a, b: c = 1, ...d } = e, [f, , g = 2, ...[h]] = i, j = () => { function k() { class L { m() {} } } }, n = class O { p = function q() { var r } };",
    ),
    ("ts", "export default class { a() {} }\nf(class { b = 1 }); ({ c() {}, get d() { return 1 }, e: 1 });"),
    (
        "ts",
        "export default async function () { const a = 1 }\nexport declare function b(): void;\ndeclare const c: d, e: f\nfunction g(h) { var i } // j",
    ),
    ("ts", "export type A = { b: c; d(): e };\ntype F = g // h\nexport default interface I { j: k }"),
    (
        "ts",
        "{ using a = b(); await using c = d(), e: f = g; }\nusing h = i\nconst using = 1; using.j = using; label: using\nk = using as l",
    ),
    (
        "js",
        "for (using a of b) {} async () => { for (await using c of d) {} for await (using e of f) { await using } }",
    ),
    (
        "tsx",
        "import using from 'a'; const b = <c using d=\"using e = f\">using g = {'await using h = i'}, using j: k</c>;",
    ),
    (
        "ts",
        "function f(using: any): using is g { return using in h || using instanceof i } class using extends using<j> {}",
    ),
    (
        "ts",
        "class A { static accessor b: c = 1; private static accessor #d; @e static accessor f; static accessor; accessor = 1 }",
    ),
    (
        "ts",
        "import defer * as a from 'b'; import defer, { type c } from 'd'; import { e } from 'f' with { type: 'json' }",
    ),
    (
        "ts",
        "export { a } from './b' with { type: 'json' };\nexport * from 'c' with { type: 'json' }\nexport * as d from 'e' assert { 'f': 'g' };\nexport * from 'h' /* i */ with { j: 'k' } ;\nexport * from 'l'\nwith (m) {}",
    ),
    ("tsx", "const a = <b>{String.raw`\\xi`}</b>; const c = <d e={f`\\underline{${g}}`} />; class h { accessor = 1 }"),
    ("ts", "[a, b as unknown] = c; interface D { e: f | undefined\n  in?: g\n  in2: h\n  i: j }"),
    (
        "tsx",
        "const A = styled.div<{\n  /** b's c */\n  d: e; // it's f\n  g?: h /* i */\n}>`j: ${(k) => k.d};`; const l = <A d={1} />;",
    ),
    ("tsx", ""),
    ("ts", "/** only a comment */"),
];

/// Sources that are wrong; how far their facts go is nobody's rule.
const BROKEN: &[(&str, &str)] = &[
    ("ts", "const = 1;"),
    ("ts", "export { a"),
    ("ts", "f("),
    ("ts", "class { a( }"),
    ("ts", "import a from ;"),
    ("ts", "const a = 'open\n"),
    ("ts", "const a = `open"),
    ("tsx", "<a"),
    ("tsx", "<a>"),
    ("tsx", "<a></b>"),
    ("tsx", "<a b= />"),
    ("tsx", "<a {b} />"),
    ("tsx", "<a>}</a>"),
    ("tsx", "<a>></a>"),
    ("tsx", "<a b={ />"),
    ("tsx", "const a = <b>c;"),
];

/// The facts that both tell.
pub(super) const FACTS: [&str; 4] = ["imports", "exports", "jsx", "symbols"];

/// Ours as the compiler would tell it, and the compiler's.
pub(super) fn comparable(mut ours: Value, mut theirs: Value) -> [Value; 2] {
    for element in ours["jsx"].as_array_mut().unwrap() {
        element.as_object_mut().unwrap().remove("component").expect("every element has the field");
    }
    for facts in [&mut ours, &mut theirs] {
        numbers(facts);
    }
    [ours, theirs]
}

/// JavaScript has one kind of number.
fn numbers(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(numbers),
        Value::Object(fields) => fields.values_mut().for_each(numbers),
        Value::Number(number) => *value = json!(number.as_f64().unwrap()),
        _ => {}
    }
}

/// The first difference in a list of facts.
pub(super) fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    let (ours, theirs) = (ours.as_array().unwrap(), theirs.as_array().unwrap());
    let unequal = ours.iter().zip(theirs).find(|(one, other)| one != other);
    match unequal {
        Some((one, other)) => Some(format!("\n  ours       {one}\n  TypeScript {other}")),
        None if ours.len() == theirs.len() => None,
        None => Some(format!(
            "{} of ours, {} of TypeScript, the first one more: {}",
            ours.len(),
            theirs.len(),
            ours.get(theirs.len()).or(theirs.get(ours.len())).unwrap()
        )),
    }
}

/// Compares one source; how many facts there were.
fn compare(sidecar: &mut Sidecar, typescript: &mut Node, ours: Value, theirs: Value, what: &str) -> usize {
    let [ours, theirs] = comparable(sidecar.request("parse", ours), typescript.ask(&theirs));
    assert_eq!((&ours["errors"], &theirs["errors"]), (&json!([]), &json!(0.0)), "{what}");
    for fact in FACTS {
        if let Some(difference) = difference(&ours[fact], &theirs[fact]) {
            panic!("{fact} of {what}{difference}");
        }
    }
    FACTS.iter().map(|fact| ours[*fact].as_array().unwrap().len()).sum()
}

#[test]
fn the_fixtures_are_read_as_typescript_reads_them() {
    let Some(mut typescript) = Node::typescript() else { return };
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let sources = sidecar.request("glob", json!({ "include": ["*.{ts,tsx,js,jsx}"] }));
    let mut count = 0;
    for source in sources["files"].as_array().unwrap() {
        let path = source["path"].as_str().unwrap();
        let theirs = json!({ "path": workspace.at(path) });
        count += compare(&mut sidecar, &mut typescript, json!({ "path": path }), theirs, path);
    }
    assert!(count > 150, "{count} facts");
    sidecar.finish();
}

#[test]
fn tricky_sources_are_read_as_typescript_reads_them() {
    let Some(mut typescript) = Node::typescript() else { return };
    let workspace = fixtures::Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut count = 0;
    for (language, text) in TRICKY {
        let question = json!({ "text": text, "language": language });
        count += compare(&mut sidecar, &mut typescript, question.clone(), question, text);
    }
    assert!(count > 200, "{count} facts");
    sidecar.finish();
}

#[test]
fn what_typescript_refuses_has_errors() {
    let Some(mut typescript) = Node::typescript() else { return };
    let workspace = fixtures::Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut missed = Vec::new();
    for (language, text) in BROKEN {
        let question = json!({ "text": text, "language": language });
        assert_ne!(typescript.ask(&question)["errors"], 0, "{text}");
        if sidecar.request("parse", question)["errors"] == json!([]) {
            missed.push(text);
        }
    }
    assert!(missed.is_empty(), "{missed:?}");
    sidecar.finish();
}

/// Made-up JSX, nested and with every kind of attribute.
fn element(random: &mut Random, depth: usize) -> String {
    let name = random.pick(&["a", "Box", "Menu.Item", "svg:g", "x-y"]);
    let mut attributes = String::new();
    for _ in 0..random.below(4) {
        attributes.push_str(random.pick(&[" ", "\n  ", "\r\n\t", " /* 🥐 */ "]));
        let attribute = match random.below(3) {
            0 if depth > 0 => format!("slot={{{}}}", element(random, depth - 1)),
            _ => random
                .pick(&[
                    "checked",
                    "title='&lt;é😀&gt;'",
                    "n={-1.5}",
                    "on={() => { if (a < b) c(); }}",
                    "{...rest}",
                    "k={`x`}",
                    "s={{ a: '}' }}",
                    "b={false}",
                    "d:e=\"'\"",
                    "f={\"\\u00e9\"}",
                ])
                .to_owned(),
        };
        attributes.push_str(&attribute);
    }
    if depth == 0 || random.one_in(4) {
        return format!("<{name}{attributes} />");
    }
    let mut children = String::new();
    for _ in 0..random.below(4) {
        let child = element(random, depth - 1);
        let child = match random.below(6) {
            0 => format!("{{ok && {child}}}"),
            1 => format!("{{list.map((item) => {child})}}"),
            2 => format!("<>{child} 𠮷 &amp; </>"),
            3 => random.pick(&["text 'with' quotes", "{/* {} */}", "\n", "{'<a>'}", "{\"}\"}"]).to_owned(),
            _ => child,
        };
        children.push_str(&child);
    }
    format!("<{name}{attributes}>{children}</{name}>")
}

#[test]
fn made_up_elements_are_read_as_typescript_reads_them() {
    let Some(mut typescript) = Node::typescript() else { return };
    let workspace = fixtures::Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for seed in 0..60 {
        let text = format!("export const view = (\n  {}\n);\n", element(&mut Random::new(seed), 4));
        let question = json!({ "text": text, "language": "tsx" });
        compare(&mut sidecar, &mut typescript, question.clone(), question, &format!("seed {seed}: {text}"));
    }
    sidecar.finish();
}
