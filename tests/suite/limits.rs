//! Time-outs, cancellation, and the bounds on requests and responses.

use serde_json::{Value, json};

use crate::fixtures::{self, Endless, LARGE_FILES, Workspace};
use crate::harness::{Sidecar, soon};

/// A glob that must walk the tree and read every file.
fn heavy() -> (&'static str, Value) {
    ("glob", json!({ "include": ["**"], "fields": ["hash"], "syncTimeoutMs": 60_000 }))
}

fn with_timeout(sidecar: &mut Sidecar, (method, params): (&str, Value), timeout_ms: u64) -> String {
    let (id, _) = sidecar.line(method, &params);
    let line = json!({ "id": id, "method": method, "params": params, "timeoutMs": timeout_ms }).to_string();
    sidecar.send_line(line.as_bytes(), Some(&id));
    id
}

#[test]
fn a_request_out_of_time_answers_timeout() {
    let workspace = fixtures::large();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for _ in 0..5 {
        let id = with_timeout(&mut sidecar, heavy(), 0);
        assert_eq!(sidecar.error(&id)["code"], "timeout");
    }
    let id = with_timeout(&mut sidecar, heavy(), 600_000);
    assert_eq!(sidecar.result(&id)["files"].as_array().unwrap().len(), LARGE_FILES);
    sidecar.finish();
}

#[test]
fn a_shutdown_out_of_time_cancels_what_it_waits_for() {
    let workspace = fixtures::large();
    let endless = Endless::add(&workspace);
    soon("the end", || {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
        let ids = sidecar.send_all([endless.request(false)].into_iter().chain((0..30).map(|_| heavy())));
        let shutdown = with_timeout(&mut sidecar, ("shutdown", json!({})), 0);
        assert_eq!(sidecar.error(&ids[0])["code"], "cancelled");
        for id in &ids[1..] {
            let response = sidecar.wait_for(id);
            assert!(response["ok"] == true || response["error"]["code"] == "cancelled", "{response:.300}");
        }
        assert_eq!(sidecar.result(&shutdown), json!({}));
        sidecar.ended(0)
    });
}

#[test]
fn cancelled_requests_answer_once() {
    let workspace = fixtures::large();
    let endless = Endless::add(&workspace);
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
    let heavy_ids = sidecar.send_all([endless.request(false)].into_iter().chain((0..30).map(|_| heavy())));
    let cancels = sidecar.send_all(heavy_ids.iter().map(|id| ("cancel", json!({ "id": id }))));
    for (at, (id, cancel)) in heavy_ids.iter().zip(&cancels).enumerate() {
        let cancelled = sidecar.result(cancel)["cancelled"] == true;
        let response = sidecar.wait_for(id);
        assert_eq!(response["error"]["code"] == "cancelled", cancelled, "{id}");
        assert!(cancelled || at > 0, "it would never have ended");
        assert_eq!(sidecar.request("cancel", json!({ "id": id })), json!({ "cancelled": false }), "answered already");
    }
    for id in ["nobody", "", "t1"] {
        assert_eq!(sidecar.request("cancel", json!({ "id": id })), json!({ "cancelled": false }));
    }
    // Nothing of the cancelled ones is left in flight.
    assert_eq!(sidecar.request("status", json!({}))["inFlight"], 1);
    sidecar.finish();
}

#[test]
fn requests_beyond_max_in_flight_wait() {
    let workspace = fixtures::large();
    let endless = Endless::add(&workspace);
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-in-flight", "1"]).spawn();
    let requests =
        (0..30).flat_map(|at| [if at == 0 { endless.request(true) } else { heavy() }, ("status", json!({}))]);
    let ids = sidecar.send_all(requests);
    // They are answered though nothing else is; and a request that waits can be cancelled.
    let control = sidecar.send_all([("ping", json!({})), ("cancel", json!({ "id": ids[58] }))]);
    sidecar.result(&control[0]);
    assert_eq!(sidecar.result(&control[1]), json!({ "cancelled": true }));
    assert_eq!(sidecar.error(&ids[58])["code"], "cancelled");
    assert_eq!(sidecar.order().len(), 3);
    assert_eq!(sidecar.request("cancel", json!({ "id": ids[0] })), json!({ "cancelled": true }));
    assert_eq!(sidecar.error(&ids[0])["code"], "cancelled");
    for (at, id) in ids.iter().enumerate().filter(|(at, _)| ![0, 58].contains(at)) {
        let result = sidecar.result(id);
        assert!(at % 2 == 0 || result["inFlight"] == 1, "{result:.300}");
    }
    sidecar.finish();
}

/// Far more requests than may be read ahead: what is not read waits in the pipe, and nothing is lost.
#[test]
fn a_flood_of_requests_is_answered() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-in-flight", "2"]).spawn();
    let requests = (0..3000).map(|at| match at % 3 {
        0 => ("readFile", json!({ "path": "src/App.tsx" })),
        1 => ("stat", json!({ "paths": ["src/App.tsx"] })),
        _ => ("glob", json!({ "include": ["*.tsx"], "consistency": "eventual" })),
    });
    for id in sidecar.send_all(requests) {
        sidecar.result(&id);
    }
    sidecar.finish();
}

