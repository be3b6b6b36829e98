//! Looks at the disk, and whether they still hold.
#![allow(clippy::disallowed_methods, reason = "tests make, change and look at files")]

use std::fs;
use std::path::Path;

use super::*;
use crate::path::RelPath;
use crate::protocol::modules::ReferenceKind;

/// A workspace of empty files, or of manifests where there is content.
fn workspace(files: &[(&str, &str)]) -> (tempfile::TempDir, Arc<WorkspaceRoot>) {
    let directory = tempfile::tempdir().unwrap();
    for (path, content) in files {
        write(directory.path(), path, content);
    }
    let root = Arc::new(WorkspaceRoot::open(directory.path()).unwrap());
    (directory, root)
}

fn write(root: &Path, path: &str, content: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn resolve(state: &State, from: &str, source: &str) -> String {
    match state.resolve(&RelPath::parse(from).unwrap(), source, ReferenceKind::Value) {
        Target::File(path) => path.as_str().to_owned(),
        Target::Package(name) => format!("[{name}]"),
        Target::Nowhere => "nowhere".to_owned(),
    }
}

#[test]
fn a_state_is_kept_as_long_as_it_holds() {
    let (directory, root) = workspace(&[("a.ts", ""), ("b.ts", ""), ("src/c.ts", "")]);
    let modules = Modules::default();
    let first = modules.now(&root);
    assert_eq!(resolve(&first, "a.ts", "./b"), "b.ts");
    assert!(Arc::ptr_eq(&first, &modules.now(&root)));
    // Nothing was looked for there.
    write(directory.path(), "src/d.ts", "");
    assert!(Arc::ptr_eq(&first, &modules.now(&root)));
    assert_eq!(resolve(&first, "a.ts", "./src/d"), "src/d.ts");
    // Contents of sources are not looked at.
    write(directory.path(), "b.ts", "export {}");
    assert!(Arc::ptr_eq(&first, &modules.now(&root)));
    fs::remove_file(directory.path().join("b.ts")).unwrap();
    let second = modules.now(&root);
    assert!(!Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&second, &modules.latest(&root)));
    assert_eq!(resolve(&second, "a.ts", "./b"), "nowhere");
}

#[test]
fn what_nobody_watches_is_noticed() {
    let (directory, root) = workspace(&[("a.ts", ""), ("packages/p/x.ts", ""), ("packages/p/y.ts", "")]);
    let modules = Modules::default();
    let now = |source: &str| resolve(&modules.now(&root), "a.ts", source);
    let write = |path: &str, content: &str| write(directory.path(), path, content);
    assert_eq!(now("q"), "nowhere");
    write("node_modules/q/index.js", "");
    assert_eq!(now("q"), "[q]");
    assert_eq!(now("q/part"), "nowhere");
    write("node_modules/q/package.json", r#"{ "exports": { "./part": "./index.js" } }"#);
    assert_eq!((now("q").as_str(), now("q/part").as_str()), ("nowhere", "[q]"));
    write("node_modules/q/package.json", r#"{ "exports": { "./port": "./index.js" } }"#);
    assert_eq!((now("q/part").as_str(), now("q/port").as_str()), ("nowhere", "[q]"));
    fs::remove_dir_all(directory.path().join("node_modules")).unwrap();
    assert_eq!(now("q/port"), "nowhere");
    write("tsconfig.json", r#"{ "extends": "./base", "compilerOptions": {} }"#);
    assert_eq!(now("@/x"), "nowhere");
    write("base.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./packages/p/*"] } } }"#);
    assert_eq!(now("@/x"), "packages/p/x.ts");
    write("base.json", r#"{ "compilerOptions": { "paths": { "@/*": ["./packages/q/*"] } } }"#);
    assert_eq!(now("@/x"), "nowhere");
}

#[cfg(unix)]
#[test]
fn links_that_change_are_noticed() {
    let (directory, root) = workspace(&[("a.ts", ""), ("packages/p/index.ts", ""), ("packages/q/index.ts", "")]);
    let modules = Modules::default();
    let now = |source: &str| resolve(&modules.now(&root), "a.ts", source);
    let at = directory.path().join("node_modules/p");
    fs::create_dir(directory.path().join("node_modules")).unwrap();
    for (target, wanted) in
        [("../packages/p", "packages/p/index.ts"), ("../packages/q", "packages/q/index.ts"), ("..", "nowhere")]
    {
        let _ = fs::remove_file(&at);
        std::os::unix::fs::symlink(target, &at).unwrap();
        assert_eq!(now("p"), wanted, "{target}");
    }
}

#[test]
fn what_was_seen_is_let_go_when_it_takes_too_much() {
    const MAX: usize = 64 * 1024;
    let paths: Vec<String> = (0..200).map(|at| format!("packages/p{at}/src/index.ts")).collect();
    let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).chain([("a.ts", "")]).collect();
    let (directory, root) = workspace(&files);
    let resolve_some = |state: &State, from: usize| {
        for path in &paths[from..from + 10] {
            assert_eq!(resolve(state, "a.ts", &format!("./{}", path.trim_end_matches(".ts"))), *path);
            let seen = state.resolver().looks().bytes();
            assert!(seen <= MAX, "{seen} bytes are kept after {path}");
        }
    };
    let modules = Modules::bounded(MAX);
    let first = modules.now(&root);
    resolve_some(&first, 0);
    let little = first.resolver().looks().bytes();
    assert!(Arc::ptr_eq(&first, &modules.now(&root)), "{little} bytes are not too much");
    (0..200).step_by(10).for_each(|from| resolve_some(&first, from));
    // What was let go is not compared with the disk, so nothing of it is believed any longer.
    let second = modules.now(&root);
    assert!(!Arc::ptr_eq(&first, &second));
    assert_eq!(second.resolver().looks().bytes(), 0);
    resolve_some(&second, 0);
    fs::remove_file(directory.path().join(&paths[0])).unwrap();
    let third = modules.now(&root);
    assert!(third.resolver().looks().bytes() > 0, "the few listings that still hold are kept");
    assert_eq!(resolve(&third, "a.ts", "./packages/p0/src/index"), "nowhere");
}

/// An old file system tells times in steps of two seconds: what is that young is looked at again.
#[cfg(unix)]
#[test]
fn a_change_that_left_the_same_stamp_is_noticed() {
    let (directory, root) = workspace(&[("a.ts", ""), ("package.json", r##"{ "imports": { "#b": "./a.ts" } }"##)]);
    let modules = Modules::default();
    assert_eq!(resolve(&modules.now(&root), "a.ts", "#b"), "a.ts");
    let path = directory.path().join("package.json");
    let times = fs::metadata(&path).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, br##"{ "imports": { "#c": "./a.ts" } }"##, 0).unwrap();
    file.set_modified(times).unwrap();
    assert_eq!(resolve(&modules.now(&root), "a.ts", "#b"), "nowhere");
    assert_eq!(resolve(&modules.now(&root), "a.ts", "#c"), "a.ts");
}
