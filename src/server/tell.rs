//! Telling a subscription what changed.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::event::Event;
use super::output::Room;
use super::subscriptions::{Due, Told, name};
use crate::cancel::CancelToken;
use crate::error::{Code, Result};
use crate::fs::Stamp;
use crate::index::{Difference, FileEntry, Snapshot};
use crate::methods::{History, Shared, changes};
use crate::path::RelPath;
use crate::protocol::frame;
use crate::protocol::watch::Changed;

/// So many large files may be told to a subscription without their hashes; more are read first.
const MAX_OWED: usize = 64;

/// Finds out what there is to tell, on a thread of its own, waits until there is room for it, and reports
/// [`Event::Told`], whatever happens.
pub(super) fn tell(
    due: Due,
    history: History,
    shared: Arc<Shared>,
    stop: CancelToken,
    room: Room,
    events: mpsc::UnboundedSender<Event>,
    runtime: &Handle,
) {
    let handle = runtime.clone();
    runtime.spawn_blocking(move || {
        let subscription = due.subscription;
        let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| line(&due, &history, &shared, &stop)));
        let (line, told) = match made {
            Ok(Ok(Made::Line(line, owed))) => {
                let line = line.and_then(|line| handle.block_on(room.reserve(line, &stop)).ok());
                (line, Told::UpTo(history.snapshot.clock.to_string(), owed))
            }
            Ok(Ok(Made::NotYet)) => (None, Told::Later(due.since)),
            Ok(Err(_)) | Err(_) => (None, Told::Failed),
        };
        let _ = events.send(Event::Told { subscription, told, line });
    });
}

/// What came of making an event.
enum Made {
    /// The line, if there is anything to tell, and the files whose hashes are told later.
    Line(Option<Vec<u8>>, BTreeSet<RelPath>),
    /// Files are to be read first.
    NotYet,
}

fn line(due: &Due, history: &History, shared: &Shared, stop: &CancelToken) -> Result<Made> {
    let mut found = changes::find(history, &due.filter);
    let fresh = history.ticks.is_none();
    if !fresh {
        add_owed(&mut found, &due.owed, &history.snapshot);
    }
    let is_unread = |difference: &Difference| difference.after.as_ref().is_some_and(|entry| entry.facts().is_none());
    // They are being read, beside the jobs; whatever turns out to have moved is another state then.
    if !due.at_last && found.iter().any(is_unread) {
        return Ok(Made::NotYet);
    }
    let unread_still = |path: &&RelPath| history.snapshot.file(path).is_some_and(|entry| entry.facts().is_none());
    let mut owed: BTreeSet<RelPath> = due.owed.iter().filter(unread_still).cloned().collect();
    // A large file is told without its hash, as long as that is not known: reading it takes longer than the other
    // changes, and the other subscriptions, may wait.
    let is_large = |difference: &Difference| difference.after.as_ref().is_some_and(|entry| entry.stamp.is_large());
    let is_large_one = |path: &&RelPath| history.snapshot.file(path).is_some_and(|entry| entry.stamp.is_large());
    let mut large = owed.iter().filter(is_large_one).count();
    let (mut later, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|found| {
        let is_owed = is_unread(found) && is_large(found) && (large < MAX_OWED || owed.contains(&found.path));
        if is_owed && owed.insert(found.path.clone()) {
            large += 1;
        }
        is_owed
    });
    let mut told = changes::describe(&found, shared, stop)?;
    if told.moved {
        // What is there now is told with the state that has it, and only then: here, that there was something else, unless
        // it has the bytes that it had.
        let (mut moved, found): (Vec<_>, Vec<_>) = found.into_iter().partition(is_unread);
        let is_changed = |path: &RelPath| told.changes.binary_search_by(|change| change.path.cmp(path)).is_ok();
        moved.retain(|found| found.before.is_none() || is_changed(&found.path));
        owed.extend(moved.iter().map(|found| found.path.clone()));
        later.extend(moved);
        told = changes::describe(&found, shared, stop)?;
    }
    let mut changes = told.changes;
    // What was owed may have been read for this.
    for change in changes.iter().filter(|change| change.hash.is_some()) {
        owed.remove(&change.path);
    }
    if !later.is_empty() {
        changes.extend(later.iter().filter_map(changes::unread));
        changes.sort_by(|one, two| one.path.cmp(&two.path));
    }
    if changes.is_empty() && !fresh {
        return Ok(Made::Line(None, owed));
    }
    let clock = history.snapshot.clock.to_string();
    let changed = Changed { subscription: name(due.subscription), clock, fresh, changes, limit_hit: false };
    let max = shared.config.limits.max_response_bytes as usize;
    let line = match frame::event("changed", &changed, max) {
        Err(error) if error.code == Code::ResponseTooLarge => {
            let changed = Changed { fresh: true, changes: Vec::new(), limit_hit: true, ..changed };
            frame::event("changed", &changed, usize::MAX)
        }
        line => line,
    };
    line.map(|line| Made::Line(Some(line), owed))
}

