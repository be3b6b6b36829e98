//! The edited sources, read and compiled by TypeScript.

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::random::Random;
use crate::referee::Node;

use super::apply;

/// One edit: the element's index, the prop, and the value as JSON that may hold lone surrogates, which `Value` cannot.
struct Edit {
    index: u64,
    prop: &'static str,
    value: Option<String>,
}

/// Plans edits of one file, and has TypeScript judge them. How many were made, and how many refused.
fn judge(sidecar: &mut Sidecar, typescript: &mut Node, path: &str, text: &str, edits: Vec<Edit>) -> (usize, usize) {
    let elements = sidecar.request("parse", json!({ "path": path, "facts": ["jsx"] }))["jsx"].take();
    let line = |edit: &Edit| {
        let element = &elements[usize::try_from(edit.index).unwrap()];
        // In each of the ways.
        let element = match edit.index % 3 {
            0 => json!({ "name": element["name"], "index": edit.index }),
            1 => json!({ "range": element["range"] }),
            _ => json!({ "range": element["openingRange"] }),
        };
        let value = edit.value.as_ref().map_or_else(String::new, |value| format!(r#","value":{value}"#));
        format!(r#"{{"path":{},"element":{element},"prop":"{}"{value}}}"#, json!(path), edit.prop)
    };
    let (id, _) = sidecar.line("planPropEdits", &json!({}));
    let lines: Vec<_> = edits.iter().map(line).collect();
    let request = format!(r#"{{"id":"{id}","method":"planPropEdits","params":{{"edits":[{}]}}}}"#, lines.join(","));
    sidecar.send_line(request.as_bytes(), Some(&id));
    let result = sidecar.result(&id);
    let failed: Vec<_> =
        result["failed"].as_array().unwrap().iter().map(|failed| failed["index"].as_u64().unwrap()).collect();
    let plan = result["plan"].as_array().unwrap();
    let after = plan.first().map_or_else(|| text.to_owned(), |file| apply(text, &file["edits"]));
    let range = |element: &Value| (element["openingRange"]["start"].as_u64(), element["openingRange"]["end"].as_u64());
    for edit in plan.iter().flat_map(|file| file["edits"].as_array().unwrap()) {
        let (start, end) = (edit["range"]["start"].as_u64(), edit["range"]["end"].as_u64());
        let mut tags = edits.iter().map(|edit| range(&elements[usize::try_from(edit.index).unwrap()]));
        assert!(tags.any(|tag| tag.0 < start && end < tag.1), "{edit} is in no tag that was to be edited: {text}");
    }
    let question = |edit: &Edit| {
        let mut question = json!({ "index": edit.index, "prop": edit.prop });
        if let Some(value) = &edit.value {
            question["value"] = json!(value);
        }
        question
    };
    let made = edits.iter().enumerate().filter(|(at, _)| !failed.contains(&(*at as u64)));
    let done: Vec<_> = made.map(|(_, edit)| question(edit)).collect();
    let language = path.rsplit('.').next().unwrap();
    let verdict = typescript.ask(&json!({ "before": text, "after": after, "language": language, "edits": done }));
    assert_eq!(verdict, json!({ "errors": 0, "wrong": [] }), "{request}\n{text}\n->\n{after}");
    (done.len(), failed.len())
}

/// JSON with whatever bites.
fn value(random: &mut Random, depth: usize) -> String {
    const PIECES: &[&str] = &[
        "a",
        " ",
        "'",
        "\\\"",
        "`",
        "${",
        "\\\\",
        "\\n",
        "\\r\\n",
        "\\r",
        "\\t",
        "\\u0000",
        "\\u001b",
        "\\u007f",
        "\\u0085",
        "&",
        "&amp;",
        "&lt",
        "amp;",
        "&#38;",
        "&#x26;",
        "&nope;",
        ";",
        "{",
        "}",
        "<",
        "/>",
        "//",
        "/*",
        "é",
        "😀",
        "\\ud83d",
        "\\ude00",
        "\u{2028}",
        "\\u2029",
        "\u{feff}",
        "</script>",
        "<!--",
        "-->",
        "import('x')",
        "export type * ",
        "0",
    ];
    const PLAIN: &[&str] =
        &["null", "true", "false", "0", "-0", "17", "-1.5", "1e21", "1e-7", "12345678901234567890", "5e-324", "1E3"];
    const KEYS: &[&str] =
        &["\"k\"", "\"a-b\"", "\"__proto__\"", "\"if\"", "\"1\"", "\"get\"", "\"async\"", "\"é\"", "\"\""];
    match random.below(if depth == 0 { 6 } else { 8 }) {
        0 => random.pick(PLAIN).to_owned(),
        6 => {
            let items: Vec<_> = (0..random.below(4)).map(|_| value(random, depth - 1)).collect();
            format!("[{}]", items.join(", "))
        }
        7 => {
            let entry = |random: &mut Random| format!("{}: {}", random.pick(KEYS), value(random, depth - 1));
            let entries: Vec<_> = (0..random.below(4)).map(|_| entry(random)).collect();
            format!("{{ {} }}", entries.join(","))
        }
        _ => {
            let pieces: String = (0..random.below(7)).map(|_| random.pick(PIECES)).collect();
            format!("\"{pieces}\"")
        }
    }
}

/// Some edits of each element, no two of the same prop.
fn edits(random: &mut Random, elements: &Value, props: &[&'static str]) -> Vec<Edit> {
    let mut edits = Vec::new();
    for element in elements.as_array().unwrap().iter().filter(|element| element["fragment"] == false) {
        for prop in props {
            if random.one_in(3) {
                let value = (!random.one_in(4)).then(|| value(random, 2));
                edits.push(Edit { index: element["index"].as_u64().unwrap(), prop, value });
            }
        }
    }
    edits
}

#[test]
fn the_edited_fixtures_are_what_was_asked_for() {
    let Some(mut typescript) = Node::typescript() else { return };
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let sources = sidecar.request("glob", json!({ "include": ["*.{tsx,jsx}"] }));
    let props = ["className", "label", "size", "compact", "key", "style", "data-new"];
    let (mut done, mut refused) = (0, 0);
    for source in sources["files"].as_array().unwrap() {
        let path = source["path"].as_str().unwrap();
        let text = std::fs::read_to_string(workspace.at(path)).unwrap();
        let elements = sidecar.request("parse", json!({ "path": path, "facts": ["jsx"] }))["jsx"].take();
        for seed in 0..5 {
            let edits = edits(&mut Random::new(seed), &elements, &props);
            let counts = judge(&mut sidecar, &mut typescript, path, &text, edits);
            (done, refused) = (done + counts.0, refused + counts.1);
        }
    }
    assert!(done > 300 && refused > 10, "{done} made, {refused} refused");
    sidecar.finish();
}

/// An element in some layout, with attributes of every kind.
fn element(random: &mut Random) -> String {
    let name = random.pick(&["a", "A.b", "s:t", "x-y", "G<string>", "G<h<i>>", "é", "this.x"]);
    let mut tag = format!("<{name}");
    let space = |random: &mut Random| {
        random
            .pick(&[
                " ",
                " ",
                "  ",
                "\n",
                "\n  ",
                "\r\n\t",
                "\u{a0}",
                " /* é😀 */ ",
                " // x\n",
                "\n  // y\r\n  ",
                "/**/",
                "\n\n ",
                "\t\n",
            ])
            .to_owned()
    };
    for _ in 0..random.below(7) {
        let gap = space(random);
        // After a string or a brace, nothing has to stand in between.
        if !(tag.ends_with(['\'', '"', '}']) && random.one_in(5)) {
            tag.push_str(&gap);
        }
        tag.push_str(random.pick(&[
            "b",
            "b='1'",
            "b=\"x &amp; y\"",
            "b={'z'}",
            "b={\"z\"}",
            "b={`t`}",
            "b={`t${u}`}",
            "b={-1}",
            "b={true}",
            "b={null}",
            "b={f(1)}",
            "b={{ k: 1, 'l': ['m'] }}",
            "b={[1, 2]}",
            "b={<i j='1'/>}",
            "b=<i/>",
            "b = /* 1 */ {/* 2 */ 'é' /* 3 */}",
            "{...r}",
            "{ /* s */ ...r }",
            "c",
            "c='2'",
            "c={() => <k b='1' />}",
            "d:e='3'",
            "d:e",
            "f-g={4}",
            "f-g",
            "b='&quot;'",
            "style={{\n  k: 1, // one\n  a: 'b',\n}}",
        ]));
    }
    let gap = space(random);
    if random.one_in(2) {
        return format!("{tag}{gap}/>");
    }
    let closing = name.split('<').next().unwrap();
    format!("{tag}{gap}>é &amp; <n/>{{'x'}}</{closing}>")
}

#[test]
fn made_up_elements_are_what_was_asked_for() {
    let Some(mut typescript) = Node::typescript() else { return };
    let workspace = Workspace::empty();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let (mut done, mut refused) = (0, 0);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        let mark = random.pick(&["", "\u{feff}", "import z from 'y';\r\n", "\"😀\"; // '\n"]).to_owned();
        let elements: String = (0..4).map(|_| element(&mut random)).collect();
        let text = format!("{mark}export const q = <>{elements}</>;\n");
        workspace.write("a.tsx", &text);
        let parsed = sidecar.request("parse", json!({ "path": "a.tsx", "facts": ["jsx", "errors"] }));
        assert_eq!(parsed["errors"], json!([]), "{text}");
        let edits = edits(&mut random, &parsed["jsx"], &["b", "c", "d:e", "f-g", "style", "new"]);
        let counts = judge(&mut sidecar, &mut typescript, "a.tsx", &text, edits);
        (done, refused) = (done + counts.0, refused + counts.1);
    }
    assert!(done > 1000 && refused > 100, "{done} made, {refused} refused");
    sidecar.finish();
}
