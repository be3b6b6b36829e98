//! `watch`, `unwatch`, `changed` and `changes` do what the contract says.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Listener, ask, sync};
use crate::fixtures::{self, Workspace};
use crate::freshness::contents;
use crate::harness::Sidecar;
use crate::memory;
use crate::referee::cold;

fn started(workspace: &Workspace) -> Sidecar {
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    sidecar
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Path and kind of each change.
fn kinds(changes: &Value) -> Vec<(&str, &str)> {
    changes
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["path"].as_str().unwrap(), change["kind"].as_str().unwrap()))
        .collect()
}

#[test]
fn what_came_to_nothing_is_not_told() {
    // All of it must lie within the time to settle. Where a machine took longer, it is done once more.
    let attempts = (1..=10).take_while(|_| !come_to_nothing(Duration::from_secs(2))).count();
    assert!(attempts < 10, "all of it took too long, {attempts} times");
}

/// Makes changes that come to nothing, and some that do not. Whether all of it was done before any of it was to be told.
fn come_to_nothing(settle: Duration) -> bool {
    let workspace = Workspace::empty();
    workspace.write("same.ts", "the same");
    workspace.write("twice.ts", "0");
    let mut sidecar = started(&workspace);
    let watch = sidecar.request("watch", json!({ "settleMs": settle.as_millis() as u64 }));
    let start = Instant::now();
    workspace.write("brief.ts", "here");
    sync(&mut sidecar);
    fs::remove_file(workspace.at("brief.ts")).unwrap();
    sync(&mut sidecar);
    workspace.write("same.ts", "the same");
    sync(&mut sidecar);
    workspace.write("twice.ts", "1");
    sync(&mut sidecar);
    workspace.write("twice.ts", "2");
    sync(&mut sidecar);
    if start.elapsed() >= settle {
        sidecar.finish();
        return false;
    }
    let before = sidecar.request("status", json!({}));
    let event = sidecar.wait_event("changed");
    assert_eq!(event["subscription"], watch["subscription"]);
    assert_eq!(event["fresh"], false);
    assert_eq!(kinds(&event["changes"]), [("twice.ts", "modified")]);
    assert_eq!(event["changes"][0]["hash"], hash("2"));
    assert_eq!((&event["changes"][0]["size"], &event["clock"]), (&json!(1), &before["clock"]));
    assert!(event["changes"][0]["mtimeMs"].is_f64());
    sidecar.finish();
    true
}

#[test]
fn each_subscription_is_told_of_its_part_until_it_ends() {
    let workspace = Workspace::empty();
    workspace.write("src/a.ts", "");
    let mut sidecar = started(&workspace);
    let sources = sidecar.request("watch", json!({ "include": ["src/**"], "exclude": ["*.log"], "settleMs": 0 }));
    let notes = sidecar.request("watch", json!({ "include": ["*.md"], "settleMs": 0 }));
    assert_ne!(sources["subscription"], notes["subscription"]);
    workspace.write("src/a.ts", "other");
    workspace.write("src/a.log", "not told");
    workspace.write("not-told.txt", "");
    let event = sidecar.wait_event("changed");
    assert_eq!(event["subscription"], sources["subscription"]);
    assert_eq!(kinds(&event["changes"]), [("src/a.ts", "modified")]);
    workspace.write("docs/b.md", "new");
    let event = sidecar.wait_event("changed");
    assert_eq!(event["subscription"], notes["subscription"]);
    assert_eq!(kinds(&event["changes"]), [("docs/b.md", "created")]);

    // A change that may be on its way is not told behind the response.
    workspace.write("src/b.md", "both");
    let id = sidecar.send("unwatch", json!({ "subscription": sources["subscription"] }));
    assert_eq!(sidecar.result(&id), json!({}));
    // What was told before the response: a file may have been seen when it was made, and again when it was written.
    while let Some(event) = sidecar.try_event("changed", Duration::ZERO).unwrap() {
        let is_expected = |path: &str| ["src/b.md", "docs/b.md"].contains(&path);
        assert!(kinds(&event["changes"]).iter().all(|(path, _)| is_expected(path)), "{event}");
    }
    workspace.write("src/c.md", "one of them");
    loop {
        let event = sidecar.wait_event("changed");
        assert_eq!(event["subscription"], notes["subscription"], "the other one has ended");
        if kinds(&event["changes"]).contains(&("src/c.md", "created")) {
            break;
        }
    }
    assert!(sidecar.events().all(|event| event["event"] != "changed"));
    sidecar.finish();
}

#[test]
fn wrong_questions_are_refused() {
    let workspace = Workspace::empty();
    let mut sidecar = started(&workspace);
    let subscription = sidecar.request("watch", json!({ "settleMs": 60_000 }))["subscription"].clone();
    for unknown in [json!("subscription-7"), json!(""), json!("7")] {
        let error = sidecar.expect_error("unwatch", json!({ "subscription": unknown }), "unknown_subscription");
        assert_eq!(error["data"]["subscription"], unknown);
    }
    sidecar.request("unwatch", json!({ "subscription": subscription }));
    sidecar.expect_error("unwatch", json!({ "subscription": subscription }), "unknown_subscription");
    let error = sidecar.expect_error("watch", json!({ "settleMs": 60_001 }), "invalid_params");
    assert_eq!(error["data"]["param"], "settleMs");
    sidecar.expect_error("watch", json!({ "include": ["["] }), "invalid_glob");
    sidecar.finish();
}

