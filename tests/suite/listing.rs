//! What is listed: exactly what ripgrep lists.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::random::Random;
use crate::referee::{ripgrep, settings, walk};
use crate::trees;

/// The paths of a listing, which must be in order.
pub(crate) fn paths(result: &Value) -> BTreeSet<String> {
    let paths: Vec<String> =
        result["files"].as_array().unwrap().iter().map(|file| file["path"].as_str().unwrap().to_owned()).collect();
    assert!(paths.is_sorted(), "{paths:?}");
    let count = paths.len();
    let set: BTreeSet<String> = paths.into_iter().collect();
    assert_eq!(set.len(), count, "something is listed twice");
    set
}

/// What the sidecar lists, excluding globs, in a process of its own.
fn listed(root: &Path, home: &Path, exclude: &[&str]) -> BTreeSet<String> {
    let mut builder = Sidecar::builder(root).args(exclude.iter().flat_map(|glob| ["--exclude", glob]));
    for (name, value) in settings(home) {
        builder = builder.env(name, value);
    }
    let mut sidecar = builder.spawn();
    let result = sidecar.request("glob", json!({ "include": ["**"], "syncTimeoutMs": 60_000 }));
    assert_eq!((&result["synced"], &result["limitHit"]), (&json!(true), &json!(false)));
    sidecar.finish();
    paths(&result)
}

fn compare(workspace: &Workspace, root: &Path, exclude: &[&str], what: &str) {
    let home = workspace.outer().join("home");
    let negated: Vec<String> = exclude.iter().map(|glob| format!("!{glob}")).collect();
    let more: Vec<&str> = negated.iter().flat_map(|glob| ["-g", glob]).collect();
    let Some(wanted) = ripgrep(root, &home, &more) else { return };
    let got = listed(root, &home, exclude);
    let extra: Vec<_> = got.difference(&wanted).collect();
    let absent: Vec<_> = wanted.difference(&got).collect();
    assert!(extra.is_empty() && absent.is_empty(), "{what}: listed in vain {extra:?}, missing {absent:?}");
}

#[test]
fn the_fixtures() {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    compare(&workspace, &workspace.root, &[], "fixtures");
    let home = workspace.outer().join("home");
    let got = listed(&workspace.root, &home, &[]);
    for path in [".gitignore", ".storybook/main.ts", "keep.log", "src/data/menu.generated.ts", "src/ünïcode/😀.ts"]
    {
        assert!(got.contains(path), "{path}");
    }
    for path in ["dist/bundle.js", "debug.log", "archive/menu-2019.md", "packages/starter/notes.md"] {
        assert!(!got.contains(path), "{path}");
    }
    assert!(!got.contains("links/slug.ts") || !fixtures::has_links(&workspace), "a link is not listed");
    assert_eq!(got, walk(&workspace.root), "the `ignore` library, on one thread");
}

#[test]
fn names_that_cannot_be_served_are_counted() {
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let indexed = sidecar.wait_event("indexed");
    let status = sidecar.request("status", json!({}));
    let odd = u64::from(cfg!(target_os = "linux"));
    assert_eq!(status["skipped"]["notUtf8Path"], odd);
    assert_eq!(status["skipped"]["invalidPath"], odd);
    let listed = paths(&sidecar.request("glob", json!({ "include": [] })));
    assert_eq!((&status["files"], &indexed["files"]), (&json!(listed.len()), &json!(listed.len())));
    sidecar.finish();
}

#[test]
fn random_trees() {
    for seed in 0..40 {
        let mut random = Random::new(seed);
        let workspace = Workspace::empty();
        trees::grow(&workspace, &mut random, true);
        let mut what = format!("seed {seed}");
        let mut add = |random: &mut Random, path: &Path, note: &str| {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, trees::rule_file(random)).unwrap();
            what.push_str(note);
        };
        let outer = workspace.outer().to_owned();
        if seed % 3 == 0 {
            add(&mut random, &workspace.at(".git/info/exclude"), ", .git/info/exclude");
            fs::write(workspace.at(".git/config"), "[core]\n").unwrap();
        }
        if seed % 4 == 0 {
            add(&mut random, &outer.join(".gitignore"), ", a parent's .gitignore");
        }
        if seed % 4 == 1 {
            add(&mut random, &outer.join(".ignore"), ", a parent's .ignore");
        }
        if seed % 8 == 0 {
            add(&mut random, &outer.join(".git/info/exclude"), ", a parent's .git/info/exclude");
        }
        if seed % 5 == 0 {
            add(&mut random, &outer.join("home/config/git/ignore"), ", global excludes");
        }
        if seed % 7 == 0 && workspace.at("src").is_dir() {
            add(&mut random, &workspace.at("src/.git/info/exclude"), ", a repository inside");
        }
        let exclude: &[&str] = match seed % 6 {
            0 => &["*.md"],
            1 => &["build", "/src/*.ts"],
            2 => &["src/", "**/lib/**"],
            _ => &[],
        };
        compare(&workspace, &workspace.root, exclude, &what);
    }
}

