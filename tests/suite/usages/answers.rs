//! What an answer holds, and what it leaves out.

use serde_json::{Value, json};

use super::{made, shown, until_indexed};
use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;

fn sources() -> Workspace {
    made(&[
        ("lib/a.tsx", "export const A = () => null; <A />;"),
        ("lib/barrel.ts", "export { A as B } from './a';"),
        ("src/one.tsx", "import { B } from '../lib/barrel'; <B />; <B x />; <B />;"),
        ("src/two.tsx", "import { A } from '../lib/a'; <A />;"),
        ("src/two/three.tsx", "import { A } from '../../lib/a'; <A />;"),
    ])
}

#[test]
fn globs_choose_where_elements_are_not_where_names_lead() {
    let workspace = sources();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (globs, wanted) in [
        (json!({}), "lib/a.tsx 0, src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0"),
        (json!({ "include": [], "exclude": [] }), "lib/a.tsx 0, src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0"),
        (json!({ "include": ["src/one.tsx"] }), "src/one.tsx 0 1 2"),
        (json!({ "include": ["src/**"] }), "src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0"),
        (json!({ "exclude": ["lib"] }), "src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0"),
        (json!({ "include": ["src/**"], "exclude": ["src/two"] }), "src/one.tsx 0 1 2, src/two.tsx 0"),
        (json!({ "include": ["two.tsx", "*.css"] }), "src/two.tsx 0"),
        (json!({ "include": ["nowhere/**"] }), ""),
    ] {
        let mut params = globs.clone();
        (params["name"], params["importedFrom"]) = (json!("A"), json!("lib/a.tsx"));
        assert_eq!(shown(&sidecar.request("usages", params)), wanted, "{globs}");
    }
    let tags = sidecar.request("usages", json!({ "name": "A", "exclude": ["src/two"] }));
    assert_eq!(shown(&tags), "lib/a.tsx 0, src/two.tsx 0");
    sidecar.finish();
}

#[test]
fn a_limit_cuts_behind_the_first_ones_in_path_order() {
    let workspace = sources();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let params = |limit: Value| json!({ "name": "A", "importedFrom": "lib/a.tsx", "limit": limit });
    for (limit, wanted, hit) in [
        (0, "", true),
        (1, "lib/a.tsx 0", true),
        (2, "lib/a.tsx 0, src/one.tsx 0", true),
        (3, "lib/a.tsx 0, src/one.tsx 0 1", true),
        (4, "lib/a.tsx 0, src/one.tsx 0 1 2", true),
        (5, "lib/a.tsx 0, src/one.tsx 0 1 2, src/two.tsx 0", true),
        (6, "lib/a.tsx 0, src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0", false),
        (7, "lib/a.tsx 0, src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0", false),
    ] {
        let answer = sidecar.request("usages", params(json!(limit)));
        assert_eq!((shown(&answer).as_str(), &answer["limitHit"]), (wanted, &json!(hit)), "{limit}");
    }
    let nothing = sidecar.request("usages", json!({ "name": "Nobody", "limit": 0 }));
    assert_eq!((shown(&nothing).as_str(), &nothing["limitHit"]), ("", &json!(false)));
    sidecar.finish();
}

#[test]
fn an_answer_is_cut_before_it_is_too_long() {
    let workspace = Workspace::empty();
    for file in 0..20 {
        workspace.write(&format!("{file:02}.tsx"), "<A b='\u{2028}' />;\n".repeat(20));
    }
    let mut all = Sidecar::spawn(&workspace.root);
    let all = {
        let answer = all.request("usages", json!({ "name": "A" }));
        all.finish();
        answer
    };
    let flat = |answer: &Value| -> Vec<String> {
        let files = answer["files"].as_array().unwrap().iter();
        let elements = |file: &Value| {
            let elements = file["elements"].as_array().unwrap().clone();
            assert!(!elements.is_empty());
            elements.into_iter().map(|element| format!("{}: {element}", file["path"])).collect::<Vec<_>>()
        };
        files.flat_map(elements).collect()
    };
    let all = flat(&all);
    let mut counts = Vec::new();
    for max in [4096, 5000, 7000, 9000, 20_000, 50_000, 1_000_000] {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-response-bytes", &max.to_string()]).spawn();
        let answer = sidecar.request("usages", json!({ "name": "A" }));
        let some = flat(&answer);
        assert_eq!(some, all[..some.len()], "{max}");
        assert_eq!(answer["limitHit"], some.len() < all.len(), "{max}");
        // At most what another element and the frame take is left. U+2028 is written as an escape, three bytes longer.
        let length = answer.to_string().len() + 3 * some.len();
        assert!(some.len() == all.len() || length + 1200 > max, "{max}: {length}");
        counts.push(some.len());
        sidecar.finish();
    }
    assert!(counts.is_sorted() && counts[0] > 0 && counts[0] < 20 && counts[6] == 400, "{counts:?}");
}

