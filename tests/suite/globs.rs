//! Globs and the options of a listing.

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace};
use crate::harness::Sidecar;
use crate::listing::paths;
use crate::naive;
use crate::random::Random;
use crate::referee::ripgrep;
use crate::trees;

/// A part of a glob, between two `/`.
fn part(random: &mut Random) -> String {
    let names = [trees::FILES, trees::DIRECTORIES].concat();
    match random.below(10) {
        0 | 1 => "**".to_owned(),
        2 => "*".to_owned(),
        3 => "*.ts".to_owned(),
        4 => "[a-d]*".to_owned(),
        5 => "[!a]*".to_owned(),
        6 => "?".repeat(1 + random.below(3)),
        7 => format!("{{{},{}.ts,*.md}}", random.pick(&["a", "src", "b*", "", "{c,d}"]), random.pick(&["c", "d", "*"])),
        _ => {
            let name = random.pick(&names);
            // These would be syntax.
            if name.starts_with(['[', '!', '#']) { "ab".to_owned() } else { name.to_owned() }
        }
    }
}

fn glob(random: &mut Random) -> String {
    let parts: Vec<String> = (0..=random.below(3)).map(|_| part(random)).collect();
    let prefix = random.pick(&["", "", "", "", "/", "./"]);
    let suffix = random.pick(&["", "", "", "", "", "/"]);
    format!("{prefix}{}{suffix}", parts.join("/"))
}

#[test]
fn random_globs() {
    let mut random = Random::new(7);
    let workspace = Workspace::empty();
    trees::grow(&workspace, &mut random, false);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let all = paths(&sidecar.request("glob", json!({ "include": ["**"] })));
    assert!(all.len() > 40);
    let (mut some, mut compared) = (0, 0);
    for round in 0..400 {
        let include: Vec<String> = (0..=random.below(2)).map(|_| glob(&mut random)).collect();
        let exclude: Vec<String> = (0..random.below(2)).map(|_| glob(&mut random)).collect();
        let result =
            sidecar.request("glob", json!({ "include": include, "exclude": exclude, "consistency": "eventual" }));
        let got = paths(&result);
        let wanted: BTreeSet<String> = all
            .iter()
            .filter(|path| {
                include.iter().any(|glob| naive::includes(glob, path))
                    && !exclude.iter().any(|glob| naive::excludes(glob, path))
            })
            .cloned()
            .collect();
        assert_eq!(got, wanted, "include {include:?}, exclude {exclude:?}");
        some += usize::from(!got.is_empty());

        // ripgrep's own globs are lines of .gitignore: the same but for these.
        let alike = |glob: &String| !glob.starts_with("./") && !glob.ends_with('/');
        if round % 3 == 0 && include.iter().all(alike) && exclude.is_empty() {
            let more: Vec<&str> = include.iter().flat_map(|glob| ["-g", glob]).collect();
            let Some(listed) = ripgrep(&workspace.root, workspace.outer(), &more) else { continue };
            assert_eq!(got, listed, "ripgrep -g {include:?}");
            compared += 1;
        }
    }
    assert!(some > 150, "only {some} globs matched anything");
    eprintln!("{compared} globs compared with ripgrep");
    sidecar.finish();
}

#[test]
fn bad_globs_are_named() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let deep = "{".repeat(100_000);
    let long = "a".repeat(5000);
    for bad in ["", "[", "[z-a]", "{a", "a\0b", "\\", "{{", &deep, &long] {
        for params in [json!({ "include": ["*.ts", bad] }), json!({ "include": ["**"], "exclude": [bad] })] {
            let error = sidecar.expect_error("glob", params, "invalid_glob");
            let message = error["message"].as_str().unwrap();
            assert!(message.starts_with("invalid glob") && message.len() < 1000, "{message}");
        }
    }
    // Hostile, but valid: many alternatives, many stars.
    for odd in ["{a,b}".repeat(200), "*a".repeat(500), "**/".repeat(300) + "x", "[a-z]".repeat(400)] {
        sidecar.request("glob", json!({ "include": [odd] }));
    }
    let many: Vec<String> = (0..2000).map(|at| format!("src/**/file{at}*.{{ts,tsx}}")).collect();
    assert_eq!(sidecar.request("glob", json!({ "include": many }))["files"], json!([]));
    sidecar.finish();
}

fn all_fields() -> Value {
    json!({ "include": ["**"], "fields": ["size", "mtimeMs", "hash", "kind"], "directories": true })
}

