//! The shape of the code: who may import whom, and how long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// From the bottom. A module imports modules of lower layers, and itself.
const LAYERS: &[&[&str]] = &[
    &["error", "path", "cancel", "courtesy"],
    &["protocol"],
    &["text"],
    &["trigram"],
    &["tsx"],
    &["facts", "fs"],
    &["index"],
    &["cache", "fuzzy", "glob", "ordered", "search", "watch"],
    &["indexer", "modules"],
    &["methods"],
    &["schema"],
    &["server"],
    &["cli"],
];

/// Within the lowest layer: an error about a path names it, and a bad path is an error.
const PAIRS: &[(&str, &str)] = &[("path", "error"), ("error", "path"), ("cancel", "error")];

const MAX_LINES: usize = 600;

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut directories = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    assert!(found.len() > 30);
    found
}

/// The top-level module a file belongs to; none for `lib.rs` and `main.rs`, which name all.
fn module(file: &Path) -> Option<String> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let first = file.strip_prefix(src).unwrap().components().next()?.as_os_str().to_str()?.to_owned();
    let name = first.strip_suffix(".rs").unwrap_or(&first).to_owned();
    (name != "lib" && name != "main").then_some(name)
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// The code without comments.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(|line| format!("{}\n", line.split("//").next().unwrap_or_default())).collect()
}

/// The top-level modules that `crate::…` names, in `use` lines (`crate::{a, b::c}` too) and elsewhere.
fn imports(code: &str) -> BTreeSet<String> {
    let word =
        |text: &str| text.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate` in a macro is the same crate; `some_crate::` is another one.
        if code[..at].ends_with(|letter: char| letter.is_alphanumeric() || letter == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let Some(list) = rest.strip_prefix('{') else {
            found.insert(word(rest));
            continue;
        };
        let (mut depth, mut fresh) = (1, true);
        for (at, letter) in list.char_indices() {
            match letter {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 1 => fresh = true,
                _ if fresh && letter.is_alphabetic() => {
                    found.insert(word(&list[at..]));
                    fresh = false;
                }
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
    }
    found
}

#[test]
fn the_reader_of_imports_reads_them() {
    let code = "use crate::error::{Code, Error};\nuse crate::{path::RelPath, fs::{self, Stamp}, index};\n\
        let x = crate::text::of(some_crate::y, &crate::glob::z);\n";
    let wanted = ["error", "fs", "glob", "index", "path", "text"];
    assert_eq!(imports(code).iter().collect::<Vec<_>>(), wanted);
}

#[test]
fn imports_go_down_only() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(from) = module(&file) else { continue };
        let Some(own) = layer(&from) else {
            wrong.push(format!("{}: `{from}` has no layer yet; give it one", file.display()));
            continue;
        };
        for to in imports(&code(&file)) {
            let down = layer(&to).is_some_and(|other| other < own);
            if !(down || to == from || PAIRS.contains(&(&from, &to))) {
                wrong.push(format!("{}: `{from}` must not import `{to}`", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_and_safe() {
    for file in sources() {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines: which concern can move out?", file.display());
        let unsafe_code =
            code(&file).split(|letter: char| !letter.is_alphanumeric() && letter != '_').any(|word| word == "unsafe");
        assert!(!unsafe_code, "{}: unsafe code", file.display());
    }
}
