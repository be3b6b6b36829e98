//! Starting, serving and ending.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::fixtures::{self, Endless, LARGE_FILES};
use crate::harness::{Sidecar, Streams, soon};

fn run(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_workspace-sidecar")).args(args).output().unwrap()
}

/// A glob that must walk the tree and read every file.
fn heavy() -> (&'static str, Value) {
    ("glob", json!({ "include": ["**"], "fields": ["hash"], "syncTimeoutMs": 60_000 }))
}

#[test]
fn ready_comes_first_and_says_everything() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::builder(&workspace.root).own_sync_timeout().args(["--max-in-flight", "7"]).spawn();
    let pid = sidecar.pid();
    sidecar.send("ping", json!({}));
    sidecar.wait_for("t1");
    assert_eq!(sidecar.events().next().unwrap()["event"], "ready");
    let ready = sidecar.wait_event("ready");
    assert_eq!((&ready["protocolVersion"], &ready["pid"]), (&json!(1), &json!(pid)));
    assert_eq!(ready["version"], env!("CARGO_PKG_VERSION"));
    let root = dunce::canonicalize(&workspace.root).unwrap();
    assert_eq!(ready["root"].as_str(), root.to_str());
    assert!(ready["clock"].as_str().is_some_and(|clock| !clock.is_empty()));
    for method in ["ping", "status", "sync", "stat", "readFile", "readFiles", "glob", "cancel", "shutdown"] {
        assert!(ready["methods"].as_array().unwrap().contains(&json!(method)), "{method}");
    }
    let limits = &ready["limits"];
    for (name, value) in
        [("maxRequestBytes", 16 << 20), ("maxResponseBytes", 64 << 20), ("maxInFlight", 7), ("syncTimeoutMs", 2000)]
    {
        assert_eq!(limits[name], value, "{name}");
    }
    let indexed = sidecar.wait_event("indexed");
    let status = sidecar.request("status", json!({}));
    assert_eq!((&status["files"], &status["bytes"]), (&indexed["files"], &indexed["bytes"]));
    assert_eq!((&indexed["fromCache"], &status["state"]), (&json!(false), &json!("ready")));
    assert!(indexed["elapsedMs"].is_u64() && indexed["clock"].is_string());
    assert_eq!(status["root"], ready["root"]);
    sidecar.finish();
}

