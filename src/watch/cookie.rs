//! A directory of our own, outside the workspace, in which a watcher sees files appear in the order of
//! everything else that happens: how it is known that what happened before has been told.
//!
//! The idea is Watchman's ("query synchronization"), which puts its cookies into the watched tree; here nothing
//! is ever written there.
#![expect(clippy::disallowed_methods, reason = "these are our own files, outside the workspace")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::fs::{make_outside, now_ns};

/// How the directories are called; a process id and a time follow.
const PREFIX: &str = "workspace-sidecar-cookies-";
/// Held locked as long as the process lives.
const LOCK: &str = "lock";
/// A younger directory may be one that another process is about to lock, so it is left alone: to try its lock would keep
/// the other from getting it.
const MAKING_TIME: Duration = Duration::from_secs(60);

/// The directory, and the lock that says that its process lives. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Cookies {
    path: PathBuf,
    lock: Option<File>,
}

impl Cookies {
    /// Makes one in the first of `places` that takes it and does not lie in the workspace at `root`.
    pub(super) fn make(places: &[PathBuf], root: &Path) -> io::Result<Self> {
        let mut failed =
            io::Error::new(io::ErrorKind::NotFound, "there is no directory for cookies outside the workspace");
        for place in places {
            match Self::make_in(place, root) {
                Ok(cookies) => return Ok(cookies),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn make_in(place: &Path, root: &Path) -> io::Result<Self> {
        let place = make_outside(place, root)?;
        remove_leftovers(&place, SystemTime::now());
        let path = place.join(format!("{PREFIX}{}-{:x}", std::process::id(), now_ns()));
        #[cfg_attr(not(unix), expect(unused_mut, reason = "only Unix has a mode to set"))]
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path)?;
        let lock =
            File::create_new(path.join(LOCK)).and_then(|file| file.try_lock().map_err(io::Error::from).map(|()| file));
        match lock {
            Ok(lock) => Ok(Self { path, lock: Some(lock) }),
            Err(error) => {
                let _ = fs::remove_dir_all(&path);
                Err(error)
            }
        }
    }

    /// The directory to watch.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a cookie.
    pub(super) fn put(&self, number: u64) -> io::Result<()> {
        File::create_new(self.path.join(number.to_string())).map(drop)
    }

    /// Removes it again.
    pub(super) fn take(&self, number: u64) {
        let _ = fs::remove_file(self.path.join(number.to_string()));
    }

    /// The number of the cookie at `path`, if it is one.
    pub(super) fn number_of(directory: &Path, path: &Path) -> Option<u64> {
        path.strip_prefix(directory).ok()?.to_str()?.parse().ok()
    }
}

impl Drop for Cookies {
    fn drop(&mut self) {
        // Windows removes no file that is open.
        self.lock = None;
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::debug!("{} is left behind: {error}", self.path.display());
        }
    }
}

/// Removes what processes that were killed left behind: those hold no lock any more.
fn remove_leftovers(place: &Path, now: SystemTime) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_leftover(&entry.path(), now) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn is_leftover(directory: &Path, now: SystemTime) -> bool {
    let modified = fs::metadata(directory).and_then(|found| found.modified()).ok();
    let age = modified.and_then(|time| now.duration_since(time).ok()).unwrap_or_default();
    if age <= MAKING_TIME {
        return false;
    }
    let lock = directory.join(LOCK);
    // Somebody else's FIFO would block whoever opens it.
    if fs::symlink_metadata(&lock).is_ok_and(|found| !found.is_file()) {
        return false;
    }
    match File::open(lock) {
        Ok(lock) => lock.try_lock().is_ok(),
        // Else it is another user's, most likely.
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(place: &Path) -> usize {
        fs::read_dir(place).unwrap().count()
    }

    #[test]
    fn a_directory_of_the_dead_is_removed_and_one_of_the_living_stays() {
        let place = tempfile::tempdir().unwrap();
        let root = Path::new("/nowhere");
        let places = [place.path().to_owned()];
        let dead = place.path().join(format!("{PREFIX}1-1"));
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), "").unwrap();
        fs::write(dead.join("7"), "").unwrap();
        fs::create_dir(place.path().join("another-program")).unwrap();
        let locked_by_nobody = place.path().join(format!("{PREFIX}2-killed-early"));
        fs::create_dir(&locked_by_nobody).unwrap();

        let first = Cookies::make(&places, root).unwrap();
        assert!(dead.exists() && locked_by_nobody.exists(), "they may be about to be locked");
        let second = Cookies::make(&places, root).unwrap();
        remove_leftovers(place.path(), SystemTime::now() + 2 * MAKING_TIME);
        assert!(!dead.exists() && !locked_by_nobody.exists());
        assert!(first.path().is_dir() && second.path().is_dir());
        second.put(1).unwrap();
        assert_eq!(Cookies::number_of(second.path(), &second.path().join("1")), Some(1));
        assert_eq!(Cookies::number_of(second.path(), &second.path().join(LOCK)), None);
        second.take(1);
        assert!(second.put(1).is_ok());
        drop((first, second));
        assert_eq!(count(place.path()), 1);
    }

    #[test]
    fn never_in_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        let beside = tempfile::tempdir().unwrap();
        let path = root.path().canonicalize().unwrap();
        for inside in [path.clone(), path.join("not/made/yet")] {
            assert!(Cookies::make(std::slice::from_ref(&inside), &path).is_err());
            assert_eq!(count(&path), 0);
            let cookies = Cookies::make(&[inside, beside.path().join("new")], &path).unwrap();
            assert!(!cookies.path().starts_with(&path));
        }
    }
    #[test]
    #[cfg(target_os = "linux")]
    fn none_is_made_after_the_source_was_closed() {
        use std::sync::Arc;

        use crate::watch::{Native, Queue, Source as _};

        let (root, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let source = Native::new(root.path(), Some(place.path()));
        let queue = Arc::new(Queue::new(1, || {}));
        let first = source.start(&queue).unwrap();
        assert_eq!(count(place.path()), 1);
        source.close();
        let second = source.start(&queue);
        assert_eq!(count(place.path()), 0);
        drop((first, second));
    }
}
