#![expect(clippy::disallowed_methods, reason = "tests make and change files")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::cancel::CancelToken;
use crate::fs::WorkspaceRoot;
use crate::index::{Clock, Delta, Facts, FileEntry, FileFacts, Snapshot};
use crate::path::RelPath;
use crate::protocol::watch::WatchMode;
use crate::text::{Class, Eol};
use crate::watch::{Native, Queue};

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn indexer(root: &Path) -> Indexer {
    let root = Arc::new(WorkspaceRoot::open(root).unwrap());
    let walker = Walker::new(root.path(), &[], 1).unwrap();
    let source = Arc::new(Native::new(root.path(), None));
    let options = WatchOptions { mode: WatchMode::Off, source, queue: Arc::new(Queue::new(10, || {})) };
    Indexer::new(root, walker, 1, options, CancelToken::default(), Arc::default()).unwrap()
}

/// As `snapshot`, with other contents known of its files than they have, under the stamps they have.
fn deceived(snapshot: &Snapshot) -> Snapshot {
    let facts = FileFacts { hash: blake3::hash(b"another"), class: Class::Text, eol: Eol::None, racy: false };
    let wrong = |entry: &Arc<FileEntry>| {
        let entry = FileEntry::read(entry.path.clone(), entry.stamp, Facts::Known(facts));
        (entry.path.clone(), Some(Arc::new(entry)))
    };
    snapshot.apply(Delta { files: snapshot.files.iter().map(wrong).collect(), ..Delta::default() }).0
}

#[test]
fn paths_are_read_again_whatever_their_stamps_say_with_all_that_lies_beneath() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["src/a", "src/deep/b", "other/c"] {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, name).unwrap();
    }
    let mut indexer = indexer(directory.path());
    let empty = Snapshot::empty(Clock::start("test"));
    let (snapshot, _) = empty.apply(indexer.scan(&empty, true, true).unwrap());
    let snapshot = deceived(&snapshot);
    let (looked, _) = snapshot.apply(indexer.look(&snapshot, &[path("src")]).unwrap());
    let is_right = |name: &str| {
        looked.file(&path(name)).unwrap().known().is_some_and(|facts| facts.hash == blake3::hash(name.as_bytes()))
    };
    assert!(is_right("src/a") && is_right("src/deep/b"));
    assert!(!is_right("other/c"), "nobody asked for it");
}
