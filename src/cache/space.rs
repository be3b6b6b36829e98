//! Making room: what is kept of workspaces that nobody opened for long goes first.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{LOCK, MANIFEST, PREFIX, UNFINISHED, files, is_part};

/// Removes directories of workspaces in `place` until those left take no more than `most` bytes: first those that were
/// kept longest ago, never `own`, nor one that is being written.
pub(super) fn make(place: &Path, own: &Path, most: u64) {
    let mut found: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
    for entry in fs::read_dir(place).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            let path = entry.path();
            let used = fs::symlink_metadata(path.join(MANIFEST)).and_then(|manifest| manifest.modified());
            found.push((used.unwrap_or(SystemTime::UNIX_EPOCH), size(&path), path));
        }
    }
    found.sort();
    let mut sum: u64 = found.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, bytes, path) in found {
        if sum <= most {
            return;
        }
        if path != own && remove(&path).is_ok() {
            tracing::info!("removed to make room: {}", path.display());
            sum -= bytes;
        }
    }
}

/// Bytes of our files.
fn size(directory: &Path) -> u64 {
    ours(directory).filter_map(|path| fs::symlink_metadata(path).ok()).map(|found| found.len()).sum()
}

fn ours(directory: &Path) -> impl Iterator<Item = PathBuf> {
    let is_ours = |name: &str| [LOCK, MANIFEST, UNFINISHED].contains(&name) || is_part(name);
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.filter(move |entry| entry.file_name().to_str().is_some_and(is_ours)).map(|entry| entry.path())
}

/// Removes our files, and the directory if there were no others: a name that begins like ours makes nothing ours.
fn remove(directory: &Path) -> io::Result<()> {
    let lock = files::lock_if_there(&directory.join(LOCK))?.ok_or(io::ErrorKind::WouldBlock)?;
    // Without it, nobody looks for the others.
    let manifest = directory.join(MANIFEST);
    fs::remove_file(&manifest).or_else(|error| if manifest.exists() { Err(error) } else { Ok(()) })?;
    for path in ours(directory) {
        files::remove(&path)?;
    }
    drop(lock);
    let _ = fs::remove_dir(directory);
    Ok(())
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
            fs::write(path.join(LOCK), "").unwrap();
            fs::write(path.join("x.part"), [0; 1000]).unwrap();
            let manifest = fs::File::create(path.join(MANIFEST)).unwrap();
            manifest.set_modified(SystemTime::now() - Duration::from_secs(age)).unwrap();
            path
        };
        let [own, old, busy, young] = [("own", 90), ("old", 70), ("busy", 80), ("young", 1)]
            .map(|(name, age)| directory(&format!("{PREFIX}{name}"), age));
        directory("another", 99);
        // Somebody's project, with our name and without a lock of ours.
        let project = directory(&format!("{PREFIX}project"), 99);
        fs::write(project.join("main.rs"), "").unwrap();
        fs::remove_file(project.join(LOCK)).unwrap();
        let lock = fs::File::open(busy.join(LOCK)).unwrap();
        lock.lock().unwrap();
        make(place.path(), &own, 5000);
        assert!(old.exists(), "there is room");
        make(place.path(), &own, 4500);
        let left = |paths: [&PathBuf; 4]| paths.map(|path| path.exists());
        assert_eq!(left([&own, &old, &busy, &young]), [true, false, true, true]);
        fs::write(young.join("unknown"), "").unwrap();
        make(place.path(), &own, 0);
        assert_eq!(left([&own, &old, &busy, &young]), [true, false, true, true]);
        assert_eq!(fs::read_dir(&young).unwrap().count(), 1, "only what is not ours is left");
        assert!(place.path().join("another/x.part").exists() && project.join("main.rs").exists());
        assert!(project.join("x.part").exists());
    }
}