/// Adds the files whose hashes are owed and known by now. What was told of one is a file without a hash: whatever the
/// states say, it differs from that.
fn add_owed(found: &mut Vec<Difference>, owed: &BTreeSet<RelPath>, snapshot: &Snapshot) {
    for path in owed {
        let Some(entry) = snapshot.file(path) else { continue };
        let before = Some(Arc::new(FileEntry::listed(path.clone(), Stamp::default())));
        match found.binary_search_by(|one| one.path.cmp(path)) {
            Ok(at) => found[at].before = before,
            Err(at) if entry.known().is_some() => {
                found.insert(at, Difference { path: path.clone(), before, after: Some(Arc::clone(entry)) });
            }
            Err(_) => {}
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests make and change files")]
mod tests {
    use std::fs::{self, File};
    use std::path::Path;
    use std::time::Instant;

    use serde_json::Value;

    use super::*;
    use crate::glob::PathFilter;
    use crate::index::{Clock, Delta, Journal};
    use crate::indexer;
    use crate::server::testing::shared;

    fn path(text: &str) -> RelPath {
        RelPath::parse(text).unwrap()
    }

    /// A workspace's index, and what one subscription is told of it.
    struct Watched {
        directory: tempfile::TempDir,
        shared: Arc<Shared>,
        snapshot: Snapshot,
        journal: Journal,
        told: String,
        owed: BTreeSet<RelPath>,
    }

    impl Watched {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let shared = shared(directory.path());
            let snapshot = Snapshot::empty(Clock::start("t"));
            let journal = Journal::new(snapshot.clock.tick(), 1000);
            let told = snapshot.clock.to_string();
            Self { directory, shared, snapshot, journal, told, owed: BTreeSet::new() }
        }

        /// Writes files, large ones with holes, and lists them.
        fn write(&mut self, files: &[(&str, u64)]) {
            for (name, size) in files {
                File::create(self.directory.path().join(name)).unwrap().set_len(*size).unwrap();
            }
            self.list(&files.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        }

        /// Looks at files, without reading them.
        fn list(&mut self, names: &[&str]) {
            let mut delta = Delta::default();
            for name in names {
                let listed = self.shared.root.glance(Path::new(name)).ok();
                let entry = listed.map(|(_, stamp)| Arc::new(FileEntry::listed(path(name), stamp)));
                delta.files.insert(path(name), entry);
            }
            let (next, replaced) = self.snapshot.apply(delta);
            self.journal.push(next.clock.tick(), replaced);
            self.snapshot = next;
        }

        fn read(&self, name: &str) {
            let entry = self.snapshot.file(&path(name)).unwrap();
            indexer::look(&self.shared.root, entry, &CancelToken::default()).unwrap();
        }

        /// Kind, path, and whether there is a hash, of each change that is told.
        fn tell(&mut self) -> Vec<(String, String, bool)> {
            let ticks = self.snapshot.clock.tick_of(&self.told).and_then(|tick| self.journal.since(tick));
            let history = History { snapshot: Arc::new(self.snapshot.clone()), ticks };
            let (told, owed, filter) =
                (self.told.clone(), self.owed.clone(), Arc::new(PathFilter::new(&[], &[], true).unwrap()));
            let due = Due { subscription: 1, told, owed, filter, since: Instant::now(), at_last: true };
            let made = line(&due, &history, &self.shared, &CancelToken::default()).unwrap();
            let Made::Line(line, owed) = made else { panic!("it waits") };
            (self.told, self.owed) = (self.snapshot.clock.to_string(), owed);
            let Some(line) = line else { return Vec::new() };
            let event: Value = serde_json::from_slice(&line).unwrap();
            let text = |change: &Value, key: &str| change[key].as_str().unwrap().to_owned();
            let one = |change: &Value| (text(change, "kind"), text(change, "path"), change["hash"].is_string());
            event["data"]["changes"].as_array().unwrap().iter().map(one).collect()
        }
    }

    fn told(kind: &str, path: &str, hash: bool) -> (String, String, bool) {
        (kind.to_owned(), path.to_owned(), hash)
    }

    const LARGE: u64 = 17 << 20;

    #[test]
    fn the_hash_of_a_large_file_follows_when_it_was_read() {
        let mut watched = Watched::new();
        watched.write(&[("large", LARGE), ("small", 1)]);
        assert_eq!(watched.tell(), [told("created", "large", false), told("created", "small", true)]);
        assert_eq!(watched.tell(), []);
        watched.read("large");
        assert_eq!(watched.tell(), [told("modified", "large", true)]);
        assert_eq!(watched.tell(), []);
    }

    #[test]
    fn the_hash_of_a_large_file_follows_though_it_was_touched_and_read_again() {
        let mut watched = Watched::new();
        watched.write(&[("large", LARGE)]);
        assert_eq!(watched.tell(), [told("created", "large", false)]);
        watched.read("large");
        watched.write(&[("large", LARGE)]);
        watched.read("large");
        assert_eq!(watched.tell(), [told("modified", "large", true)], "nobody was told the hash that it had all along");
        watched.write(&[("large", LARGE)]);
        assert_eq!(watched.tell(), [told("modified", "large", false)]);
        fs::remove_file(watched.directory.path().join("large")).unwrap();
        watched.list(&["large"]);
        let event = watched.tell();
        assert_eq!(event, [told("deleted", "large", false)]);
        assert!(watched.owed.is_empty());
    }

    #[test]
    fn what_moved_while_it_was_read_is_told_once_as_it_is_then() {
        let mut watched = Watched::new();
        watched.write(&[("gone", 1), ("moved", 1), ("stays", 1)]);
        fs::write(watched.directory.path().join("moved"), "more").unwrap();
        fs::remove_file(watched.directory.path().join("gone")).unwrap();
        let first = [told("created", "gone", false), told("created", "moved", false), told("created", "stays", true)];
        assert_eq!(watched.tell(), first);
        watched.list(&["gone", "moved"]);
        assert_eq!(watched.tell(), [told("deleted", "gone", false), told("modified", "moved", true)]);
        assert_eq!(watched.tell(), []);
        assert!(watched.owed.is_empty());
    }

    #[test]
    fn more_large_files_than_are_remembered_are_read_at_once() {
        let mut watched = Watched::new();
        let names: Vec<String> = (0..MAX_OWED + 2).map(|at| format!("large-{at:03}")).collect();
        watched.write(&names.iter().map(|name| (name.as_str(), LARGE)).collect::<Vec<_>>());
        let event = watched.tell();
        assert_eq!(event.iter().filter(|(_, _, hash)| *hash).count(), 2);
        assert_eq!((event.len(), watched.owed.len()), (MAX_OWED + 2, MAX_OWED));
    }
}
