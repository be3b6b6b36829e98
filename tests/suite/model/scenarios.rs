//! Changes as programs and people make them, thousands at once.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::fixtures::Workspace;
use crate::harness::{LIMIT, Sidecar};
use crate::model::answer::{check_listing, check_search, listing_params, search_params};
use crate::model::client::{Anchor, Client};
use crate::model::disk::Disk;
use crate::model::failure::Failure;
use crate::model::launch;
use crate::model::mirror::Scope;
use crate::model::plan::Serve;
use crate::referee::{absent, settings};

/// Windows takes its time over every file.
const fn fewer_on_windows(count: usize) -> usize {
    if cfg!(windows) { count / 10 } else { count }
}

/// A workspace, and a client that follows it.
struct Scene {
    client: Client<Sidecar>,
    last: Anchor,
    workspace: Workspace,
}

impl Scene {
    fn start(workspace: Workspace) -> Self {
        let disk = Disk::scan(&workspace.root, &[]);
        let driver = launch(&workspace.root, &Serve { watch: "native".to_owned() });
        match Client::start(driver, true, LIMIT, &disk) {
            Ok((client, last)) => Self { client, last, workspace },
            Err((failure, told)) => panic!("{failure}{told}"),
        }
    }

    /// Compares all there is to ask with the disk, which is at rest.
    fn compare(&mut self, pattern: &str, what: &str) -> Disk {
        self.try_compare(pattern).unwrap_or_else(|failure| panic!("{what}: {failure}{}", self.client.driver.told()))
    }

    fn try_compare(&mut self, pattern: &str) -> Result<Disk, Failure> {
        let client = &mut self.client;
        // Asked at once, before the referee gives anybody time to catch up.
        let mut sent = client.send(vec![("search", search_params(pattern)), ("glob", listing_params())])?.into_iter();
        let mut answer = || sent.next().map(|sent| client.synced(sent)).expect("two were sent");
        let (search, listing) = (answer()?, answer()?);
        let disk = Disk::scan(&self.workspace.root, &[pattern.to_owned()]);
        check_search(&search, pattern, &disk)?;
        check_listing(&listing, &disk)?;
        client.changes(&self.last, Scope::ALL, &disk)?;
        self.last = client.listing(&disk)?;
        client.events(&disk)?;
        assert_eq!(client.tally.unsynced, 0);
        Ok(disk)
    }

    fn finish(self) {
        self.client.finish().1.unwrap_or_else(|failure| panic!("{failure}"));
    }
}

