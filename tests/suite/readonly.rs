//! The workspace is never written to: what the system calls say.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::fixtures;
use crate::harness::Sidecar;
use crate::methods;

/// Every system call that names a file, and those that write to an open one.
const TRACED: &str = "trace=%file,write,pwrite64,writev,pwritev,pwritev2,ftruncate,fallocate,fchmod,fchown,fsetxattr,\
    fremovexattr,copy_file_range,sendfile,flock,mmap";

/// Calls that change something, whatever their arguments are.
const CHANGING: &[&str] = &[
    "creat",
    "mkdir",
    "mkdirat",
    "mknod",
    "mknodat",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "truncate",
    "ftruncate",
    "chmod",
    "fchmod",
    "fchmodat",
    "fchmodat2",
    "chown",
    "lchown",
    "fchown",
    "fchownat",
    "utime",
    "utimes",
    "utimensat",
    "futimesat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "lremovexattr",
    "fremovexattr",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "fallocate",
    "copy_file_range",
    "sendfile",
    "mount",
    "umount2",
    // Others may wait for a lock; others truncate what is mapped.
    "flock",
    "mmap",
];

pub(crate) fn tracer_works() -> bool {
    let run = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    run.is_ok_and(|output| output.status.success())
}

/// Whether the call of a line changes something, or opens something to do so.
pub(crate) fn changes_something(line: &str) -> bool {
    let writes = ["O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND", "O_TMPFILE"];
    let call = call(line);
    CHANGING.contains(&call) || (call.starts_with("open") && writes.iter().any(|flag| line.contains(flag)))
}

/// The call of a line such as `123 openat(3</root>, "src", O_RDONLY) = 4</root/src>`.
pub(crate) fn call(line: &str) -> &str {
    let rest = line.split_once(' ').map_or(line, |(_pid, rest)| rest.trim_start());
    rest.split('(').next().unwrap_or_default()
}

#[test]
fn nothing_beneath_the_root_is_written() {
    if !tracer_works() {
        eprintln!("SKIPPED: nothing_beneath_the_root_is_written: strace is missing, or may not trace");
        return;
    }
    let workspace = fixtures::copy();
    fixtures::add_oddities(&workspace);
    let before = state(&workspace.root);
    let trace = workspace.outer().join("trace.txt");
    let strace = ["strace", "-f", "-qq", "-y", "-s", "4096", "-e", TRACED, "-e", "signal=none", "-o"];
    let words = strace.iter().map(std::ffi::OsString::from).chain([trace.clone().into()]);
    let mut sidecar = Sidecar::builder(&workspace.root).beneath(words).spawn();
    let ready = sidecar.wait_event("ready");
    sidecar.wait_event("indexed");
    let mut asked = BTreeSet::from(["shutdown".to_owned()]);
    for method in methods::all() {
        for params in [method.params(), method.least()] {
            sidecar.request(method.name, params);
        }
        asked.insert(method.name.to_owned());
    }
    for path in ["none", "links/outside", "links/eaten.ts", "src", "links/slug.ts", "dist/bundle.js"] {
        for method in ["readFile", "stat"] {
            let id = sidecar
                .send(method, if method == "stat" { json!({ "paths": [path] }) } else { json!({ "path": path }) });
            sidecar.wait_for(&id);
        }
    }
    sidecar.request("sync", json!({}));
    sidecar.request("glob", json!({ "include": ["**"], "fields": ["hash"] }));
    sidecar.finish();
    // Methods this table does not know yet are not traced; say which.
    let served: BTreeSet<String> = serde_json::from_value(ready["methods"].clone()).unwrap();
    let unknown: Vec<_> = served.difference(&asked).collect();
    if !unknown.is_empty() {
        eprintln!("not traced: {unknown:?}");
    }

    let root = fs::canonicalize(&workspace.root).unwrap();
    let root = root.to_str().unwrap();
    let log = fs::read_to_string(&trace).unwrap();
    let (mut opened, mut wrong) = (0, Vec::new());
    for line in log.lines().filter(|line| line.contains(root)) {
        let call = call(line);
        opened += usize::from(call.starts_with("open"));
        // The answers quote paths: what is written to stdout is no write to the workspace.
        let to_a_pipe =
            call.contains("write") && !line.split_once('(').is_some_and(|(_, rest)| first(rest).contains(root));
        if changes_something(line) && !to_a_pipe {
            wrong.push(line.chars().take(300).collect::<String>());
        }
    }
    assert!(opened > 100, "the trace shows only {opened} opened files");
    assert!(wrong.is_empty(), "{} calls, such as {:#?}", wrong.len(), &wrong[..wrong.len().min(10)]);
    assert_eq!(state(&workspace.root), before);
}

/// The first argument, which for a descriptor holds its path: `3</root/file>`.
fn first(arguments: &str) -> &str {
    arguments.split(',').next().unwrap_or_default()
}

/// Everything in the tree that a write would change, but for the times of reading.
fn state(root: &std::path::Path) -> Value {
    use std::os::unix::fs::MetadataExt as _;
    let mut all = serde_json::Map::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let found = fs::symlink_metadata(entry.path()).unwrap();
            if found.is_dir() {
                directories.push(entry.path());
            }
            let facts = json!([found.ino(), found.mode(), found.size(), found.ctime(), found.ctime_nsec()]);
            all.insert(entry.path().to_string_lossy().into_owned(), facts);
        }
    }
    Value::Object(all)
}