#[test]
fn changes_since_a_clock() {
    let workspace = fixtures::copy();
    let mut other = started(&workspace);
    let strange = other.request("status", json!({}))["clock"].clone();
    other.finish();
    let mut sidecar = started(&workspace);
    let good = ask(&mut sidecar)["clock"].clone();
    for since in [strange, json!("nonsense"), json!("")] {
        let result = sidecar.request("changes", json!({ "since": since }));
        assert_eq!((&result["fresh"], &result["synced"]), (&json!(true), &json!(true)), "{since}");
        assert!(kinds(&result["changes"]).iter().all(|(_, kind)| *kind == "created"));
        assert_eq!(contents(&json!({ "files": result["changes"] })), cold(&workspace.root));
    }
    let none = sidecar.request("changes", json!({ "since": good }));
    assert_eq!((&none["fresh"], &none["changes"], &none["clock"]), (&json!(false), &json!([]), &good));

    let hash = cold(&workspace.root)["src/App.tsx"].clone();
    fs::rename(workspace.at("src/App.tsx"), workspace.at("src/Moved.tsx")).unwrap();
    workspace.write("src/main.tsx", "other");
    let result = sidecar.request("changes", json!({ "since": good }));
    let wanted = [("src/App.tsx", "deleted"), ("src/Moved.tsx", "created"), ("src/main.tsx", "modified")];
    assert_eq!(kinds(&result["changes"]), wanted, "in the order of their paths");
    assert_eq!(result["changes"][1]["hash"], hash);
    assert!(result["changes"][0].get("hash").is_none());
    let part = sidecar.request("changes", json!({ "since": good, "include": ["*.tsx"], "exclude": ["main.tsx"] }));
    assert_eq!(kinds(&part["changes"]), &wanted[..2]);
    // From there on, again.
    fs::rename(workspace.at("src/Moved.tsx"), workspace.at("src/App.tsx")).unwrap();
    let back = sidecar.request("changes", json!({ "since": result["clock"] }));
    assert_eq!(kinds(&back["changes"]), [("src/App.tsx", "created"), ("src/Moved.tsx", "deleted")]);
    let whole = sidecar.request("changes", json!({ "since": good }));
    assert_eq!(kinds(&whole["changes"]), [("src/main.tsx", "modified")], "there and back is no change");
    sidecar.finish();
}

/// A client that does not read is told in the end what there is, and takes no memory until then.
#[cfg(unix)]
#[test]
fn a_slow_client_holds_nothing_up() {
    let workspace = fixtures::large();
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-queued-bytes", "65536"]).reads_only(3).spawn();
    // Not earlier, or the first index, too, might be told of: these three lines are all that is read.
    sidecar.wait_event("indexed");
    let watch = sidecar.request("watch", json!({ "settleMs": 0 }));
    let mirror = crate::model::mirror::Mirror::new(&watch, crate::model::mirror::Scope::ALL, &cold(&workspace.root));
    for round in 0..3 {
        for directory in 0..60 {
            for file in 0..50 {
                workspace.write(&format!("packages/p{directory}/src/file{file}.ts"), format!("{round} {file}\n"));
            }
        }
    }
    sidecar.let_it_fill();
    memory::assert_below(sidecar.pid(), 150);
    sidecar.read_on();
    let mut listener = Listener { sidecar, mirror };
    listener.hear(&workspace.root);
    workspace.write("packages/p0/src/last.ts", "and it goes on");
    listener.hear(&workspace.root);
    listener.sidecar.finish();
}

/// One that never reads again does not keep the process from ending.
#[cfg(unix)]
#[test]
fn a_client_that_never_reads_is_left() {
    let workspace = fixtures::large();
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--max-queued-bytes", "65536"]).reads_only(3).spawn();
    sidecar.wait_event("indexed");
    sidecar.request("watch", json!({ "settleMs": 0 }));
    fs::rename(workspace.at("packages"), workspace.at("moved")).unwrap();
    sidecar.let_it_fill();
    sidecar.close_stdin();
    sidecar.close_stdout();
    sidecar.ended_unread(0);
}

/// Hashing a large file takes far longer than a change may wait to be told.
#[cfg(unix)]
#[test]
fn a_large_new_file_keeps_no_change_waiting() {
    let workspace = Workspace::empty();
    workspace.write("a.ts", "before");
    let mut sidecar = started(&workspace);
    sidecar.request("watch", json!({ "include": ["*.ts"], "settleMs": 0 }));
    sidecar.request("watch", json!({ "include": ["*.bin"], "settleMs": 0 }));
    // Sparse: it takes no room. And it comes as the large file that it is: nobody sees it empty.
    let elsewhere = tempfile::tempdir_in(workspace.root.parent().unwrap()).unwrap();
    fs::File::create(elsewhere.path().join("huge.bin")).unwrap().set_len(500 << 30).unwrap();
    fs::rename(elsewhere.path().join("huge.bin"), workspace.at("huge.bin")).unwrap();
    let event = sidecar.wait_event("changed");
    assert_eq!(kinds(&event["changes"]), [("huge.bin", "created")]);
    assert_eq!(event["changes"][0]["hash"], Value::Null, "it follows when it is known");
    workspace.write("a.ts", "after");
    let event = sidecar.wait_event("changed");
    assert_eq!(kinds(&event["changes"]), [("a.ts", "modified")]);
    sidecar.finish();
}
