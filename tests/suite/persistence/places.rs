//! Directories in which nothing can be kept, or nothing may be.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::kept::{Answers, Kept, directories, everything, settle};
use crate::fixtures::Workspace;
use crate::harness::{Builder, Sidecar};
use crate::readonly::{call, changes_something, tracer_works};
use crate::referee::absent;

/// Runs a process; returns what `indexed` and `status` said, its answers and the warnings.
fn run(builder: Builder) -> (Value, Value, Answers, Vec<String>) {
    let mut sidecar = builder.spawn();
    let answers = Answers::of(&mut sidecar);
    let indexed = sidecar.wait_event("indexed");
    let status = sidecar.request("status", json!({}));
    (indexed, status, answers, sidecar.finish_warned())
}

/// Runs beneath something, without the right of root to write whatever the modes say.
fn without_privileges() -> Option<Vec<OsString>> {
    if !rustix::process::geteuid().is_root() {
        return Some(vec!["env".into()]);
    }
    let words = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];
    let works = Command::new(words[0]).args([words[1], "true"]).status().is_ok_and(|status| status.success());
    if !works {
        absent("setpriv", "install util-linux, or do not run the tests as root");
    }
    works.then(|| words.map(OsString::from).to_vec())
}

#[test]
fn a_directory_that_may_not_be_written() {
    let Some(words) = without_privileges() else { return };
    let kept = Kept::small();
    settle(&kept.workspace.root);
    let cold = kept.cold(&[]);
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    fs::create_dir(&kept.place).unwrap();
    set_mode(&kept.place, 0o500);
    let (_, status, answers, warnings) = run(kept.builder().beneath(&words));
    assert_eq!(answers, cold);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(kept.place.to_str().unwrap()) && warnings[0].contains("denied"), "{warnings:?}");
    assert!(status["cache"]["lastError"].as_str().is_none_or(|error| error.contains("denied")), "{status}");
    assert_eq!(everything(&kept.place).len(), 0);

    // What is there already is of use all the same.
    set_mode(&kept.place, 0o700);
    kept.run_once();
    let directory = kept.directory();
    let before = everything(&kept.place);
    set_mode(&directory, 0o500);
    set_mode(&kept.place, 0o500);
    let (indexed, _, answers, warnings) = run(kept.builder().beneath(&words));
    assert_eq!((answers, &indexed["fromCache"], warnings), (cold, &json!(true), Vec::new()));
    assert_eq!(everything(&kept.place), before);

    // Nor may it be read any more.
    set_mode(&directory, 0);
    let (indexed, _, answers, warnings) = run(kept.builder().beneath(&words));
    assert_eq!((answers, &indexed["fromCache"]), (kept.cold(&[]), &json!(false)));
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    set_mode(&kept.place, 0o700);
    set_mode(&directory, 0o700);
    assert_eq!(everything(&kept.place), before);
}

/// No more room for a file, which the system tells by an error, or by a signal too.
#[test]
fn a_full_disk() {
    let kept = Kept::small();
    for at in 0..200 {
        let text: String = (0..40).map(|line| blake3::hash(&[at, line]).to_hex().to_string() + "\n").collect();
        kept.workspace.write(&format!("much/{at}.txt"), text);
    }
    settle(&kept.workspace.root);
    let cold = kept.cold(&[]);
    let limited = |script: &str| {
        let words = ["sh", "-c", script, "sh"].map(str::to_owned);
        run(kept.builder().beneath(words))
    };
    for (what, script) in [
        ("an error", "trap '' XFSZ; ulimit -f 8; exec \"$@\""),
        ("a signal", "ulimit -f 8; exec \"$@\""),
        ("not even a manifest", "ulimit -f 0; exec \"$@\""),
    ] {
        let (indexed, status, answers, warnings) = limited(script);
        assert_eq!((&answers, &indexed["fromCache"]), (&cold, &json!(false)), "{what}");
        assert_eq!(warnings.len(), 1, "{what}: {warnings:?}");
        let directory = kept.directory();
        assert!(warnings[0].contains(directory.to_str().unwrap()), "{what}: {warnings:?}");
        assert!(warnings[0].contains("too large"), "{what}: {warnings:?}");
        assert!(status["cache"]["lastError"].as_str().is_none_or(|error| error.contains("too large")), "{status}");
        let left = everything(&directory).into_keys().filter(|path| !path.ends_with("lock"));
        assert_eq!(left.count(), 0, "{what}");
    }
    kept.run_once();

    // What was kept before stays, whole.
    let before = everything(&kept.place);
    kept.workspace.write("src/a.ts", "changed");
    for at in 0..100 {
        kept.workspace.write(&format!("much/{at}.txt"), "needle");
    }
    let cold = kept.cold(&[]);
    let mut sidecar = kept.builder().beneath(["sh", "-c", "ulimit -f 8; exec \"$@\"", "sh"]).spawn();
    sidecar.wait_event("indexed");
    while sidecar.request("status", json!({}))["cache"]["lastError"].is_null() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let answers = Answers::of(&mut sidecar);
    assert_eq!(sidecar.finish_warned().len(), 1);
    assert_eq!(answers, cold);
    assert_eq!(everything(&kept.place), before);
    assert_eq!(kept.assert_as_cold(&[], "as it was before").0["fromCache"], true);
}

