//! `parse`: facts about sources.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::{Effort, LIMIT, Sidecar, soon};

mod corpus;
pub(crate) mod differential;

/// What JavaScript's `slice` gives.
fn slice(text: &str, range: &Value) -> String {
    let units: Vec<u16> = text.encode_utf16().collect();
    let at = |end: &str| range[end].as_u64().unwrap() as usize;
    String::from_utf16(&units[at("start")..at("end")]).unwrap()
}

fn list(facts: &Value) -> &[Value] {
    facts.as_array().unwrap()
}

fn names(facts: &Value) -> Vec<&str> {
    list(facts).iter().map(|fact| fact["name"].as_str().unwrap()).collect()
}

fn parse_text(sidecar: &mut Sidecar, text: &str) -> Value {
    sidecar.request("parse", json!({ "text": text, "language": "tsx" }))
}

#[test]
fn the_facts_of_a_component() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let path = "src/components/SmokeDetector.tsx";
    let text = std::fs::read_to_string(workspace.at(path)).unwrap();
    let facts = sidecar.request("parse", json!({ "path": path }));
    assert_eq!(facts["path"], path);
    assert_eq!(facts["language"], "tsx");
    assert_eq!(facts["hash"], blake3::hash(text.as_bytes()).to_hex().as_str());
    assert_eq!(facts["errors"], json!([]));
    let import = &facts["imports"][0];
    assert_eq!((&import["source"], &import["kind"]), (&json!("react"), &json!("value")));
    let named = list(&import["named"]).iter().map(|name| (slice(&text, &name["range"]), name["typeOnly"] == true));
    let expected =
        [("Component", false), ("type ComponentType", true), ("type ErrorInfo", true), ("type ReactNode", true)];
    assert!(named.eq(expected.map(|(name, type_only)| (name.to_owned(), type_only))));
    let component = &facts["components"][0];
    assert_eq!(
        (&component["name"], &component["kind"], &component["exported"]),
        (&json!("SmokeDetector"), &json!("class"), &json!(true))
    );
    assert_eq!(slice(&text, &component["nameRange"]), "SmokeDetector");
    let element = &facts["jsx"][0];
    assert_eq!((&element["name"], &element["component"]), (&json!("this.props.fallback"), &json!("SmokeDetector")));
    assert_eq!(slice(&text, &element["range"]), "<this.props.fallback error={this.state.error} />");
    assert_eq!(names(&facts["exports"]), ["SmokeDetector"]);
    sidecar.finish();
}

#[test]
fn every_kind_of_attribute() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let path = "src/components/LoafCard.stories.tsx";
    let text = std::fs::read_to_string(workspace.at(path)).unwrap();
    let facts = sidecar.request("parse", json!({ "path": path, "facts": ["jsx"] }));
    for other in ["imports", "exports", "components", "errors"] {
        assert!(facts.get(other).is_none(), "{other} was not asked for");
    }
    let shown = |attribute: &Value| {
        if attribute["kind"] == "spread" {
            assert_eq!(slice(&text, &attribute["range"]), format!("{{...{}}}", attribute["text"].as_str().unwrap()));
            return "spread".to_owned();
        }
        assert_eq!(slice(&text, &attribute["nameRange"]), attribute["name"].as_str().unwrap());
        let value = &attribute["value"];
        let name = attribute["name"].as_str().unwrap();
        let Some(kind) = value["kind"].as_str() else { return name.to_owned() };
        let written = slice(&text, &value["range"]);
        assert_eq!(written.starts_with('{'), value["inExpression"] == true);
        assert!(slice(&text, &attribute["range"]).ends_with(&written));
        let literal = value.get("literal").map(|literal| format!(" {literal}")).unwrap_or_default();
        format!("{name} {kind}{literal}{}", if value["inExpression"] == true { " {}" } else { "" })
    };
    let attributes = list(&facts["jsx"]).iter().flat_map(|element| list(&element["attributes"]));
    let shown: Vec<String> = attributes.map(shown).collect();
    for expected in [
        "spread",
        "compact boolean false {}",
        "autoComplete string \"off\"",
        "noValidate",
        "placeholder string \"Müller & Töchter\"",
        "defaultValue string \"Müller & Töchter\" {}",
        "label string \"Says \\\"hi\\\"\"",
        "icon element",
        "maxLength number 16 {}",
        "label template \"Loaves\" {}",
        "label template {}",
        "min number -1 {}",
        "max number 1000 {}",
        "step number 0.5 {}",
        "ref null null {}",
        "hint element {}",
        "label string \"🥐 Croissant 🥐\"",
        "style expression {}",
        "onChange expression {}",
        "hidden expression {}",
        "title string \"Rye\\n      for the lady with the dog\"",
    ] {
        assert!(shown.iter().any(|attribute| attribute == expected), "{expected} is not among {shown:#?}");
    }
    sidecar.finish();
}

