//! `query`: what tree-sitter queries match.

use std::collections::BTreeSet;
use std::time::Instant;

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::{Effort, LIMIT, Sidecar, soon};
use crate::memory;
use crate::random::Random;

/// A sidecar whose text index is there.
fn indexed(workspace: &Workspace) -> Sidecar {
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    let end = Instant::now() + LIMIT;
    // Nothing tells when it is built.
    while sidecar.request("status", json!({}))["textIndex"]["ready"] != true {
        assert!(Instant::now() < end, "the index is never built");
    }
    sidecar
}

fn texts<'result>(result: &'result Value, capture: &str) -> Vec<(&'result str, &'result str)> {
    let mut found = Vec::new();
    for file in result["files"].as_array().unwrap() {
        for one in file["matches"].as_array().unwrap() {
            let captures = one["captures"].as_array().unwrap().iter().filter(|found| found["name"] == capture);
            found.extend(captures.map(|found| (file["path"].as_str().unwrap(), found["text"].as_str().unwrap())));
        }
    }
    found
}

#[test]
fn matches_of_one_file_and_of_many() {
    let workspace = Workspace::empty();
    workspace.write("a.tsx", "\u{feff}// é😀\r\nexport const A = () => <b c='🥐'/>;\r\n");
    workspace.write("b/c.ts", "export const d = <number>e, b = 1;\n");
    workspace.write("b/d.js", "let b = <b/>;\n");
    workspace.write("b/e.md", "let b = <b/>;\n");
    workspace.write("b/f.ts", b"\x00\x01 let b");
    workspace.write("b/g.ts", b"let b = '\xE8'");
    workspace.write(".gitignore", "ignored");
    workspace.write("ignored/b.ts", "let b;");
    let mut sidecar = indexed(&workspace);
    let query = "(jsx_self_closing_element name: (_) @name) @element";
    let one = sidecar.request("query", json!({ "query": query, "path": "a.tsx" }));
    let bytes = std::fs::read(workspace.at("a.tsx")).unwrap();
    let element = json!({
        "name": "element", "kind": "jsx_self_closing_element", "text": "<b c='🥐'/>",
        "range": { "start": 32, "end": 43 },
        "start": { "line": 2, "column": 24 }, "end": { "line": 2, "column": 35 },
    });
    let name = json!({
        "name": "name", "kind": "identifier", "text": "b",
        "range": { "start": 33, "end": 34 },
        "start": { "line": 2, "column": 25 }, "end": { "line": 2, "column": 26 },
    });
    let file = json!({
        "path": "a.tsx",
        "hash": blake3::hash(&bytes).to_hex().as_str(),
        "matches": [{ "pattern": 0, "captures": [element, name] }],
    });
    assert_eq!((&one["files"], &one["limitHit"], &one["synced"]), (&json!([file]), &json!(false), &json!(true)));
    let many = sidecar.request("query", json!({ "query": query }));
    assert_eq!(texts(&many, "name"), [("a.tsx", "b"), ("b/d.js", "b")], "TypeScript has no elements");
    assert_eq!(many["matchCount"], 2);
    let names = "((variable_declarator name: (identifier) @name) (#eq? @name \"b\"))";
    for (params, found, considered) in [
        (json!({}), vec!["b/c.ts", "b/d.js"], 5),
        (json!({ "include": ["*.ts"] }), vec!["b/c.ts"], 3),
        (json!({ "exclude": ["b"] }), vec![], 1),
        (json!({ "language": "js" }), vec!["b/d.js"], 1),
        (json!({ "path": "ignored/b.ts" }), vec!["ignored/b.ts"], 1),
        (json!({ "path": "b/e.md", "language": "jsx" }), vec!["b/e.md"], 1),
        (json!({ "path": "b/c.ts", "useIndex": false }), vec!["b/c.ts"], 1),
    ] {
        for use_index in [true, false] {
            let mut params = params.clone();
            params["query"] = json!(names);
            params["useIndex"] = json!(use_index);
            let result = sidecar.request("query", params.clone());
            let paths: Vec<&str> = texts(&result, "name").iter().map(|(path, _)| *path).collect();
            assert_eq!(paths, found, "{params}");
            assert_eq!(result["stats"]["filesConsidered"], considered, "{params}");
        }
    }
    let all = sidecar.request("query", json!({ "query": names, "useIndex": false }));
    assert_eq!(all["stats"]["notTextSkipped"], 2, "{all}");
    // A write that was made before.
    workspace.write("b/new.mts", "const b = 2");
    let after = sidecar.request("query", json!({ "query": names }));
    assert_eq!(texts(&after, "name").len(), 3, "{after}");
    assert_eq!(after["synced"], true);
    sidecar.finish();
}

