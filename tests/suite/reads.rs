//! Contents: what is read is what is there, and what Node makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::referee::Node;

fn hash(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Every regular file with a name the contract can hold, ignored ones too.
fn files(root: &Path) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let (kind, path) = (entry.file_type().unwrap(), entry.path());
            if kind.is_dir() {
                directories.push(path);
            } else if kind.is_file()
                && let Some(name) = path.strip_prefix(root).unwrap().to_str()
                && (cfg!(windows) || !name.contains('\\'))
            {
                found.push((name.replace(std::path::MAIN_SEPARATOR, "/"), path));
            }
        }
    }
    assert!(found.len() > 60, "only {} fixtures", found.len());
    found.sort();
    found
}

fn odd_workspace() -> Workspace {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    workspace
}

/// The encoding Node needs to be told, by the byte-order mark.
fn encoding(bytes: &[u8]) -> &'static str {
    match bytes {
        [0xFF, 0xFE, ..] => "utf16le",
        [0xFE, 0xFF, ..] => "utf16be",
        _ => "utf8",
    }
}

#[test]
fn texts_are_what_node_reads() {
    let Some(mut node) = Node::start() else { return };
    let workspace = odd_workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let (mut texts, mut utf16, mut refused) = (0, 0, 0);
    for (path, file) in files(&workspace.root) {
        let bytes = fs::read(&file).unwrap();
        let is_text = match encoding(&bytes) {
            "utf8" => std::str::from_utf8(&bytes).is_ok(),
            _ => bytes.len().is_multiple_of(2),
        };
        if !is_text {
            let error = sidecar.expect_error("readFile", json!({ "path": path }), "not_utf8");
            assert!(error["message"].as_str().unwrap().contains("base64"), "{error}");
            refused += 1;
            continue;
        }
        let read = sidecar.request("readFile", json!({ "path": path, "sha256": true }));
        let wanted = node.ask(&json!({ "op": "readFile", "path": file, "encoding": encoding(&bytes) }));
        assert_eq!(read["text"], wanted["text"], "{path}");
        assert_eq!(read["text"].as_str().unwrap().encode_utf16().count() as u64, wanted["utf16Length"], "{path}");
        assert_eq!(read["sha256"], wanted["sha256"], "{path}");
        let source = read.get("sourceEncoding").and_then(Value::as_str).unwrap_or("utf8");
        assert_eq!(source, encoding(&bytes), "{path}");
        utf16 += usize::from(source != "utf8");
        texts += 1;
    }
    assert!(texts > 60 && utf16 == 2 && refused == 5, "{texts} {utf16} {refused}");
    sidecar.finish();
}

#[test]
fn facts_of_every_file() {
    let workspace = odd_workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    for (path, file) in files(&workspace.root) {
        let bytes = fs::read(&file).unwrap();
        let read = sidecar.request("readFile", json!({ "path": path, "encoding": "base64", "sha256": true }));
        assert_eq!(STANDARD.decode(read["base64"].as_str().unwrap()).unwrap(), bytes, "{path}");
        assert_eq!((&read["path"], &read["encoding"]), (&json!(path), &json!("base64")));
        assert!(read.get("text").is_none() && read["clock"].is_string(), "{path}");
        assert_eq!(read["hash"], hash(&bytes), "{path}");
        assert_eq!(read["sha256"], sha256(&bytes), "{path}");
        assert_eq!(read["size"], bytes.len(), "{path}");
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        let ms = modified.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64() * 1e3;
        assert!((read["mtimeMs"].as_f64().unwrap() - ms).abs() < 0.01, "{path}");
        let marked = encoding(&bytes) != "utf8" || bytes.starts_with(b"\xEF\xBB\xBF");
        assert_eq!(read["bom"], marked, "{path}");
        let plain = sidecar.request("readFile", json!({ "path": path, "encoding": "base64" }));
        assert!(plain.get("sha256").is_none(), "{path}");

        let entry = &sidecar.request("stat", json!({ "paths": [path] }))["entries"][0];
        assert_eq!((&entry["kind"], &entry["path"]), (&json!("file"), &json!(path)));
        assert_eq!((&entry["size"], &entry["mtimeMs"]), (&read["size"], &read["mtimeMs"]), "{path}");
        // A file as new as the look at it may be given without its hash, never with a wrong one.
        assert!(entry.get("hash").is_none_or(|told| *told == read["hash"]), "{path}");
    }
    for (path, eol) in [
        ("src/App.tsx", "lf"),
        ("src/legacy/till.ts", "crlf"),
        ("src/legacy/closing.md", "mixed"),
        ("src/legacy/receipt.txt", "lf"),
        ("src/data/motto.txt", "none"),
        ("src/data/returned-loaves.txt", "none"),
        ("src/legacy/flour-orders.csv", "crlf"),
        ("src/legacy/dairy-orders.csv", "lf"),
    ] {
        assert_eq!(sidecar.request("readFile", json!({ "path": path }))["eol"], eol, "{path}");
    }
    let text = sidecar.request("readFile", json!({ "path": "src/legacy/allergens.ts" }))["text"].take();
    assert!(text.as_str().unwrap().starts_with('\u{feff}'));
    let text = sidecar.request("readFile", json!({ "path": "src/legacy/till.ts" }))["text"].take();
    assert!(text.as_str().unwrap().contains("\r\n"));
    sidecar.finish();
}

