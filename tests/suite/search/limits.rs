//! A cut result is the beginning of the whole one.

use serde_json::{Value, json};

use super::{paths, steady};
use crate::fixtures::Workspace;
use crate::harness::Sidecar;
use crate::random::Random;

/// A match: its file, and where it starts.
type Match = (String, u64);

/// Files with no, some and many matches, of different sizes.
fn workspace() -> Workspace {
    let workspace = Workspace::empty();
    let mut random = Random::new(11);
    for file in 0..120 {
        let lines = if random.one_in(10) { 400 } else { random.below(30) };
        let text: String = (0..lines)
            .map(|line| format!("{}{line}\n", ["needle ", "hay ", "needle needle 🥐 needle "][random.below(3)]))
            .collect();
        workspace.write(&format!("d{}/f{file}.txt", file % 7), text);
    }
    workspace
}

fn matches(result: &Value) -> Vec<Match> {
    let mut all = Vec::new();
    for file in result["files"].as_array().unwrap() {
        let path = file["path"].as_str().unwrap();
        let before = all.len();
        for line in file["lines"].as_array().unwrap() {
            let starts =
                line["matches"].as_array().unwrap().iter().map(|found| found["range"]["start"].as_u64().unwrap());
            all.extend(starts.map(|start| (path.to_owned(), start)));
        }
        assert_eq!(file["matchCount"], all.len() - before);
    }
    assert_eq!(result["matchCount"], all.len());
    assert_eq!(result["fileCount"], result["files"].as_array().unwrap().len());
    all
}

fn search(sidecar: &mut Sidecar, more: Value) -> Value {
    let mut params = json!({ "pattern": "needle", "syncTimeoutMs": 60_000 });
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    sidecar.request("search", params)
}

#[test]
fn max_matches_cuts_to_the_first_in_path_order() {
    let workspace = workspace();
    let mut random = Random::new(12);
    for threads in ["1", "4"] {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", threads]).spawn();
        let whole = search(&mut sidecar, json!({ "maxMatches": 1_000_000 }));
        assert_eq!(whole["limitHit"], false);
        assert!(paths(&whole).is_sorted());
        let all = matches(&whole);
        let edges = [0, 1, 2, all.len() - 1, all.len(), all.len() + 1];
        for most in edges.into_iter().chain((0..30).map(|_| random.below(all.len()))) {
            let cut = search(&mut sidecar, json!({ "maxMatches": most }));
            assert_eq!(matches(&cut), all[..most.min(all.len())], "{most}");
            assert_eq!(cut["limitHit"], most < all.len(), "{most}");
            // Up to the last file, nothing else differs.
            let files = cut["files"].as_array().unwrap();
            let until = files.len().saturating_sub(1);
            assert_eq!(files[..until], whole["files"].as_array().unwrap()[..until]);
        }
        let whole = search(&mut sidecar, json!({ "mode": "files" }));
        let files = paths(&whole);
        for most in [0, 1, files.len() - 1, files.len(), files.len() + 1] {
            let cut = search(&mut sidecar, json!({ "mode": "files", "maxMatches": most }));
            assert_eq!(paths(&cut), files[..most.min(files.len())]);
            assert_eq!(cut["limitHit"], most < files.len(), "{most}");
        }
        for most in [1, 7, all.len() - 1, all.len()] {
            let cut = search(&mut sidecar, json!({ "mode": "count", "maxMatches": most }));
            assert_eq!((&cut["matchCount"], &cut["limitHit"]), (&json!(most), &json!(most < all.len())));
        }
        sidecar.finish();
    }
}

#[test]
fn max_matches_per_file_cuts_each_file() {
    let workspace = workspace();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let whole = search(&mut sidecar, json!({ "maxMatches": 1_000_000 }));
    let all = matches(&whole);
    let most_of_all =
        whole["files"].as_array().unwrap().iter().map(|file| file["matchCount"].as_u64().unwrap()).max().unwrap();
    for most in [1, 2, 3, 17, most_of_all - 1, most_of_all, most_of_all + 1] {
        let mut expected: Vec<Match> = Vec::new();
        for found in &all {
            if (expected.iter().rev().take_while(|(path, _)| *path == found.0).count() as u64) < most {
                expected.push(found.clone());
            }
        }
        let cut = search(&mut sidecar, json!({ "maxMatches": 1_000_000, "maxMatchesPerFile": most }));
        assert_eq!(matches(&cut), expected, "{most}");
        assert_eq!(cut["limitHit"], most < most_of_all, "{most}");
        for (file, before) in cut["files"].as_array().unwrap().iter().zip(whole["files"].as_array().unwrap()) {
            assert_eq!(file.get("limitHit").is_some(), before["matchCount"].as_u64().unwrap() > most);
        }
        let both = search(&mut sidecar, json!({ "maxMatches": 40, "maxMatchesPerFile": most }));
        assert_eq!(matches(&both), expected[..40.min(expected.len())], "{most}");
        assert_eq!(both["limitHit"], true);
    }
    sidecar.finish();
}

#[test]
fn a_long_response_is_cut_where_it_must_be() {
    let workspace = workspace();
    let mut one = Sidecar::spawn(&workspace.root);
    let whole = search(&mut one, json!({ "maxMatches": 1_000_000 }));
    one.finish();
    let all = matches(&whole);
    let mut before = 0;
    for bytes in [5000, 20_000, 100_000, 10_000_000] {
        let mut sidecar =
            Sidecar::builder(&workspace.root).args(["--max-response-bytes".to_owned(), bytes.to_string()]).spawn();
        let cut = search(&mut sidecar, json!({ "maxMatches": 1_000_000 }));
        let response = json!({ "id": "t1", "ok": true, "result": cut }).to_string();
        assert!(response.len() <= bytes, "{} > {bytes}", response.len());
        let found = matches(&cut);
        // A file that alone would fill the response is cut itself; up to the first of these nothing is missing.
        let first_cut = cut["files"].as_array().unwrap().iter().position(|file| file.get("limitHit").is_some());
        let whole_files = first_cut.unwrap_or(cut["files"].as_array().unwrap().len());
        assert_eq!(cut["files"].as_array().unwrap()[..whole_files], whole["files"].as_array().unwrap()[..whole_files]);
        assert_eq!(cut["limitHit"], found.len() < all.len());
        assert!(found.len() > before || found.len() == all.len(), "more room, more matches");
        before = found.len();
        sidecar.finish();
    }
    assert_eq!(before, all.len());
}

#[test]
fn a_cut_result_is_the_same_every_time() {
    let workspace = workspace();
    for more in [
        json!({ "maxMatches": 50, "contextBefore": 1, "contextAfter": 2 }),
        json!({ "maxMatches": 700, "maxMatchesPerFile": 9 }),
        json!({ "maxMatches": 1_000_000 }),
    ] {
        let mut first: Option<Value> = None;
        for threads in ["1", "4"] {
            let mut sidecar = Sidecar::builder(&workspace.root)
                .args(["--threads", threads, "--max-response-bytes", "150000"])
                .spawn();
            for _ in 0..20 {
                let result = steady(search(&mut sidecar, more.clone()));
                assert_eq!(result["limitHit"], true);
                assert_eq!(first.get_or_insert_with(|| result.clone()), &result);
            }
            sidecar.finish();
        }
    }
}
