//! What is kept between runs, in a directory of our own outside the workspace: the text index, and with it the stamps and
//! hashes of files.
//!
//! Each workspace has a directory, named after its path. In it are parts, each in a file that is named after the hash of
//! its bytes, and a manifest that lists them. Files are written under another name and renamed, parts before the
//! manifest: at any moment there is a whole manifest, or none. What is there is a hint, never an answer: a part whose
//! bytes have another hash is not read, and a file whose stamp is another one is read again.
#![expect(clippy::disallowed_methods, reason = "these are our own files, outside the workspace")]

mod codec;
mod manifest;
mod space;

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use self::manifest::{Manifest, PartFile};
use crate::fs::make_outside;
use crate::index::TextPart;

/// How the directories are called; a part of the hash of the root's path follows.
const PREFIX: &str = "workspace-sidecar-index-";
const LOCK: &str = "lock";
const MANIFEST: &str = "manifest";
const PART: &str = "part";
/// What is being written; a leftover of a process that was killed.
const UNFINISHED: &str = "unfinished";
/// One workspace keeps no more than this, all of them together no more than four times as much.
const MAX_BYTES: u64 = 2 << 30;

/// The files of one workspace.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    /// The workspace's path, as it is compared.
    root: String,
    state: Mutex<State>,
}

/// What became of it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Bytes of the files that were loaded or written last.
    pub bytes: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

impl Cache {
    /// The cache of the workspace at `root` in `place`. Says so in the log if there can be none.
    pub fn open(place: &Path, root: &Path) -> Option<Self> {
        let shown = root.to_string_lossy().into_owned();
        let key = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
        match make_outside(place, root) {
            Ok(place) => {
                let directory = place.join(format!("{PREFIX}{}", &key[..32]));
                Some(Self { directory, root: shown, state: Mutex::default() })
            }
            Err(error) => {
                tracing::warn!("nothing is kept between runs: {}: {error}", place.display());
                None
            }
        }
    }

    /// The parts that were saved, by path; none if there are none, or some are not as they were written.
    pub fn load(&self) -> Vec<Arc<TextPart>> {
        match self.read() {
            Ok(parts) => parts,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.directory.join(MANIFEST).exists() => {
                Vec::new()
            }
            Err(error) => {
                self.failed("the index is built anew, what was kept cannot be used", &error);
                Vec::new()
            }
        }
    }

    fn read(&self) -> io::Result<Vec<Arc<TextPart>>> {
        let manifest = Manifest::read(&fs::read(self.directory.join(MANIFEST))?, &self.root)?;
        let read = |part: &PartFile| {
            let bytes = fs::read(self.directory.join(part.name()))?;
            if blake3::hash(&bytes).to_hex().as_str() != part.hash {
                return Err(damaged(format!("{} is damaged", part.name())));
            }
            codec::decode(&bytes).map(Arc::new).ok_or_else(|| damaged(format!("{} is of another form", part.name())))
        };
        let parts: Vec<Arc<TextPart>> = manifest.parts.par_iter().map(read).collect::<io::Result<_>>()?;
        let ends = parts.iter().filter_map(|part| Some((&part.files.first()?.path, &part.files.last()?.path)));
        if !ends.clone().zip(ends.skip(1)).all(|((_, last), (first, _))| last < first) {
            return Err(damaged("the parts are out of order".to_owned()));
        }
        self.state().bytes = manifest.parts.iter().map(|part| part.bytes).sum();
        Ok(parts)
    }

    /// Keeps these parts, and only these, unless another process is about to. Failures are logged.
    pub fn save(&self, parts: &[TextPart]) {
        match self.write(parts) {
            Ok(Some(bytes)) => {
                tracing::debug!(bytes, "the index was kept");
                *self.state() = State { bytes, last_error: None };
            }
            Ok(None) => tracing::debug!("the index was not kept: another process keeps its own"),
            Err(error) => self.failed("the index is not kept", &error),
        }
    }

    fn write(&self, parts: &[TextPart]) -> io::Result<Option<u64>> {
        make_directory(&self.directory)?;
        let lock = File::create(self.directory.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let _ = fs::remove_file(self.directory.join(UNFINISHED));
        // Then a file is not what its name says.
        let is_damaged = self.state().last_error.is_some();
        let mut files = Vec::with_capacity(parts.len());
        let mut sum = 0;
        for part in parts {
            let bytes = codec::encode(part);
            let file = PartFile { hash: blake3::hash(&bytes).to_hex().to_string(), bytes: bytes.len() as u64 };
            sum += file.bytes;
            if sum > MAX_BYTES {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it takes more than 2 GiB"));
            }
            let is_there =
                || fs::metadata(self.directory.join(file.name())).is_ok_and(|there| there.len() == file.bytes);
            if is_damaged || !is_there() {
                self.put(&file.name(), &bytes)?;
            }
            files.push(file);
        }
        let kept: HashSet<String> = files.iter().map(PartFile::name).collect();
        self.put(MANIFEST, &Manifest { root: self.root.clone(), parts: files }.write())?;
        self.remove_all_but(&kept);
        if let Some(place) = self.directory.parent() {
            space::make(place, &self.directory, PREFIX, MANIFEST, 4 * MAX_BYTES);
        }
        Ok(Some(sum))
    }

    /// Writes a file as a whole, or not at all.
    fn put(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let unfinished = self.directory.join(UNFINISHED);
        let written = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, self.directory.join(name)));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn remove_all_but(&self, kept: &HashSet<String>) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let is_old = name.to_str().is_some_and(|name| name.ends_with(PART) && !kept.contains(name));
            if is_old && let Err(error) = fs::remove_file(entry.path()) {
                tracing::debug!("{} is left behind: {error}", entry.path().display());
            }
        }
    }

    fn failed(&self, what: &str, error: &io::Error) {
        let error = error.to_string();
        let mut state = self.state();
        // The same thing again and again is said once.
        if state.last_error.as_ref() != Some(&error) {
            tracing::warn!("{what}: {}: {error}", self.directory.display());
        }
        state.last_error = Some(error);
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of it so far.
    pub fn report(&self) -> State {
        self.state().clone()
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn make_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // What is in the files is nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn damaged(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