#[test]
fn ignored_files_are_served_and_not_indexed() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    for path in ["dist/bundle.js", "debug.log", "archive/menu-2019.md", "packages/starter/notes.md"] {
        let read = sidecar.request("readFile", json!({ "path": path }));
        assert_eq!(read["hash"], hash(&fs::read(workspace.at(path)).unwrap()));
        let entry = &sidecar.request("stat", json!({ "paths": [path] }))["entries"][0];
        assert_eq!(entry["indexed"], false, "{path}");
    }
    let found = sidecar.request("stat", json!({ "paths": ["keep.log", "src", "dist", "none", "src"] }));
    let entries = found["entries"].as_array().unwrap();
    let brief: Vec<Value> =
        entries.iter().map(|entry| json!([entry["kind"], entry["indexed"], entry["error"]["code"]])).collect();
    assert_eq!(
        brief,
        [
            json!(["file", true, null]),
            json!(["directory", true, null]),
            json!(["directory", false, null]),
            json!([null, null, "not_found"]),
            json!(["directory", true, null]),
        ]
    );
    sidecar.finish();
}

/// A part of a file that the index knows is read alone; the answer is the same as after reading the whole.
#[test]
fn ranges_of_known_files_are_the_same() {
    // The checkout itself: its timestamps are old enough to be trusted.
    let mut sidecar = Sidecar::spawn(&fixtures::original().join("workspace"));
    sidecar.wait_event("indexed");
    for path in ["src/data/loaves.json", "src/legacy/till.ts", "src/data/returned-loaves.txt"] {
        let known = sidecar.request("stat", json!({ "paths": [path] }));
        assert!(known["entries"][0]["hash"].is_string(), "the index does not know {path}: {known}");
        for (start, end) in [(0_u64, 0_u64), (0, 2), (2, 30), (10, 1 << 40), (1 << 40, 1 << 41), (u64::MAX, u64::MAX)] {
            let params = json!({ "path": path, "encoding": "base64", "range": { "start": start, "end": end } });
            let mut whole_params = params.clone();
            // The SHA-256 cannot be had without reading the whole.
            whole_params["sha256"] = json!(true);
            let part = sidecar.request("readFile", params);
            let mut whole = sidecar.request("readFile", whole_params);
            assert!(whole.as_object_mut().unwrap().remove("sha256").is_some());
            assert_eq!(part, whole, "{path} {start}..{end}");
        }
    }
    sidecar.finish();
}

