//! Writes through names of files that lie outside the workspace: nobody tells of them.

use std::fs;

use super::Listener;
use crate::fixtures::Workspace;
use crate::harness::Sidecar;

#[test]
fn a_name_from_before_the_start_is_compared_when_asked() {
    let workspace = Workspace::empty();
    workspace.write("linked.ts", "before");
    workspace.write("plain.ts", "plain");
    let outside = workspace.outer().join("outside.ts");
    fs::hard_link(workspace.at("linked.ts"), &outside).unwrap();
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    for round in 0..3 {
        fs::write(&outside, format!("round {round}")).unwrap();
        listener.check(&workspace.root, "written outside");
    }
    listener.sidecar.finish();
}

#[test]
fn the_audit_finds_what_nobody_tells() {
    let workspace = Workspace::empty();
    workspace.write("linked.ts", "before");
    workspace.write("plain.ts", "plain");
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    assert_eq!(listener.status()["watcher"]["drift"], 0);
    let outside = workspace.outer().join("outside.ts");
    fs::hard_link(workspace.at("linked.ts"), &outside).unwrap();
    fs::write(&outside, "after").unwrap();
    listener.hear(&workspace.root);
    let status = listener.status();
    assert_eq!((&status["watcher"]["drift"], &status["watcher"]["rescans"]), (&1.into(), &0.into()), "{status}");
    listener.sidecar.finish();
}
