//! What is watched, by the kernel's own account.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::{sync, until};
use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;

/// The watches of a process.
fn watches(pid: u32) -> usize {
    let files = fs::read_dir(format!("/proc/{pid}/fdinfo")).unwrap();
    let read = |path: PathBuf| fs::read_to_string(path).unwrap_or_default();
    let count = |text: String| text.lines().filter(|line| line.starts_with("inotify wd:")).count();
    files.map(|entry| count(read(entry.unwrap().path()))).sum()
}

/// Waits until the directories of the index, the root and the directory for cookies are watched, and nothing else.
#[track_caller]
fn settles(sidecar: &mut Sidecar, directories: u64) {
    until(sidecar, &format!("{directories} directories, each with a watch"), |sidecar| {
        let status = sidecar.request("status", json!({}));
        status["directories"] == directories
            && status["watcher"]["directories"] == directories + 1
            && watches(sidecar.pid()) as u64 == directories + 2
    });
}

#[test]
fn ignored_trees_are_not_watched() {
    let workspace = Workspace::empty();
    workspace.write(".gitignore", "node_modules\n");
    workspace.write("src/a.ts", "");
    // More of them than watches are ended for one by one, and fewer.
    for (tree, count) in [("node_modules", 100), ("src/few", 10)] {
        for at in 0..count {
            workspace.write(&format!("{tree}/p{at}/index.js"), "");
        }
    }
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    sync(&mut sidecar);
    settles(&mut sidecar, 12);
    workspace.write(".gitignore", "");
    settles(&mut sidecar, 113);
    workspace.write(".gitignore", "node_modules\n");
    settles(&mut sidecar, 12);
    workspace.write("src/.gitignore", "few\n");
    settles(&mut sidecar, 1);
    fs::remove_file(workspace.at("src/.gitignore")).unwrap();
    settles(&mut sidecar, 12);
    fs::rename(workspace.at("src/few"), workspace.outer().join("few")).unwrap();
    settles(&mut sidecar, 1);
    fs::rename(workspace.outer().join("few"), workspace.at("back")).unwrap();
    settles(&mut sidecar, 12);
    fs::remove_dir_all(workspace.at("back")).unwrap();
    settles(&mut sidecar, 1);
    sidecar.finish();
}

#[test]
fn our_own_reading_is_no_event() {
    let attempts = (1..=10).take_while(|_| !reads_without_an_event()).count();
    assert!(attempts < 10, "a cookie was lost, {attempts} times");
}

/// Reads everything, and counts events. Whether no cookie was lost meanwhile, as it is where a machine stands still for a
/// second: that counts as one.
fn reads_without_an_event() -> bool {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    let listing = sidecar.request("glob", json!({ "include": ["**"], "fields": ["hash"] }));
    let told = |sidecar: &mut Sidecar| {
        let status = sidecar.request("status", json!({}));
        (status["watcher"]["events"].clone(), status["clock"].clone())
    };
    let before = told(&mut sidecar);
    assert_eq!(before.1, listing["clock"]);
    let paths: Vec<_> = listing["files"].as_array().unwrap().iter().map(|file| file["path"].clone()).collect();
    let result = sidecar.request("readFiles", json!({ "paths": paths }));
    assert_eq!(result["files"].as_array().unwrap().len(), paths.len());
    sidecar.request("search", json!({ "pattern": "e" }));
    sidecar.request("sync", json!({ "paths": paths }));
    // Behind a cookie, whatever there is to tell has been told.
    sync(&mut sidecar);
    let after = told(&mut sidecar);
    if sidecar.request("status", json!({}))["watcher"]["rescans"] != 0 {
        sidecar.finish();
        return false;
    }
    assert_eq!((&after, &before.0), (&before, &json!(0)));
    workspace.write("src/new.ts", "an event");
    sync(&mut sidecar);
    assert_ne!(told(&mut sidecar), before);
    sidecar.finish();
    true
}
