//! Writes through names of files that lie outside the workspace: nobody tells of them.

use std::fs;

use rustix::process::Signal;

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
    // Where a machine stands still for a second, a cookie is lost, and it is a look at everything that finds it.
    let attempts = (1..=10).take_while(|_| !is_found_by_the_audit()).count();
    assert!(attempts < 10, "everything was looked at, {attempts} times");
}

/// Writes where nobody tells of it, and waits until it is known all the same. Whether that was without a look at
/// everything.
fn is_found_by_the_audit() -> bool {
    let workspace = Workspace::empty();
    workspace.write("linked.ts", "before");
    workspace.write("plain.ts", "plain");
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    assert_eq!(listener.status()["watcher"]["drift"], 0);
    let outside = workspace.outer().join("outside.ts");
    // An audit in between would find one thing and another one later.
    listener.sidecar.stop();
    fs::hard_link(workspace.at("linked.ts"), &outside).unwrap();
    fs::write(&outside, "after").unwrap();
    listener.sidecar.signal(Signal::CONT);
    listener.hear(&workspace.root);
    let status = listener.status();
    listener.sidecar.finish();
    if status["watcher"]["rescans"] != 0 {
        return false;
    }
    assert_eq!(status["watcher"]["drift"], 1, "{status}");
    true
}
