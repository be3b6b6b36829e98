//! Files that are meant by some letters of their paths.

#[cfg(unix)]
use std::fs;

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;

/// The paths found, the best first.
fn paths(result: &Value) -> Vec<&str> {
    result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap()).collect()
}

fn find(sidecar: &mut Sidecar, query: &str) -> Value {
    // Where links cannot be made, the fixtures have copies in their place.
    sidecar.request("findFiles", json!({ "query": query, "exclude": ["links"], "syncTimeoutMs": 60_000 }))
}

#[test]
fn the_fixtures() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (query, wanted) in [
        ("ordform", &["src/components/OrderForm.tsx"][..]),
        ("app", &["src/App.tsx", "src/styles/app.css"]),
        ("src/app", &["src/App.tsx", "src/styles/app.css"]),
        ("loafcard", &["src/components/LoafCard.tsx", "src/components/LoafCard.module.css"]),
        ("comp/lc css", &["src/components/LoafCard.module.css"]),
        (r"starter\read", &["packages/starter/README.md"]),
        ("readme", &["README.md", "packages/starter/README.md"]),
        ("ub", &["src/hooks/useBoard.ts"]),
        ("index.ts", &["src/components/index.ts", "packages/starter/src/index.ts"]),
        ("ünï 😀", &["src/ünïcode/😀.ts"]),
        ("ÜNÏ/𠮷", &["src/ünïcode/𠮷.ts"]),
        (".storybook/", &[".storybook/main.ts", ".storybook/preview.tsx"]),
    ] {
        let result = find(&mut sidecar, query);
        let got = paths(&result);
        assert_eq!(got[..wanted.len().min(got.len())], *wanted, "{query}: {got:?}");
        let scores: Vec<u64> =
            result["files"].as_array().unwrap().iter().map(|file| file["score"].as_u64().unwrap()).collect();
        assert!(scores.is_sorted_by(|a, b| a >= b) && scores.iter().all(|score| *score < 1 << 53), "{scores:?}");
        assert_eq!((&result["limitHit"], &result["synced"]), (&json!(false), &json!(true)));
    }
    // What is ignored, or no file, is not found.
    for query in ["dist/bundle.js", "archive/menu", "src/components/ ordform nowhere", "app.tsx:12"] {
        assert_eq!(paths(&find(&mut sidecar, query)), [""; 0], "{query}");
    }
    sidecar.finish();
}

#[test]
fn positions_are_utf16() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (query, wanted) in [
        ("ordform", json!([15, 16, 17, 20, 21, 22, 23])),
        ("😀ts", json!([12, 15, 16])),
        ("ts 𠮷", json!([12, 15, 16])),
    ] {
        let found = find(&mut sidecar, query);
        assert_eq!(found["files"][0]["positions"], wanted, "{query}: {}", found["files"][0]);
    }
    sidecar.finish();
}

#[test]
fn without_letters_all_are_listed() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let listed = sidecar.request("glob", json!({ "include": ["**"], "exclude": ["src"] }));
    for query in ["", "  "] {
        let found = sidecar.request("findFiles", json!({ "query": query, "exclude": ["src"] }));
        assert_eq!(paths(&found), paths(&listed));
        assert!(found["files"].as_array().unwrap().iter().all(|file| file["positions"] == json!([])));
        assert_eq!((&found["limitHit"], &found["clock"]), (&json!(false), &listed["clock"]));
    }
    sidecar.finish();
}

#[test]
fn globs_narrow_it() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut among = |include: Value, mut exclude: Value| {
        exclude.as_array_mut().unwrap().push(json!("links"));
        let found = sidecar.request("findFiles", json!({ "query": "board", "include": include, "exclude": exclude }));
        paths(&found).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let all = ["src/components/Board.tsx", "src/hooks/useBoard.ts"];
    assert_eq!(among(json!([]), json!([])), all);
    assert_eq!(among(json!(["src/hooks/**", "*.md"]), json!([])), all[1..]);
    assert_eq!(among(json!(["**"]), json!(["hooks"])), all[..1]);
    for params in [json!({ "query": "a", "include": ["["] }), json!({ "query": "a", "exclude": ["x", "{"] })] {
        let error = sidecar.expect_error("findFiles", params, "invalid_glob");
        assert!(error["message"].as_str().unwrap().starts_with("invalid glob"), "{error}");
    }
    sidecar.finish();
}

