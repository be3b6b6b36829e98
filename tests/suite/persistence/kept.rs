//! A workspace, and the directory in which things about it are kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::fixtures::Workspace;
use crate::harness::{Builder, Sidecar};

/// Both, side by side.
pub(super) struct Kept {
    pub(super) workspace: Workspace,
    pub(super) place: PathBuf,
}

impl Kept {
    pub(super) fn new(workspace: Workspace) -> Self {
        let place = workspace.outer().join("kept");
        Self { workspace, place }
    }

    /// A few files, one of them binary, one empty, and names that differ in the last byte of a character.
    pub(super) fn small() -> Self {
        let workspace = Workspace::empty();
        workspace.write("src/a.ts", "export const needle = 1;\n");
        workspace.write("src/b.ts", "export const thread = 2;\r\nneedle\r\n");
        workspace.write("src/é.ts", "export const é = 3;\n");
        workspace.write("src/è.ts", "export const needle = 4;\n");
        workspace.write("docs/notes.md", "# Needles\n");
        workspace.write("picture.bin", b"needle\0\x01\x02");
        workspace.write("empty.txt", "");
        Self::new(workspace)
    }

    /// How to start a process that keeps what it knows.
    pub(super) fn builder(&self) -> Builder {
        Sidecar::builder(&self.workspace.root).args(["--cache-dir".as_ref(), self.place.as_os_str()])
    }

    pub(super) fn start(&self) -> Sidecar {
        self.builder().spawn()
    }

    /// Runs until the first index is there and kept.
    pub(super) fn run_once(&self) {
        let mut sidecar = self.start();
        sidecar.wait_event("indexed");
        sidecar.finish();
        self.check();
    }

    /// The directory of this workspace.
    pub(super) fn directory(&self) -> PathBuf {
        let [directory] = &directories(&self.place)[..] else { panic!("{:?}", directories(&self.place)) };
        directory.clone()
    }

    /// Checks that what is kept is as it should be, whole and no more than that.
    pub(super) fn check(&self) {
        check(&self.directory());
    }

    /// What a process that keeps nothing answers.
    pub(super) fn cold(&self, args: &[&str]) -> Answers {
        let mut sidecar = Sidecar::builder(&self.workspace.root).args(args).spawn();
        sidecar.wait_event("indexed");
        let answers = Answers::of(&mut sidecar);
        sidecar.finish();
        answers
    }

    /// Starts anew; what it answers at once must be what a process answers that keeps nothing. Returns what `indexed`
    /// said, and the warnings.
    #[track_caller]
    pub(super) fn assert_as_cold(&self, args: &[&str], what: &str) -> (Value, Vec<String>) {
        let mut sidecar = self.builder().args(args).spawn();
        let answers = Answers::of(&mut sidecar);
        let indexed = sidecar.wait_event("indexed");
        let later = Answers::of(&mut sidecar);
        let warnings = sidecar.finish_warned();
        let cold = self.cold(args);
        assert_eq!(answers, cold, "{what}, at once");
        assert_eq!(later, cold, "{what}, once it was indexed");
        (indexed, warnings)
    }
}

/// The directories of all workspaces in a place.
pub(super) fn directories(place: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(place) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().contains("/workspace-sidecar-index-")).collect()
}

/// Checks that a directory holds a manifest, the parts that it lists, and nothing else but the lock.
#[track_caller]
pub(super) fn check(directory: &Path) {
    let manifest = fs::read(directory.join("manifest")).unwrap();
    let (checksum, text) = manifest.split_at(65);
    assert_eq!(checksum, format!("{}\n", blake3::hash(text).to_hex()).as_bytes());
    let manifest: Value = serde_json::from_slice(text).unwrap();
    let mut names = BTreeSet::from(["lock".to_owned(), "manifest".to_owned()]);
    for part in manifest["parts"].as_array().unwrap() {
        let hash = part["hash"].as_str().unwrap();
        let name = format!("{hash}.part");
        let path = directory.join(&name);
        assert!(fs::symlink_metadata(&path).unwrap().is_file());
        assert_eq!(blake3::hash(&fs::read(path).unwrap()).to_hex().as_str(), hash);
        names.insert(name);
    }
    if directory.join("facts").exists() {
        names.insert("facts".to_owned());
    }
    assert_eq!(names_in(directory), names);
    for name in names {
        assert!(fs::symlink_metadata(directory.join(&name)).unwrap().is_file(), "{name}");
    }
}

pub(super) fn names_in(directory: &Path) -> BTreeSet<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Everything in a tree: a file's bytes, a link's target, nothing for a directory.
pub(super) fn everything(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for path in fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()) {
            let kind = fs::symlink_metadata(&path).unwrap().file_type();
            let held = match (kind.is_dir(), kind.is_symlink()) {
                (true, _) => {
                    directories.push(path.clone());
                    Vec::new()
                }
                (_, true) => fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes(),
                // A FIFO would block whoever reads it.
                _ if !kind.is_file() => b"special".to_vec(),
                _ => fs::read(&path).unwrap(),
            };
            all.insert(path, held);
        }
    }
    all
}

/// Makes a directory of files what it was; of what lies elsewhere, nothing.
pub(super) fn restore(directory: &Path, files: &BTreeMap<PathBuf, Vec<u8>>) {
    fs::remove_dir_all(directory).unwrap();
    fs::create_dir(directory).unwrap();
    for (path, bytes) in files.iter().filter(|(path, _)| path.parent() == Some(directory)) {
        fs::write(path, bytes).unwrap();
    }
}

/// Waits until the files are so old that a change would show in their stamps: only time makes them that.
pub(super) fn settle(root: &Path) {
    let newest = everything(root).into_keys().map(|path| {
        let found = fs::symlink_metadata(path).unwrap();
        Duration::from_secs(found.ctime().cast_unsigned()) + Duration::from_nanos(found.ctime_nsec().cast_unsigned())
    });
    let old = newest.max().unwrap_or_default() + Duration::from_millis(2050);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    std::thread::sleep(old.saturating_sub(now));
}

/// What is compared: all files with what is known of them, and what some searches find.
#[derive(Debug, PartialEq)]
pub(super) struct Answers(Vec<Value>);

const PATTERNS: &[&str] = &["needle", "export const", "é", "changed"];

impl Answers {
    /// Asks for all of it with one write.
    pub(super) fn of(sidecar: &mut Sidecar) -> Self {
        let fields = ["size", "mtimeMs", "hash", "kind"];
        let listing = json!({ "include": ["**"], "fields": fields, "directories": true, "syncTimeoutMs": 60_000 });
        let since = json!({ "since": "of-another-process:7", "syncTimeoutMs": 60_000 });
        let search = |pattern: &&str| ("search", json!({ "pattern": pattern, "syncTimeoutMs": 60_000 }));
        let requests = [("glob", listing), ("changes", since)].into_iter().chain(PATTERNS.iter().map(search));
        let ids = sidecar.send_all(requests);
        Self(ids.iter().map(|id| without_what_differs(sidecar.result(id))).collect())
    }
}

/// Without what differs between two processes; what must be the same everywhere is checked.
fn without_what_differs(mut result: Value) -> Value {
    assert_eq!(result["synced"], true, "{result}");
    assert_ne!(result.get("fresh"), Some(&json!(false)), "{result}");
    let fields = result.as_object_mut().unwrap();
    fields.remove("clock");
    if let Some(stats) = fields.get_mut("stats").and_then(Value::as_object_mut) {
        for name in ["elapsedMs", "indexed", "candidates", "filesScanned"] {
            stats.remove(name);
        }
    }
    result
}