#[test]
fn what_is_refused() {
    let workspace = fixtures::copy();
    workspace.write("latin1.ts", b"// \xE8\n");
    workspace.write("large.ts", "a;".repeat(2000));
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-parse-bytes", "3000"]).spawn();
    let any = "(identifier) @a";
    for (params, code) in [
        (json!({}), "invalid_params"),
        (json!({ "query": any, "path": "a.ts", "include": [] }), "invalid_params"),
        (json!({ "query": any, "language": "python" }), "invalid_params"),
        (json!({ "query": any, "include": ["["] }), "invalid_glob"),
        (json!({ "query": any, "path": "/a.ts" }), "invalid_path"),
        (json!({ "query": any, "path": "no-such-file.ts" }), "not_found"),
        (json!({ "query": any, "path": "README.md" }), "unsupported_language"),
        (json!({ "query": any, "path": "src", "language": "ts" }), "not_a_file"),
        (json!({ "query": any, "path": "latin1.ts" }), "not_utf8"),
        (json!({ "query": any, "path": "large.ts" }), "file_too_large"),
        (json!({ "query": "(" }), "invalid_query"),
        (json!({ "query": "(jsx_element) @a (type_assertion) @b" }), "invalid_query"),
        (json!({ "query": "(jsx_element)", "language": "ts" }), "invalid_query"),
        (json!({ "query": "(type_assertion)", "path": "src/App.tsx" }), "invalid_query"),
        (json!({ "query": "x".repeat(100_000) }), "invalid_query"),
    ] {
        sidecar.expect_error("query", params, code);
    }
    let error = sidecar.expect_error("query", json!({ "query": "(program)\n  (é)" }), "invalid_query");
    assert_eq!(
        (&error["data"]["line"], &error["data"]["column"], &error["data"]["offset"]),
        (&json!(2), &json!(4), &json!(13))
    );
    let error = sidecar.expect_error("query", json!({ "query": "((identifier) @a (#near? @a))" }), "invalid_query");
    assert!(error["message"].as_str().unwrap().contains("#near?"), "{error}");
    let result = sidecar.request("query", json!({ "query": any }));
    assert_eq!(result["stats"]["tooLargeSkipped"], 1, "{}", result["stats"]);
    sidecar.finish();
}

#[test]
fn a_cut_is_always_the_first_matches() {
    let workspace = Workspace::empty();
    for file in 0..40 {
        workspace.write(&format!("f{file:02}.ts"), "a; bb; ccc;\n".repeat(file % 4));
    }
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let query = "(identifier) @a";
    let all = sidecar.request("query", json!({ "query": query }));
    assert_eq!((&all["matchCount"], &all["limitHit"]), (&json!(180), &json!(false)));
    let every = texts(&all, "a");
    for max in [0, 1, 2, 3, 4, 100, 179, 180, 181] {
        let cut = sidecar.request("query", json!({ "query": query, "maxMatches": max }));
        assert_eq!(texts(&cut, "a"), every[..every.len().min(max)], "{max}");
        assert_eq!(cut["limitHit"], max < 180, "{max}");
    }
    sidecar.finish();
    let long = "x".repeat(3000);
    workspace.write("long.ts", format!("{long}; '{}'", "é😀".repeat(1000)));
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-response-bytes", "12000"]).spawn();
    let cut = sidecar.request("query", json!({ "query": query }));
    let some = texts(&cut, "a");
    assert_eq!((&cut["limitHit"], some.as_slice()), (&json!(true), &every[..some.len()]));
    assert!(some.len() > 10, "{}", some.len());
    let both = sidecar.request("query", json!({ "query": "(identifier) @a (string) @a", "path": "long.ts" }));
    let captures: Vec<&Value> =
        both["files"][0]["matches"].as_array().unwrap().iter().map(|one| &one["captures"][0]).collect();
    assert_eq!((&captures[0]["text"], &captures[0]["truncated"]), (&json!(&long[..1000]), &json!(true)));
    assert_eq!(captures[1]["text"].as_str().unwrap().encode_utf16().count(), 1000);
    sidecar.finish();
}

#[test]
fn what_waits_for_the_files_before_it_is_bounded() {
    const EACH: usize = 10_000;
    let workspace = Workspace::empty();
    for file in 0..80 {
        workspace.write(&format!("f{file:02}.ts"), "a;\n".repeat(EACH));
    }
    // Each file has as much as half a response may have, and 66 are under way.
    let args = ["--threads", "32", "--max-response-bytes", "16000000"];
    let mut sidecar = Sidecar::builder(&workspace.root).args(args).spawn();
    let query = "(identifier) @a @b @c @d @e @f @g @h @i @j";
    let result = sidecar.request("query", json!({ "query": query, "maxMatches": 1_000_000 }));
    let files = result["files"].as_array().unwrap();
    assert_eq!((files.len(), &result["limitHit"]), (1, &json!(true)), "the first one is cut");
    let found = files[0]["matches"].as_array().unwrap();
    assert!((1000..EACH).contains(&found.len()), "{}", found.len());
    // With more in each than its share, and all of it in the response.
    let query = "(identifier) @a";
    let whole = sidecar.request("query", json!({ "query": query, "maxMatches": 55_000 }));
    let counts: Vec<usize> =
        whole["files"].as_array().unwrap().iter().map(|file| file["matches"].as_array().unwrap().len()).collect();
    assert_eq!((counts, &whole["limitHit"]), (vec![EACH, EACH, EACH, EACH, EACH, 5000], &json!(true)));
    // Some 200 on a quiet machine, most of it the parsers of 32 threads; 450 when each file had half a response.
    memory::assert_below(sidecar.pid(), 320);
    sidecar.finish();
}

