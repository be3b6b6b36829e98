//! More events than the system keeps for us.

use std::fs;
use std::io::Write as _;

use rustix::process::Signal;

use super::Listener;
use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;

/// More than this takes longer than it is worth.
const MOST: usize = 1 << 20;

/// How many events the system keeps for whoever does not read them.
fn kept() -> usize {
    fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap().trim().parse().unwrap()
}

/// Makes more events than that while the process cannot read them.
fn overflow(listener: &Listener, workspace: &Workspace) {
    listener.sidecar.stop();
    // Each write is told, unless it is told just like the one before it.
    let mut files = [0, 1].map(|at| fs::File::create(workspace.at(&format!("busy/{at}.ts"))).unwrap());
    for at in 0..=kept() * 2 {
        files[at % 2].write_all(b"on and on\n").unwrap();
    }
    workspace.write("src/App.tsx", "among the events that are lost");
    workspace.write("new/deep/file.ts", "beneath a directory nobody tells of");
    fs::remove_file(workspace.at("src/main.tsx")).unwrap();
    listener.sidecar.signal(Signal::CONT);
}

#[test]
fn lost_events_cost_a_look_at_everything_and_no_change() {
    if kept() > MOST {
        eprintln!("SKIPPED: watching::lost: the system keeps {} events", kept());
        return;
    }
    for asks in [true, false] {
        let workspace = fixtures::copy();
        workspace.write("busy/0.ts", "");
        let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
        overflow(&listener, &workspace);
        if asks {
            listener.check(&workspace.root, "after the overflow");
        } else {
            listener.hear(&workspace.root);
        }
        let status = listener.status();
        for count in ["overflows", "rescans"] {
            assert!(status["watcher"][count].as_u64().unwrap() >= 1, "{status}");
        }
        assert_eq!(status["state"], "ready");
        // What is made in a new directory is told by the new watcher.
        workspace.write("new/deep/later.ts", "told");
        listener.hear(&workspace.root);
        listener.sidecar.finish();
    }
}
