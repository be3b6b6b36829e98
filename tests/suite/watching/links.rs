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

/// Of very many, not all are compared; a write through a name that is ignored is told all the same.
#[test]
fn an_ignored_name_of_one_of_very_many() {
    let workspace = Workspace::empty();
    workspace.write(".gitignore", "*.log\n");
    for at in 0..1001 {
        let name = format!("linked{at}.ts");
        workspace.write(&name, "before");
        fs::hard_link(workspace.at(&name), workspace.at(&format!("{name}.log"))).unwrap();
    }
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    for at in [0, 500, 1000] {
        fs::write(workspace.at(&format!("linked{at}.ts.log")), "after").unwrap();
        listener.check(&workspace.root, "written through its ignored name");
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
