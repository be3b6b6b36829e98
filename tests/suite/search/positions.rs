//! Where matches are, as Node and as an editor would say.

use serde_json::{Value, json};

use super::places::{Places, ends, matches, number};
use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::referee::Node;

fn odd_workspace() -> Workspace {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    workspace.write("odd/mixed.ts", "\u{feff}const 🥖 = 'loaf';\r\n// 😀😀 loaf\u{2028}loaf\n\u{c}loaf\r\rloaf");
    workspace
}

fn search(sidecar: &mut Sidecar, pattern: &str, more: Value) -> Vec<Value> {
    let mut params = json!({ "pattern": pattern, "regex": true, "maxMatches": 1_000_000 });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut result = sidecar.request("search", params);
    assert_eq!(result["limitHit"], false);
    let Value::Array(files) = result["files"].take() else { panic!("{result}") };
    files
}

#[test]
fn matches_are_slices_of_what_is_read() {
    let workspace = odd_workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut seen = 0;
    for word in ["loaf", "🥐", "é", "Order", "𠮷野家", "\u{feff}", "\r", " ", "\u{2028}"] {
        for file in search(&mut sidecar, word, json!({})) {
            let path = file["path"].as_str().unwrap();
            let places = Places::read(&workspace.at(path));
            let read = sidecar.request("readFile", json!({ "path": path, "encoding": "base64" }));
            assert_eq!(read["hash"], file["hash"]);
            for (start, end) in matches(&file) {
                assert_eq!(places.slice(start.0, end.0), word, "{path} {start:?}");
                assert_eq!((places.place(start.0), places.place(end.0)), (start, end), "{path}");
                seen += 1;
            }
            // What `readFile` gives, where it is text at all.
            if let Ok(text) = String::from_utf16(&places.text)
                && !text.contains('\u{fffd}')
            {
                assert_eq!(sidecar.request("readFile", json!({ "path": path }))["text"], text);
            }
        }
    }
    assert!(seen > 500, "{seen}");
    sidecar.finish();
}

#[test]
fn node_finds_the_same() {
    let workspace = odd_workspace();
    let Some(mut node) = Node::start() else { return };
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut seen = 0;
    for (pattern, multiline, takes_mark) in [
        ("[lL]oaf|🥐", false, false),
        ("[A-Z][0-9A-Za-z_]+", false, false),
        (r"\p{Lu}", false, false),
        (r"[^\n]{3}", false, true),
        (r"\r?\n", true, false),
        (r"[^\n]\n[^\n]", true, false),
        (r"[^a-z]+\n", true, true),
        ("[\u{10000}-\u{10ffff}]", false, false),
        ("(?:é|e\u{301}|è)", false, false),
    ] {
        let files = search(&mut sidecar, pattern, json!({ "multiline": multiline }));
        assert!(!files.is_empty(), "{pattern}");
        for file in files {
            let path = file["path"].as_str().unwrap();
            let bytes = std::fs::read(workspace.at(path)).unwrap();
            let encoding = match bytes[..] {
                [0xFF, 0xFE, ..] => "utf16le",
                [0xFE, 0xFF, ..] => "utf16be",
                _ => "utf8",
            };
            // For Node, a byte-order mark and what stands for ill-formed bytes are characters that can match.
            let marked = encoding != "utf8" || bytes.starts_with(b"\xEF\xBB\xBF");
            let ill_formed = encoding == "utf8" && std::str::from_utf8(&bytes).is_err() || path == "odd/utf16-cut.csv";
            if marked && takes_mark || ill_formed {
                continue;
            }
            let question = json!({
                "op": "search", "path": workspace.at(path), "pattern": pattern, "flags": "u", "encoding": encoding,
            });
            let answer = node.ask(&question);
            let at = |found: &Value, name: &str| number(&found[name]);
            let theirs = answer["matches"].as_array().unwrap().iter().map(|found| {
                let start = (at(found, "start"), at(found, "line"), at(found, "column"));
                (start, (at(found, "end"), at(found, "endLine"), at(found, "endColumn")))
            });
            let (ours, theirs) = (matches(&file), theirs.collect::<Vec<_>>());
            assert_eq!(ours, theirs, "{path} {pattern}");
            seen += ours.len();
        }
    }
    assert!(seen > 10_000, "{seen}");
    sidecar.finish();
}

#[test]
fn long_lines_are_cut_around_the_match() {
    let workspace = odd_workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let places = Places::read(&workspace.at("public/confetti.min.js"));
    let mut cut = 0;
    for longest in [0, 1, 2, 10, 99, 1000, 5000] {
        for file in search(
            &mut sidecar,
            "🎉|🥐|function|[{}]",
            json!({ "maxLineLength": longest, "include": ["confetti.min.js"] }),
        ) {
            for line in file["lines"].as_array().unwrap() {
                let text = line["text"].as_str().unwrap();
                let length = text.encode_utf16().count();
                let start = number(&line["textColumn"]) - 1;
                assert!(length <= longest, "{length} > {longest}");
                assert_eq!(text, places.slice(start, start + length), "a part of the line, no character split");
                let (first, _) = ends(&line["matches"][0]);
                if longest >= 10 {
                    assert!((start..start + length).contains(&first.0), "the first match is in what is shown");
                }
                cut += usize::from(start > 0 || length < places.text.len());
            }
        }
    }
    assert!(cut > 0);
    sidecar.finish();
}

#[test]
fn what_is_ill_formed_is_told() {
    let workspace = Workspace::empty();
    workspace.write("a.txt", b"fine loaf\n\xE8 loaf \xF0\x9F\x98 loaf\nloaf");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let files = search(&mut sidecar, "loaf", json!({}));
    let lines = files[0]["lines"].as_array().unwrap();
    assert_eq!(lines.iter().map(|line| line["lossy"] == true).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(lines[1]["text"], "\u{fffd} loaf \u{fffd} loaf");
    assert_eq!(matches(&files[0])[2].0, (19, 2, 10));
    assert_eq!(lines[2]["matches"][0]["range"], json!({ "start": 24, "end": 28 }));
    sidecar.finish();
}
