//! `search`: what it finds, where, and how it tells.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::{Effort, Sidecar, soon};
use crate::random::Random;

mod differential;
mod fresh;
mod indexed;
mod large;
mod limits;
mod places;
mod positions;
mod queries;
mod stream;

/// The paths of the files in a result.
fn paths(result: &Value) -> Vec<&str> {
    result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

fn found(sidecar: &mut Sidecar, params: Value) -> Vec<String> {
    paths(&sidecar.request("search", params)).into_iter().map(str::to_owned).collect()
}

/// A result without what differs from run to run.
fn steady(mut result: Value) -> Value {
    for field in ["stats", "clock"] {
        result.as_object_mut().unwrap().remove(field);
    }
    result
}

#[test]
fn files_and_counts_agree_with_matches() {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for pattern in ["a", "loaf", "^", r"\d+", "🥐|🥖", "no such thing"] {
        let mut ask = |mode: &str| {
            sidecar
                .request("search", json!({ "pattern": pattern, "regex": true, "mode": mode, "maxMatches": 1_000_000 }))
        };
        let (matches, files, counts) = (ask("matches"), ask("files"), ask("count"));
        assert_eq!(paths(&matches), paths(&files));
        assert_eq!(paths(&matches), paths(&counts));
        assert_eq!(files["matchCount"], files["fileCount"], "one for each file");
        for field in ["fileCount", "matchCount"] {
            assert_eq!(matches[field], counts[field]);
        }
        for (at, file) in matches["files"].as_array().unwrap().iter().enumerate() {
            let bytes = std::fs::read(workspace.at(file["path"].as_str().unwrap())).unwrap();
            assert_eq!(file["hash"], blake3::hash(&bytes).to_hex().as_str());
            assert_eq!(counts["files"][at]["matchCount"], file["matchCount"]);
            assert_eq!(files["files"][at]["matchCount"], 1);
            for other in [&counts["files"][at], &files["files"][at]] {
                assert_eq!(other["hash"], file["hash"]);
                assert!(other.get("lines").is_none());
            }
        }
    }
    sidecar.finish();
}

#[test]
fn statistics_add_up() {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    workspace.write("odd/large.txt", "loaf\n".repeat(10_000));
    workspace.write("odd/large.dat", vec![0; 21_000]);
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-file-bytes", "20000"]).spawn();
    sidecar.wait_event("indexed");
    let listed = sidecar.request("glob", json!({ "include": ["**"] }))["files"].as_array().unwrap().len();
    let mut stats = |params: Value| {
        let result = sidecar.request("search", params);
        assert_eq!(result["limitHit"], false);
        let count = |name: &str| result["stats"].get(name).map_or(0, |count| count.as_u64().unwrap() as usize);
        let passed_over = ["binarySkipped", "tooLargeSkipped", "unreadableSkipped"].map(count);
        let looked_at = count("filesScanned") + passed_over.iter().sum::<usize>();
        if result["stats"]["indexed"] == true {
            // Nobody has to look at binary files to pass them over, unless they are young.
            let candidates = count("candidates");
            assert!((candidates..=candidates + passed_over[0]).contains(&looked_at), "{result}");
            assert!(looked_at <= count("filesConsidered"), "{result}");
        } else {
            assert_eq!((count("candidates"), count("filesConsidered")), (looked_at, looked_at), "{result}");
        }
        (count("filesConsidered"), passed_over)
    };
    for pattern in ["loaf", "no such thing"] {
        // The picture and the text with a NUL byte; those that are too large, whatever is in them.
        assert_eq!(stats(json!({ "pattern": pattern })), (listed, [2, 2, 0]));
        assert_eq!(stats(json!({ "pattern": pattern, "useIndex": false })), (listed, [2, 2, 0]));
    }
    assert_eq!(stats(json!({ "pattern": "loaf", "include": ["odd/*.bin", "*.png"] })), (2, [2, 0, 0]));
    assert_eq!(stats(json!({ "pattern": "loaf", "include": ["nothing/**"] })), (0, [0, 0, 0]));
    sidecar.finish();
}

#[test]
fn a_file_is_binary_by_its_first_64_kib() {
    let workspace = Workspace::empty();
    let text = |length: usize| b"needle\n".iter().copied().cycle().take(length).collect::<Vec<u8>>();
    let with_nul = |at: usize| [text(at), vec![0], b"\nneedle\n".to_vec()].concat();
    workspace.write("first.txt", with_nul(0));
    workspace.write("last.txt", with_nul(65_535));
    workspace.write("behind.txt", with_nul(65_536));
    workspace.write("marked.txt", [&b"\xEF\xBB\xBF"[..], &with_nul(65_532)].concat());
    workspace.write("marked-behind.txt", [&b"\xEF\xBB\xBF"[..], &with_nul(65_533)].concat());
    workspace.write("utf16.txt", b"\xFF\xFEn\0e\0e\0d\0l\0e\0\0\0");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let result = sidecar
        .request("search", json!({ "pattern": "^needle", "regex": true, "mode": "count", "maxMatches": 100_000 }));
    assert_eq!(paths(&result), ["behind.txt", "marked-behind.txt", "utf16.txt"]);
    assert_eq!(result["files"][0]["matchCount"], 65_536 / 7 + 1, "those behind the NUL byte, too");
    assert_eq!(result["stats"]["binarySkipped"], 3);
    // NUL bytes can be looked for where they do not make a file binary.
    assert_eq!(found(&mut sidecar, json!({ "pattern": "\0" })), ["behind.txt", "marked-behind.txt", "utf16.txt"]);
    sidecar.finish();
}

#[test]
fn include_and_exclude() {
    let workspace = Workspace::empty();
    for path in ["a.ts", "a.md", "src/b.ts", "src/b.test.ts", "src/lib/c.ts", "src/lib/c.md", "Src2/d.TS", ".e/f.ts"] {
        workspace.write(path, "needle\n");
    }
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (filter, expected) in [
        (
            json!({}),
            &[".e/f.ts", "Src2/d.TS", "a.md", "a.ts", "src/b.test.ts", "src/b.ts", "src/lib/c.md", "src/lib/c.ts"][..],
        ),
        (
            json!({ "include": [] }),
            &[".e/f.ts", "Src2/d.TS", "a.md", "a.ts", "src/b.test.ts", "src/b.ts", "src/lib/c.md", "src/lib/c.ts"],
        ),
        (json!({ "include": ["*.ts"] }), &[".e/f.ts", "a.ts", "src/b.test.ts", "src/b.ts", "src/lib/c.ts"]),
        (json!({ "include": ["src/*.ts", "*.md"] }), &["a.md", "src/b.test.ts", "src/b.ts", "src/lib/c.md"]),
        (json!({ "include": ["*.ts"], "exclude": ["*.test.ts", ".e"] }), &["a.ts", "src/b.ts", "src/lib/c.ts"]),
        (json!({ "exclude": ["src"] }), &[".e/f.ts", "Src2/d.TS", "a.md", "a.ts"]),
        (json!({ "exclude": ["**"] }), &[]),
    ] {
        let mut params = filter.clone();
        params["pattern"] = json!("needle");
        assert_eq!(found(&mut sidecar, params), expected, "{filter}");
    }
    sidecar.expect_error("search", json!({ "pattern": "x", "include": ["[a"] }), "invalid_glob");
    sidecar.expect_error("search", json!({ "pattern": "x", "exclude": ["{a"] }), "invalid_glob");
    sidecar.finish();
}

#[test]
fn case_and_words() {
    let workspace = Workspace::empty();
    workspace.write("kelvin.txt", "300 \u{212A}\n");
    workspace.write("lower.txt", "kiln élan straße\n");
    workspace.write("upper.txt", "KILN ÉLAN STRASSE\n");
    workspace.write("words.txt", "bread breadbasket short_bread bread-bin übread 🥐bread\n");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (pattern, case, expected) in [
        ("kiln", json!(true), &["lower.txt"][..]),
        ("kiln", json!(false), &["lower.txt", "upper.txt"]),
        ("kiln", json!("smart"), &["lower.txt", "upper.txt"]),
        ("Kiln", json!("smart"), &[]),
        ("Kiln", json!(false), &["lower.txt", "upper.txt"]),
        ("k", json!(false), &["kelvin.txt", "lower.txt", "upper.txt", "words.txt"]),
        ("élan", json!("smart"), &["lower.txt", "upper.txt"]),
        ("Élan", json!("smart"), &[]),
        ("ſtra", json!(false), &["lower.txt", "upper.txt"]),
    ] {
        let params = json!({ "pattern": pattern, "caseSensitive": case });
        assert_eq!(found(&mut sidecar, params), expected, "{pattern} {case}");
    }
    let mut columns = |pattern: &str, regex: bool| {
        let params = json!({ "pattern": pattern, "regex": regex, "wholeWord": true, "include": ["words.txt"] });
        let result = sidecar.request("search", params);
        let lines = result["files"][0]["lines"][0]["matches"].as_array().cloned().unwrap_or_default();
        lines.iter().map(|found| found["start"]["column"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(columns("bread", false), [1, 31, 50]);
    assert_eq!(columns("bread|bin", true), [1, 31, 37, 50]);
    assert_eq!(columns("bread-", false), [0; 0], "a word character follows");
    sidecar.finish();
}

#[test]
fn context_lines_are_merged() {
    let workspace = Workspace::empty();
    workspace.write("a.txt", "1\n2\n3 x\n4\n5 x\n6\n7\n8\n9\n10 x x\n11\n");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut shown = |before: u32, after: u32| {
        let params = json!({ "pattern": "x", "contextBefore": before, "contextAfter": after });
        let result = sidecar.request("search", params);
        assert_eq!(result["matchCount"], 4);
        let lines = result["files"][0]["lines"].as_array().unwrap();
        let line = |line: &Value| format!("{}{}", if line["context"] == true { "-" } else { "" }, line["line"]);
        lines.iter().map(line).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(shown(0, 0), "3 5 10");
    assert_eq!(shown(1, 0), "-2 3 -4 5 -9 10");
    assert_eq!(shown(0, 1), "3 -4 5 -6 10 -11");
    assert_eq!(shown(2, 2), "-1 -2 3 -4 5 -6 -7 -8 -9 10 -11");
    assert_eq!(shown(1000, 1000), "-1 -2 3 -4 5 -6 -7 -8 -9 10 -11");
    sidecar.finish();
}

#[test]
fn invalid_patterns_are_refused_at_once() {
    let workspace = Workspace::empty();
    workspace.write("a.txt", "a\n\nb\n");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let long = "a".repeat(1 << 20);
    let (deep, many) = ("(".repeat(5000), format!("{}a{}", "(?:".repeat(4000), ")".repeat(4000)));
    for pattern in [
        "(",
        ")",
        "[",
        "a{2,1}",
        "*",
        r"\",
        r"\q",
        "(?P<n",
        "(?<n>a)(?<n>b)",
        r"(a)\1",
        "(?=a)",
        r"\p{Nothing}",
        "a**{",
        "[b-a]",
        "(?z)",
        "(((a{100}){100}){100}){100}",
        r"\w{10000}",
        r"(?i)(\pL{500}){500}",
        r"(?:\w{1000}|\d{1000}){50}",
        &deep,
        &many,
        &long,
    ] {
        soon(pattern, || {
            let effort = Effort::of(&sidecar);
            sidecar.expect_error("search", json!({ "pattern": pattern, "regex": true }), "invalid_pattern");
            effort.took(&sidecar)
        });
    }
    for params in [
        json!({ "pattern": r"a\n", "regex": true }),
        json!({ "pattern": "a\n" }),
        json!({ "pattern": "\n" }),
        json!({ "pattern": r"a[\n]", "regex": true }),
    ] {
        let error = sidecar.expect_error("search", params, "invalid_pattern");
        assert!(error["message"].as_str().unwrap().contains("multiline"), "{error}");
    }
    // An empty pattern matches everywhere.
    let lines = |result: &Value| result["files"][0]["lines"].as_array().unwrap().len();
    for regex in [false, true] {
        assert_eq!(lines(&sidecar.request("search", json!({ "pattern": "", "regex": regex }))), 3);
    }
    sidecar.finish();
}

#[test]
fn a_heavy_pattern_runs_into_its_timeout() {
    let workspace = Workspace::empty();
    // After each `a` all depends on the next 500 letters, so no automaton has a state for where it is.
    let mut random = Random::new(31);
    for file in 0..8 {
        let text: String =
            (0..600_000).map(|at| if at % 301 == 300 { 'c' } else { ['a', 'b'][random.below(2)] }).collect();
        workspace.write(&format!("{file}.txt"), text);
    }
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
    sidecar.wait_event("indexed");
    for multiline in [false, true] {
        let params = json!({ "pattern": "a[ab]{500}c", "regex": true, "multiline": multiline });
        // The next one, too: a search that nobody waits for does not go on.
        soon("a search and the next one", || {
            let (id, _) = sidecar.line("search", &params);
            let effort = Effort::of(&sidecar);
            sidecar.send_line(
                json!({ "id": id, "method": "search", "params": params, "timeoutMs": 100 }).to_string().as_bytes(),
                Some(&id),
            );
            assert_eq!(sidecar.error(&id)["code"], "timeout", "{multiline}");
            let next = sidecar.request("search", json!({ "pattern": "ab", "mode": "files" }));
            assert_eq!(next["fileCount"], 8);
            effort.took(&sidecar)
        });
    }
    sidecar.finish();
}

#[test]
fn the_index_changes_nothing() {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (pattern, regex) in [
        ("loaf", false),
        ("🥐", false),
        (r"use[A-Z]\w+", true),
        ("foo|.*", true),
        ("a?", true),
        ("(x|)", true),
        ("é|É", true),
    ] {
        for case in [json!(true), json!(false), json!("smart")] {
            let mut ask = |index: bool| {
                let params = json!({ "pattern": pattern, "regex": regex, "caseSensitive": case, "useIndex": index, "contextAfter": 1 });
                steady(sidecar.request("search", params))
            };
            assert_eq!(ask(true), ask(false), "{pattern}");
        }
    }
    sidecar.finish();
}

#[test]
fn only_what_is_listed_is_searched() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let listed = sidecar.request("glob", json!({ "include": ["**"] }));
    let listed: BTreeSet<&str> = paths(&listed).into_iter().collect();
    let result = sidecar.request("search", json!({ "pattern": "", "mode": "files" }));
    let searched: BTreeSet<&str> = paths(&result).into_iter().collect();
    // A file of no bytes has no match, a binary one is not searched.
    let without: Vec<&str> = listed.difference(&searched).copied().collect();
    assert_eq!(without, ["public/loaf.png", "src/data/returned-loaves.txt"]);
    assert!(searched.is_subset(&listed));
    sidecar.finish();
}
