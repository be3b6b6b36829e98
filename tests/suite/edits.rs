//! `planPropEdits`: plans that fit the file, and what is refused.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fixtures::{self, Workspace};
use crate::harness::{Effort, Sidecar, soon};

mod differential;

/// What an editor makes of a file's edits.
fn apply(text: &str, edits: &Value) -> String {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    let mut before = usize::MAX;
    for edit in edits.as_array().unwrap().iter().rev() {
        let at = |end: &str| edit["range"][end].as_u64().unwrap() as usize;
        let (start, end) = (at("start"), at("end"));
        assert!(start <= end && end < before, "edits overlap, touch or are not in order: {edits}");
        before = start;
        units.splice(start..end, edit["newText"].as_str().unwrap().encode_utf16());
    }
    String::from_utf16(&units).unwrap()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every file with its bytes.
fn contents(workspace: &Workspace) -> BTreeMap<String, Vec<u8>> {
    let read = |path: String| (path.clone(), std::fs::read(workspace.root.join(&path)).unwrap());
    crate::referee::walk(&workspace.root).into_iter().map(read).collect()
}

/// An edit of the first element that sets `x`, or removes it if there is no value.
fn set(path: &str, name: &str, value: Option<Value>) -> Value {
    let mut edit = json!({ "path": path, "element": { "name": name, "index": 0 }, "prop": "x" });
    if let Some(value) = value {
        edit["value"] = value;
    }
    edit
}

#[test]
fn a_plan_for_the_fixtures() {
    let workspace = fixtures::copy();
    let before = contents(&workspace);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let stories = "src/components/LoafCard.stories.tsx";
    let text = std::fs::read_to_string(workspace.at(stories)).unwrap();
    let listed = |name: &str, index: u64| json!({ "name": name, "index": index });
    let parsed = sidecar.request("parse", json!({ "path": stories, "facts": ["jsx"] }));
    let wheat = parsed["jsx"].as_array().unwrap().iter().find(|element| element["name"] == "Wheat").unwrap();
    let result = sidecar.request(
        "planPropEdits",
        json!({ "edits": [
            { "path": stories, "element": listed("LoafCard", 0), "prop": "compact", "value": true },
            { "path": stories, "element": { "range": wheat["range"] }, "prop": "size", "value": "big" },
            { "path": "src/App.tsx", "element": listed("Board", 99), "prop": "x", "value": 1 },
            { "path": stories, "element": listed("form", 2), "prop": "noValidate" },
            { "path": stories, "element": listed("TextField", 10), "prop": "style", "value": { "width": "50%" } },
            { "path": stories, "element": listed("TextField", 10), "prop": "onChange", "value": null },
            { "path": "src/main.tsx", "element": listed("StrictMode", 0), "prop": "key", "value": null },
        ] }),
    );
    let failed: Vec<_> =
        result["failed"].as_array().unwrap().iter().map(|failed| (&failed["index"], &failed["code"])).collect();
    assert_eq!(
        failed,
        [(&json!(2), &json!("notFound")), (&json!(4), &json!("unpromotable")), (&json!(5), &json!("unpromotable"))]
    );
    let plan = result["plan"].as_array().unwrap();
    let paths: Vec<_> = plan.iter().map(|file| file["filePath"].as_str().unwrap()).collect();
    assert_eq!(paths, [stories, "src/main.tsx"], "by path, and none that stays as it is");
    for file in plan {
        let path = file["filePath"].as_str().unwrap();
        assert_eq!(file["kind"], "text");
        assert_eq!(file["expectedSha256"], sha256(&before[path]));
        let read = sidecar.request("readFile", json!({ "path": path, "sha256": true }));
        assert_eq!(file["expectedSha256"], read["sha256"]);
    }
    let expected = text
        .replace("compact={false}", "compact={true}")
        .replace("<Wheat size={16} />", "<Wheat size={\"big\"} />")
        .replace(" noValidate", "");
    assert_eq!(apply(&text, &plan[0]["edits"]), expected);
    assert_eq!(plan[1]["edits"], json!([{ "range": plan[1]["edits"][0]["range"], "newText": " key={null}" }]));
    assert_eq!(contents(&workspace), before, "nothing is written");
    sidecar.finish();
}

#[test]
fn the_bytes_the_plan_is_for() {
    let workspace = Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for text in ["\u{feff}'😀';\r\n<é\r\n  x='🥐'\r\n/>;\r\n", "<é x='a'/>", "\u{feff}\u{feff}<é x/>"] {
        workspace.write("a.tsx", text);
        let result = sidecar.request("planPropEdits", json!({ "edits": [set("a.tsx", "é", Some(json!("new")))] }));
        assert_eq!(result["failed"], json!([]), "{text:?}");
        let file = &result["plan"][0];
        assert_eq!(file["expectedSha256"], sha256(text.as_bytes()), "the mark and line ends included");
        let after = apply(text, &file["edits"]);
        let (front, behind) = after.split_once("x=").unwrap();
        let written = if text.contains("x=") { "'new'" } else { "\"new\"" };
        assert!(behind.starts_with(written), "{after:?}");
        assert!(text.starts_with(front));
    }
    sidecar.finish();
}

#[test]
fn what_fails_alone() {
    let workspace = fixtures::copy();
    workspace.write("good.tsx", "<a/>;");
    workspace.write("latin1.tsx", b"<a b='\xE8'/>");
    let utf16: Vec<u8> = "\u{feff}<a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    workspace.write("utf16.tsx", &utf16);
    workspace.write("large.tsx", "<a/>;".repeat(1000));
    workspace.write("broken.tsx", "<a x></b>;");
    workspace.write("fragment.tsx", "<></>;");
    workspace.write("computed.tsx", "<a x={b}/>;");
    workspace.write("notes.md", "<a/>");
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-parse-bytes", "4000"]).spawn();
    let cases = [
        ("nowhere.tsx", "a", "notFound", "nowhere.tsx: there is no such file"),
        ("src/App.tsx/x.tsx", "a", "notFound", "src/App.tsx/x.tsx: there is no such file"),
        ("good.tsx", "b", "notFound", "good.tsx: element 0 is <a>, not <b>"),
        ("src/types.ts", "a", "notFound", "src/types.ts: there is no element 0; there are 0"),
        ("latin1.tsx", "a", "unsupportedPattern", "latin1.tsx: it is not valid UTF-8"),
        ("utf16.tsx", "a", "unsupportedPattern", "utf16.tsx: it is UTF-16, not UTF-8"),
        ("large.tsx", "a", "unsupportedPattern", "large.tsx: "),
        ("broken.tsx", "a", "unsupportedPattern", "broken.tsx: the element is in source that does not parse"),
        ("fragment.tsx", "", "unsupportedPattern", "fragment.tsx: it is a fragment, which has no props"),
        ("notes.md", "a", "unsupportedPattern", "notes.md: no grammar for this extension"),
        ("computed.tsx", "a", "unpromotable", "computed.tsx: `x`: its value is an expression, not a literal"),
    ];
    let mut edits: Vec<Value> = cases.iter().map(|(path, name, ..)| set(path, name, Some(json!(1)))).collect();
    edits.push(set("good.tsx", "a", Some(json!(1))));
    let result = sidecar.request("planPropEdits", json!({ "edits": edits }));
    for (at, (path, _, code, message)) in cases.iter().enumerate() {
        let failed = &result["failed"][at];
        assert_eq!((&failed["index"], &failed["code"]), (&json!(at), &json!(code)), "{path}: {failed}");
        assert!(failed["message"].as_str().unwrap().starts_with(message), "{failed}");
    }
    assert_eq!(result["failed"].as_array().unwrap().len(), cases.len());
    assert_eq!(result["plan"].as_array().unwrap().len(), 1);
    assert_eq!(result["plan"][0]["edits"], json!([{ "range": { "start": 2, "end": 2 }, "newText": " x={1}" }]));

    let all = sidecar.request("planPropEdits", json!({ "edits": edits, "allOrNothing": true }));
    assert_eq!(all["plan"], json!([]));
    assert_eq!(all["failed"], result["failed"]);
    let good = sidecar.request("planPropEdits", json!({ "edits": [edits.last()], "allOrNothing": true }));
    assert_eq!((&good["plan"], &good["failed"]), (&result["plan"], &json!([])));
    sidecar.finish();
}

#[test]
fn a_text_that_changed_since_it_was_parsed() {
    let workspace = Workspace::empty();
    workspace.write("a.tsx", "<a/>;");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let hash = sidecar.request("parse", json!({ "path": "a.tsx" }))["hash"].clone();
    let mut guarded = set("a.tsx", "a", Some(json!(1)));
    guarded["ifHash"] = hash;
    let mut other = set("a.tsx", "a", Some(json!(2)));
    other["prop"] = json!("y");
    let ask = json!({ "edits": [guarded, other] });
    assert_eq!(sidecar.request("planPropEdits", ask.clone())["failed"], json!([]));
    workspace.write("a.tsx", " <a/>;");
    let result = sidecar.request("planPropEdits", ask);
    assert_eq!((&result["failed"][0]["index"], &result["failed"][0]["code"]), (&json!(0), &json!("notFound")));
    assert_eq!(result["plan"][0]["edits"][0]["newText"], " y={2}");
    sidecar.finish();
}

#[test]
fn absent_and_null_are_two_things() {
    let workspace = Workspace::empty();
    let text = "<a x='1' />;";
    workspace.write("a.tsx", text);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (value, after) in [(None, "<a />;"), (Some(json!(null)), "<a x={null} />;")] {
        let result = sidecar.request("planPropEdits", json!({ "edits": [set("a.tsx", "a", value)] }));
        assert_eq!(apply(text, &result["plan"][0]["edits"]), after);
    }
    // What is so already, and no edits at all.
    for edits in [json!([set("a.tsx", "a", Some(json!("1")))]), json!([])] {
        assert_eq!(sidecar.request("planPropEdits", json!({ "edits": edits })), json!({ "plan": [], "failed": [] }));
    }
    sidecar.finish();
}

#[test]
fn what_is_no_request() {
    let workspace = fixtures::copy();
    workspace.write("a.tsx", "<a/>;");
    let linked = fixtures::has_links(&workspace);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let element = json!({ "name": "a", "index": 0 });
    let edit = |field: &str, value: Value| {
        let mut edit = json!({ "path": "a.tsx", "element": element, "prop": "x", "value": 1 });
        edit[field] = value;
        edit
    };
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    for (bad, code, named) in [
        (edit("path", json!("../a.tsx")), "invalid_path", "edits[1].path"),
        (edit("path", json!("/a.tsx")), "invalid_path", "edits[1].path"),
        (edit("path", json!(1)), "invalid_params", "edits[1].path"),
        (edit("prop", json!("a b")), "invalid_params", "edits[1].prop"),
        (edit("prop", json!("")), "invalid_params", "edits[1].prop"),
        (edit("prop", json!("x".repeat(10_000) + "\n")), "invalid_params", "edits[1].prop"),
        (edit("value", nested(101)), "invalid_params", "edits[1].value"),
        (edit("element", json!({})), "invalid_params", "edits[1].element"),
        (edit("element", json!({ "name": "a" })), "invalid_params", "edits[1].element"),
        (edit("element", json!({ "index": 0 })), "invalid_params", "edits[1].element"),
        (edit("element", json!({ "name": "a", "index": 0, "nth": 0 })), "invalid_params", "nth"),
        (edit("element", json!({ "name": "a", "index": null })), "invalid_params", "index"),
        (edit("element", json!({ "name": "a", "index": -1 })), "invalid_params", "edits[1].element"),
        (
            edit("element", json!({ "name": "a", "index": 0, "range": { "start": 0, "end": 1 } })),
            "invalid_params",
            "range",
        ),
        (edit("element", json!({ "range": [0, 1] })), "invalid_params", "edits[1].element"),
        (edit("element", json!({ "range": { "start": 0 } })), "invalid_params", "end"),
        (edit("element", json!({ "range": { "start": 0, "end": 1, "x": 1 } })), "invalid_params", "`x`"),
        (edit("element", json!(["a", 0])), "invalid_params", "edits[1].element"),
        (edit("element", json!(null)), "invalid_params", "edits[1].element"),
        (edit("ifHash", json!(7)), "invalid_params", "edits[1].ifHash"),
        (edit("if_hash", json!("7")), "invalid_params", "if_hash"),
        (edit("prop", json!("fine")), "invalid_params", "edits[1]"),
    ] {
        // The last one is fine but for being the same as this.
        let fine = edit("prop", json!("fine"));
        let error = sidecar.expect_error("planPropEdits", json!({ "edits": [fine, bad] }), code);
        assert!(error["message"].as_str().unwrap().contains(named), "{bad}: {error}");
    }
    for (value, problem) in [("1e400", "1e400 is not a number"), ("[{\"a\":-1e999}]", "-1e999 is not a number")] {
        let line = format!(
            r#"{{"id":"n{problem}","method":"planPropEdits","params":{{"edits":[{{"path":"a.tsx","element":{element},"prop":"x","value":{value}}}]}}}}"#
        );
        sidecar.send_line(line.as_bytes(), Some(&format!("n{problem}")));
        let error = sidecar.error(&format!("n{problem}"));
        assert_eq!(error["code"], "invalid_params");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("edits[0].value") && message.contains(problem), "{message}");
    }
    if linked {
        let edits = json!({ "edits": [edit("path", json!("links/outside/next-door.tsx"))] });
        sidecar.expect_error("planPropEdits", edits, "path_outside_workspace");
    }
    sidecar.finish();
}