/// What is said is one line, and everything works.
#[test]
fn places_that_will_not_do() {
    let kept = Kept::small();
    let (root, outer) = (kept.workspace.root.clone(), kept.workspace.outer().to_owned());
    symlink(&root, outer.join("link")).unwrap();
    fs::write(outer.join("file"), "").unwrap();
    let cold = kept.cold(&[]);
    let before = everything(&outer);
    for (place, says) in [
        (root.clone(), "in the workspace"),
        (root.join("src"), "in the workspace"),
        (root.join("not/made/yet"), "in the workspace"),
        (outer.join("link"), "in the workspace"),
        (outer.join("link/not/made/yet"), "in the workspace"),
        (outer.join("new/../workspace/new"), "in the workspace"),
        (outer.join("file"), "exists"),
        (outer.join("file/beneath"), "directory"),
        ("/proc/nowhere".into(), "/proc/nowhere"),
    ] {
        let builder = Sidecar::builder(&root).args(["--cache-dir".as_ref(), place.as_os_str()]);
        let (indexed, status, answers, warnings) = run(builder);
        assert_eq!((&answers, &indexed["fromCache"]), (&cold, &json!(false)), "{}", place.display());
        assert_eq!(warnings.len(), 1, "{}: {warnings:?}", place.display());
        assert!(warnings[0].contains(says), "{}: {warnings:?}", place.display());
        assert_eq!(status["cache"], json!({ "enabled": false }));
        assert_eq!(everything(&outer), before, "{}", place.display());
    }
}

/// The name of the directory is known to everybody; what lies there may not be ours.
#[test]
fn something_else_in_place_of_our_directory() {
    let kept = Kept::small();
    kept.run_once();
    let (directory, cold, root) = (kept.directory(), kept.cold(&[]), &kept.workspace.root);
    let sources = everything(root);
    let harms: [(&str, &dyn Fn()); 3] = [
        ("a file", &|| fs::write(&directory, "").unwrap()),
        ("a link into the workspace", &|| symlink(root, &directory).unwrap()),
        ("a link to another directory", &|| symlink(kept.workspace.outer(), &directory).unwrap()),
    ];
    for (what, harm) in harms {
        fs::remove_dir_all(&directory).or_else(|_| fs::remove_file(&directory)).unwrap();
        harm();
        let before = everything(kept.workspace.outer());
        let (indexed, _, answers, warnings) = run(kept.builder());
        assert_eq!((&answers, &indexed["fromCache"]), (&cold, &json!(false)), "{what}");
        assert_eq!(warnings.len(), 1, "{what}: {warnings:?}");
        assert!(warnings[0].contains(directory.to_str().unwrap()), "{what}: {warnings:?}");
        assert_eq!(everything(kept.workspace.outer()), before, "{what}");
    }
    assert_eq!(everything(root), sources);
}

#[test]
fn without_a_directory_nothing_is_kept() {
    let workspace = Workspace::empty();
    workspace.write("src/a.ts", "needle");
    let outer = fs::canonicalize(workspace.outer()).unwrap();
    for name in ["home", "temporary"] {
        fs::create_dir(outer.join(name)).unwrap();
    }
    let before = everything(&outer);
    let start = |words: Vec<OsString>| {
        let builder = Sidecar::builder(&workspace.root).beneath(words);
        builder.env("TMPDIR", outer.join("temporary")).env("HOME", outer.join("home")).spawn()
    };
    let ask = |mut sidecar: Sidecar| {
        sidecar.wait_event("indexed");
        workspace.write("src/a.ts", "needles");
        Answers::of(&mut sidecar);
        assert_eq!(sidecar.request("status", json!({}))["cache"], json!({ "enabled": false }));
        workspace.write("src/a.ts", "needle");
        sidecar.request("sync", json!({}));
        sidecar.finish();
    };
    ask(start(vec!["env".into()]));
    assert_eq!(everything(&outer), before);
    if !tracer_works() {
        eprintln!("SKIPPED, in part: without_a_directory_nothing_is_kept: strace is missing, or may not trace");
        return;
    }
    // Beside the tree, where the trace is no change.
    let trace = Workspace::empty();
    let trace = trace.outer().join("trace.txt");
    let words = ["strace", "-f", "-qq", "-y", "-e", "trace=%file,write,ftruncate", "-e", "signal=none", "-o"];
    ask(start(words.iter().map(OsString::from).chain([trace.clone().into()]).collect()));
    let log = fs::read_to_string(trace).unwrap();
    let changing = log.lines().filter(|line| changes_something(line) && !line.contains(" = -1 "));
    let (cookies, others): (Vec<_>, Vec<_>) =
        changing.filter(|line| line.contains('/')).partition(|line| line.contains("/workspace-sidecar-cookies-"));
    assert!(cookies.iter().any(|line| call(line).starts_with("open")), "{log:.2000}");
    let own =
        |line: &&str| !["<pipe:", "<socket:", "anon_inode:", "</dev/null>"].iter().any(|kind| line.contains(kind));
    let others: Vec<&str> = others.into_iter().filter(own).collect();
    assert!(others.is_empty(), "{others:#?}");
    assert!(directories(&outer.join("temporary")).is_empty());
}