#[test]
fn a_root_that_cannot_be_is_fatal() {
    let workspace = fixtures::copy();
    let file = workspace.at("package.json");
    for (root, code) in [(workspace.at("none"), "not_found"), (file, "not_a_file")] {
        let output = run(&["--root", root.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(3), "{}", root.display());
        let line: Value = serde_json::from_slice(&output.stdout).expect("one line, and nothing else");
        assert_eq!((&line["event"], &line["data"]["code"]), (&json!("fatal"), &json!(code)));
        assert!(line["data"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1);
    }
}

#[test]
fn wrong_usage_exits_with_2_and_keeps_stdout_clean() {
    for args in [
        &[][..],
        &["--root"],
        &["--root", ".", "--no-such-option"],
        &["--root", ".", "--threads", "0"],
        &["--root", ".", "--max-in-flight", "0"],
        &["--root", ".", "--drain-timeout", "-1"],
        &["--root", ".", "--exclude", "["],
        &["--root", ".", "--watch", "sometimes"],
        &["call"],
        &["call", "ping", "{"],
        &["no-such-command"],
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{args:?}");
    }
}

#[test]
fn call_answers_one_request() {
    let workspace = fixtures::copy();
    let root = workspace.root.to_str().unwrap();
    let output = run(&["call", "readFile", r#"{"path":"src/data/motto.txt"}"#, "--root", root]);
    assert_eq!(output.status.code(), Some(0));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["eol"], "none");
    let output = run(&["call", "readFile", r#"{"path":"none"}"#, "--root", root]);
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["error"]["code"], "not_found");
    assert_eq!(run(&["call", "ping", "--root", &format!("{root}/none")]).status.code(), Some(3));
    // Options may stand before the command, too.
    assert_eq!(run(&["--root", root, "--threads", "1", "call", "ping"]).status.code(), Some(0));
}

#[test]
fn bad_params_of_call_show_how_to_call() {
    let output = run(&["call", "ping", "{"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("PARAMS is not JSON") && told.contains("workspace-sidecar call"), "{told}");
}

#[cfg(unix)]
#[test]
fn call_watch_tells_of_changes_until_it_is_interrupted() {
    let workspace = fixtures::copy();
    let mut call = Command::new(env!("CARGO_BIN_EXE_workspace-sidecar"))
        .args(["call", "watch", r#"{"include":["src/**"]}"#, "--root", workspace.root.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut told = BufReader::new(call.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(told.any(|line| line.starts_with("watching")), "it ended");
    let mut lines = BufReader::new(call.stdout.take().unwrap()).lines().map(Result::unwrap);
    for (name, kind) in [("src/new.ts", "created"), ("src/new.ts", "modified")] {
        workspace.put("elsewhere.ts", kind);
        workspace.put(name, kind);
        let changed: Value = serde_json::from_str(&lines.next().expect("a line for the change")).unwrap();
        assert_eq!((&changed["changes"][0]["path"], &changed["changes"][0]["kind"]), (&json!(name), &json!(kind)));
        assert_eq!((&changed["fresh"], &changed["changes"][1]), (&json!(false), &Value::Null));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&call), rustix::process::Signal::INT).unwrap();
    assert_eq!(lines.next(), None);
    assert_eq!(call.wait().unwrap().code(), Some(0));
    // Nothing is watched where the request is wrong.
    let output = run(&["call", "watch", r#"{"settleMs":-1}"#, "--root", workspace.root.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_end_of_stdin_ends_an_idle_process_at_once() {
    let workspace = fixtures::copy();
    for (streams, wait) in Streams::ALL.iter().flat_map(|streams| [(*streams, false), (*streams, true)]) {
        soon("the end", || {
            let mut sidecar = Sidecar::builder(&workspace.root).streams(streams).spawn();
            if wait {
                sidecar.wait_event("indexed");
            }
            sidecar.close_stdin();
            sidecar.ended(0)
        });
    }
}

#[test]
fn piped_requests_are_all_answered() {
    let workspace = fixtures::copy();
    let ask = |streams| {
        let mut sidecar = Sidecar::builder(&workspace.root).streams(streams).spawn();
        let requests = (0..400).map(|at| match at % 4 {
            0 => ("ping", json!({})),
            1 => ("readFile", json!({ "path": "src/App.tsx" })),
            2 => ("glob", json!({ "include": ["*.tsx"] })),
            _ => ("stat", json!({ "paths": ["src", "package.json"] })),
        });
        let ids = sidecar.send_all(requests);
        sidecar.send_raw(br#"{"id":"last","method":"status"}"#);
        sidecar.expect("last");
        sidecar.close_stdin();
        for id in ids {
            sidecar.result(&id);
        }
        // A last line without a newline is a request, too.
        sidecar.result("last");
        sidecar.ended(0)
    };
    for streams in Streams::ALL {
        soon("the end", || ask(*streams));
    }
}

#[test]
fn the_drain_timeout_bounds_what_is_answered_after_the_end() {
    let workspace = fixtures::large();
    let endless = Endless::add(&workspace);
    soon("the end", || {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--drain-timeout", "0", "--threads", "1"]).spawn();
        let ids = sidecar.send_all([endless.request(false)].into_iter().chain((0..50).map(|_| heavy())));
        sidecar.close_stdin();
        assert_eq!(sidecar.error(&ids[0])["code"], "cancelled");
        for id in &ids[1..] {
            let response = sidecar.wait_for(id);
            assert!(response["ok"] == true || response["error"]["code"] == "cancelled", "{response:.300}");
        }
        sidecar.ended(0)
    });
}

#[test]
fn shutdown_answers_after_what_is_in_flight() {
    let workspace = fixtures::large();
    let endless = Endless::add(&workspace);
    soon("the end", || {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
        let requests = [endless.request(false)].into_iter().chain((0..20).map(|_| heavy()));
        let requests = requests.chain([("shutdown", json!({})), heavy(), ("shutdown", json!({}))]);
        let ids = sidecar.send_all(requests);
        let (before, after) = ids.split_at(21);
        for late in &after[1..] {
            assert_eq!(sidecar.error(late)["code"], "shutting_down");
        }
        for id in &before[1..] {
            assert_eq!(sidecar.result(id)["files"].as_array().unwrap().len(), LARGE_FILES);
        }
        assert_eq!(sidecar.request("cancel", json!({ "id": before[0] })), json!({ "cancelled": true }));
        assert_eq!(sidecar.error(&before[0])["code"], "cancelled");
        assert_eq!(sidecar.result(&after[0]), json!({}));
        assert_eq!(sidecar.order().last(), Some(&after[0]), "nothing is answered after `shutdown` is");
        sidecar.ended(0)
    });
}

/// With nothing in flight, `shutdown` is answered at once; what came with it is answered all the same.
#[test]
fn what_comes_with_a_shutdown_is_answered() {
    let workspace = fixtures::copy();
    soon("the end", || {
        let mut sidecar = Sidecar::spawn(&workspace.root);
        sidecar.wait_event("indexed");
        let ids = sidecar.send_all([("shutdown", json!({})), heavy(), ("ping", json!({})), ("shutdown", json!({}))]);
        assert_eq!(sidecar.result(&ids[0]), json!({}));
        assert_eq!(sidecar.error(&ids[1])["code"], "shutting_down");
        assert!(sidecar.result(&ids[2])["version"].is_string());
        assert_eq!(sidecar.error(&ids[3])["code"], "shutting_down");
        sidecar.ended(0)
    });
}

/// The first line is read, then stdout is closed: while the tree is scanned, or when nothing goes on.
#[cfg(unix)]
#[test]
fn a_closed_stdout_ends_the_process() {
    let workspace = fixtures::large();
    let cases = [(1, false), (1, true), (2, false)];
    for (streams, (lines, busy)) in Streams::ALL.iter().flat_map(|streams| cases.map(|case| (*streams, case))) {
        soon("the end", || {
            let mut sidecar = Sidecar::builder(&workspace.root).streams(streams).reads_only(lines).spawn();
            sidecar.wait_event("ready");
            if lines > 1 {
                sidecar.wait_event("indexed");
            }
            if busy {
                sidecar.send_all((0..20).map(|_| heavy()));
            }
            sidecar.close_stdout();
            sidecar.forget_unanswered();
            sidecar.ended(0)
        });
    }
}

#[cfg(unix)]
#[test]
fn signals_cancel_what_is_in_flight_and_end_the_process() {
    use rustix::process::Signal;
    let workspace = fixtures::large();
    let endless = Endless::add(&workspace);
    let end = |signal: Signal, is_busy: bool, idle: bool| {
        let mut sidecar = Sidecar::builder(&workspace.root).args(["--threads", "1"]).spawn();
        sidecar.wait_event("ready");
        let requests = [endless.request(false)].into_iter().chain((0..40).map(|_| heavy()));
        let ids = sidecar.send_all(requests.filter(|_| is_busy));
        if idle {
            sidecar.wait_event("indexed");
        } else {
            // Its answer tells that what was sent before it was read.
            sidecar.request("ping", json!({}));
        }
        sidecar.signal(signal);
        for (at, id) in ids.iter().enumerate() {
            let response = sidecar.wait_for(id);
            let may_be_done = at > 0 && response["ok"] == true;
            assert!(may_be_done || response["error"]["code"] == "cancelled", "{response:.300}");
        }
        sidecar.ended(0)
    };
    for (signal, is_busy, idle) in [
        (Signal::TERM, false, false),
        (Signal::TERM, true, false),
        (Signal::INT, true, false),
        (Signal::TERM, false, true),
    ] {
        soon("the end", || end(signal, is_busy, idle));
    }
}

/// Many large answers that nobody reads.
#[cfg(unix)]
fn unread(workspace: &fixtures::Workspace, streams: Streams) -> (Sidecar, Vec<String>) {
    workspace.write("large.txt", "0123456789abcde\n".repeat(1 << 16));
    let mut sidecar = Sidecar::builder(&workspace.root)
        .streams(streams)
        .reads_only(1)
        .args(["--max-queued-bytes", "2000000", "--threads", "1"])
        .spawn();
    sidecar.wait_event("ready");
    let ids = sidecar.send_all((0..200).map(|_| ("readFile", json!({ "path": "large.txt" }))));
    sidecar.let_it_fill();
    (sidecar, ids)
}

#[cfg(unix)]
#[test]
fn an_unread_stdout_does_not_stop_a_signal() {
    let workspace = fixtures::Workspace::empty();
    for streams in Streams::ALL {
        soon("the end", || {
            let (mut sidecar, _) = unread(&workspace, *streams);
            sidecar.kill_term();
            // Whoever does not read learns nothing.
            sidecar.forget_unanswered();
            sidecar.ended_unread(0)
        });
    }
}

#[cfg(unix)]
#[test]
fn an_unread_stdout_bounds_memory_and_loses_nothing() {
    let workspace = fixtures::Workspace::empty();
    for streams in Streams::ALL {
        let (mut sidecar, ids) = unread(&workspace, *streams);
        let pid = sidecar.pid();
        sidecar.read_on();
        for id in ids {
            assert_eq!(sidecar.result(&id)["size"], 1 << 20);
        }
        crate::memory::assert_below(pid, 60);
        sidecar.finish();
    }
}

/// See `src/cli/allocator.rs`.
#[test]
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn it_starts_once_more_in_its_own_place() {
    const TRIM: &str = "MALLOC_TRIM_THRESHOLD_";
    let workspace = fixtures::copy();
    let root = workspace.root.to_str().unwrap();
    for (set, wanted) in [
        (("A", "1"), Some("8388608")),
        ((TRIM, "500000"), Some("500000")),
        // As if the system had taken the settings away: it does not start a third time.
        (("WORKSPACE_SIDECAR_STARTED_AGAIN", "1"), None),
    ] {
        let mut sidecar = Sidecar::builder(&workspace.root).env(set.0, set.1).spawn();
        assert_eq!(sidecar.wait_event("ready")["pid"], sidecar.pid());
        let of_process = |name: &str| {
            let text = std::fs::read_to_string(format!("/proc/{}/{name}", sidecar.pid())).unwrap();
            text.split('\0').map(str::to_owned).collect::<Vec<_>>()
        };
        let found = of_process("environ").into_iter().find_map(|line| Some(line.split_once(TRIM)?.1[1..].to_owned()));
        assert_eq!(found.as_deref(), wanted, "{set:?}");
        let arguments = of_process("cmdline");
        assert!(arguments[0].ends_with("workspace-sidecar"), "{arguments:?}");
        assert!(arguments[1..].windows(2).any(|pair| pair == ["--root", root]), "{arguments:?}");
        sidecar.finish();
    }
}
