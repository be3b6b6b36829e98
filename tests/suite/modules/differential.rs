//! The same specifiers, found and resolved by the TypeScript compiler.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use super::tree;
use crate::fixtures;
use crate::harness::Sidecar;
use crate::parse::differential::TRICKY;
use crate::referee::Node;

/// More than [`TRICKY`] has of what refers to modules.
const REFERENCES: &[(&str, &str)] = &[
    (
        "ts",
        "let a: import('b').C, d: typeof import('e'), f: Array<import('./g').H<import('i').J>>; import k = require('l');",
    ),
    (
        "ts",
        "export import a = require('b'); declare module 'c' { import d from 'e'; export * from 'f' } namespace G { }",
    ),
    (
        "ts",
        "const a = async () => { const b = await import('c'); if (b) return import(`d`); }; import(e); import(`f${a}`);",
    ),
    (
        "ts",
        "import(/* webpackChunkName: 'a' */ 'b').then(c => c); import('d', { with: { type: 'json' } }); import('./é.js');",
    ),
    ("js", "const a = require('b'), { c } = require(\"d\").e; f(require(`g`)); require(h); require.resolve('k');"),
    (
        "js",
        "!function (require, module) { module.exports = require('./a')(require('./b')) }(require, module); // require('c')",
    ),
    ("js", "'import \"a\"'; `${`import 'b'`} require('c')`; const from = 'e', f = { import: 'g', require: 'h' };"),
    ("tsx", "import a from 'b'; export const c = <d e={import('f')}>Don't import 'g' or require('h')</d>;"),
    ("jsx", "export { a } from 'b'\nexport * as c from 'd'\nexport default () => <e>{lazy(() => import('f'))}</e>"),
    (
        "ts",
        "#!/usr/bin/env node\n'use strict'\nimport 'a' // b\n/* c */ import d from 'e'; export {}\nimport f from 'g'",
    ),
    ("ts", "import a, * as b from 'c'; import {} from 'd'; import type e, { f } from 'g'; import { type } from 'h';"),
    ("ts", "import \"a'b\"; import '\\x61\\u{62}'; import ''; export * from './c'; export type * as d from 'e';"),
];

/// What ours leads to, in words.
fn shown(edge: &Value) -> String {
    match (edge["to"].as_str(), edge["package"].as_str()) {
        (Some(path), None) => path.to_owned(),
        (None, Some(name)) => format!("package {name}"),
        _ => panic!("either `to` or `package`: {edge}"),
    }
}

/// What theirs leads to, in the same words.
fn theirs(path: Option<&str>) -> Option<String> {
    let path = path?;
    let Some((_, inside)) = path.rsplit_once("node_modules/") else { return Some(path.to_owned()) };
    let (scope, name) = inside.split_once('/').unwrap();
    Some(match scope {
        "@types" => match name.split('/').next().unwrap().split_once("__") {
            Some((scope, name)) => format!("package @{scope}/{name}"),
            None => format!("package {}", name.split('/').next().unwrap()),
        },
        scope if scope.starts_with('@') => format!("package {scope}/{}", name.split('/').next().unwrap()),
        // What a link is called is not what it leads to.
        "real" => "package up".to_owned(),
        name => format!("package {name}"),
    })
}

/// Compares all references of a workspace; how many the compiler resolved.
fn compare(root: &Path) -> usize {
    let Some(mut typescript) = Node::modules() else { return usize::MAX };
    let mut sidecar = Sidecar::spawn(root);
    let graph = sidecar.request("moduleGraph", json!({}));
    let mut resolved = 0;
    let mut wrong = Vec::new();
    let edges = graph["edges"].as_array().unwrap().iter().map(|edge| (edge, Some(shown(edge))));
    let unresolved = graph["unresolved"].as_array().unwrap().iter().map(|reference| (reference, None));
    for (reference, ours) in edges.chain(unresolved) {
        let question = json!({
            "root": root,
            "from": reference["from"],
            "source": reference["source"],
            "require": reference["kind"] == "require",
        });
        let answer = typescript.ask(&question);
        let theirs = theirs(answer["path"].as_str());
        resolved += usize::from(theirs.is_some());
        // What the compiler has no types for, bundlers find all the same; modules of Node are types of a package.
        let beyond = ours.as_deref().is_some_and(|ours| {
            ours.starts_with("package node:") || [".css", ".svg"].iter().any(|asset| ours.ends_with(asset))
        });
        if ours != theirs && !(theirs.is_none() && beyond) {
            wrong.push(format!("{reference}: ours {ours:?}, TypeScript's {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    sidecar.finish();
    resolved
}

#[test]
fn specifiers_lead_to_where_typescript_finds_them() {
    if let Some(workspace) = tree::make() {
        let resolved = compare(&workspace.root);
        assert!(resolved > 60, "{resolved}");
    }
}

#[test]
fn those_of_the_fixtures_too() {
    assert!(compare(&fixtures::copy().root) > 45);
}

#[test]
fn references_are_those_that_typescript_finds() {
    let Some(mut typescript) = Node::modules() else { return };
    let workspace = fixtures::copy();
    for (at, (language, text)) in TRICKY.iter().chain(REFERENCES).enumerate() {
        workspace.write(&format!("tricky/{at}.{language}"), text);
    }
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let graph = sidecar.request("moduleGraph", json!({}));
    let sources = sidecar.request("glob", json!({ "include": ["*.{ts,tsx,js,jsx}"] }));
    let mut count = 0;
    for path in sources["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()) {
        let references = ["edges", "unresolved"].into_iter().flat_map(|list| graph[list].as_array().unwrap());
        let ours: BTreeSet<&str> =
            references.filter(|found| found["from"] == path).map(|found| found["source"].as_str().unwrap()).collect();
        let text = std::fs::read_to_string(workspace.at(path)).unwrap();
        let answer = typescript.ask(&json!({ "text": text, "language": path.rsplit_once('.').unwrap().1 }));
        let theirs: BTreeSet<&str> =
            answer["sources"].as_array().unwrap().iter().map(|source| source.as_str().unwrap()).collect();
        assert_eq!(ours, theirs, "{path}: {text:.2000}");
        count += ours.len();
    }
    assert!(count > 100, "{count} references");
    sidecar.finish();
}
