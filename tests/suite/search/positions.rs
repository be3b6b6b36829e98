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
    for (pattern, flags, multiline) in [
        ("[lL]oaf|🥐", "u", false),
        (r"[A-Z]\w+", "u", false),
        (r"\p{Lu}", "u", false),
        (r"[^\n]{3}", "u", false),
        (r"\r?\n", "u", true),
        (r"[^\n]\n[^\n]", "u", true),
        ("[\u{10000}-\u{10ffff}]", "u", false),
        (r"(?:é|e\u0301|è)", "u", false),
    ] {
        let ours = pattern.replace(r"\w", "[0-9A-Za-z_]").replace(r"\u0301", "\u{301}");
        let files = search(&mut sidecar, &ours, json!({ "multiline": multiline }));
        assert!(!files.is_empty(), "{pattern}");
        for file in files {
            let path = file["path"].as_str().unwrap();
            let bytes = std::fs::read(workspace.at(path)).unwrap();
            let encoding = match bytes[..] {
                [0xFF, 0xFE, ..] => "utf16le",
                [0xFE, 0xFF, ..] => "utf16be",
                _ => "utf8",
            };
            // Node sees the mark and replacements as characters; ripgrep's rules say nothing matches them.
            if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) && pattern.contains('^')
                || path.starts_with("odd/") && path != "odd/mixed.ts"
            {
                continue;
            }
            let question = json!({ "op": "search", "path": workspace.at(path), "pattern": pattern, "flags": flags, "encoding": encoding });
            let theirs: Vec<_> = node.ask(&question)["matches"]
                .as_array()
                .unwrap()
                .iter()
                .map(|at| {
                    let at = |name: &str| number(&at[name]);
                    ((at("start"), at("line"), at("column")), (at("end"), at("endLine"), at("endColumn")))
                })
                // The mark alone is no part of what is searched.
                .filter(|(start, _)| !(encoding != "utf8" && start.0 == 0))
                .collect();
            let ours: Vec<_> = matches(&file)
                .into_iter()
                .filter(|(start, _)| !(encoding != "utf8" && start.0 == 1 && pattern.contains('^')))
                .collect();
            if encoding == "utf8" || !pattern.contains('^') {
                assert_eq!(ours, theirs, "{path} {pattern}");
            }
        }
    }
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