#[test]
fn a_text_with_its_language() {
    let workspace = Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (language, text, errors) in [
        ("ts", "const a = <number>b; export type C = 1", false),
        ("tsx", "const a = <number>b; export type C = 1", true),
        ("tsx", "export const A = () => <a />", false),
        ("jsx", "export const A = () => <a />", false),
        ("js", "export const a = 1", false),
    ] {
        let facts = sidecar.request("parse", json!({ "text": text, "language": language }));
        assert_eq!(facts["language"], language);
        assert_eq!(!list(&facts["errors"]).is_empty(), errors, "{language}: {text}");
        assert!(facts.get("path").is_none());
        assert_eq!(facts["hash"], blake3::hash(text.as_bytes()).to_hex().as_str());
    }
    let none = sidecar.request("parse", json!({ "text": "", "language": "ts", "facts": [] }));
    assert!(["errors", "imports", "jsx"].iter().all(|fact| none.get(*fact).is_none()), "{none}");
    sidecar.finish();
}

#[test]
fn what_cannot_be_parsed() {
    let workspace = fixtures::copy();
    workspace.write("latin1.ts", b"// \xE8\n");
    workspace.write("large.ts", "a;".repeat(2000));
    workspace.write("README", "export const a = 1");
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-parse-bytes", "3000"]).spawn();
    for (params, code) in [
        (json!({ "path": "README.md" }), "unsupported_language"),
        (json!({ "path": "README" }), "unsupported_language"),
        (json!({ "path": "a.ts", "text": "a" }), "invalid_params"),
        (json!({ "path": "a.ts", "text": "a", "language": "ts" }), "invalid_params"),
        (json!({}), "invalid_params"),
        (json!({ "language": "ts" }), "invalid_params"),
        (json!({ "text": "a" }), "invalid_params"),
        (json!({ "text": "a", "language": "python" }), "invalid_params"),
        (json!({ "text": "a", "language": "ts", "facts": ["nothing"] }), "invalid_params"),
        (json!({ "path": "no-such-file.ts" }), "not_found"),
        (json!({ "path": "src", "language": "ts" }), "not_a_file"),
        (json!({ "path": "../outside/a.ts" }), "invalid_path"),
        (json!({ "path": "/a.ts" }), "invalid_path"),
        (json!({ "path": "latin1.ts" }), "not_utf8"),
        (json!({ "path": "large.ts" }), "file_too_large"),
        (json!({ "text": "a;".repeat(2000), "language": "ts" }), "file_too_large"),
    ] {
        sidecar.expect_error("parse", params, code);
    }
    let facts = sidecar.request("parse", json!({ "path": "README", "language": "ts" }));
    assert_eq!(names(&facts["exports"]), ["a"], "the language can be told");
    // Ignored files are served by path.
    sidecar.request("parse", json!({ "path": "dist/bundle.js" }));
    sidecar.finish();
}

