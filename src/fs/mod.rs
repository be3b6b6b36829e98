//! The only module that opens files: beneath the root, read-only, regular files only.
//!
//! Containment is decided by the operating system at the moment of opening (`openat2` with
//! `RESOLVE_BENEATH` on Linux, cap-std's component-wise walk elsewhere), never by looking at the
//! path first: a symbolic link swapped in between changes nothing.
//!
//! One exception: the `ignore` library opens the files with ignore rules itself, following links. The walk
//! asks [`rule_file`] first, so that a FIFO or a device is not among them.
#![expect(clippy::disallowed_methods, reason = "this is the module the lint keeps everyone else out of")]

mod beneath;
mod outside;
mod parts;
mod rules;
mod stamp;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use cap_std::fs::{Dir, OpenOptions};

use crate::error::{Code, Error, Result};
use crate::path::{DirPath, RelPath};

pub use beneath::Names;
pub use outside::make_outside;
pub use parts::Parts;
pub use rules::{RuleFile, git_text, is_there, rule_file, rules_hash, rules_stamp};
pub use stamp::{Stamp, now_ns};

/// How often a file that changes while it is read is read again before the last read is taken.
const READ_ATTEMPTS: usize = 4;
/// The size up to which [`WorkspaceRoot::digest`] reads a file in one piece.
const DIGEST_CHUNK: usize = 1 << 20;

/// The workspace directory, held open.
#[derive(Debug)]
pub struct WorkspaceRoot {
    /// Another one after the directory at `path` was replaced.
    dir: RwLock<Arc<Dir>>,
    path: PathBuf,
}

/// What a path is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link (or a junction).
    Symlink,
    /// A FIFO, socket or device.
    Other,
}

impl Kind {
    fn of(kind: std::fs::FileType) -> Self {
        Self::told(kind.is_symlink(), kind.is_dir(), kind.is_file())
    }

    /// From what std's and cap-std's types of files both tell.
    fn told(is_symlink: bool, is_dir: bool, is_file: bool) -> Self {
        match (is_symlink, is_dir, is_file) {
            (true, ..) => Self::Symlink,
            (_, true, _) => Self::Directory,
            (.., true) => Self::File,
            _ => Self::Other,
        }
    }
}

/// The bytes of a file, and the stamp they were read under.
#[derive(Debug)]
pub struct Content {
    /// All of them.
    pub bytes: Vec<u8>,
    /// The file's stamp before (and, when `stable`, also after) reading.
    pub stamp: Stamp,
    /// Whether the file held still while it was read.
    pub stable: bool,
}

/// What [`WorkspaceRoot::read_into`] read.
#[derive(Clone, Copy, Debug)]
pub struct Read {
    /// Bytes read, at the beginning of the buffer.
    pub length: usize,
    /// The file's stamp before (and, when `stable`, also after) reading.
    pub stamp: Stamp,
    /// Whether the file held still while it was read.
    pub stable: bool,
}

/// What [`WorkspaceRoot::digest`] found.
#[derive(Debug)]
pub struct Digest<T> {
    /// What the consumer made of the chunks.
    pub value: T,
    /// The file's stamp before (and, when `stable`, also after) reading.
    pub stamp: Stamp,
    /// Whether the file held still while it was read.
    pub stable: bool,
}

