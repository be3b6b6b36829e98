//! Results that come in parts.

use std::time::Duration;

use serde_json::{Value, json};

use super::steady;
use crate::fixtures::{self, LARGE_FILES, Workspace};
use crate::harness::Sidecar;

/// Matches every file of [`fixtures::large`].
fn params(stream: bool) -> Value {
    json!({ "pattern": "const x", "stream": stream, "contextBefore": 1, "syncTimeoutMs": 60_000 })
}

fn partials(sidecar: &Sidecar) -> usize {
    sidecar.events().filter(|event| event["event"] == "partial").count()
}

/// The files of all parts received so far.
fn take_files(sidecar: &mut Sidecar, id: &str) -> Vec<Value> {
    let mut files = Vec::new();
    for _ in 0..partials(sidecar) {
        let mut part = sidecar.wait_event("partial");
        assert_eq!(part["id"], id);
        let Value::Array(some) = part["files"].take() else { panic!("{part}") };
        assert!(!some.is_empty());
        files.extend(some);
    }
    files
}

#[test]
fn the_parts_are_the_whole() {
    let workspace = fixtures::large();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let whole = sidecar.request("search", params(false));
    assert_eq!(whole["fileCount"], LARGE_FILES);
    for mode in ["matches", "files", "count"] {
        let ask = |stream: bool| {
            let mut params = params(stream);
            params["mode"] = json!(mode);
            params["maxMatches"] = json!(LARGE_FILES - 10);
            params
        };
        let mut whole = steady(sidecar.request("search", ask(false)));
        let id = sidecar.send("search", ask(true));
        let mut total = steady(sidecar.result(&id));
        // All parts came before the response: nothing else was received since.
        let files = take_files(&mut sidecar, &id);
        assert_eq!(total["files"].take(), json!([]));
        assert_eq!(whole["files"].take(), Value::Array(files), "{mode}");
        assert_eq!(total, whole);
        assert_eq!(total["limitHit"], true);
    }
    sidecar.request("ping", json!({}));
    assert_eq!(partials(&sidecar), 0, "none comes later");
    sidecar.finish();
}

#[test]
fn two_streams_do_not_mix() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let one = |pattern: &str, stream: bool| json!({ "pattern": pattern, "stream": stream });
    let whole: Vec<Value> =
        ["a", "e"].map(|pattern| sidecar.request("search", one(pattern, false))["files"].take()).into();
    let ids = sidecar.send_all([("search", one("a", true)), ("search", one("e", true))]);
    for id in &ids {
        sidecar.result(id);
    }
    let mut files = [Vec::new(), Vec::new()];
    for _ in 0..partials(&sidecar) {
        let mut part = sidecar.wait_event("partial");
        let which = ids.iter().position(|id| part["id"] == *id).unwrap();
        let Value::Array(some) = part["files"].take() else { panic!("{part}") };
        files[which].extend(some);
    }
    assert_eq!(files.map(Value::Array), whole[..]);
    sidecar.finish();
}

#[test]
fn a_stream_may_be_longer_than_a_response() {
    let workspace = fixtures::large();
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-response-bytes", "50000"]).spawn();
    let cut = sidecar.request("search", params(false));
    assert_eq!(cut["limitHit"], true);
    let id = sidecar.send("search", params(true));
    let total = sidecar.result(&id);
    assert_eq!(total["limitHit"], false);
    assert_eq!(total["matchCount"], LARGE_FILES);
    let files = take_files(&mut sidecar, &id);
    assert_eq!(files.len(), LARGE_FILES);
    assert!(files.iter().map(|file| file["path"].as_str()).is_sorted());
    sidecar.finish();
}

#[test]
fn a_slow_reader_loses_nothing() {
    let workspace = fixtures::large();
    let mut slow = Sidecar::builder(&workspace.root).args(["--max-queued-bytes", "20000"]).reads_only(1).spawn();
    let id = slow.send("search", params(true));
    // As long as this takes, nobody reads what the other one says: far more than a pipe and its queue hold.
    let mut other = Sidecar::spawn(&workspace.root);
    let whole = other.request("search", params(false));
    for _ in 0..5 {
        other.request("search", params(false));
    }
    other.finish();
    slow.read_on();
    let total = slow.result(&id);
    assert_eq!(total["matchCount"], whole["matchCount"]);
    assert_eq!(total["limitHit"], false);
    assert_eq!(Value::Array(take_files(&mut slow, &id)), whole["files"]);
    crate::memory::assert_below(slow.pid(), 200);
    slow.finish();
}

#[test]
fn nothing_comes_after_a_cancelled_response() {
    let workspace = fixtures::large();
    // `ready`, `indexed` and one part are read; then the search has to wait for room.
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-queued-bytes", "20000"]).reads_only(3).spawn();
    sidecar.wait_event("ready");
    sidecar.wait_event("indexed");
    let id = sidecar.send("search", params(true));
    let part = sidecar.wait_event("partial");
    assert_eq!(part["id"], id.as_str());
    let cancel = sidecar.send("cancel", json!({ "id": id }));
    sidecar.read_on();
    assert_eq!(sidecar.error(&id)["code"], "cancelled");
    let before = take_files(&mut sidecar, &id).len();
    assert!(before < LARGE_FILES - 1, "it was over before it was cancelled");
    assert_eq!(sidecar.result(&cancel), json!({ "cancelled": true }));
    // A whole search later there is still nothing more of the first one, and the same id can be used again.
    assert_eq!(sidecar.request("search", params(false))["fileCount"], LARGE_FILES);
    assert_eq!(partials(&sidecar), 0);
    assert_eq!(sidecar.request("status", json!({}))["inFlight"], 1);
    sidecar.finish();
}

#[test]
fn nothing_comes_after_a_timeout() {
    let workspace = fixtures::large();
    // The first part may come too late on a busy machine; then another process is asked.
    let attempts = (1..=10).take_while(|_| !runs_out_of_time(&workspace)).count();
    assert!(attempts < 10, "no part came in time, {attempts} times");
}

/// Reads a part of a stream, and the rest when its time was over. Whether there was a part before that.
fn runs_out_of_time(workspace: &Workspace) -> bool {
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-queued-bytes", "20000"]).reads_only(3).spawn();
    sidecar.wait_event("ready");
    sidecar.wait_event("indexed");
    let mut params = params(true);
    params["consistency"] = json!("eventual");
    let (id, _) = sidecar.line("search", &params);
    let line = json!({ "id": id, "method": "search", "params": params, "timeoutMs": 2000 }).to_string();
    sidecar.send_line(line.as_bytes(), Some(&id));
    let part = sidecar.try_event("partial", Duration::from_secs(10)).unwrap();
    if part.is_some() {
        // Time is all that this waits for; nothing is read that could tell.
        std::thread::sleep(Duration::from_millis(2100));
    }
    sidecar.read_on();
    assert_eq!(sidecar.error(&id)["code"], "timeout");
    take_files(&mut sidecar, &id);
    params["stream"] = json!(false);
    assert_eq!(sidecar.request("search", params)["fileCount"], LARGE_FILES);
    assert_eq!(partials(&sidecar), 0);
    sidecar.finish();
    part.is_some()
}