#[test]
fn positions_count_utf16_units_of_the_whole_text() {
    let workspace = Workspace::empty();
    let body = "// 😀𠮷\nimport { 野 as b } from '😀';\nexport const 家 = <p title='🥐' x={1}>🥐<i /></p>;\n";
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for text in [
        body.to_owned(),
        format!("\u{feff}{body}"),
        body.replace('\n', "\r\n"),
        format!("\u{feff}{}", body.replace('\n', "\r\n")),
    ] {
        workspace.write("a.tsx", &text);
        let by_path = sidecar.request("parse", json!({ "path": "a.tsx" }));
        assert_eq!(by_path["errors"], json!([]));
        assert_eq!(sidecar.request("readFile", json!({ "path": "a.tsx" }))["text"], text.as_str());
        assert_eq!(slice(&text, &by_path["imports"][0]["named"][0]["range"]), "野 as b");
        assert_eq!(slice(&text, &by_path["exports"][0]["range"]), "家");
        let elements = list(&by_path["jsx"]);
        assert_eq!(slice(&text, &elements[0]["attributes"][0]["value"]["range"]), "'🥐'");
        assert_eq!(slice(&text, &elements[1]["range"]), "<i />");
        assert_eq!(elements[0]["start"], json!({ "line": 3, "column": 18 }));
        assert_eq!(elements[1]["start"], json!({ "line": 3, "column": 40 }));
        let mut by_text = sidecar.request("parse", json!({ "text": text, "language": "tsx" }));
        by_text["path"] = json!("a.tsx");
        assert_eq!(by_text, by_path);
    }
    sidecar.finish();
}

#[test]
fn a_broken_source_has_the_facts_of_its_healthy_parts() {
    let workspace = Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let text = "import { a } from 'b';\nexport const A = () => <c d='e' />;\nconst x = = ;\nexport function f( {\n";
    let facts = parse_text(&mut sidecar, text);
    assert!(!list(&facts["errors"]).is_empty());
    for error in list(&facts["errors"]) {
        let (start, end) = (error["range"]["start"].as_u64(), error["range"]["end"].as_u64());
        assert!(start <= end && end <= Some(text.len() as u64), "{error}");
        assert!(error["start"]["line"].as_u64() >= Some(3), "{error}");
    }
    assert_eq!(facts["imports"][0]["source"], "b");
    assert_eq!(names(&facts["jsx"]), ["c"]);
    assert!(names(&facts["exports"]).contains(&"A"));
    sidecar.finish();
}

#[test]
fn the_tree_is_an_s_expression() {
    let workspace = Workspace::empty();
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-response-bytes", "20000"]).spawn();
    let params = json!({ "text": "const a = <b />;", "language": "tsx", "tree": true, "facts": [] });
    let tree = sidecar.request("parse", params)["tree"].as_str().unwrap().to_owned();
    assert!(tree.starts_with("(program (lexical_declaration"), "{tree}");
    assert!(tree.contains("jsx_self_closing_element"), "{tree}");
    assert_eq!(tree.matches('(').count(), tree.matches(')').count());
    assert!(sidecar.request("parse", json!({ "text": "", "language": "ts" })).get("tree").is_none());
    let large = json!({ "text": "a;".repeat(5000), "language": "ts", "tree": true, "facts": [] });
    sidecar.expect_error("parse", large, "response_too_large");
    sidecar.finish();
}