#[test]
fn absurd_queries_are_refused() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for longest in ["😀".repeat(1024), "a".repeat(1024), " a".repeat(512), "/".repeat(1024)] {
        assert_eq!(find(&mut sidecar, &longest)["limitHit"], false);
        let error = sidecar.expect_error("findFiles", json!({ "query": longest + "a" }), "invalid_params");
        assert!(error["message"].as_str().unwrap().contains("`query`"), "{error}");
        assert_eq!(error["data"]["param"], "query");
    }
    for odd in ["\0", "\u{feff}", "a\nb", "[", "^$*"] {
        find(&mut sidecar, odd);
    }
    sidecar.finish();
}

#[test]
fn a_cut_list_is_the_beginning_of_the_whole_one() {
    let workspace = fixtures::large();
    let mut first: Option<Value> = None;
    for threads in ["1", "4"] {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", threads]).spawn();
        let whole =
            sidecar.request("findFiles", json!({ "query": "p1 f2", "limit": 1_000_000, "syncTimeoutMs": 60_000 }));
        let files = whole["files"].as_array().unwrap();
        assert!(files.len() > 200 && whole["limitHit"] == false, "{}", files.len());
        assert_eq!(first.get_or_insert_with(|| whole["files"].clone()), &whole["files"], "{threads} threads");
        for limit in [0, 1, 100, files.len() - 1, files.len()] {
            let cut = sidecar.request("findFiles", json!({ "query": "p1 f2", "limit": limit }));
            assert_eq!(cut["files"].as_array().unwrap()[..], files[..limit]);
            assert_eq!(cut["limitHit"], limit < files.len(), "{limit}");
        }
        let default = find(&mut sidecar, "p1 f2");
        assert_eq!(default["files"].as_array().unwrap()[..], files[..100]);
        assert_eq!(default["limitHit"], true);
        sidecar.finish();
    }
}

#[test]
fn a_list_is_cut_at_the_longest_response() {
    let workspace = Workspace::empty();
    for at in 0..200 {
        workspace.write(&format!("{}/{at:03}.txt", "né".repeat(20)), "");
    }
    let mut whole = Sidecar::spawn(&workspace.root);
    let query = "néné".repeat(9) + "txt";
    let all = whole.request("findFiles", json!({ "query": query, "limit": 1000 }));
    whole.finish();
    for bytes in [4096, 16_000] {
        let mut sidecar =
            Sidecar::builder(&workspace.root).args(["--max-response-bytes".to_owned(), bytes.to_string()]).spawn();
        let cut = sidecar.request("findFiles", json!({ "query": query, "limit": 1000 }));
        let files = cut["files"].as_array().unwrap();
        assert!(cut.to_string().len() <= bytes && !files.is_empty() && files.len() < 200, "{}", files.len());
        assert_eq!(files[..], all["files"].as_array().unwrap()[..files.len()]);
        assert_eq!(cut["limitHit"], true);
        sidecar.finish();
    }
}

/// Windows renames no directory in which a file is being read.
#[test]
#[cfg(unix)]
fn changes_are_seen_at_once() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    assert_eq!(paths(&find(&mut sidecar, "croissant")), [""; 0]);
    workspace.write("src/parts/Croissant.tsx", "");
    assert_eq!(paths(&find(&mut sidecar, "croissant")), ["src/parts/Croissant.tsx"]);
    fs::rename(workspace.at("src/parts"), workspace.at("src/pieces")).unwrap();
    assert_eq!(paths(&find(&mut sidecar, "croissant")), ["src/pieces/Croissant.tsx"]);
    workspace.write("src/.ignore", "pieces\n");
    let synced = find(&mut sidecar, "croissant");
    assert_eq!((&synced["files"], &synced["synced"]), (&json!([]), &json!(true)));
    let known = sidecar.request("findFiles", json!({ "query": "croissant", "consistency": "eventual" }));
    assert_eq!((&known["files"], &known["synced"]), (&json!([]), &json!(false)));
    assert_eq!(known["clock"], synced["clock"]);
    sidecar.finish();
}

#[test]
fn it_can_be_cancelled() {
    let workspace = fixtures::large();
    // A machine may be so busy that the cancellations come late; then another process is asked.
    for attempt in 1.. {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
        // They wait for the first index.
        let ids = sidecar.send_all((0..30).map(|_| ("findFiles", json!({ "query": "file" }))));
        let cancels = sidecar.send_all(ids.iter().map(|id| ("cancel", json!({ "id": id }))));
        let mut all = 0;
        for (id, cancel) in ids.iter().zip(&cancels) {
            let cancelled = sidecar.result(cancel)["cancelled"] == true;
            assert_eq!(sidecar.wait_for(id)["error"]["code"] == "cancelled", cancelled, "{id}");
            all += usize::from(cancelled);
        }
        assert_eq!(find(&mut sidecar, "file")["limitHit"], true);
        sidecar.finish();
        if all > 0 {
            break;
        }
        assert!(attempt < 20, "thirty answers in no time, {attempt} times");
    }
}
