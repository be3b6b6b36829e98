//! Rules that lie where no watch is, and directories that may not be read.

use std::fs;

#[cfg(target_os = "linux")]
use super::cookies;
use super::{Listener, synced};
use crate::fixtures::Workspace;
use crate::harness::Sidecar;
use crate::referee::{Contents, cold};

/// A file each for the rules below.
fn workspace() -> Workspace {
    let workspace = Workspace::empty();
    for name in ["a.md", "b.json", "src/c.md", "src/d.json", "src/e.ts"] {
        workspace.write(name, name);
    }
    workspace
}

/// Edits rules; each edit must show in the listing.
fn edit(listener: &mut Listener, workspace: &Workspace, edit: &dyn Fn(&str)) {
    for rules in ["*.md\n", "*.json\n", "", "src/\n"] {
        let before = cold(&workspace.root);
        edit(rules);
        assert_ne!(cold(&workspace.root), before, "{rules:?} is a change");
        listener.check(&workspace.root, rules);
    }
    let ours: Contents = synced(&mut listener.sidecar);
    assert!(ours.contains_key("a.md") && !ours.contains_key("src/e.ts"));
    // Whoever only listens hears of it, too, though nothing else happens.
    edit("");
    listener.hear(&workspace.root);
}

#[test]
fn of_the_repository_itself() {
    let workspace = workspace();
    workspace.write(".git/info/exclude", "");
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    edit(&mut listener, &workspace, &|rules| workspace.write(".git/info/exclude", rules));
    listener.sidecar.finish();
}

#[test]
fn above_the_root() {
    let workspace = workspace();
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    edit(&mut listener, &workspace, &|rules| fs::write(workspace.outer().join(".ignore"), rules).unwrap());
    listener.sidecar.finish();
}

/// `.git` is a file there, and the excludes lie in the repository it was made from.
#[test]
fn of_a_worktree() {
    let workspace = workspace();
    let repository = workspace.outer().join("repository/.git");
    let own = repository.join("worktrees/ours");
    fs::create_dir_all(&own).unwrap();
    fs::create_dir_all(repository.join("info")).unwrap();
    fs::write(own.join("commondir"), "../..\n").unwrap();
    workspace.write(".git", format!("gitdir: {}\n", own.display()));
    let mut listener = Listener::start(Sidecar::builder(&workspace.root), &workspace.root);
    let exclude = repository.join("info/exclude");
    edit(&mut listener, &workspace, &|rules| fs::write(&exclude, rules).unwrap());
    // Another repository has other rules.
    workspace.write(".git", "gitdir: /nowhere\n");
    listener.check(&workspace.root, "pointed elsewhere");
    listener.sidecar.finish();
}

/// Every command of git leaves its traces in the directory `.git`, which says nothing about what is ignored.
#[cfg(target_os = "linux")]
#[test]
fn the_repository_around_the_root_is_at_work() {
    let workspace = workspace();
    let git = workspace.outer().join(".git");
    fs::create_dir(&git).unwrap();
    let place = cookies::place(&workspace, "tmp");
    let mut listener = Listener::start(Sidecar::builder(&workspace.root).env("TMPDIR", &place), &workspace.root);
    let mut looked = 0;
    for round in 0..3 {
        let (watcher, rescans) = (cookies::held(&place), listener.status()["watcher"]["rescans"].take());
        fs::write(git.join(format!("index{round}.lock")), "").unwrap();
        workspace.write("src/e.ts", format!("round {round}"));
        listener.check(&workspace.root, "after a command");
        // A cookie that is lost, as where a machine stands still for a second, brings a new one.
        let looks = listener.status()["watcher"]["rescans"] != rescans;
        assert!(looks || cookies::held(&place) == watcher, "a new watcher");
        looked += usize::from(looks);
    }
    assert!(looked < 3, "a look at everything, each time");
    fs::create_dir(git.join("info")).unwrap();
    fs::write(git.join("info/exclude"), "*.md\n").unwrap();
    listener.check(&workspace.root, "with excludes");
    fs::remove_dir_all(&git).unwrap();
    listener.check(&workspace.root, "without a repository");
    listener.sidecar.finish();
}

/// Whoever may read everything drops that right first.
#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_may_not_be_read_and_then_may() {
    use std::os::unix::fs::PermissionsExt as _;

    let workspace = workspace();
    workspace.write("src/deep/deeper/f.ts", "f");
    let chmod = |mode| fs::set_permissions(workspace.at("src"), fs::Permissions::from_mode(mode)).unwrap();
    chmod(0o000);
    let reads_all = fs::read_dir(workspace.at("src")).is_ok();
    chmod(0o755);
    let mut builder = Sidecar::builder(&workspace.root);
    if reads_all {
        let beneath = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"];
        let test = std::process::Command::new(beneath[0]).args(&beneath[1..]).arg("true").output();
        if !test.is_ok_and(|ran| ran.status.success()) {
            eprintln!("SKIPPED: watching::rules: whoever may read everything needs `setpriv`");
            return;
        }
        builder = builder.beneath(beneath);
    }
    let mut listener = Listener::start(builder, &workspace.root);
    let all = cold(&workspace.root);
    let mut without = all.clone();
    without.retain(|path, _| !path.starts_with("src/"));
    // Neither to be listed nor entered; to be listed only; to be entered only.
    for mode in [0o000, 0o644, 0o311, 0o644, 0o000] {
        chmod(mode);
        assert_eq!(synced(&mut listener.sidecar), without, "{mode:o}");
        assert!(listener.status()["skipped"]["unreadable"].as_u64().unwrap() > 0);
        chmod(0o755);
        assert_eq!(synced(&mut listener.sidecar), all);
        assert_eq!(listener.status()["skipped"]["unreadable"], 0);
        workspace.write("src/e.ts", "told");
        workspace.write("src/e.ts", "src/e.ts");
    }
    listener.hear(&workspace.root);
    listener.sidecar.finish();
}
