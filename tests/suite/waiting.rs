//! Who waits for the index, and who does not: in a process whose index is not there before the test says so.

use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use workspace_sidecar::watch::{Queue, Source, Watcher};

use crate::fixtures::{self, LARGE_FILES};
use crate::harness::LIMIT;
use crate::local::Local;
use crate::model::driver::Driver as _;

/// No watcher, which is found out when the gate is opened: the first look at the workspace waits for that.
#[derive(Debug)]
struct Gate(Mutex<Receiver<()>>);

impl Source for Gate {
    fn start(&self, _: &Arc<Queue>) -> Result<Box<dyn Watcher>, String> {
        // Once it is open, nobody waits. A test that failed opens it, too.
        let _ = self.0.lock().unwrap().recv_timeout(LIMIT);
        Err("no watcher (for a test)".to_owned())
    }

    fn is_ordered(&self) -> bool {
        false
    }

    fn close(&self) {}
}

/// A server whose index is there once the sender is dropped.
fn start(root: &Path) -> (Local, Sender<()>) {
    let (gate, closed) = mpsc::channel();
    let root = dunce::canonicalize(root).unwrap();
    (Local::start(&root, Arc::new(Gate(Mutex::new(closed)))), gate)
}

fn result(local: &mut Local, id: &str) -> Value {
    let mut response = local.response(id).unwrap();
    assert_eq!(response["ok"], true, "{response}");
    response["result"].take()
}

fn ask(local: &mut Local, method: &'static str, params: Value) -> Value {
    let id = local.send(vec![(method, params)]).unwrap().remove(0);
    result(local, &id)
}

#[test]
fn eventual_answers_do_not_wait() {
    let workspace = fixtures::large();
    let (mut local, gate) = start(&workspace.root);
    let synced = json!({ "include": ["**"], "fields": ["hash"] });
    let ids = local
        .send(vec![
            ("glob", synced),
            ("glob", json!({ "include": ["**"], "consistency": "eventual" })),
            ("readFile", json!({ "path": "packages/p0/src/file0.ts" })),
            ("stat", json!({ "paths": ["packages"] })),
        ])
        .unwrap();
    let eventual = result(&mut local, &ids[1]);
    assert_eq!((&eventual["synced"], eventual["clock"].is_string()), (&json!(false), true));
    assert_eq!(result(&mut local, &ids[2])["text"], "export const x = 0 + 0;\n");
    drop(gate);
    // What is listed is not known before.
    assert_eq!(result(&mut local, &ids[3])["entries"][0]["indexed"], true);
    let full = result(&mut local, &ids[0]);
    assert_eq!((&full["synced"], full["files"].as_array().unwrap().len()), (&json!(true), LARGE_FILES));
    local.finish().unwrap();
}

#[test]
fn no_time_to_sync_is_said() {
    let workspace = fixtures::copy();
    let (mut local, gate) = start(&workspace.root);
    for timeout in [0, 50] {
        let listed = ask(&mut local, "glob", json!({ "include": ["**"], "syncTimeoutMs": timeout }));
        assert_eq!((&listed["synced"], &listed["files"]), (&json!(false), &json!([])));
        assert_eq!(ask(&mut local, "sync", json!({ "timeoutMs": timeout }))["synced"], false);
    }
    drop(gate);
    assert_eq!(ask(&mut local, "sync", json!({}))["synced"], true);
    let listed = ask(&mut local, "glob", json!({ "include": ["**"], "syncTimeoutMs": 60_000 }));
    assert_eq!(listed["synced"], true);
    local.finish().unwrap();
}