impl WorkspaceRoot {
    /// Opens the workspace directory.
    ///
    /// # Errors
    /// `not_found`, `not_a_file` (it is no directory) or `permission_denied`; the message names `path`.
    pub fn open(path: &Path) -> Result<Self> {
        let shown = path.display();
        let describe = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => Error::new(Code::NotFound, format!("the root {shown} does not exist")),
            io::ErrorKind::NotADirectory => Error::new(Code::NotAFile, format!("the root {shown} is not a directory")),
            io::ErrorKind::PermissionDenied => {
                Error::new(Code::PermissionDenied, format!("the root {shown} cannot be read: permission denied"))
            }
            _ => Error::new(Code::IoError, format!("the root {shown} cannot be opened: {error}")),
        };
        let path = dunce::canonicalize(path).map_err(|error| describe(&error))?;
        let metadata = std::fs::metadata(&path).map_err(|error| describe(&error))?;
        if !metadata.is_dir() {
            return Err(describe(&io::ErrorKind::NotADirectory.into()));
        }
        // Opening may need less than listing does: ask for what is needed.
        std::fs::read_dir(&path).map_err(|error| describe(&error))?;
        let dir = Dir::open_ambient_dir(&path, cap_std::ambient_authority()).map_err(|error| describe(&error))?;
        Ok(Self { dir: RwLock::new(Arc::new(dir)), path })
    }

    /// Makes sure that what is read is what stands at the root's path: a root that was deleted and made
    /// again, or replaced, is opened anew. To be called before the tree is walked by its path.
    ///
    /// # Errors
    /// `not_found`, `not_a_file`, `permission_denied` or `io_error` if there is no root at its path.
    pub fn refresh(&self) -> Result<()> {
        if !self.is_in_place() {
            let anew = Self::open(&self.path)?;
            *self.dir.write().unwrap_or_else(PoisonError::into_inner) = anew.dir();
            tracing::info!("the root was replaced; it is opened anew");
        }
        Ok(())
    }

    /// Whether the directory that is held open is the one that stands at the root's path.
    pub fn is_in_place(&self) -> bool {
        let held = self.dir().dir_metadata().map(|metadata| Stamp::of_cap(&metadata).identity());
        let found = std::fs::metadata(&self.path).map(|metadata| Stamp::of_std(&metadata).identity());
        matches!((held, found), (Ok(held), Ok(found)) if held == found)
    }

    fn dir(&self) -> Arc<Dir> {
        Arc::clone(&self.dir.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The root's absolute path, symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is at `path`, a symbolic link at its end not followed.
    ///
    /// # Errors
    /// `not_found`, `path_outside_workspace`, `permission_denied`, `io_error`.
    pub fn stat(&self, path: &RelPath) -> Result<(Kind, Stamp)> {
        let metadata = match self.dir().symlink_metadata(path.as_path()) {
            Err(error) if is_escape(&error) => {
                let (parent, name) = match path.as_str().rsplit_once('/') {
                    Some((parent, name)) => (Some(parent), name),
                    None => (None, path.as_str()),
                };
                let parent = match parent {
                    Some(parent) => self.resolve(path, Path::new(parent))?,
                    None => PathBuf::new(),
                };
                self.dir().symlink_metadata(parent.join(name))
            }
            result => result,
        };
        let metadata = metadata.map_err(|error| describe(path, &error))?;
        let kind = metadata.file_type();
        let kind = Kind::told(kind.is_symlink(), kind.is_dir(), kind.is_file());
        Ok((kind, Stamp::of_cap(&metadata)))
    }

    /// What a walk would come across at `path`, a symbolic link at its end not followed. Nothing is opened, so a
    /// link in its middle may lead anywhere: for the index, which holds no contents.
    ///
    /// # Errors
    /// What the operating system says; usually that it is gone.
    pub fn glance(&self, path: &Path) -> io::Result<(Kind, Stamp)> {
        let metadata = std::fs::symlink_metadata(self.path.join(path))?;
        Ok((Kind::of(metadata.file_type()), Stamp::of_std(&metadata)))
    }

    /// Calls `each` for all that lies directly in `directory`, with its name, what it is, and a way to its stamp.
    /// A file system that does not tell what something is there is asked.
    ///
    /// # Errors
    /// What the operating system says; usually that it is gone or no directory any more.
    pub fn list(
        &self,
        directory: &DirPath,
        mut each: impl FnMut(&OsStr, Kind, &dyn Fn() -> io::Result<Stamp>),
    ) -> io::Result<()> {
        for entry in std::fs::read_dir(self.path.join(directory.as_path()))? {
            let entry = entry?;
            let kind = match entry.file_type() {
                Ok(kind) => Kind::of(kind),
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            each(&entry.file_name(), kind, &|| entry.metadata().map(|metadata| Stamp::of_std(&metadata)));
        }
        Ok(())
    }

    /// Opens a regular file; symbolic links are followed as long as they stay inside.
    fn open_file(&self, path: &RelPath) -> Result<(File, Stamp)> {
        let file = match self.open_at(path.as_path()) {
            Err(error) if is_escape(&error) => self.open_at(&self.resolve(path, path.as_path())?),
            result => result,
        };
        let file = match file {
            Ok(file) => file,
            Err(error) => {
                // A socket, or a directory on Windows, refuses to be opened in its own words.
                let other = self.dir().metadata(path.as_path()).is_ok_and(|metadata| !metadata.is_file());
                return Err(if other { not_a_file(path) } else { describe(path, &error) });
            }
        };
        let metadata = file.metadata().map_err(|error| describe(path, &error))?;
        if !metadata.is_file() {
            return Err(not_a_file(path));
        }
        Ok((file, Stamp::of_std(&metadata)))
    }

    fn open_at(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        {
            use cap_std::fs::OpenOptionsExt as _;
            // A FIFO without a writer would block the open for ever.
            options.custom_flags((rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits().cast_signed());
        }
        Ok(self.dir().open_with(path, &options)?.into_std())
    }

    /// Where `target` really lies, relative to the root, when a symbolic link in it is absolute (which
    /// `openat2` refuses even if it points inside). What is opened next is this link-free path,
    /// beneath the root again, so a swap in between cannot lead outside.
    fn resolve(&self, path: &RelPath, target: &Path) -> Result<PathBuf> {
        let outside = || Error::new(Code::PathOutsideWorkspace, format!("{path}: it leads outside the workspace"));
        let real = dunce::canonicalize(self.path.join(target)).map_err(|_| outside())?;
        real.strip_prefix(&self.path).map(Path::to_path_buf).map_err(|_| outside())
    }

    /// Reads a whole file of at most `max_bytes`.
    ///
    /// The bytes and the stamp belong together: the file is looked at before and after, and read
    /// again if it moved. One that never holds still is given as last read, `stable: false`.
    ///
    /// # Errors
    /// `not_found`, `not_a_file`, `path_outside_workspace`, `permission_denied`, `io_error`, and
    /// `file_too_large` with `size` and `maxBytes`.
    pub fn read(&self, path: &RelPath, max_bytes: u64) -> Result<Content> {
        let mut bytes = Vec::new();
        let (length, stamp, stable) = match self.read_into(path, max_bytes, &mut bytes, |_| true)? {
            Some(read) => (read.length, read.stamp, read.stable),
            None => (0, Stamp::default(), false),
        };
        bytes.truncate(length);
        Ok(Content { bytes, stamp, stable })
    }

    /// As [`Self::read`], into the beginning of a buffer that is used again and again; or nothing if
    /// the file's stamp shows that it is not `wanted`.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_into(
        &self,
        path: &RelPath,
        max_bytes: u64,
        buffer: &mut Vec<u8>,
        wanted: impl Fn(&Stamp) -> bool,
    ) -> Result<Option<Read>> {
        let mut attempt = 1;
        loop {
            let (file, stamp) = self.open_file(path)?;
            if stamp.size > max_bytes {
                return Err(Self::too_large(path, stamp.size, max_bytes));
            }
            if !wanted(&stamp) {
                return Ok(None);
            }
            let length = read_to_end(&file, stamp.size as usize, max_bytes as usize, buffer)
                .map_err(|error| describe(path, &error))?;
            let after = Stamp::of_std(&file.metadata().map_err(|error| describe(path, &error))?);
            let stable = after == stamp && length as u64 == stamp.size;
            if stable || attempt == READ_ATTEMPTS {
                if length as u64 > max_bytes {
                    return Err(Self::too_large(path, after.size, max_bytes));
                }
                return Ok(Some(Read { length, stamp, stable }));
            }
            attempt += 1;
        }
    }

    /// Reads a part of a file whose stamp is `wanted`; nothing if it is not, or if the file moved meanwhile.
    ///
    /// # Errors
    /// `not_found`, `not_a_file`, `path_outside_workspace`, `permission_denied`, `io_error`.
    pub fn read_part(
        &self,
        path: &RelPath,
        range: std::ops::Range<u64>,
        wanted: impl Fn(&Stamp) -> bool,
    ) -> Result<Option<Content>> {
        let (mut file, stamp) = self.open_file(path)?;
        if !wanted(&stamp) {
            return Ok(None);
        }
        let start = range.start.min(stamp.size);
        let length = range.end.min(stamp.size).saturating_sub(start);
        let mut bytes = Vec::with_capacity(length as usize);
        let after = file
            .seek(io::SeekFrom::Start(start))
            .and_then(|_| (&file).take(length).read_to_end(&mut bytes))
            .and_then(|_| file.metadata())
            .map_err(|error| describe(path, &error))?;
        let stable = Stamp::of_std(&after) == stamp && bytes.len() as u64 == length;
        Ok(stable.then_some(Content { bytes, stamp, stable }))
    }

    /// Opens a file of which parts are to be read, if its stamp is `wanted`.
    ///
    /// # Errors
    /// As [`Self::read_part`].
    pub fn open_parts(&self, path: &RelPath, wanted: impl Fn(&Stamp) -> bool) -> Result<Option<Parts>> {
        let (file, stamp) = self.open_file(path)?;
        Ok(wanted(&stamp).then_some(Parts { file, stamp }))
    }

    /// `file_too_large`, with the figures.
    pub fn too_large(path: &RelPath, size: u64, max_bytes: u64) -> Error {
        Error::new(Code::FileTooLarge, format!("{path}: its {size} bytes are more than the {max_bytes} allowed"))
            .with("size", size)
            .with("maxBytes", max_bytes)
    }

    /// Feeds a file of any size to a consumer, piece by piece, in bounded memory. `start` makes a
    /// consumer; it is called again when the file moved while it was read.
    ///
    /// # Errors
    /// As [`Self::read`], without `file_too_large`; or what the consumer returns.
    pub fn digest<T>(
        &self,
        path: &RelPath,
        buffer: &mut Vec<u8>,
        mut start: impl FnMut(&Stamp) -> T,
        mut consume: impl FnMut(&mut T, &[u8]) -> Result<()>,
    ) -> Result<Digest<T>> {
        let mut attempt = 1;
        loop {
            let (file, stamp) = self.open_file(path)?;
            let mut value = start(&stamp);
            let mut length = 0_u64;
            // One byte more than the file has, so that one read sees both the content and its end.
            let want = (stamp.size as usize).saturating_add(1).min(DIGEST_CHUNK);
            if buffer.len() < want {
                buffer.resize(want, 0);
            }
            loop {
                let count = match (&file).read(&mut buffer[..want]) {
                    Ok(count) => count,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => return Err(describe(path, &error)),
                };
                consume(&mut value, &buffer[..count])?;
                length += count as u64;
                // A short read of a regular file is its end; the stamp below confirms it. One that grew is read once more.
                let is_end = count == 0 || (count < want && length == stamp.size);
                if is_end || (length > stamp.size && attempt < READ_ATTEMPTS) {
                    break;
                }
            }
            let after = Stamp::of_std(&file.metadata().map_err(|error| describe(path, &error))?);
            let stable = after == stamp && length == stamp.size;
            if stable || attempt == READ_ATTEMPTS {
                return Ok(Digest { value, stamp, stable });
            }
            attempt += 1;
        }
    }
}

/// Reads a file that should have `size` bytes into the beginning of `buffer`, which only ever grows:
/// what was zeroed once is not zeroed again. Stops behind `max` bytes. A file of the expected size
/// takes one read; whether that was all, the caller's look at its stamp tells.
fn read_to_end(mut file: &File, size: usize, max: usize, buffer: &mut Vec<u8>) -> io::Result<usize> {
    let mut length = 0;
    let mut room = size.saturating_add(1);
    loop {
        if buffer.len() < room {
            buffer.resize(room, 0);
        }
        match file.read(&mut buffer[length..room]) {
            Ok(0) => return Ok(length),
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        if length == size || length > max {
            return Ok(length);
        }
        if length == room {
            room = room.saturating_mul(2);
        }
    }
}

/// The stamp of something the walk came across, a symbolic link not followed.
///
/// # Errors
/// What the operating system says; usually that it is gone.
pub fn walk_stamp(entry: &ignore::DirEntry) -> io::Result<Stamp> {
    entry.metadata().map(|metadata| Stamp::of_std(&metadata)).map_err(|error| {
        let kind = error.io_error().map_or(io::ErrorKind::Other, io::Error::kind);
        kind.into()
    })
}

fn not_a_file(path: &RelPath) -> Error {
    Error::new(Code::NotAFile, format!("{path}: it is not a regular file"))
}

/// cap-std reports an escape as an error it made itself: `PermissionDenied` without an OS code.
fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none()
}

fn describe(path: &RelPath, error: &io::Error) -> Error {
    if is_escape(error) {
        Error::new(Code::PathOutsideWorkspace, format!("{path}: it leads outside the workspace"))
    } else {
        Error::io(path, error)
    }
}

#[cfg(test)]
mod tests;
