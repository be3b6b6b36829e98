//! Limits of the operating system: what cannot be watched is looked at again and again.

use std::fs;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use super::{Listener, ask, until, with_limits};
use crate::fixtures::Workspace;
use crate::harness::Sidecar;

/// Directories beneath the root.
const DIRECTORIES: u64 = 30;

/// A tree, and who listens to it under a limit; nobody where there are no such limits.
fn start(limit: &str, value: u32) -> Option<(Workspace, Listener)> {
    let beneath = with_limits(&[(limit, value)])?;
    let workspace = Workspace::empty();
    for at in 0..DIRECTORIES {
        workspace.write(&format!("d{at:02}/a.ts"), "a");
        workspace.write(&format!("d{at:02}/b.log"), "b");
    }
    let listener = Listener::start(Sidecar::builder(&workspace.root).beneath(beneath), &workspace.root);
    Some((workspace, listener))
}

/// Changes in every directory, watched or not: of files, of rules, of what there is.
fn change_and_compare(listener: &mut Listener, workspace: &Workspace) {
    let each = |change: &dyn Fn(&str)| (0..DIRECTORIES).for_each(|at| change(&format!("d{at:02}")));
    each(&|directory| workspace.write(&format!("{directory}/a.ts"), "asked"));
    listener.check(&workspace.root, "written");
    each(&|directory| workspace.write(&format!("{directory}/a.ts"), "told without being asked"));
    listener.hear(&workspace.root);
    each(&|directory| workspace.write(&format!("{directory}/.gitignore"), "*.log\n"));
    listener.check(&workspace.root, "new rules");
    each(&|directory| workspace.write(&format!("{directory}/.gitignore"), "*.ts\n"));
    listener.check(&workspace.root, "other rules");
    each(&|directory| fs::remove_file(workspace.at(&format!("{directory}/.gitignore"))).unwrap());
    listener.hear(&workspace.root);
    each(&|directory| workspace.write(&format!("{directory}/new/deep/c.ts"), "c"));
    listener.check(&workspace.root, "new directories");
    each(&|directory| fs::remove_dir_all(workspace.at(&format!("{directory}/new"))).unwrap());
    listener.check(&workspace.root, "deleted directories");
    // Others in their places: a watch that is held stays with what was moved.
    for at in 0..DIRECTORIES {
        let (here, aside) = (format!("d{at:02}"), workspace.outer().join(format!("aside{at}")));
        workspace.write(&format!("{here}/deep/deeper/a.ts"), "a");
        listener.check(&workspace.root, "a tree");
        fs::rename(workspace.at(&here), &aside).unwrap();
        workspace.write(&format!("{here}/deep/deeper/a.ts"), "another");
        workspace.write(&format!("{here}/a.ts"), "another");
        listener.check(&workspace.root, "another tree in its place");
        workspace.write(&format!("{here}/deep/deeper/a.ts"), "written there");
        workspace.write(&format!("{here}/a.ts"), "written there");
        fs::write(aside.join("a.ts"), "written elsewhere").unwrap();
        listener.check(&workspace.root, "written where another tree was");
        fs::remove_dir_all(workspace.at(&format!("{here}/deep"))).unwrap();
    }
}

/// Only the last of these directories is watched when its tree is exchanged, and only those above it are exchanged.
#[test]
fn a_watched_directory_beneath_one_that_is_not() {
    let Some((workspace, mut listener)) = start("max_inotify_watches", 20) else { return };
    for round in 0..4 {
        for at in 0..DIRECTORIES {
            let aside = workspace.outer().join(format!("aside{round}-{at}"));
            workspace.write(&format!("d{at:02}/x/y/a.ts"), "a");
            if round > 0 {
                fs::rename(workspace.at(&format!("d{at:02}/x")), &aside).unwrap();
            }
            workspace.write(&format!("d{at:02}/x/y/a.ts"), format!("{round}"));
        }
        // Room for some of what was made without a watch.
        fs::remove_dir_all(workspace.at(&format!("d{round:02}"))).unwrap();
        listener.check(&workspace.root, "exchanged");
        for at in 0..DIRECTORIES {
            workspace.write(&format!("d{at:02}/x/y/a.ts"), format!("{round} written"));
        }
        listener.check(&workspace.root, "written");
    }
    listener.sidecar.finish();
}

#[test]
fn fewer_watches_than_directories() {
    let Some((workspace, mut listener)) = start("max_inotify_watches", 20) else { return };
    let status = listener.status();
    let watcher = &status["watcher"];
    let (watched, polled) = (watcher["directories"].as_u64().unwrap(), watcher["polled"].as_u64().unwrap());
    assert_eq!(status["state"], "degraded");
    assert!(watched > 0 && polled > 0 && watched + polled == DIRECTORIES + 1, "{status}");
    assert!(watcher["lastError"].as_str().unwrap().contains("max_user_watches"), "{status}");
    change_and_compare(&mut listener, &workspace);
    assert_eq!(listener.sidecar.told().matches("not all directories can be watched").count(), 1, "said once");

    // When there is room again, it is used.
    for at in 0..15 {
        fs::remove_dir_all(workspace.at(&format!("d{at:02}"))).unwrap();
    }
    listener.check(&workspace.root, "half of it deleted");
    until(&mut listener.sidecar, "a watch on everything", |sidecar| {
        let status = sidecar.request("status", json!({}));
        status["state"] == "ready" && status["watcher"]["polled"] == 0
    });
    workspace.write("d29/a.ts", "watched by now");
    listener.hear(&workspace.root);
    listener.sidecar.finish();
}

#[test]
fn no_watcher_at_all() {
    let Some((workspace, mut listener)) = start("max_inotify_instances", 0) else { return };
    let status = listener.status();
    assert_eq!(status["state"], "degraded");
    let watcher = &status["watcher"];
    assert_eq!((&watcher["directories"], &watcher["polled"]), (&0.into(), &(DIRECTORIES + 1).into()));
    assert!(watcher["lastError"].as_str().unwrap().contains("max_user_instances"), "{status}");
    change_and_compare(&mut listener, &workspace);
    assert_eq!(listener.sidecar.told().matches("are not watched").count(), 1, "said once");
    listener.sidecar.finish();
}

/// A file that could not be opened when it changed, for want of file descriptors, can be read later.
#[test]
fn no_file_descriptors_for_a_while() {
    let workspace = Workspace::empty();
    workspace.write("a.ts", "before");
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    let pid = Pid::from_raw(listener.sidecar.pid().cast_signed());
    let limit = getrlimit(Resource::Nofile);
    let limit_to = |current| prlimit(pid, Resource::Nofile, Rlimit { current, ..limit }).unwrap();
    limit_to(Some(0));
    workspace.write("a.ts", "after");
    let event = listener.sidecar.wait_event("changed");
    assert_eq!((&event["changes"][0]["path"], event["changes"][0].get("hash")), (&json!("a.ts"), None));
    limit_to(limit.current);
    let result = ask(&mut listener.sidecar);
    assert_eq!(result["files"][0]["hash"], blake3::hash(b"after").to_hex().as_str(), "{result}");
    listener.sidecar.finish();
}
