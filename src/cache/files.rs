//! The files in a directory of our own, whatever somebody else put there: no link is followed, nothing blocks, and what
//! is no file gives way to one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::Path;

use super::{UNFINISHED, damaged};

/// Makes the directory, unless it is there.
///
/// # Errors
/// What is there is not ours; it cannot be made.
pub(super) fn make_directory(path: &Path) -> io::Result<()> {
    if is_ours(path)? {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // What is in the files is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Whether the directory is there.
///
/// # Errors
/// Something else is in its place, such as a link, or it is another user's: everybody can know its name.
pub(super) fn is_ours(path: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if !found.is_dir() {
        return Err(damaged("it is no directory".to_owned()));
    }
    #[cfg(unix)]
    if std::os::unix::fs::MetadataExt::uid(&found) != rustix::process::geteuid().as_raw() {
        return Err(damaged("it belongs to another user".to_owned()));
    }
    Ok(true)
}

/// The bytes of a file, of which there may be `most`.
pub(super) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let file = open(path, OpenOptions::new().read(true))?;
    let length = file.metadata()?.len();
    if length > most {
        return Err(damaged(format!("{} is too large", name(path))));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether there is a file of this length.
pub(super) fn is_there(path: &Path, length: u64) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.len() == length)
}

/// Locks a file that is made if need be; `None` if another process holds the lock.
pub(super) fn lock(path: &Path) -> io::Result<Option<File>> {
    if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
        remove(path)?;
    }
    try_lock(open(path, OpenOptions::new().read(true).write(true).create(true).truncate(false))?)
}

/// As [`lock`], of a file that is there.
pub(super) fn lock_if_there(path: &Path) -> io::Result<Option<File>> {
    try_lock(open(path, OpenOptions::new().read(true))?)
}

fn try_lock(file: File) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(error)) => Err(error),
    }
}

/// Writes a file as a whole, or not at all.
pub(super) fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let unfinished = path.with_file_name(UNFINISHED);
    let write = || {
        // It follows no link.
        let mut file = File::create_new(&unfinished)?;
        io::Write::write_all(&mut file, bytes)?;
        // A directory would not give way.
        if fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
            remove(path)?;
        }
        fs::rename(&unfinished, path)
    };
    let written = write();
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    written
}

/// Removes what is there, whatever it is.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

fn open(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let no_file = || damaged(format!("{} is no file", name(path)));
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => return Err(no_file()),
        Ok(_) => {}
        // It may be about to be made.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    // In between it may have become another thing.
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(no_file()) }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
