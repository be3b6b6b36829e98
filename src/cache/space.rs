//! Making room: what is kept of workspaces that nobody opened for long goes first.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Removes directories in `place` whose names begin with `prefix` until those left take no more than `most` bytes: first
/// those whose file `marker` is oldest, never `own`, nor one that is being written.
pub(super) fn make(place: &Path, own: &Path, prefix: &str, marker: &str, most: u64) {
    let mut found: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(prefix));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = entry.path();
            let used = fs::metadata(path.join(marker)).and_then(|marker| marker.modified());
            found.push((used.unwrap_or(SystemTime::UNIX_EPOCH), size(&path), path));
        }
    }
    found.sort();
    let mut sum: u64 = found.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in found {
        if sum <= most {
            return;
        }
        if path != own && is_idle(&path) && fs::remove_dir_all(&path).is_ok() {
            tracing::info!("removed to make room: {}", path.display());
            sum -= bytes;
        }
    }
}

fn size(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).into_iter().flatten().flatten();
    files.filter_map(|entry| entry.metadata().ok()).map(|found| found.len()).sum()
}

fn is_idle(directory: &Path) -> bool {
    fs::File::open(directory.join(super::LOCK)).is_ok_and(|lock| lock.try_lock().is_ok())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_oldest_go_first_and_those_in_use_stay() {
        let place = tempfile::tempdir().unwrap();
        let directory = |name: &str, age: u64| {
            let path = place.path().join(name);
            fs::create_dir(&path).unwrap();
            fs::write(path.join(super::super::LOCK), "").unwrap();
            fs::write(path.join("x.part"), [0; 1000]).unwrap();
            let marker = fs::File::create(path.join("marker")).unwrap();
            marker.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
            path
        };
        let [own, old, busy, young] =
            [("p-own", 90), ("p-old", 70), ("p-busy", 80), ("p-young", 1)].map(|(name, age)| directory(name, age));
        directory("another", 99);
        let lock = fs::File::open(busy.join(super::super::LOCK)).unwrap();
        lock.lock().unwrap();
        make(place.path(), &own, "p-", "marker", 4000);
        assert!(old.exists(), "there is room");
        make(place.path(), &own, "p-", "marker", 3500);
        let left = |paths: [&PathBuf; 4]| paths.map(|path| path.exists());
        assert_eq!(left([&own, &old, &busy, &young]), [true, false, true, true]);
        make(place.path(), &own, "p-", "marker", 0);
        assert_eq!(left([&own, &old, &busy, &young]), [true, false, true, false]);
        assert!(place.path().join("another").exists());
    }
}