#[test]
fn what_took_too_long_is_not_tried_again_until_it_changes() {
    let workspace = Workspace::empty();
    workspace.write("bad.tsx", format!("<Part />;{} import './good';", "a<b>(".repeat(200_000)));
    workspace.write("good.tsx", "import './bad'; export const a = <Part />;");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let ask = |sidecar: &mut Sidecar, method: &str, params: Value, timeout_ms: u64| {
        let (id, _) = sidecar.line(method, &params);
        let line = json!({ "id": id, "method": method, "params": params, "timeoutMs": timeout_ms }).to_string();
        let start = Instant::now();
        sidecar.send_line(line.as_bytes(), Some(&id));
        (sidecar.wait_for(&id), start.elapsed())
    };
    let (first, _) = ask(&mut sidecar, "parse", json!({ "path": "bad.tsx" }), 2000);
    assert_eq!(first["error"]["code"], "timeout", "{first:.300}");
    // It is given up a moment after the answer, and nothing tells when.
    let end = Instant::now() + LIMIT;
    loop {
        let (again, took) = ask(&mut sidecar, "parse", json!({ "path": "bad.tsx" }), 1500);
        assert_eq!(again["error"]["code"], "timeout", "{again:.300}");
        if took < Duration::from_secs(1) {
            break;
        }
        assert!(Instant::now() < end, "it is parsed again and again");
    }
    // With less time than it was tried for. Where a machine stands still for as long, it is asked once more.
    let mut ask_in_time = |method: &str, params: Value| {
        let mut answers = (0..10).map(|_| ask(&mut sidecar, method, params.clone(), 1500).0);
        answers.find(|answer| answer["error"]["code"] != "timeout").expect("it is parsed again and again")
    };
    let usages = ask_in_time("usages", json!({ "name": "Part" }));
    assert_eq!(usages["result"]["skipped"], json!(["bad.tsx"]), "{usages:.300}");
    assert_eq!(usages["result"]["files"][0]["path"], "good.tsx");
    let query = ask_in_time("query", json!({ "query": "(jsx_self_closing_element) @a" }));
    assert_eq!(query["result"]["stats"]["tooSlowSkipped"], 1, "{query:.300}");
    let graph = ask_in_time("moduleGraph", json!({}));
    assert_eq!(graph["result"]["skipped"], json!(["bad.tsx"]), "{graph:.300}");
    workspace.write("bad.tsx", "<Part />;");
    assert_eq!(names(&sidecar.request("parse", json!({ "path": "bad.tsx" }))["jsx"]), ["Part"]);
    let found = sidecar.request("usages", json!({ "name": "Part" }));
    assert_eq!((list(&found["files"]).len(), found.get("skipped")), (2, None), "{found}");
    sidecar.finish();
}

#[test]
fn hostile_sources_are_answered_in_time() {
    let workspace = Workspace::empty();
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
    let hostile = [
        "(".repeat(200_000),
        "<a>".repeat(50_000),
        format!("{}{}", "<a>".repeat(20_000), "</a>".repeat(20_000)),
        "[{".repeat(100_000),
        "`${".repeat(50_000),
        "a<".repeat(100_000),
        "a<{//".repeat(600_000),
        "*/a".repeat(300_000),
        "a<{/*".repeat(600_000),
        "<a b={".repeat(30_000),
        format!("x={}", "-".repeat(200_000)),
        format!("const a = {}1{};", "(".repeat(50_000), ")".repeat(50_000)),
        // The parser recurses once for each of these.
        "<T>(".repeat(100_000),
        "a<b>(".repeat(100_000),
        format!("if (a) {{}}{}", " else if (a) {}".repeat(60_000)),
        "for(;;)".repeat(200_000),
        format!("const a = '{}';", "x".repeat(4_000_000)),
        "}".repeat(4_000_000),
        "a,".repeat(1_000_000),
    ];
    for text in &hostile {
        for tree in [false, true] {
            let params = json!({ "text": text, "language": "tsx", "tree": tree });
            let (id, _) = sidecar.line("parse", &params);
            let line = json!({ "id": id, "method": "parse", "params": params, "timeoutMs": 300 }).to_string();
            soon(&format!("{text:.20}…"), || {
                let effort = Effort::of(&sidecar);
                sidecar.send_line(line.as_bytes(), Some(&id));
                let response = sidecar.wait_for(&id);
                let took = effort.took(&sidecar);
                let code = response["error"]["code"].as_str().unwrap_or("timeout");
                assert!(matches!(code, "timeout" | "response_too_large"), "{response:.300}");
                took
            });
            soon(&format!("the next one after {text:.20}…"), || {
                let effort = Effort::of(&sidecar);
                assert_eq!(names(&parse_text(&mut sidecar, "<b />")["jsx"]), ["b"]);
                effort.took(&sidecar)
            });
        }
    }
    let status = sidecar.request("status", json!({}));
    assert!(status["threads"]["abandoned"].as_u64() < Some(8), "{status}");
    sidecar.finish();
}
