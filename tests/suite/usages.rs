//! `usages`: which JSX elements are a component.

use std::time::Instant;

use serde_json::{Value, json};

use crate::fixtures::Workspace;
use crate::harness::{LIMIT, Sidecar};

mod answers;
mod attributes;
mod differential;

mod origins;
mod packages;
mod tags;

/// A workspace of these files.
fn made(files: &[(&str, &str)]) -> Workspace {
    let workspace = Workspace::empty();
    for (path, text) in files {
        workspace.write(path, text);
    }
    workspace
}

/// What was found, in words: `a.tsx 0 2, b.tsx 1`, the numbers being those of the elements.
fn shown(answer: &Value) -> String {
    let index = |element: &Value| element["index"].to_string();
    let file = |file: &Value| {
        let elements: Vec<String> = file["elements"].as_array().unwrap().iter().map(index).collect();
        format!("{} {}", file["path"].as_str().unwrap(), elements.join(" "))
    };
    answer["files"].as_array().unwrap().iter().map(file).collect::<Vec<_>>().join(", ")
}

/// Asks until the index narrows a search, as it will from then on.
fn until_indexed(sidecar: &mut Sidecar) {
    let deadline = Instant::now() + LIMIT;
    while sidecar.request("search", json!({ "pattern": "no such text" }))["stats"]["indexed"] == false {
        assert!(Instant::now() < deadline, "the index is never built{}", sidecar.told());
    }
}

/// Name, module, and what is found. Asked while nothing is indexed, and when all is.
fn check(workspace: &Workspace, table: &[(&str, &str, &str)]) {
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for indexed in [false, true] {
        if indexed {
            until_indexed(&mut sidecar);
        }
        for (name, from, wanted) in table {
            let params =
                if from.is_empty() { json!({ "name": name }) } else { json!({ "name": name, "importedFrom": from }) };
            let answer = sidecar.request("usages", params);
            assert_eq!(shown(&answer), *wanted, "{name} of {from:?}, indexed: {indexed}");
            assert_eq!((&answer["limitHit"], &answer["synced"]), (&json!(false), &json!(true)));
            assert_eq!(answer.get("skipped"), None, "{name} of {from:?}, indexed: {indexed}");
        }
    }
    sidecar.finish();
}
