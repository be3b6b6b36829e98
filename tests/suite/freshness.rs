//! Answers reflect what happened before they were asked for.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::random::Random;
use crate::referee::{Contents, cold, walk};
use crate::trees;

/// What is changed, and how.
type Change<'a> = (&'a str, Box<dyn Fn() + 'a>);

/// The paths and hashes of a listing.
pub(crate) fn contents(result: &Value) -> Contents {
    let file = |file: &Value| {
        (file["path"].as_str().unwrap().to_owned(), file["hash"].as_str().unwrap_or("(no hash)").to_owned())
    };
    result["files"].as_array().unwrap().iter().map(file).collect()
}

fn hashes(sidecar: &mut Sidecar, consistency: &str) -> Value {
    sidecar.request(
        "glob",
        json!({ "include": ["**"], "fields": ["hash"], "consistency": consistency, "syncTimeoutMs": 60_000 }),
    )
}

/// The number in a clock. Clients must not look into it; a test of their order has to.
pub(crate) fn tick(clock: &Value) -> u64 {
    clock.as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap()
}

#[track_caller]
fn assert_fresh(workspace: &Workspace, sidecar: &mut Sidecar, what: &str) {
    let result = hashes(sidecar, "synced");
    assert_eq!(result["synced"], true, "{what}");
    assert_eq!(contents(&result), cold(&workspace.root), "{what}");
}

/// Writes other bytes of the same length, and puts the modification time back where the inode's change
/// time tells all the same. Windows shows no such time to a walk.
pub(crate) fn change_unnoticeably(file: &Path) {
    let modified = fs::metadata(file).unwrap().modified().unwrap();
    let mut bytes = fs::read(file).unwrap();
    bytes[0] = bytes[0].wrapping_add(1);
    fs::write(file, bytes).unwrap();
    if cfg!(unix) {
        fs::File::options().write(true).open(file).unwrap().set_modified(modified).unwrap();
    }
}

#[test]
fn each_kind_of_change_is_seen() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let at = |path: &str| workspace.at(path);
    assert_fresh(&workspace, &mut sidecar, "before the index is there");
    sidecar.wait_event("indexed");
    assert_fresh(&workspace, &mut sidecar, "with the index");
    let changes: Vec<Change<'_>> = vec![
        ("created", Box::new(|| workspace.write("src/new.ts", "new"))),
        ("modified", Box::new(|| workspace.write("src/new.ts", "newer"))),
        ("emptied", Box::new(|| workspace.write("src/new.ts", ""))),
        ("filled", Box::new(|| workspace.write("src/new.ts", "filled again"))),
        ("the same size and time", Box::new(|| change_unnoticeably(&at("src/App.tsx")))),
        ("the same size and time again", Box::new(|| change_unnoticeably(&at("src/App.tsx")))),
        ("renamed", Box::new(|| fs::rename(at("src/new.ts"), at("src/newest.ts")).unwrap())),
        (
            "replaced by a rename",
            Box::new(|| {
                workspace.write("src/.App.tsx.tmp", "saved atomically");
                fs::rename(at("src/.App.tsx.tmp"), at("src/App.tsx")).unwrap();
            }),
        ),
        ("a directory renamed", Box::new(|| fs::rename(at("src/components"), at("src/parts")).unwrap())),
        ("a directory made", Box::new(|| workspace.write("one/two/three/four.txt", "deep"))),
        ("deleted", Box::new(|| fs::remove_file(at("src/newest.ts")).unwrap())),
        ("a directory deleted", Box::new(|| fs::remove_dir_all(at("one")).unwrap())),
        (
            "a file in place of a directory",
            Box::new(|| {
                fs::remove_dir_all(at("docs")).unwrap();
                workspace.write("docs", "no directory any more");
            }),
        ),
        (
            "a directory in place of a file",
            Box::new(|| {
                fs::remove_file(at("docs")).unwrap();
                workspace.write("docs/notes.md", "again");
            }),
        ),
        ("now ignored", Box::new(|| workspace.write(".gitignore", "*.tsx\n/docs\n"))),
        ("no more ignored", Box::new(|| workspace.write(".gitignore", ""))),
        ("without .ignore", Box::new(|| fs::remove_file(at(".ignore")).unwrap())),
        ("a nested rule", Box::new(|| workspace.write("src/.gitignore", "*\n!main.tsx\n"))),
        ("a rule beside the repository", Box::new(|| workspace.write(".git/info/exclude", "*.json\n"))),
        (
            "a rule above the root",
            Box::new(|| {
                fs::write(workspace.outer().join(".ignore"), "*.md\n").unwrap();
            }),
        ),
        (
            "an older modification time",
            Box::new(|| {
                workspace.write("src/main.tsx", "{}");
                let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
                fs::File::options().write(true).open(at("src/main.tsx")).unwrap().set_modified(long_ago).unwrap();
            }),
        ),
    ];
    let mut last = 0;
    for (what, change) in changes {
        change();
        assert_fresh(&workspace, &mut sidecar, what);
        let status = sidecar.request("status", json!({}));
        assert!(tick(&status["clock"]) > last, "{what}: the clock stands at {last}");
        last = tick(&status["clock"]);
    }
    sidecar.finish();
}

