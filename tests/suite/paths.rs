//! What a path may be, and that none leads outside.

use serde_json::{Value, json};

use crate::fixtures::{self, Workspace, link};
use crate::harness::Sidecar;

/// Asks every method that takes paths; returns the code of each answer, `ok` where there is none:
/// of `readFile`, `readFiles`, `stat` and `sync`.
fn codes(sidecar: &mut Sidecar, path: &str, secrets: &[&str]) -> [String; 4] {
    let one = json!({ "path": path });
    let many = json!({ "paths": [path] });
    let ids =
        sidecar.send_all([("readFile", one), ("readFiles", many.clone()), ("stat", many.clone()), ("sync", many)]);
    let responses: Vec<Value> = ids.iter().map(|id| sidecar.wait_for(id)).collect();
    for response in &responses {
        let text = response.to_string();
        for secret in secrets {
            assert!(!text.contains(secret), "{path:?}: {secret} is told: {text:.1000}");
        }
    }
    let code = |error: &Value| error["code"].as_str().unwrap_or("ok").to_owned();
    [
        code(&responses[0]["error"]),
        code(&responses[1]["result"]["files"][0]["error"]),
        code(&responses[2]["result"]["entries"][0]["error"]),
        code(&responses[3]["error"]),
    ]
}

/// Asserts the codes of `readFile` (and `readFiles`), `stat` and `sync`.
fn check(workspace: &Workspace, table: &[(&str, &str, &str, &str)]) {
    let outer = workspace.outer().canonicalize().unwrap();
    let outer = outer.to_str().unwrap().to_owned();
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (path, read, stat, sync) in table {
        let got = codes(&mut sidecar, path, &[&outer, "next-door", "outside.example"]);
        let shown: String = path.chars().take(80).collect();
        assert_eq!(got, [*read, *read, *stat, *sync], "{shown:?}: readFile, readFiles, stat, sync");
    }
    sidecar.finish();
}

#[test]
fn malformed_paths() {
    let workspace = fixtures::copy();
    let long = "a/".repeat(20_000) + "a";
    let mut table = Vec::new();
    for path in [
        "",
        "/",
        ".",
        "..",
        "./package.json",
        "src/.",
        "src/./App.tsx",
        "src/..",
        "src/../package.json",
        "../workspace/package.json",
        "../outside",
        "src/../../outside",
        "links/outside/../package.json",
        "src/",
        "src//App.tsx",
        "/package.json",
        "//server/share",
        "C:",
        "C:/Windows",
        "c:package.json",
        "\\",
        "src\\App.tsx",
        "..\\outside",
        "\\\\?\\C:\\Windows",
        "\\\\.\\pipe\\x",
        "\\\\server\\share",
        "\0",
        "package.json\0",
        "package.json\0.png",
        &long,
    ] {
        table.push((path, "invalid_path", "invalid_path", "invalid_path"));
    }
    if cfg!(windows) {
        for path in
            ["package.json:stream", "package.json::$DATA", "NUL", "src/con.txt", "package.json.", "package.json "]
        {
            table.push((path, "invalid_path", "invalid_path", "invalid_path"));
        }
    }
    check(&workspace, &table);
    let mut sidecar = Sidecar::spawn(&workspace.root);
    for (path, ..) in table.iter().filter(|(path, ..)| *path != long) {
        sidecar.expect_error("glob", json!({ "include": ["**"], "after": path }), "invalid_path");
    }
    sidecar.finish();
}

#[test]
fn what_is_not_there_or_no_file() {
    let workspace = fixtures::copy();
    let long_name = "n".repeat(300);
    let deep = "d/".repeat(3000) + "d";
    check(
        &workspace,
        &[
            ("none", "not_found", "not_found", "ok"),
            ("src/none.ts", "not_found", "not_found", "ok"),
            ("none/at/all", "not_found", "not_found", "ok"),
            ("package.json/x", "not_found", "not_found", "ok"),
            (&long_name, "not_found", "not_found", "ok"),
            (&deep, "not_found", "not_found", "ok"),
            // Windows drops dots at the end of a name.
            if cfg!(windows) {
                ("...", "invalid_path", "invalid_path", "invalid_path")
            } else {
                ("...", "not_found", "not_found", "ok")
            },
            ("src", "not_a_file", "ok", "ok"),
            ("node_modules", "not_found", "not_found", "ok"),
            ("src/App.tsx", "ok", "ok", "ok"),
            ("dist/bundle.js", "ok", "ok", "ok"),
            ("src/ünïcode/😀.ts", "ok", "ok", "ok"),
        ],
    );
}