/// Runs a program; whether there is such a thing.
fn runs(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// Git, told nothing by anybody else.
fn git(workspace: &Workspace, args: &[&str], input: &[u8]) {
    let home = workspace.outer().join("home");
    let settled = ["core.autocrlf=false", "core.fsync=none", "gc.auto=0", "maintenance.auto=false"];
    let mut child = Command::new("git")
        .args(settled.iter().flat_map(|setting| ["-c", setting]))
        .args(args)
        .current_dir(&workspace.root)
        .envs(settings(&home))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    assert!(child.wait().unwrap().success(), "git {args:?}");
}

/// A commit, as `git fast-import` reads it; files without content are deleted.
fn commit(branch: &str, from: &str, files: impl IntoIterator<Item = (String, Option<String>)>) -> String {
    let mut text = format!("commit refs/heads/{branch}\ncommitter x <x@x> 0 +0000\ndata 0\n{from}");
    for (path, content) in files {
        match content {
            Some(content) => write!(text, "M 100644 inline {path}\ndata {}\n{content}\n", content.len()),
            None => writeln!(text, "D {path}"),
        }
        .unwrap();
    }
    text
}

#[test]
fn a_checkout_of_another_branch() {
    const FILES: usize = fewer_on_windows(10_000);
    if !runs(Command::new("git").arg("--version")) {
        absent("git", "install it");
        return;
    }
    let workspace = Workspace::empty();
    let path = |at: usize| format!("packages/p{}/src/file{at}.ts", at / 100);
    let content = |at: usize, more: &str| Some(format!("export const x = {at};{more}\n"));
    let one = commit("main", "", (0..FILES).map(|at| (path(at), content(at, ""))));
    // A third modified, a tenth deleted in whole directories, as many new ones, and rules.
    let modified = (0..FILES).step_by(3).map(|at| (path(at), content(at, " // <<other>>")));
    let deleted = (0..FILES / 1000).map(|package| (format!("packages/p{package}"), None));
    let new = (0..FILES / 10).map(|at| (format!("apps/a{}/file{at}.ts", at / 50), content(at, "")));
    let rules = (".gitignore".to_owned(), Some("*9.ts\n".to_owned()));
    let two = commit("other", "from refs/heads/main\n", modified.chain(deleted).chain(new).chain([rules]));
    git(&workspace, &["init", "-q", "-b", "main"], b"");
    git(&workspace, &["fast-import", "--quiet"], (one + &two).as_bytes());
    git(&workspace, &["checkout", "-q", "-f", "main"], b"");
    assert!(workspace.at(&path(FILES - 1)).is_file());

    let mut scene = Scene::start(workspace);
    for branch in ["other", "main", "other"] {
        git(&scene.workspace, &["checkout", "-q", branch], b"");
        let disk = scene.compare("<<other>>", branch);
        assert_eq!(disk.matches("<<other>>").is_empty(), branch == "main");
        assert_eq!(disk.listing.contains_key(&path(0)), branch == "main");
    }
    scene.finish();
}

/// npm, with no registry to talk to.
fn npm(outer: &Path, directory: &Path, args: &[&str]) {
    let output = Command::new(NPM)
        .args(args)
        .args(["--offline", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(directory)
        .env("npm_config_cache", outer.join("npm-cache"))
        .env("npm_config_update_notifier", "false")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "npm {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

const NPM: &str = if cfg!(windows) { "npm.cmd" } else { "npm" };

#[test]
fn an_installation_of_packages() {
    const DIRECTORIES: usize = 60;
    if !runs(Command::new(NPM).arg("--version")) {
        absent("npm", "install Node");
        return;
    }
    let workspace = Workspace::empty();
    let outer = workspace.outer().to_owned();
    for package in ["one", "two"] {
        let at = |path: &str| format!("../packed/{package}/{path}");
        workspace.write(&at("package.json"), json!({ "name": package, "version": "1.0.0" }).to_string());
        for file in 0..DIRECTORIES * 5 {
            workspace.write(&at(&format!("lib/d{}/f{file}.js", file / 5)), "module.exports = '<<packed>>';\n");
        }
    }
    npm(&outer, &outer, &["pack", "./packed/one", "./packed/two"]);
    let dependencies = json!({ "one": "file:../one-1.0.0.tgz", "two": "file:../two-1.0.0.tgz" });
    workspace
        .write("package.json", json!({ "name": "x", "version": "1.0.0", "dependencies": dependencies }).to_string());
    workspace.write(".gitignore", "node_modules/\n");
    workspace.write("src/index.ts", "import 'one';\n");
    npm(&outer, &workspace.root, &["install", "--package-lock-only"]);

    let mut scene = Scene::start(workspace);
    let before = scene.compare("<<packed>>", "before");
    for what in ["installed", "installed again"] {
        npm(&outer, &scene.workspace.root, &["ci"]);
        assert!(scene.workspace.at("node_modules/two/lib/d59/f299.js").is_file());
        let after = scene.compare("<<packed>>", what);
        assert_eq!(after.listing, before.listing);
        assert!(after.matches("<<packed>>").is_empty(), "nothing of it is searched");
    }
    let watcher = scene.client.ask("status", json!({})).unwrap_or_else(|failure| panic!("{failure}"))["watcher"].take();
    if cfg!(target_os = "linux") && watcher["mode"] == "native" {
        let watched = watcher["directories"].as_u64().unwrap();
        assert!(watched < 20, "of what is ignored nothing is watched: {watcher}");
    }
    // Had there been an event about any of it, it would come before this one.
    scene.workspace.write("src/index.ts", "import 'two';\n");
    scene.compare("import 'two'", "afterwards");
    // Then the rule goes, and all of it is there.
    scene.workspace.write(".gitignore", "");
    let all = scene.compare("<<packed>>", "no more ignored");
    assert!(all.listing.len() > DIRECTORIES * 10 && !all.matches("<<packed>>").is_empty());
    scene.finish();
}

/// Windows lets nobody take away a directory that is open.
#[cfg(unix)]
#[test]
fn a_root_that_comes_back() {
    use std::fs;

    let grow = |workspace: &Workspace, text: &str| {
        for at in 0..200 {
            workspace.write(&format!("{text}/d{}/f{at}.ts", at % 10), format!("<<{text}>> {at}\n"));
        }
        workspace.write("same.ts", "always the same\n");
    };
    let workspace = Workspace::empty();
    grow(&workspace, "first");
    let mut scene = Scene::start(workspace);
    scene.compare("<<first>>", "at first");

    fs::remove_dir_all(&scene.workspace.root).unwrap();
    let mut params = listing_params();
    params["syncTimeoutMs"] = 300.into();
    let gone = scene.client.ask("glob", params).unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(gone["synced"], false, "without a root, nothing can be said: {gone:.300}");
    grow(&scene.workspace, "second");
    let disk = scene.compare("<<second>>", "deleted, and made again");
    assert_eq!(disk.matches("<<second>>").len(), 200);

    let aside = scene.workspace.outer().join("aside");
    fs::rename(&scene.workspace.root, &aside).unwrap();
    grow(&scene.workspace, "third");
    scene.compare("<<third>>", "moved aside, and made again");
    // What was the root is nobody's business any more, until it comes back.
    fs::write(aside.join("second/d0/f0.ts"), "written aside <<late>>\n").unwrap();
    scene.workspace.write("third/d0/f0.ts", "written here\n");
    assert!(scene.compare("<<late>>", "written aside").matches("<<late>>").is_empty());
    fs::rename(&scene.workspace.root, scene.workspace.outer().join("third")).unwrap();
    fs::rename(&aside, &scene.workspace.root).unwrap();
    scene.compare("<<late>>", "moved back");
    scene.workspace.write("second/d3/f3.ts", "watched again <<late>>\n");
    assert_eq!(scene.compare("<<late>>", "written where it was").matches("<<late>>").len(), 2);
    scene.finish();
}

/// Taking a large tree away takes long enough for somebody to look in between.
#[cfg(unix)]
#[test]
fn a_large_root_that_is_made_again_at_once() {
    let workspace = Workspace::empty();
    let grow = |workspace: &Workspace| {
        for at in 0..1500 {
            workspace.write(&format!("packages/p{}/f{at}.ts", at / 50), "of the old tree\n");
        }
    };
    grow(&workspace);
    let mut scene = Scene::start(workspace);
    for round in 0..4 {
        std::fs::remove_dir_all(&scene.workspace.root).unwrap();
        for path in ["src/a.ts", "src/one/b.ts", "src/one/two/c.ts", "lib/deep/d.ts", "packages/p0/f0.ts"] {
            scene.workspace.write(path, format!("<<{round}>>\n"));
        }
        // Rules that come last have everything listed again.
        scene.workspace.write(".ignore", "*.log\n");
        let disk = scene.compare(&format!("<<{round}>>"), &format!("round {round}"));
        assert_eq!(disk.listing.len(), 6);
        grow(&scene.workspace);
        scene.compare("old", &format!("grown again, round {round}"));
    }
    scene.finish();
}

#[test]
fn rules_that_hide_and_show_many_files() {
    const FILES: usize = fewer_on_windows(2000);
    let workspace = Workspace::empty();
    for at in 0..FILES {
        workspace.write(&format!("out/d{}/f{at}.ts", at / 50), format!("<<made>> {at}\n"));
    }
    workspace.write("src/a.ts", "<<written>>\n");
    let mut scene = Scene::start(workspace);
    let empty = "# no rules\n";
    for (path, text, hidden) in [
        (".gitignore", "/out/\n", true),
        (".gitignore", "/out/\n!/out/d1/\n", true),
        (".gitignore", "/out/*\n!/out/d1/\n", true),
        (".gitignore", empty, false),
        ("out/.ignore", "*\n", true),
        ("out/.ignore", empty, false),
        (".git/info/exclude", "out\n", true),
        // The rules of the workspace go before those of the repository.
        (".rgignore", "!out\n", false),
        (".rgignore", empty, true),
        (".git/info/exclude", empty, false),
    ] {
        scene.workspace.write(path, text);
        // What is hidden moves on, and is to be seen as it is then.
        scene.workspace.write("out/d0/f0.ts", format!("<<made>> {path} {text}"));
        let disk = scene.compare("<<made>>", &format!("{path}: {text:?}"));
        assert_eq!(disk.listing.len() < FILES, hidden, "{path}: {text:?}");
    }
    scene.finish();
}
