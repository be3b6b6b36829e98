//! Workspaces, and surroundings, that are not as one would wish. For Unix, whose file systems hold such things.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::fixtures::Workspace;
use crate::harness::Sidecar;

fn listed(sidecar: &mut Sidecar) -> Vec<String> {
    let result = sidecar.request("glob", json!({ "include": ["**"], "syncTimeoutMs": 60_000 }));
    assert_eq!(result["synced"], true);
    result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_root_that_is_replaced_is_opened_anew() {
    let workspace = Workspace::empty();
    workspace.write("a.txt", "old needle");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    fs::rename(&workspace.root, workspace.outer().join("moved")).unwrap();
    workspace.write("a.txt", "changed");
    workspace.write("new.txt", "new needle");
    assert_eq!(listed(&mut sidecar), ["a.txt", "new.txt"]);
    let found = sidecar.request("search", json!({ "pattern": "needle" }));
    assert_eq!(found["files"][0]["path"], "new.txt", "{found}");
    assert_eq!(found["fileCount"], 1);
    assert_eq!(sidecar.request("readFile", json!({ "path": "a.txt" }))["text"], "changed");
    // Without a root, nothing can be said.
    fs::remove_dir_all(&workspace.root).unwrap();
    let gone = sidecar.request("glob", json!({ "include": ["**"], "syncTimeoutMs": 60_000 }));
    assert_eq!(gone["synced"], false, "{gone}");
    workspace.write("back.txt", "again");
    assert_eq!(listed(&mut sidecar), ["back.txt"]);
    sidecar.finish();
}

/// Ignore files that would block the walk for ever, or fill the memory.
fn with_special_ignore_files() -> Workspace {
    let workspace = Workspace::empty();
    workspace.write("seen.txt", "");
    for at in 0..30 {
        workspace.write(&format!("bad{at}/hidden.txt"), "");
        let rules = workspace.at(&format!("bad{at}/.gitignore"));
        if at % 2 == 0 {
            assert!(Command::new("mkfifo").arg(&rules).status().unwrap().success());
        } else {
            std::os::unix::fs::symlink("/dev/zero", &rules).unwrap();
        }
    }
    workspace
}

#[test]
fn special_files_as_ignore_files_stop_nothing() {
    let workspace = with_special_ignore_files();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    assert_eq!(listed(&mut sidecar), ["seen.txt"]);
    sidecar.finish();
}

/// Nobody reads stderr, and every walk has something to log: it is dropped, and nothing waits for it.
#[test]
fn an_unread_log_stops_nothing() {
    let workspace = with_special_ignore_files();
    let mut child = Command::new(env!("CARGO_BIN_EXE_workspace-sidecar"))
        .args(["--root".as_ref(), workspace.root.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Each walk logs more than 3 KB; a pipe holds 64 KB.
    for at in 0..60 {
        writeln!(stdin, "{}", json!({ "id": at.to_string(), "method": "sync", "params": { "timeoutMs": 60_000 } }))
            .unwrap();
        let answer = lines.by_ref().map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap());
        let answer = answer.into_iter().find(|message| message.get("ok").is_some()).unwrap();
        assert_eq!(answer["result"]["synced"], true, "{at}");
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

/// A large new file is read beside the answers, not before them.
#[test]
fn a_large_new_file_keeps_nobody_waiting() {
    const PATIENCE: u64 = 20_000;
    let workspace = Workspace::empty();
    workspace.write("a.txt", "a");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    // Sparse: it takes no room, and far longer to hash than anybody waits.
    fs::File::create(workspace.at("huge.bin")).unwrap().set_len(1 << 40).unwrap();
    workspace.write("new.txt", "needle");
    for _ in 0..3 {
        let found = sidecar.request("search", json!({ "pattern": "needle", "syncTimeoutMs": PATIENCE }));
        assert_eq!((&found["synced"], &found["fileCount"]), (&json!(true), &json!(1)), "{found}");
        let listed =
            sidecar.request("glob", json!({ "include": ["**"], "fields": ["size"], "syncTimeoutMs": PATIENCE }));
        assert_eq!(listed["synced"], true, "{listed}");
    }
    let synced = sidecar.request("sync", json!({ "paths": ["new.txt"], "timeoutMs": PATIENCE }));
    assert_eq!(synced["synced"], true, "{synced}");
    sidecar.finish();
}

/// JSON allows U+2028 within strings, but some readers of lines split there.
#[test]
fn a_line_is_one_line_for_everybody() {
    let workspace = Workspace::empty();
    workspace.write("separators.txt", "a\u{2028}b\u{2029}c “quoted”");
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let (id, line) = sidecar.line("readFile", &json!({ "path": "separators.txt" }));
    sidecar.send_line(line.as_bytes(), Some(&id));
    let read = sidecar.result(&id);
    assert_eq!(read["text"], "a\u{2028}b\u{2029}c “quoted”");
    sidecar.finish();
}