#[test]
fn sources_that_cannot_be_looked_into_are_told() {
    let long = format!("import {{ A }} from './lib/a'; <A />; // {}", "x".repeat(2000));
    let workspace = sources();
    workspace.write("long.tsx", &long);
    workspace.write("long-without.tsx", long.replace("A }", "Apple }").replace("<A ", "<Apple "));
    workspace.write("long-default.tsx", long.replace("{ A }", "Z").replace("<A ", "<Z "));
    workspace.write("long.css", &long);
    workspace.write("latin1.tsx", b"import { A } from './lib/a'; <A />; // \xE9");
    workspace.write("video.tsx", b"import { A } from './lib/a'; <A />; // \0");
    workspace.write("deep.tsx", format!("import {{ A }} from './lib/a'; {}<A />", "<b>".repeat(300)));
    workspace.write("broken.tsx", "import { A } from './lib/a'; <A /> <<< === >>> <A \n<A x={} />");
    workspace.write("node_modules/p/long.tsx", &long);
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-parse-bytes", "1500"]).spawn();
    for indexed in [false, true] {
        if indexed {
            until_indexed(&mut sidecar);
        }
        let by_tag = sidecar.request("usages", json!({ "name": "A" }));
        assert_eq!(by_tag["skipped"], json!(["latin1.tsx", "long.tsx"]), "{indexed}");
        let by_origin = sidecar.request("usages", json!({ "name": "A", "importedFrom": "lib/a.tsx" }));
        assert_eq!(by_origin["skipped"], json!(["latin1.tsx", "long.tsx"]), "{indexed}");
        let found = shown(&by_origin);
        assert!(
            found.contains("broken.tsx 0") && found.contains("deep.tsx") && found.contains("src/one.tsx 0 1 2"),
            "{found}"
        );
        assert!(!found.contains("long"), "{found}");
        // Who refers to what is not known of long ones, and a default may go by any name.
        let default = sidecar.request("usages", json!({ "name": "default", "importedFrom": "lib/a.tsx" }));
        let wanted = json!(["latin1.tsx", "long-default.tsx", "long-without.tsx", "long.tsx"]);
        assert_eq!(default["skipped"], wanted, "{indexed}");
    }
    sidecar.finish();
}

#[test]
fn wrong_params_are_named() {
    let workspace = sources();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (params, code, named) in [
        (json!({}), "invalid_params", "name"),
        (json!({ "name": "" }), "invalid_params", "name"),
        (json!({ "name": "A", "importedFrom": "" }), "invalid_params", "importedFrom"),
        (json!({ "name": "A", "importedFrom": "./lib/a" }), "invalid_params", "importedFrom"),
        (json!({ "name": "A", "importedFrom": ".." }), "invalid_params", "importedFrom"),
        (json!({ "name": "A", "importedFrom": "../x" }), "invalid_params", "importedFrom"),
        (json!({ "name": "A", "importedFrom": "/lib/a.tsx" }), "invalid_params", "importedFrom"),
        (json!({ "name": "A", "importedFrom": "lib/nope.tsx" }), "not_found", "importedFrom"),
        (json!({ "name": "A", "importedFrom": "lib" }), "not_found", "importedFrom"),
        (json!({ "name": "A", "from": "x" }), "invalid_params", "from"),
        (json!({ "name": "A", "limit": -1 }), "invalid_params", "limit"),
        (json!({ "name": "A", "consistency": "soon" }), "invalid_params", "consistency"),
        (json!({ "name": "A", "include": ["a[", "b"] }), "invalid_glob", "a["),
        (json!({ "name": "A", "exclude": ["{x"] }), "invalid_glob", "{x"),
    ] {
        let error = sidecar.expect_error("usages", params.clone(), code);
        assert!(error["message"].as_str().unwrap().contains(named), "{params}: {error}");
    }
    // No errors: there just is nothing.
    for from in ["a\0b", "\\", "C:\\x", "a//b", "lib/", ".x", "..x/y", &"x/".repeat(50_000)] {
        let answer = sidecar.request("usages", json!({ "name": "A", "importedFrom": from }));
        assert_eq!((shown(&answer).as_str(), &answer["limitHit"]), ("", &json!(false)), "{from:.30}");
    }
    let long = sidecar.request("usages", json!({ "name": "A".repeat(100_000) }));
    assert_eq!(shown(&long), "");
    let long = sidecar.request("usages", json!({ "name": "A.".repeat(50_000), "importedFrom": "lib/a.tsx" }));
    assert_eq!(shown(&long), "");
    sidecar.finish();
}

#[test]
fn eventual_answers_come_from_what_is_known() {
    let workspace = sources();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    let params = json!({ "name": "A", "importedFrom": "lib/a.tsx", "consistency": "eventual" });
    let eventual = sidecar.request("usages", params);
    assert_eq!(shown(&eventual), "lib/a.tsx 0, src/one.tsx 0 1 2, src/two.tsx 0, src/two/three.tsx 0");
    assert_eq!(eventual["synced"], false);
    sidecar.finish();
}

#[test]
fn it_ends_when_nobody_waits() {
    let workspace = fixtures::large();
    workspace.write("a.tsx", "export default () => <b />");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let params = json!({ "name": "default", "importedFrom": "a.tsx" });
    let id = sidecar.send("usages", params.clone());
    let cancel = sidecar.request("cancel", json!({ "id": id }));
    let answer = sidecar.wait_for(&id);
    assert_eq!(answer["ok"] == false, cancel["cancelled"] == true, "{answer:.300}");
    let late = json!({ "id": "late", "method": "usages", "params": { "name": "x" }, "timeoutMs": 1 }).to_string();
    sidecar.send_line(late.as_bytes(), Some("late"));
    let late = sidecar.wait_for("late");
    assert!(late["ok"] == true || late["error"]["code"] == "timeout", "{late:.300}");
    assert_eq!(shown(&sidecar.request("usages", params)), "");
    sidecar.finish();
}
