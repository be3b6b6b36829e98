#![expect(clippy::disallowed_methods, reason = "tests make and change files")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cancel::CancelToken;
use crate::fs::WorkspaceRoot;
use crate::index::{Clock, Delta, Facts, FileEntry, FileFacts, Snapshot};
use crate::path::{DirPath, RelPath};
use crate::protocol::watch::WatchMode;
use crate::text::{Class, Eol};
use crate::watch::{Barrier, Batch, Native, Queue, Source, Touch, Unwatched, Watcher};

fn path(text: &str) -> RelPath {
    RelPath::parse(text).unwrap()
}

fn indexer(root: &Path) -> Indexer {
    let source = Arc::new(Native::new(root, None));
    watching(root, WatchOptions { mode: WatchMode::Off, source, queue: Arc::new(Queue::new(10, || {})) })
}

fn watching(root: &Path, options: WatchOptions) -> Indexer {
    let root = Arc::new(WorkspaceRoot::open(root).unwrap());
    let walker = Walker::new(root.path(), &[], 1).unwrap();
    Indexer::new(root, walker, 1, options, CancelToken::default(), Arc::default()).unwrap()
}

/// The index after a look at everything.
fn scanned(indexer: &mut Indexer) -> Snapshot {
    let empty = Snapshot::empty(Clock::start("test"));
    empty.apply(indexer.scan(&empty, true, true).unwrap()).0
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
    let snapshot = deceived(&scanned(&mut indexer));
    let (looked, _) = snapshot.apply(indexer.look(&snapshot, &[path("src")]).unwrap());
    let is_right = |name: &str| {
        looked.file(&path(name)).unwrap().known().is_some_and(|facts| facts.hash == blake3::hash(name.as_bytes()))
    };
    assert!(is_right("src/a") && is_right("src/deep/b"));
    assert!(!is_right("other/c"), "nobody asked for it");
}

/// Watchers whose events have no order, and which tell nothing: each time one is started, and each time it is to watch
/// something, a file is written that nobody will tell of.
#[derive(Debug)]
struct Late {
    started: std::path::PathBuf,
    watched: std::path::PathBuf,
}

struct LateWatcher(std::path::PathBuf);

fn append(file: &Path) {
    fs::write(file, fs::read_to_string(file).unwrap() + "and more").unwrap();
}

impl Source for Late {
    fn start(&self, _: &Arc<Queue>) -> Result<Box<dyn Watcher>, String> {
        append(&self.started);
        Ok(Box::new(LateWatcher(self.watched.clone())))
    }

    fn is_ordered(&self) -> bool {
        false
    }

    fn close(&self) {}
}

impl Watcher for LateWatcher {
    fn watch(&mut self, _: &[DirPath]) -> Unwatched {
        append(&self.0);
        Unwatched::default()
    }

    fn unwatch(&mut self, _: &[DirPath], _: bool) {}

    fn barrier(&mut self, _: Duration) -> Barrier {
        Barrier::Unordered
    }
}

#[test]
fn what_was_written_before_a_new_watcher_watched_is_looked_at() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    for name in ["started", "watched"] {
        fs::write(at(name), "").unwrap();
    }
    let queue = Arc::new(Queue::new(10, || {}));
    let source = Arc::new(Late { started: at("started"), watched: at("watched") });
    let options = WatchOptions { mode: WatchMode::Native, source, queue: Arc::clone(&queue) };
    let mut indexer = watching(directory.path(), options);
    let as_on_disk = |snapshot: &Snapshot| {
        for name in ["started", "watched"] {
            let size = fs::metadata(at(name)).unwrap().len();
            assert_eq!(snapshot.file(&path(name)).unwrap().stamp.size, size, "{name}");
        }
    };
    let snapshot = scanned(&mut indexer);
    as_on_disk(&snapshot);
    fs::write(at(".gitignore"), "*.log\n").unwrap();
    queue.touch(path(".gitignore"), Touch::Entry);
    let followed = indexer.follow(&snapshot, false).unwrap();
    as_on_disk(&snapshot.apply(followed.delta).0);
}

#[test]
fn an_audit_looks_at_no_more_than_it_is_told_to_however_many_directories_there_are() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c/d", "e", "f"] {
        fs::create_dir_all(directory.path().join(name)).unwrap();
    }
    fs::write(directory.path().join("c/file"), "").unwrap();
    let mut indexer = indexer(directory.path());
    let snapshot = scanned(&mut indexer);
    let (mut after, mut rounds) = (String::new(), Vec::new());
    while let Some(last) = indexer.audit(&snapshot, &after, 2).unwrap().last {
        rounds.push(last.to_string());
        // It may look at the last one once more.
        assert!(rounds.len() < 10, "{rounds:?}");
        after = last.to_string();
    }
    assert!(rounds.len() >= 3, "{rounds:?}");
}

#[test]
fn the_rules_of_directories_that_came_and_went_are_forgotten() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("here")).unwrap();
    let mut indexer = indexer(directory.path());
    let snapshot = scanned(&mut indexer);
    let ask = |indexer: &mut Indexer, name: &str| assert!(!indexer.rules.ignore(&path(name), true));
    let look = |indexer: &mut Indexer| {
        indexer.look_where(&snapshot, &Batch::default(), &BTreeSet::new()).unwrap();
        indexer.rules.knows(&DirPath::from(path("gone0")))
    };
    ask(&mut indexer, "gone0");
    assert!(look(&mut indexer), "few of them do no harm");
    for at in 0..20_000 {
        ask(&mut indexer, &format!("gone{at}"));
    }
    assert!(!look(&mut indexer));
}