/// A root within a repository: everything above it has a say.
#[test]
fn a_root_deep_inside() {
    for seed in 100..106 {
        let mut random = Random::new(seed);
        let workspace = Workspace::empty();
        fs::create_dir_all(workspace.at(".git/info")).unwrap();
        fs::write(workspace.at(".git/info/exclude"), "b\n/lib/src/d.ts\n").unwrap();
        trees::grow(&workspace, &mut random, true);
        workspace.write("lib/src/d.ts", "");
        workspace.write("lib/src/c.ts", "");
        workspace.write("lib/.gitignore", "e.log\n/src/a\n");
        for root in ["lib", "lib/src"] {
            compare(&workspace, &workspace.at(root), &[], &format!("seed {seed}, {root}"));
        }
    }
}

/// A worktree's `.git` is a file; the rules of the repository it belongs to count. ripgrep 15.0 is no
/// referee here: with `--no-require-git` it overlooks what the `ignore` library has learned since.
#[test]
fn a_worktree() {
    let workspace = Workspace::empty();
    let repository = workspace.outer().join("repository/.git");
    fs::create_dir_all(repository.join("worktrees/one")).unwrap();
    fs::create_dir_all(repository.join("info")).unwrap();
    fs::write(repository.join("info/exclude"), "excluded.txt\n").unwrap();
    fs::write(repository.join("worktrees/one/commondir"), "../..\n").unwrap();
    workspace.write(".git", format!("gitdir: {}\n", repository.join("worktrees/one").display()));
    workspace.write(".gitignore", "ignored.txt\n");
    for name in ["excluded.txt", "ignored.txt", "listed.txt", "deep/excluded.txt"] {
        workspace.write(name, "");
    }
    let got = listed(&workspace.root, &workspace.outer().join("home"), &[]);
    assert_eq!(got, [".gitignore", "listed.txt"].map(str::to_owned).into());
}

/// A user's global rules that start with `/` start at the root, wherever the process was started.
#[test]
fn global_excludes_start_at_the_root() {
    let workspace = Workspace::empty();
    let home = workspace.outer().join("home");
    fs::create_dir_all(home.join("config/git")).unwrap();
    fs::write(home.join("config/git/ignore"), "/src/*.ts\n*.swp\n").unwrap();
    for name in ["src/a.ts", "src/deep/b.ts", "lib/src/c.ts", "lib/d.swp"] {
        workspace.write(name, "");
    }
    let got = listed(&workspace.root, &home, &[]);
    assert_eq!(got, ["lib/src/c.ts", "src/deep/b.ts"].map(str::to_owned).into());
    compare(&workspace, &workspace.root, &[], "global excludes");
}

#[test]
fn excluded_on_the_command_line() {
    let workspace = fixtures::copy();
    for exclude in [
        &["*.tsx"][..],
        &["src"],
        &["src/", "*.json"],
        &["/package.json"],
        &["**/utils/**", ".*"],
        &["*.{ts,css}"],
        &["*"],
    ] {
        compare(&workspace, &workspace.root, exclude, &format!("--exclude {exclude:?}"));
    }
    // Excluded files are not listed by any glob, yet are read by path, as ignored ones are.
    let mut sidecar = Sidecar::builder(&workspace.root).args(["--exclude", "*.tsx"]).spawn();
    assert_eq!(sidecar.request("glob", json!({ "include": ["**/*.tsx"] }))["files"], json!([]));
    sidecar.request("readFile", json!({ "path": "src/App.tsx" }));
    assert_eq!(sidecar.request("sync", json!({ "paths": ["src/App.tsx"] }))["synced"], true);
    assert_eq!(
        sidecar.request("glob", json!({ "include": ["src/App.tsx"], "consistency": "eventual" }))["files"],
        json!([])
    );
    sidecar.finish();
}