#[test]
fn links_are_followed_inside_alone() {
    let workspace = fixtures::copy();
    let outside = workspace.outer().join("outside");
    let made = [
        link("../../outside/next-door.md".as_ref(), &workspace.at("links/file-outside")),
        link(&outside, &workspace.at("links/absolute-outside")),
        link(&workspace.at("src/App.tsx"), &workspace.at("links/absolute-inside")),
        link(&workspace.at("src"), &workspace.at("links/absolute-directory")),
        link("..".as_ref(), &workspace.at("links/root")),
        link("../..".as_ref(), &workspace.at("links/up")),
        link("outside".as_ref(), &workspace.at("links/chain")),
        link("absolute-outside".as_ref(), &workspace.at("links/absolute-chain")),
        link("loop".as_ref(), &workspace.at("links/loop")),
        link("/outside.example/none".as_ref(), &workspace.at("links/absolute-dangling")),
        link("../../outside/none".as_ref(), &workspace.at("links/dangling-outside")),
    ];
    if made.iter().any(Result::is_err) {
        eprintln!("SKIPPED: links_are_followed_inside_alone: symbolic links cannot be made here");
        return;
    }
    let out = "path_outside_workspace";
    check(
        &workspace,
        &[
            ("links/slug.ts", "ok", "ok", "ok"),
            ("links/components", "not_a_file", "ok", "ok"),
            ("links/components/Board.tsx", "ok", "ok", "ok"),
            ("links/absolute-inside", "ok", "ok", "ok"),
            ("links/absolute-directory/App.tsx", "ok", "ok", "ok"),
            ("links/root/package.json", "ok", "ok", "ok"),
            ("links/up/workspace/package.json", "ok", "ok", "ok"),
            ("links/eaten.ts", "not_found", "ok", "ok"),
            ("links/outside", out, "ok", "ok"),
            ("links/up", out, "ok", "ok"),
            ("links/file-outside", out, "ok", "ok"),
            ("links/absolute-outside", out, "ok", "ok"),
            ("links/chain", out, "ok", "ok"),
            ("links/absolute-chain", out, "ok", "ok"),
            ("links/outside/next", out, out, "ok"),
            ("links/up/outside", out, out, "ok"),
            ("links/up/outside/none", out, out, "ok"),
            ("links/absolute-outside/none", out, out, "ok"),
            ("links/chain/none", out, out, "ok"),
            ("links/absolute-dangling", out, "ok", "ok"),
            ("links/dangling-outside", out, "ok", "ok"),
            ("links/loop", "io_error", "ok", "ok"),
        ],
    );
    let mut sidecar = Sidecar::spawn(&workspace.root);
    // The real thing, not merely its absence: the file is there, and not served.
    let error = sidecar.expect_error("readFile", json!({ "path": "links/outside/next-door.md" }), out);
    assert!(!error["message"].as_str().unwrap().contains(outside.to_str().unwrap()));
    for path in ["links/outside", "links/eaten.ts", "links/loop", "links/components"] {
        let entry = &sidecar.request("stat", json!({ "paths": [path] }))["entries"][0];
        assert_eq!((&entry["kind"], &entry["indexed"]), (&json!("symlink"), &json!(false)), "{path}");
    }
    // None of them is listed, nor anything behind them.
    let listed = sidecar.request("glob", json!({ "include": ["links/**"], "directories": true }));
    assert_eq!(listed["files"], json!([]));
    sidecar.finish();
}

#[cfg(unix)]
#[test]
fn what_could_block_is_refused() {
    let workspace = fixtures::copy();
    let fifo = workspace.at("src/fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(workspace.at("src/socket")).unwrap();
    link("fifo".as_ref(), &workspace.at("src/link-to-fifo")).unwrap();
    link("/dev/zero".as_ref(), &workspace.at("src/zero")).unwrap();
    check(
        &workspace,
        &[
            ("src/fifo", "not_a_file", "not_a_file", "ok"),
            ("src/socket", "not_a_file", "not_a_file", "ok"),
            ("src/link-to-fifo", "not_a_file", "ok", "ok"),
            ("src/zero", "path_outside_workspace", "ok", "ok"),
        ],
    );
    let mut sidecar = Sidecar::spawn(&workspace.root);
    let listed = sidecar.request("glob", json!({ "include": ["src/*"], "fields": ["hash"] })).to_string();
    assert!(!listed.contains("fifo") && !listed.contains("socket") && listed.contains("App.tsx"));
    sidecar.finish();
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_denied() {
    use std::os::unix::fs::PermissionsExt as _;
    let workspace = fixtures::copy();
    workspace.write("locked.txt", "x");
    let locked = std::fs::Permissions::from_mode(0o000);
    std::fs::set_permissions(workspace.at("locked.txt"), locked).unwrap();
    if std::fs::File::open(workspace.at("locked.txt")).is_ok() {
        eprintln!("SKIPPED: what_may_not_be_read_is_denied: this user may read everything");
        return;
    }
    check(&workspace, &[("locked.txt", "permission_denied", "ok", "ok")]);
}

/// A root that is itself a symbolic link is served as what it leads to.
#[test]
fn a_root_behind_a_link() {
    let workspace = fixtures::copy();
    let through = workspace.outer().join("through");
    if link(&workspace.root, &through).is_err() {
        eprintln!("SKIPPED: a_root_behind_a_link: symbolic links cannot be made here");
        return;
    }
    let mut sidecar = Sidecar::spawn(&through);
    let root = dunce::canonicalize(&workspace.root).unwrap();
    assert_eq!(sidecar.wait_event("ready")["root"].as_str(), root.to_str());
    sidecar.request("readFile", json!({ "path": "links/slug.ts" }));
    let listed = sidecar.request("glob", json!({ "include": ["*.tsx"] }));
    assert!(listed["files"].as_array().unwrap().len() > 5);
    sidecar.finish();
}