/// Many writers' worth of changes between two answers, again and again.
#[test]
fn random_changes() {
    let mut random = Random::new(11);
    let workspace = Workspace::empty();
    trees::grow(&workspace, &mut random, false);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut last = 0;
    for round in 0..200 {
        let mut done = Vec::new();
        for _ in 0..=random.below(4) {
            done.push(change(&workspace, &mut random));
        }
        let result = if random.one_in(4) {
            // What a client wrote itself it may name, and then ask without waiting.
            let paths: Vec<&String> = done.iter().flatten().collect();
            let synced = sidecar.request("sync", json!({ "paths": paths, "timeoutMs": 60_000 }));
            assert_eq!(synced["synced"], true);
            let eventual = hashes(&mut sidecar, "eventual");
            let (known, wanted) = (contents(&eventual), cold(&workspace.root));
            for path in &paths {
                assert_eq!(known.get(*path), wanted.get(*path), "round {round}: {path} after {done:?}");
            }
            assert!(tick(&eventual["clock"]) >= tick(&synced["clock"]));
            eventual
        } else {
            let result = hashes(&mut sidecar, "synced");
            assert_eq!(result["synced"], true);
            assert_eq!(contents(&result), cold(&workspace.root), "round {round} after {done:?}");
            result
        };
        let now = tick(&result["clock"]);
        assert!(now >= last, "round {round}: the clock went from {last} to {now}");
        last = now;
    }
    sidecar.finish();
}

/// Changes something; returns the paths it touched.
fn change(workspace: &Workspace, random: &mut Random) -> Vec<String> {
    let place = |random: &mut Random| {
        let directory = random.pick(&["", "src/", "lib/", "src/lib/", "a.d/b/", "new/"]);
        format!("{directory}{}", random.pick(trees::FILES))
    };
    let existing: Vec<String> = walk(&workspace.root).into_iter().collect();
    let some = |random: &mut Random| existing.get(random.below(existing.len().max(1))).cloned();
    match random.below(12) {
        0..=3 => {
            let path = place(random);
            if !workspace.at(&path).is_dir() && (path.matches('/').count() == 0 || parent_fits(workspace, &path)) {
                workspace.write(&path, format!("{}\n", random.next()));
            }
            vec![path]
        }
        4 | 5 => some(random).into_iter().inspect(|path| change_if_any(&workspace.at(path))).collect(),
        6 => some(random).into_iter().inspect(|path| fs::remove_file(workspace.at(path)).unwrap()).collect(),
        7 | 8 => {
            let (Some(from), to) = (some(random), place(random)) else { return Vec::new() };
            if parent_fits(workspace, &to) && !workspace.at(&to).is_dir() {
                fs::create_dir_all(workspace.at(&to).parent().unwrap()).unwrap();
                fs::rename(workspace.at(&from), workspace.at(&to)).unwrap();
            }
            vec![from, to]
        }
        9 => {
            let path = random.pick(&["lib", "src/lib", "new"]);
            let _ = fs::remove_dir_all(workspace.at(path));
            vec![path.to_owned()]
        }
        10 => {
            let (from, to) = (random.pick(&["src", "lib", "new"]), random.pick(&["moved", "src/moved", "lib"]));
            let _ = fs::rename(workspace.at(from), workspace.at(to));
            vec![from.to_owned(), to.to_owned()]
        }
        _ => {
            let path = random.pick(&[".gitignore", ".ignore"]);
            // Rules of one line only: those that ignore everything would end the game.
            workspace.write(path, random.pick(&["*.log\n", "/src/\n", "lib/\n!*.md\n", "a\n", "\n", "*.ts\n!d.ts\n"]));
            vec![path.to_owned()]
        }
    }
}

fn parent_fits(workspace: &Workspace, path: &str) -> bool {
    path.match_indices('/').all(|(at, _)| !workspace.at(&path[..at]).is_file())
}

fn change_if_any(file: &Path) {
    if fs::metadata(file).unwrap().len() > 0 {
        change_unnoticeably(file);
    }
}

