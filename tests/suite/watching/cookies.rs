//! The directory for cookies: outside the workspace, and gone when the process is.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::Signal;
use serde_json::json;

use super::{sync, synced};
use crate::fixtures::{self, Workspace};
use crate::harness::{Builder, LIMIT, Sidecar};
use crate::referee::cold;

/// A directory for temporary files beside the workspace.
pub(super) fn place(workspace: &Workspace, name: &str) -> PathBuf {
    let place = workspace.outer().join(name);
    fs::create_dir_all(&place).unwrap();
    place
}

/// The directories for cookies in a place, in which there is nothing else but what is kept between runs.
pub(super) fn held(place: &Path) -> Vec<PathBuf> {
    let all: Vec<PathBuf> = fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()).collect();
    let is =
        |path: &Path, prefix: &str| path.file_name().unwrap().to_str().unwrap().starts_with(prefix) && path.is_dir();
    let (kept, cookies): (Vec<_>, Vec<_>) = all.into_iter().partition(|path| is(path, "workspace-sidecar-index-"));
    assert!(kept.len() <= 1 && cookies.iter().all(|path| is(path, "workspace-sidecar-cookies-")), "{cookies:?}");
    cookies
}

fn started(builder: Builder) -> Sidecar {
    let mut sidecar = builder.spawn();
    sidecar.wait_event("indexed");
    sidecar
}

#[test]
fn it_goes_with_the_process() {
    let workspace = fixtures::copy();
    let place = place(&workspace, "tmp");
    let start = || {
        let sidecar = started(Sidecar::builder(&workspace.root).env("TMPDIR", &place));
        assert_eq!(held(&place).len(), 1);
        sidecar
    };
    start().finish();
    assert!(held(&place).is_empty(), "after `shutdown`");
    let mut sidecar = start();
    sidecar.close_stdin();
    sidecar.ended(0);
    assert!(held(&place).is_empty(), "after the end of stdin");
    let sidecar = start();
    sidecar.kill_term();
    sidecar.ended(0);
    assert!(held(&place).is_empty(), "after SIGTERM");

    let sidecar = start();
    let left = held(&place);
    sidecar.signal(Signal::KILL);
    // It is killed once more, and waited for.
    sidecar.abandon();
    assert_eq!(held(&place), left, "nobody was there to remove it");
    // A new one might be locked by another process in a moment.
    File::open(&left[0]).unwrap().set_modified(SystemTime::now() - Duration::from_secs(61)).unwrap();
    let sidecar = start();
    assert_ne!(held(&place), left, "the next one removes it");
    sidecar.finish();
    assert!(held(&place).is_empty());
}

#[test]
fn it_lies_where_it_is_told_to() {
    let workspace = fixtures::copy();
    let (temporary, cache) = (place(&workspace, "tmp"), workspace.outer().join("made/for/it"));
    let builder =
        Sidecar::builder(&workspace.root).env("TMPDIR", &temporary).args(["--cache-dir".as_ref(), cache.as_os_str()]);
    let mut sidecar = started(builder);
    assert_eq!((held(&temporary).len(), held(&cache).len()), (0, 1));
    workspace.write("src/new.ts", "new");
    assert_eq!(synced(&mut sidecar), cold(&workspace.root));
    sidecar.finish();
    assert!(held(&cache).is_empty());
}

#[test]
fn there_is_none_in_the_workspace() {
    let workspace = fixtures::copy();
    let inside = workspace.at("tmp");
    fs::create_dir(&inside).unwrap();
    let mut sidecar = started(Sidecar::builder(&workspace.root).env("TMPDIR", &inside));
    for round in 0..3 {
        workspace.write("src/new.ts", format!("round {round}"));
        assert_eq!(synced(&mut sidecar), cold(&workspace.root));
        assert!(held(&inside).is_empty());
    }
    // Changes are told all the same; only their order is not.
    sidecar.request("watch", json!({ "settleMs": 0 }));
    workspace.write("src/new.ts", "told");
    assert_eq!(sidecar.wait_event("changed")["changes"][0]["path"], "src/new.ts");
    sidecar.finish();
}

#[test]
fn one_that_is_deleted_is_made_anew() {
    let workspace = fixtures::copy();
    let place = place(&workspace, "tmp");
    let mut sidecar = started(Sidecar::builder(&workspace.root).env("TMPDIR", &place));
    sync(&mut sidecar);
    for round in 0..3 {
        let before = held(&place);
        // An audit may put a cookie there meanwhile.
        let deadline = Instant::now() + LIMIT;
        while before[0].exists() {
            assert!(Instant::now() < deadline, "{:?} cannot be removed", before[0]);
            let _ = fs::remove_dir_all(&before[0]);
        }
        workspace.write("src/new.ts", format!("round {round}"));
        assert_eq!(synced(&mut sidecar), cold(&workspace.root));
        let now = held(&place);
        assert!(now.len() == 1 && now != before, "{now:?}");
    }
    assert!(sidecar.request("status", json!({}))["watcher"]["rescans"].as_u64().unwrap() >= 3);
    sidecar.finish();
    assert!(held(&place).is_empty());
}

/// Whoever may write to the directory for temporary files may leave anything there.
#[test]
fn a_lock_that_blocks_whoever_opens_it_stops_nothing() {
    let workspace = fixtures::copy();
    let place = place(&workspace, "tmp");
    let trap = place.join("workspace-sidecar-cookies-of-somebody");
    fs::create_dir(&trap).unwrap();
    assert!(Command::new("mkfifo").arg(trap.join("lock")).status().unwrap().success());
    File::open(&trap).unwrap().set_modified(SystemTime::now() - Duration::from_secs(61)).unwrap();
    let mut sidecar = started(Sidecar::builder(&workspace.root).env("TMPDIR", &place));
    assert_eq!(synced(&mut sidecar), cold(&workspace.root));
    assert!(trap.is_dir(), "it is none of ours");
    sidecar.finish();
}
