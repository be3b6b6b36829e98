//! What the method takes and gives.

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;

/// `a → b → c → a`, `d → c`, and what else there is.
fn workspace() -> Workspace {
    let workspace = Workspace::empty();
    workspace.write(
        "a.ts",
        "import './b'; import type { T } from './b'; import './b'; import fs from 'fs'; import './gone';",
    );
    workspace.write("b.ts", "export * from './c'; import 'absent';");
    workspace.write("c.ts", "import('./a'); import './style.css'");
    workspace.write("d.ts", "require('./c')");
    workspace.write("e.ts", "export const e = 1;");
    workspace.write("style.css", "");
    workspace.write("unused.css", "");
    workspace
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

/// Edges as words: `a.ts value b.ts`.
fn edges(graph: &Value) -> Vec<String> {
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let shown = |edge: &Value| {
        let target = edge.get("to").map_or_else(|| format!("[{}]", word(&edge["package"])), word);
        format!("{} {} {target}", word(&edge["from"]), word(&edge["kind"]))
    };
    graph["edges"].as_array().unwrap().iter().map(shown).collect()
}

#[test]
fn what_is_known_of_modules_is_counted() {
    let workspace = workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let bytes =
        |sidecar: &mut Sidecar| sidecar.request("status", json!({}))["memory"]["modulesBytes"].as_u64().unwrap_or(0);
    assert_eq!(bytes(&mut sidecar), 0);
    sidecar.request("moduleGraph", json!({ "paths": ["b.ts"], "depth": 1 }));
    let few = bytes(&mut sidecar);
    sidecar.request("moduleGraph", json!({}));
    let all = bytes(&mut sidecar);
    // At least a hundred bytes for each source and for each path that was looked for.
    assert!(few > 0 && all > few + 4 * 100, "{few}, then {all}");
    sidecar.request("moduleGraph", json!({}));
    assert_eq!(bytes(&mut sidecar), all, "nothing more is known");
    sidecar.finish();
}

#[test]
fn the_graph_of_all_sources() {
    let workspace = workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let graph = sidecar.request("moduleGraph", json!({}));
    assert_eq!(words(&graph["nodes"]), ["a.ts", "b.ts", "c.ts", "d.ts", "e.ts", "style.css"]);
    assert_eq!(
        edges(&graph),
        [
            "a.ts sideEffect b.ts",
            "a.ts type b.ts",
            "a.ts value [node:fs]",
            "b.ts reExport c.ts",
            "c.ts dynamic a.ts",
            "c.ts sideEffect style.css",
            "d.ts require c.ts",
        ]
    );
    let unresolved = json!([{ "from": "a.ts", "source": "./gone" }, { "from": "b.ts", "source": "absent" }]);
    assert_eq!(graph["unresolved"], unresolved);
    assert_eq!((&graph["synced"], graph.get("skipped")), (&json!(true), None));
    let eventual = sidecar.request("moduleGraph", json!({ "consistency": "eventual" }));
    assert_eq!((&eventual["edges"], &eventual["synced"]), (&graph["edges"], &json!(false)));
    sidecar.finish();
}

#[test]
fn some_steps_from_some_files() {
    let workspace = workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut nodes = |params: Value| {
        let graph = sidecar.request("moduleGraph", params);
        let (nodes, unresolved) = (words(&graph["nodes"]).join(" "), graph["unresolved"].as_array().unwrap().len());
        format!("{nodes} | {} | {unresolved}", edges(&graph).join(", "))
    };
    for (paths, direction, depth, wanted) in [
        (json!(["d.ts"]), "imports", 0, "d.ts |  | 0"),
        (json!(["d.ts"]), "imports", 1, "c.ts d.ts | d.ts require c.ts | 0"),
        (
            json!(["d.ts"]),
            "imports",
            2,
            "a.ts c.ts d.ts style.css | c.ts dynamic a.ts, c.ts sideEffect style.css, d.ts require c.ts | 0",
        ),
        (
            json!(["b.ts", "a.ts"]),
            "imports",
            1,
            "a.ts b.ts c.ts | a.ts sideEffect b.ts, a.ts type b.ts, a.ts value [node:fs], b.ts reExport c.ts | 2",
        ),
        (json!(["e.ts"]), "imports", 9, "e.ts |  | 0"),
        (json!(["style.css"]), "imports", 9, "style.css |  | 0"),
        (json!([]), "imports", 9, " |  | 0"),
        (json!(["style.css"]), "importedBy", 0, "style.css |  | 0"),
        (json!(["style.css"]), "importedBy", 1, "c.ts style.css | c.ts sideEffect style.css | 0"),
        (
            json!(["style.css"]),
            "importedBy",
            2,
            "b.ts c.ts d.ts style.css | b.ts reExport c.ts, c.ts sideEffect style.css, d.ts require c.ts | 0",
        ),
        (
            json!(["a.ts"]),
            "importedBy",
            9,
            "a.ts b.ts c.ts d.ts | a.ts sideEffect b.ts, a.ts type b.ts, b.ts reExport c.ts, c.ts dynamic a.ts, \
             d.ts require c.ts | 0",
        ),
        (json!(["d.ts", "d.ts"]), "importedBy", 9, "d.ts |  | 0"),
    ] {
        let params = json!({ "paths": paths, "direction": direction, "depth": depth });
        assert_eq!(nodes(params.clone()), wanted, "{params}");
    }
    sidecar.finish();
}

#[test]
fn what_is_refused() {
    let workspace = workspace();
    workspace.write(".gitignore", "ignored.ts");
    workspace.write("ignored.ts", "");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for path in ["nowhere.ts", "ignored.ts"] {
        let error = sidecar.expect_error("moduleGraph", json!({ "paths": ["a.ts", path] }), "not_found");
        assert_eq!(error["message"], format!("`paths[1]`: {path}: the index holds no such file"));
        assert_eq!(error["data"], json!({ "param": "paths[1]" }));
    }
    sidecar.expect_error("moduleGraph", json!({ "paths": ["../a.ts"] }), "invalid_path");
    sidecar.expect_error("moduleGraph", json!({ "direction": "up" }), "invalid_params");
    sidecar.expect_error("moduleGraph", json!({ "depth": -1 }), "invalid_params");
    sidecar.expect_error("moduleGraph", json!({ "files": [] }), "invalid_params");
    sidecar.finish();
    let large = fixtures::large();
    let mut small = Sidecar::builder(&large.root).args(["--max-response-bytes", "10000"]).spawn();
    small.expect_error("moduleGraph", json!({}), "response_too_large");
    let path = "packages/p1/src/file1.ts";
    assert_eq!(words(&small.request("moduleGraph", json!({ "paths": [path] }))["nodes"]), [path]);
    small.finish();
}

#[test]
fn sources_that_are_not_looked_into() {
    let workspace = workspace();
    workspace.write("video.ts", b"import './a'\0");
    workspace.write("latin1.js", b"import './a' // \xE9");
    workspace.write("long.js", format!("import './a'; // {}", "x".repeat(2000)));
    workspace.write("node_modules/p/index.js", "import './other'");
    workspace.write("node_modules/p/other.js", "");
    workspace.write("p.ts", "import 'p'; import './node_modules/p/other'");
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-parse-bytes", "1000"]).spawn();
    for _ in 0..2 {
        let graph = sidecar.request("moduleGraph", json!({}));
        assert_eq!(words(&graph["skipped"]), ["latin1.js", "long.js", "video.ts"]);
        // Nothing ignores `node_modules` here.
        assert!(!graph["nodes"].to_string().contains("node_modules"));
        let of_p: Vec<_> = edges(&graph).into_iter().filter(|edge| edge.starts_with("p.ts")).collect();
        assert_eq!(of_p, ["p.ts sideEffect [p]", "p.ts sideEffect [p]"]);
    }
    sidecar.finish();
}

#[test]
fn it_ends_when_nobody_waits() {
    let workspace = fixtures::large();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let id = sidecar.send("moduleGraph", json!({}));
    let cancel = sidecar.request("cancel", json!({ "id": id }));
    let answer = sidecar.wait_for(&id);
    assert_eq!(answer["ok"] == false, cancel["cancelled"] == true, "{answer:.300}");
    sidecar.send_line(br#"{"id":"late","method":"moduleGraph","timeoutMs":1}"#, Some("late"));
    let late = sidecar.wait_for("late");
    assert!(late["ok"] == true || late["error"]["code"] == "timeout", "{late:.300}");
    let graph = sidecar.request("moduleGraph", json!({}));
    assert_eq!(graph["nodes"].as_array().unwrap().len(), fixtures::LARGE_FILES);
    sidecar.finish();
}