/// A made-up query with what narrows it, and with what does not.
fn made_up(random: &mut Random, words: &[String]) -> String {
    let patterns = 1 + random.below(3);
    let mut query = String::new();
    for _ in 0..patterns {
        let word = |random: &mut Random| words[random.below(words.len())].clone();
        let node = random.pick(&[
            "(identifier) @a",
            "(identifier)? @a",
            "(_ (identifier)* @a)",
            "[(identifier) @a (string) @b]",
            "(jsx_attribute (property_identifier) @a)",
            "(import_specifier name: (identifier) @a)",
            "(variable_declarator name: (identifier) @a value: (_) @c)",
        ]);
        let mut predicates = String::new();
        for _ in 0..random.below(3) {
            let predicate = match random.below(6) {
                0 => format!("(#eq? @a \"{}\")", word(random)),
                1 => format!("(#any-of? @a \"{}\" \"{}\")", word(random), word(random)),
                2 => format!("(#match? @a \"^{}\")", &word(random)[..2]),
                3 => format!("(#not-eq? @a \"{}\")", word(random)),
                4 => format!("(#any-eq? @a \"{}\")", word(random)),
                _ => format!("(#match? @a \"{}|{}$\")", word(random), word(random)),
            };
            predicates.push_str(&predicate);
        }
        query.extend(["(", node, " ", &predicates, ")\n"]);
    }
    query
}

#[test]
fn with_the_index_and_without_it_the_same_matches() {
    let workspace = fixtures::copy();
    let mut sidecar = indexed(&workspace);
    let words: BTreeSet<String> = {
        let all = sidecar.request("query", json!({ "query": "(identifier) @a (property_identifier) @a" }));
        texts(&all, "a").into_iter().map(|(_, text)| text.to_owned()).filter(|text| text.len() > 2).collect()
    };
    let words: Vec<String> = words.into_iter().chain(["noSuchName".to_owned()]).collect();
    let (mut narrowed, mut matching) = (0, 0);
    for seed in 0..150 {
        let mut random = Random::new(seed);
        if seed % 25 == 24 {
            // What changed since is looked at by every query.
            workspace.write(&format!("src/new{seed}.ts"), format!("const {} = 1;", words[random.below(words.len())]));
        }
        let query = made_up(&mut random, &words);
        let [mut with, mut without] =
            [true, false].map(|index| sidecar.request("query", json!({ "query": query, "useIndex": index })));
        let stats = with["stats"].take();
        without["stats"].take();
        assert_eq!(with, without, "seed {seed}: {query}");
        narrowed +=
            usize::from(stats["indexed"] == true && stats["candidates"].as_u64() < stats["filesConsidered"].as_u64());
        matching += usize::from(with["matchCount"] != 0);
    }
    assert!(narrowed > 30 && matching > 60, "{narrowed} were narrowed, {matching} matched");
    sidecar.finish();
}

#[test]
fn hostile_queries_and_sources_are_answered_in_time() {
    let workspace = Workspace::empty();
    workspace.write("good.ts", "let good = 1;");
    workspace.write("bad.tsx", "a<b>(".repeat(200_000));
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
    // The last takes the library hours to compile, and it never looks whether it has to go on.
    let mut asked = 0;
    for query in ["(identifier) @a", "(((_ (_)* @a)* @b)* @c)+", "((_)* (_)* (_)* (_)* (_)*)+ @a"] {
        asked = 0;
        soon(query, || {
            asked += 1;
            let (id, _) = sidecar.line("query", &json!({}));
            let line = json!({ "id": id, "method": "query", "params": { "query": query }, "timeoutMs": 300 });
            let effort = Effort::of(&sidecar);
            sidecar.send_line(line.to_string().as_bytes(), Some(&id));
            let response = sidecar.wait_for(&id);
            let took = effort.took(&sidecar);
            // The source may have been given up by then.
            let (code, stats) = (&response["error"]["code"], &response["result"]["stats"]);
            assert!(*code == "timeout" || stats["tooSlowSkipped"] == 1, "{response:.300}");
            took
        });
        soon(&format!("the next one after {query}"), || {
            let effort = Effort::of(&sidecar);
            let next = sidecar.request("query", json!({ "query": "(identifier) @a", "path": "good.ts" }));
            assert_eq!(texts(&next, "a"), [("good.ts", "good")]);
            effort.took(&sidecar)
        });
    }
    let end = Instant::now() + LIMIT;
    // The last one, as often as it was asked, and none of the others.
    while !(1..=asked).any(|count| sidecar.request("status", json!({}))["threads"]["abandoned"] == count) {
        assert!(Instant::now() < end, "what goes on for hours is not counted");
    }
    sidecar.finish();
}
