//! The ways to notice changes, and a root that is replaced.

use std::fs;

use super::{Listener, synced};
use crate::fixtures;
use crate::harness::Sidecar;
use crate::referee::cold;

#[test]
fn polling_tells_by_itself() {
    let workspace = fixtures::copy();
    let mut listener = Listener::start(Sidecar::builder(&workspace.root).args(["--watch", "poll"]), &workspace.root);
    let status = listener.status();
    assert_eq!((&status["watcher"]["mode"], &status["watcher"]["directories"]), (&"poll".into(), &0.into()));
    assert_eq!(status["state"], "ready");
    workspace.write("src/new/file.ts", "new");
    fs::remove_file(workspace.at("src/main.tsx")).unwrap();
    listener.hear(&workspace.root);
    workspace.write("src/new/file.ts", "newer");
    listener.check(&workspace.root, "asked before the next look");
    listener.sidecar.finish();
}

#[test]
fn without_a_watcher_answers_are_right_and_tell_the_subscribers() {
    let workspace = fixtures::copy();
    let mut listener = Listener::start(Sidecar::builder(&workspace.root).args(["--watch", "off"]), &workspace.root);
    workspace.write("src/new/file.ts", "new");
    listener.check(&workspace.root, "a new directory");
    let status = listener.status();
    assert_eq!((&status["watcher"]["mode"], &status["watcher"]["directories"]), (&"off".into(), &0.into()));
    assert_eq!((&status["watcher"]["events"], &status["state"]), (&0.into(), &"ready".into()));
    listener.sidecar.finish();
}

/// Whoever makes the root anew, while it is watched or in between.
#[cfg(unix)]
#[test]
fn a_root_that_is_made_again() {
    let workspace = fixtures::copy();
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    fs::remove_dir_all(&workspace.root).unwrap();
    workspace.write("src/new.ts", "in a new root");
    listener.hear(&workspace.root);
    workspace.write("src/newer.ts", "watched there, too");
    listener.hear(&workspace.root);
    fs::rename(&workspace.root, workspace.outer().join("aside")).unwrap();
    workspace.write("src/newest.ts", "in another one");
    assert_eq!(synced(&mut listener.sidecar), cold(&workspace.root));
    // The old one is nobody's any more.
    fs::write(workspace.outer().join("aside/src/new.ts"), "elsewhere").unwrap();
    workspace.write("src/last.ts", "here");
    listener.check(&workspace.root, "with the old root beside it");
    listener.sidecar.finish();
}

#[cfg(unix)]
#[test]
fn a_root_that_becomes_a_link() {
    let workspace = fixtures::copy();
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    let aside = workspace.outer().join("aside");
    fs::rename(&workspace.root, &aside).unwrap();
    fixtures::link(&aside, &workspace.root).unwrap();
    listener.check(&workspace.root, "a link to what it was");
    for round in 0..3 {
        workspace.write("made.ts", format!("in it, {round}"));
        listener.check(&workspace.root, "through the link");
        workspace.write("src/made.ts", format!("beneath it, {round}"));
        listener.check(&workspace.root, "through the link, beneath");
    }
    listener.sidecar.finish();
}
