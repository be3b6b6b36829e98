//! However a workspace is changed, the graph is that of a process that starts now.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixtures::{Workspace, link};
use crate::harness::Sidecar;
use crate::random::Random;

const SOURCES: &[&str] = &[
    "a.ts",
    "b.ts",
    "b.tsx",
    "b/index.ts",
    "b/part.js",
    "src/a.ts",
    "src/c.d.ts",
    "src/c.js",
    "src/deep/d.mts",
    "packages/p/index.ts",
    "packages/p/src/index.ts",
    "made.gen.ts",
    "node_modules/q/index.js",
    "node_modules/@types/q/index.d.ts",
];

const SPECIFIERS: &[&str] = &[
    "./a",
    "./b",
    "./b.js",
    "../a",
    "./src/c",
    "./c.js",
    "@/a",
    "@/c",
    "p",
    "p/part",
    "q",
    "./made.gen",
    "../../b",
    "./deep/d.mjs",
    "#x",
    "fs",
];

const MANIFESTS: &[(&str, &[&str])] = &[
    (
        "tsconfig.json",
        &[
            r#"{ "compilerOptions": { "paths": { "@/*": ["./src/*"] } } }"#,
            r#"{ "extends": "./base.json", "include": ["src"] }"#,
            "{",
            r#"{ "compilerOptions": { "baseUrl": "src" } }"#,
        ],
    ),
    (
        "base.json",
        &[r#"{ "compilerOptions": { "paths": { "@/*": ["./b/*"] } } }"#, r#"{ "extends": "./tsconfig.json" }"#],
    ),
    (
        "package.json",
        &[r##"{ "name": "root", "imports": { "#x": "./b/index.ts" } }"##, r##"{ "imports": { "#x": "q" } }"##, "[]"],
    ),
    (
        "packages/p/package.json",
        &[r#"{ "main": "src/index.ts" }"#, r#"{ "exports": { ".": "./index.ts", "./part": "./src/index.ts" } }"#],
    ),
    (
        "node_modules/q/package.json",
        &[r#"{ "main": "nowhere" }"#, r#"{ "exports": {} }"#, r#"{ "types": "../../b/index.ts" }"#],
    ),
    (".gitignore", &["node_modules/\n*.gen.ts\n", "node_modules/\n"]),
];

const MOVES: &[(&str, &str)] =
    &[("src", "src2"), ("src2", "src"), ("b", "c"), ("c", "b"), ("node_modules", "gone"), ("gone", "node_modules")];

/// Makes one change; says which.
fn change(workspace: &Workspace, random: &mut Random) -> String {
    let path = random.pick(SOURCES);
    match random.below(10) {
        0..4 => {
            let lines = (0..random.below(5)).map(|_| {
                let source = random.pick(SPECIFIERS);
                match random.below(3) {
                    0 => format!("import '{source}';\n"),
                    1 => format!("export * from '{source}';\n"),
                    _ => format!("f(require('{source}'));\n"),
                }
            });
            let text: String = lines.collect();
            if workspace.at(path).parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok()) {
                workspace.write(path, &text);
            }
            format!("write {path}: {text:?}")
        }
        4..6 => format!("remove {path}: {:?}", fs::remove_file(workspace.at(path)).is_ok()),
        6 => {
            let to = random.pick(SOURCES);
            let made = fs::rename(workspace.at(path), workspace.at(to)).is_ok();
            format!("rename {path} {to}: {made}")
        }
        7 => {
            let (from, to) = MOVES[random.below(MOVES.len())];
            format!("rename {from} {to}: {}", fs::rename(workspace.at(from), workspace.at(to)).is_ok())
        }
        8 => {
            let at = workspace.at("node_modules/p");
            if fs::symlink_metadata(&at).is_ok() {
                let removed = fs::remove_file(&at).or_else(|_| fs::remove_dir(&at)).is_ok();
                return format!("unlink node_modules/p: {removed}");
            }
            let _ = fs::create_dir_all(workspace.at("node_modules"));
            let target = random.pick(&["../packages/p", "../b", "../..", "./q"]);
            format!("link node_modules/p {target}: {}", link(Path::new(target), &at).is_ok())
        }
        _ => {
            let (path, contents) = MANIFESTS[random.below(MANIFESTS.len())];
            if random.one_in(4) {
                return format!("remove {path}: {}", fs::remove_file(workspace.at(path)).is_ok());
            }
            let content = random.pick(contents);
            let _ = fs::create_dir_all(workspace.at(path).parent().unwrap());
            workspace.write(path, content);
            format!("write {path}: {content}")
        }
    }
}

fn graph(sidecar: &mut Sidecar, params: Value) -> Value {
    let mut graph = sidecar.request("moduleGraph", params);
    graph.as_object_mut().unwrap().remove("clock").expect("every answer has a clock");
    graph
}

fn run(seed: u64, steps: usize, args: &[&str]) {
    let random = &mut Random::new(seed);
    let workspace = Workspace::empty();
    for (path, contents) in MANIFESTS {
        workspace.write(path, contents[0]);
    }
    let mut sidecar = Sidecar::builder(&workspace.root).args(args).spawn();
    let mut done = Vec::new();
    for _ in 0..steps {
        for _ in 0..=random.below(3) {
            done.push(change(&workspace, random));
        }
        let ours = graph(&mut sidecar, json!({}));
        let mut fresh = Sidecar::builder(&workspace.root).args(["--watch", "off"]).spawn();
        let theirs = graph(&mut fresh, json!({}));
        assert_eq!(ours, theirs, "seed {seed}, after {done:#?}");
        // What is ignored may be a node, but nothing to start from.
        let listed = sidecar.request("glob", json!({ "include": ["*.{ts,tsx,js,mts}"], "limit": 1 }));
        if let Some(file) = listed["files"].as_array().unwrap().first() {
            for direction in ["imports", "importedBy"] {
                let params = json!({ "paths": [file["path"]], "direction": direction });
                assert_eq!(
                    graph(&mut sidecar, params.clone()),
                    graph(&mut fresh, params),
                    "seed {seed}, after {done:#?}"
                );
            }
        }
        fresh.finish();
    }
    sidecar.finish();
}

#[test]
fn the_graph_keeps_up_with_all_changes() {
    for seed in 0..4 {
        run(seed, 25, &[]);
    }
}

#[test]
fn without_a_watcher_too() {
    run(100, 25, &["--watch", "off"]);
}

#[test]
fn what_was_resolved_stays_while_other_files_are_edited() {
    let workspace = Workspace::empty();
    workspace.write("a.ts", "import './b'");
    workspace.write("b.ts", "");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let before = graph(&mut sidecar, json!({}));
    assert_eq!(before["edges"][0]["to"], "b.ts");
    workspace.write("b.ts", "import './a'");
    let after = graph(&mut sidecar, json!({}));
    assert_eq!(after["edges"].as_array().unwrap().len(), 2);
    sidecar.finish();
}