#[test]
fn ranges_are_bytes() {
    let workspace = fixtures::copy();
    workspace.write("large.bin", (0..3_000_000_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>());
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for path in ["src/data/loaves.json", "src/data/returned-loaves.txt", "large.bin", "src/legacy/till.ts"] {
        let bytes = fs::read(workspace.at(path)).unwrap();
        let end = bytes.len() as u64;
        for (start, stop) in [
            (0, 0),
            (0, 1),
            (1, 40),
            (0, end),
            (end / 2, end),
            (end, end),
            (end, end + 9),
            (end + 1, u64::MAX),
            (0, u64::MAX),
            ((1 << 20) - 1, (1 << 20) + 1),
            (1 << 20, 2 << 20),
        ] {
            let range = json!({ "start": start, "end": stop });
            let read = sidecar.request("readFile", json!({ "path": path, "encoding": "base64", "range": range }));
            let (from, to) = (start.min(end) as usize, stop.min(end) as usize);
            assert_eq!(STANDARD.decode(read["base64"].as_str().unwrap()).unwrap(), bytes[from..to], "{path} {range}");
            // Facts are of the whole file.
            assert_eq!((&read["hash"], &read["size"]), (&json!(hash(&bytes)), &json!(end)), "{path} {range}");
        }
    }
    let read = sidecar.request(
        "readFile",
        json!({ "path": "large.bin", "encoding": "base64", "range": { "start": 5, "end": 8 }, "sha256": true }),
    );
    assert_eq!(read["sha256"], sha256(&fs::read(workspace.at("large.bin")).unwrap()));
    // A range in the middle of a character is no text.
    workspace.write("😀.txt", "😀😀");
    for (range, text) in [((0, 4), Some("😀")), ((4, 8), Some("😀")), ((0, 3), None), ((1, 4), None)] {
        let params = json!({ "path": "😀.txt", "range": { "start": range.0, "end": range.1 } });
        match text {
            Some(text) => assert_eq!(sidecar.request("readFile", params)["text"], text),
            None => drop(sidecar.expect_error("readFile", params, "not_utf8")),
        }
    }
    sidecar.finish();
}

#[test]
fn what_the_client_has_is_not_sent_again() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for path in ["src/App.tsx", "dist/bundle.js"] {
        let before = sidecar.request("readFile", json!({ "path": path }));
        let same = json!({ "path": path, "ifHashNot": before["hash"] });
        let wanted = json!({ "path": path, "hash": before["hash"], "notModified": true });
        assert_eq!(sidecar.request("readFile", same.clone()), wanted);
        let many = sidecar.request("readFiles", json!({ "paths": [path], "ifHashNot": before["hash"] }));
        assert_eq!(many, json!({ "files": [wanted] }));
        // The same size and the same modification time, other bytes.
        let file = workspace.at(path);
        let modified = fs::metadata(&file).unwrap().modified().unwrap();
        let mut bytes = fs::read(&file).unwrap();
        bytes[0] ^= 1;
        fs::write(&file, &bytes).unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(modified).unwrap();
        let after = sidecar.request("readFile", same);
        assert_eq!(after["hash"], hash(&bytes), "{path}");
        assert_eq!(after["text"].as_str().unwrap().as_bytes(), bytes);
    }
    let other = sidecar.request("readFile", json!({ "path": "src/App.tsx", "ifHashNot": "no hash at all" }));
    assert!(other["text"].is_string());
    sidecar.finish();
}

#[test]
fn max_bytes_is_a_bound() {
    let workspace = fixtures::copy();
    workspace.write("ten.txt", "0123456789");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let read = sidecar.request("readFile", json!({ "path": "ten.txt", "maxBytes": 10 }));
    assert_eq!(read["text"], "0123456789");
    let error = sidecar.expect_error("readFile", json!({ "path": "ten.txt", "maxBytes": 9 }), "file_too_large");
    assert_eq!(error["data"], json!({ "size": 10, "maxBytes": 9 }));
    sidecar.expect_error("readFile", json!({ "path": "ten.txt", "maxBytes": 0 }), "file_too_large");
    let params = json!({ "path": "ten.txt", "maxBytes": 3, "range": { "start": 4, "end": 7 } });
    assert_eq!(sidecar.request("readFile", params)["text"], "456");
    let params = json!({ "path": "ten.txt", "maxBytes": 3, "range": { "start": 4, "end": 8 } });
    sidecar.expect_error("readFile", params, "file_too_large");
    let empty = json!({ "path": "src/data/returned-loaves.txt", "maxBytes": 0 });
    assert_eq!(sidecar.request("readFile", empty)["text"], "");
    sidecar.finish();
}

#[test]
fn many_files_are_each_as_one() {
    let workspace = odd_workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    let mut paths: Vec<String> = files(&workspace.root).into_iter().map(|(path, _)| path).collect();
    paths.extend(["none", "../x", "src", "src/App.tsx"].map(str::to_owned));
    for options in
        [json!({}), json!({ "encoding": "base64" }), json!({ "range": { "start": 0, "end": 3 }, "sha256": true })]
    {
        let mut many = options.clone();
        many["paths"] = json!(paths);
        let result = sidecar.request("readFiles", many);
        assert!(result.get("next").is_none());
        let read = result["files"].as_array().unwrap();
        assert_eq!(read.len(), paths.len());
        for (path, of_many) in paths.iter().zip(read) {
            let mut one = options.clone();
            one["path"] = json!(path);
            let id = sidecar.send("readFile", one);
            let response = sidecar.wait_for(&id);
            if response["ok"] == true {
                assert_eq!(response["result"], *of_many, "{path}");
            } else {
                assert_eq!(json!({ "path": path, "error": response["error"] }), *of_many, "{path}");
            }
        }
    }
    assert_eq!(sidecar.request("readFiles", json!({ "paths": [] })), json!({ "files": [] }));
    sidecar.finish();
}