fn small_responses() -> (Workspace, Sidecar) {
    bounded_responses(16_000)
}

/// A workspace of 200 files, and a sidecar whose responses have at most `max_bytes`.
fn bounded_responses(max_bytes: u32) -> (Workspace, Sidecar) {
    let workspace = Workspace::empty();
    for at in 0..200 {
        workspace.write(&format!("{at:03}-{}.txt", "n".repeat(100)), format!("{at}\n\u{1}").repeat(100));
    }
    let sidecar = Sidecar::builder(&workspace.root).args(["--max-response-bytes", &max_bytes.to_string()]).spawn();
    (workspace, sidecar)
}

#[test]
fn listings_are_cut_at_the_longest_response() {
    // The smallest bound that can be asked for, and one that holds some more.
    for max_bytes in [4096, 16_000] {
        page_through(max_bytes);
    }
}

fn page_through(max_bytes: u32) {
    let (_workspace, mut sidecar) = bounded_responses(max_bytes);
    let (mut listed, mut after, mut rounds) = (Vec::new(), None, 0);
    loop {
        let mut params = json!({ "include": ["**"], "fields": ["size", "mtimeMs", "hash", "kind"] });
        if let Some(after) = &after {
            params["after"] = json!(after);
        }
        let result = sidecar.request("glob", params);
        assert!(result.to_string().len() <= max_bytes as usize);
        let files = result["files"].as_array().unwrap();
        listed.extend(files.iter().map(|file| file["path"].as_str().unwrap().to_owned()));
        rounds += 1;
        if result["limitHit"] == false {
            break;
        }
        assert!(!files.is_empty(), "a page without anything on it leads nowhere");
        after = listed.last().cloned();
    }
    assert!(rounds > 2, "the bound was never reached");
    assert!(listed.len() == 200 && listed.is_sorted(), "{}", listed.len());
    sidecar.finish();
}

#[test]
fn a_response_that_is_too_large_is_refused() {
    let (workspace, mut sidecar) = small_responses();
    workspace.write("large.txt", "x".repeat(15_990));
    workspace.write("huge.txt", "x".repeat(1 << 20));
    // Control characters take six bytes each on the wire.
    workspace.write("escapes.txt", "\u{1}".repeat(3000));
    for path in ["large.txt", "huge.txt", "escapes.txt"] {
        let error = sidecar.expect_error("readFile", json!({ "path": path }), "response_too_large");
        assert_eq!(error["data"]["maxResponseBytes"], 16_000);
        let part = sidecar.request("readFile", json!({ "path": path, "range": { "start": 0, "end": 2000 } }));
        assert_eq!(part["text"].as_str().unwrap().len(), 2000);
    }
    sidecar.expect_error("stat", json!({ "paths": vec!["large.txt"; 1000] }), "response_too_large");
    sidecar.finish();
}

#[test]
fn reading_goes_on_from_next() {
    let (workspace, mut sidecar) = small_responses();
    workspace.write("huge.txt", "x".repeat(1 << 20));
    let mut paths: Vec<String> = (0..200).map(|at| format!("{at:03}-{}.txt", "n".repeat(100))).collect();
    paths.insert(7, "huge.txt".to_owned());
    paths.insert(9, "../bad".to_owned());
    paths.insert(11, "none".to_owned());
    for more in
        [json!({}), json!({ "maxTotalBytes": 1000 }), json!({ "maxTotalBytes": 100 }), json!({ "maxBytes": 10 })]
    {
        let (mut at, mut served) = (0, Vec::new());
        while at < paths.len() {
            let mut params = more.clone();
            params["paths"] = json!(paths[at..]);
            let result = sidecar.request("readFiles", params);
            let files = result["files"].as_array().unwrap();
            served.extend(files.iter().map(|file| file["path"].as_str().unwrap().to_owned()));
            match result["next"].as_u64() {
                Some(next) => {
                    assert!(next > 0 && next == files.len() as u64, "{more}: {next}");
                    at += files.len();
                }
                None => break,
            }
            for (file, path) in files.iter().zip(&served[served.len() - files.len()..]) {
                let code = &file["error"]["code"];
                match path.as_str() {
                    "huge.txt" => assert!(code.is_string(), "{more}: {file:.100}"),
                    "../bad" => assert_eq!(code, "invalid_path"),
                    "none" => assert_eq!(code, "not_found"),
                    _ if more.get("maxTotalBytes") == Some(&json!(1000)) || more == json!({}) => {
                        assert!(file["text"].is_string(), "{more}: {file:.300}");
                    }
                    _ => assert_eq!(code, "file_too_large", "{more}"),
                }
            }
        }
        assert_eq!(served, paths, "{more}");
    }
    sidecar.finish();
}