#[test]
fn a_plan_is_no_longer_than_a_response() {
    let workspace = Workspace::empty();
    workspace.write("a.tsx", "<a/>;");
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-response-bytes", "20000"]).spawn();
    let fits = json!({ "edits": [set("a.tsx", "a", Some(json!("x".repeat(10_000))))] });
    assert_eq!(sidecar.request("planPropEdits", fits)["plan"].as_array().unwrap().len(), 1);
    let edits = json!({ "edits": [set("a.tsx", "a", Some(json!("x".repeat(30_000))))] });
    let error = sidecar.expect_error("planPropEdits", edits, "response_too_large");
    assert_eq!(error["data"]["maxResponseBytes"], 20_000);
    let failing: Vec<_> = (0..1000).map(|_| set("nowhere.tsx", "a", None)).collect();
    sidecar.expect_error("planPropEdits", json!({ "edits": failing }), "response_too_large");
    sidecar.finish();
}

#[test]
fn many_edits_and_hostile_sources_are_answered_in_time() {
    let workspace = Workspace::empty();
    let names: Vec<_> = (0..20_000).map(|at| format!("p{at}")).collect();
    let text = format!("<a {}/>;", names.iter().map(|name| format!(" {name}='1'")).collect::<String>());
    workspace.write("wide.tsx", &text);
    workspace.write("many.tsx", "<a x='1'/>;".repeat(20_000));
    workspace.write("deep.tsx", format!("{}1{}", "<a b={".repeat(20_000), "}/>".repeat(20_000)));
    workspace.write("object.tsx", format!("<a x={{{}1{}}}/>;", "[".repeat(50_000), "]".repeat(50_000)));
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let edit = |path: &str, index: usize, prop: &str, value: Value| json!({ "path": path, "element": { "name": "a", "index": index }, "prop": prop, "value": value });
    let wide: Vec<_> = names.iter().map(|name| edit("wide.tsx", 0, name, json!(true))).collect();
    let many: Vec<_> = (0..20_000).map(|index| edit("many.tsx", index, "x", json!(index))).collect();
    for (what, edits, count) in [
        ("wide", wide, 20_000),
        ("many", many, 20_000),
        ("deep", vec![edit("deep.tsx", 19_999, "x", json!(1))], 1),
        ("object", vec![edit("object.tsx", 0, "x", json!(1))], 0),
    ] {
        let failed = usize::from(count == 0);
        soon(what, || {
            let effort = Effort::of(&sidecar);
            let result = sidecar.request("planPropEdits", json!({ "edits": edits }));
            let took = effort.took(&sidecar);
            let planned = result["plan"][0]["edits"].as_array().map_or(0, Vec::len);
            assert_eq!((planned, result["failed"].as_array().unwrap().len()), (count, failed), "{what}");
            took
        });
    }
    sidecar.finish();
}