#[test]
fn sync_of_paths_is_exact() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    sidecar.wait_event("indexed");
    let at = |path: &str| workspace.at(path);
    let sync = |sidecar: &mut Sidecar, paths: &[&str]| {
        let result = sidecar.request("sync", json!({ "paths": paths, "timeoutMs": 60_000 }));
        assert_eq!(result["synced"], true);
        contents(&hashes(sidecar, "eventual"))
    };
    let hash = |text: &str| Some(blake3::hash(text.as_bytes()).to_hex().to_string());
    workspace.write("src/one.ts", "1");
    workspace.write("made/here/two.ts", "2");
    workspace.write("ignored.log", "3");
    change_unnoticeably(&at("src/App.tsx"));
    fs::remove_file(at("src/main.tsx")).unwrap();
    fs::rename(at("src/hooks"), at("src/crooks")).unwrap();
    let known = sync(
        &mut sidecar,
        &[
            "src/one.ts",
            "made/here/two.ts",
            "ignored.log",
            "src/App.tsx",
            "src/main.tsx",
            "src/hooks",
            "src/crooks",
            "none",
        ],
    );
    assert_eq!(known.get("src/one.ts").cloned(), hash("1"));
    assert_eq!(known.get("made/here/two.ts").cloned(), hash("2"));
    assert!(!known.contains_key("ignored.log") && !known.contains_key("src/main.tsx"));
    assert!(known.contains_key("src/crooks/useBoard.ts") && !known.contains_key("src/hooks/useBoard.ts"));
    assert_eq!(known.get("src/App.tsx"), cold(&workspace.root).get("src/App.tsx"));
    assert_eq!(known, cold(&workspace.root), "these were all the changes");
    // The directories above a new file are new, too.
    let directories = sidecar.request("stat", json!({ "paths": ["made", "made/here"] }));
    for entry in directories["entries"].as_array().unwrap() {
        assert_eq!(entry["indexed"], true, "{entry}");
    }

    // A directory stands for all that lies beneath it, and for nothing beside it.
    workspace.write("made/here/two.ts", "other");
    workspace.write("made/three.ts", "3");
    let known = sync(&mut sidecar, &["made"]);
    assert_eq!(known, cold(&workspace.root));
    fs::remove_dir_all(at("made")).unwrap();
    let known = sync(&mut sidecar, &["made/here"]);
    assert!(!known.contains_key("made/here/two.ts"));
    let known = sync(&mut sidecar, &["made"]);
    assert_eq!(known, cold(&workspace.root));
    // Nothing to look at is no reason to wait.
    assert_eq!(sidecar.request("sync", json!({ "paths": [] }))["synced"], true);
    assert_eq!(sidecar.request("sync", json!({}))["synced"], true);

    // Names that no file can have are not there, like others; and nothing else is looked at for them.
    let rescans = |sidecar: &mut Sidecar| sidecar.request("status", json!({}))["watcher"]["rescans"].clone();
    let before = rescans(&mut sidecar);
    let long = "n".repeat(300);
    assert_eq!(sync(&mut sidecar, &[&long, &format!("src/{long}/a.ts"), "src/one.ts"]), cold(&workspace.root));
    assert_eq!(rescans(&mut sidecar), before);

    // Where spellings are the same to the disk, only the one that the directory lists is a path.
    let spelled = ["SRC/one.ts", "src/ONE.ts", "Src", "src/One.ts/"].map(|path| path.trim_end_matches('/'));
    assert_eq!(sync(&mut sidecar, &spelled), cold(&workspace.root));
    fs::rename(at("src/one.ts"), at("src/ONE.ts")).unwrap();
    assert_eq!(sync(&mut sidecar, &["src/one.ts", "src/ONE.ts"]), cold(&workspace.root));
    fs::rename(at("src/ONE.ts"), at("src/one.ts")).unwrap();
    assert_eq!(sync(&mut sidecar, &["src/ONE.ts", "src/one.ts"]), cold(&workspace.root));
    sidecar.finish();
}

/// What is said then: `waiting.rs`.
#[test]
fn the_time_to_sync_can_be_set() {
    let workspace = fixtures::copy();
    let builder = Sidecar::builder(&workspace.root).own_sync_timeout().args(["--sync-timeout-ms", "0"]);
    let mut sidecar = builder.spawn();
    assert_eq!(sidecar.wait_event("ready")["limits"]["syncTimeoutMs"], 0);
    assert_eq!(sidecar.request("sync", json!({ "timeoutMs": 60_000 }))["synced"], true);
    let result = sidecar.request("glob", json!({ "include": ["**"], "syncTimeoutMs": 60_000 }));
    assert_eq!(result["synced"], true);
    sidecar.finish();
}

/// A client that writes and asks at once, many times over, with nothing in between.
#[test]
fn a_write_before_each_question() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut asked = Vec::new();
    for round in 0..50 {
        let path = format!("src/round{round}.ts");
        workspace.write(&path, "x");
        workspace.write("src/counter.ts", format!("{round:03}"));
        asked.push((sidecar.send("glob", json!({ "include": [path] })), path));
    }
    for (id, path) in asked {
        let result = sidecar.result(&id);
        assert_eq!(result["files"], json!([{ "path": path }]));
    }
    sidecar.finish();
}