#[test]
fn fields_and_directories() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let result = sidecar.request("glob", all_fields());
    let mut directories = BTreeSet::new();
    let mut above = BTreeSet::new();
    for entry in result["files"].as_array().unwrap() {
        let path = entry["path"].as_str().unwrap();
        let found = fs::symlink_metadata(workspace.at(path)).unwrap();
        if entry["kind"] == "directory" {
            assert!(found.is_dir() && entry.get("hash").is_none(), "{path}");
            directories.insert(path);
        } else {
            assert_eq!(entry["kind"], "file", "{path}");
            assert_eq!(entry["size"], found.len(), "{path}");
            let bytes = fs::read(workspace.at(path)).unwrap();
            assert_eq!(entry["hash"].as_str(), Some(blake3::hash(&bytes).to_hex().as_str()), "{path}");
            above.extend(path.match_indices('/').map(|(at, _)| &path[..at]));
        }
        assert!(entry["mtimeMs"].as_f64().is_some_and(|ms| ms > 1e12), "{path}");
    }
    assert!(directories.is_superset(&above), "{:?}", above.difference(&directories));
    assert!(!directories.contains("dist") && !directories.contains("archive"), "ignored directories");
    if fixtures::has_links(&workspace) {
        assert!(!directories.contains("links/components"), "a link is no directory");
    }
    // Without asking, there is the path alone.
    let plain = sidecar.request("glob", json!({ "include": ["/package.json"] }));
    assert_eq!(plain["files"], json!([{ "path": "package.json" }]));
    sidecar.finish();
}

#[test]
fn paging_gives_everything_once() {
    let workspace = fixtures::copy();
    // Names around `/` in the order of bytes.
    for name in ["src-a/x", "src.ts", "src/zz", "srcx/y", "src!", "z"] {
        workspace.write(name, "");
    }
    let spread = Duration::from_secs(1000);
    for (at, (path, _)) in [("src.ts", 0), ("src/zz", 0), ("z", 0)].iter().enumerate() {
        let when = SystemTime::now() - spread * at as u32;
        fs::File::options().write(true).open(workspace.at(path)).unwrap().set_modified(when).unwrap();
    }
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for sort in ["path", "mtime"] {
        for directories in [false, true] {
            let mut params = all_fields();
            params["sort"] = json!(sort);
            params["directories"] = json!(directories);
            let whole = sidecar.request("glob", params.clone());
            assert_eq!(whole["limitHit"], false);
            let whole = whole["files"].as_array().unwrap().clone();
            for limit in [1, 7, whole.len() - 1, whole.len(), whole.len() + 1] {
                params["limit"] = json!(limit);
                let mut paged: Vec<Value> = Vec::new();
                loop {
                    match paged.last() {
                        Some(last) => params["after"] = last["path"].clone(),
                        None => drop(params.as_object_mut().unwrap().remove("after")),
                    }
                    let page = sidecar.request("glob", params.clone());
                    let files = page["files"].as_array().unwrap();
                    assert!(files.len() <= limit);
                    paged.extend(files.iter().cloned());
                    assert!(paged.len() <= whole.len(), "{sort} {limit}");
                    if page["limitHit"] == false {
                        break;
                    }
                    assert_eq!(files.len(), limit);
                }
                assert_eq!(paged, whole, "{sort} {directories} {limit}");
            }
            if sort == "mtime" {
                let times: Vec<f64> = whole.iter().map(|file| file["mtimeMs"].as_f64().unwrap()).collect();
                assert!(times.is_sorted_by(|a, b| a >= b), "{times:?}");
            }
        }
    }
    // Going on behind a path that is not there (any more), in the order of paths.
    let behind = sidecar.request("glob", json!({ "include": ["**"], "after": "srcs" }));
    assert_eq!(
        behind["files"],
        json!([{ "path": "srcx/y" }, { "path": "tsconfig.json" }, { "path": "vite.config.ts" }, { "path": "z" }])
    );
    let nothing = sidecar.request("glob", json!({ "include": ["**"], "limit": 0 }));
    assert_eq!((&nothing["files"], &nothing["limitHit"]), (&json!([]), &json!(true)));
    sidecar.finish();
}

#[test]
fn case_and_unicode() {
    let workspace = fixtures::copy();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let mut list = |params: Value| paths(&sidecar.request("glob", params));
    let sensitive = list(json!({ "include": ["*.TSX"] }));
    let folded = list(json!({ "include": ["*.TSX"], "caseSensitive": false }));
    assert!(sensitive.is_empty() && folded == list(json!({ "include": ["*.tsx"] })));
    let kept = list(json!({ "include": ["*.tsx"], "exclude": ["SRC"], "caseSensitive": false }));
    assert!(kept.iter().all(|path| !path.starts_with("src/")) && !kept.is_empty());
    assert_eq!(list(json!({ "include": ["**/ünïcode/😀.ts"] })).len(), 1);
    assert_eq!(list(json!({ "include": ["ünï*/*.ts"] })).len(), 0, "a glob with a slash starts at the root");
    assert_eq!(list(json!({ "include": ["src/ünï*/*.ts"] })).len(), 2);
    sidecar.finish();
}
