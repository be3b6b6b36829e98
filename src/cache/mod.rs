//! What is kept between runs, in a directory of our own outside the workspace: the text index, and with it the stamps and
//! hashes of files; and the facts of sources.
//!
//! Each workspace has a directory, named after its path. In it are parts, each in a file that is named after the hash of
//! its bytes, and a manifest that lists them. Files are written under another name and renamed, parts before the
//! manifest: at any moment there is a whole manifest, or none. What is there is a hint, never an answer: a part whose
//! bytes have another hash is not read, and a file whose stamp is another one is read again.
#![expect(clippy::disallowed_methods, reason = "these are our own files, outside the workspace")]

mod codec;
mod facts;
mod files;
mod manifest;
mod space;

use std::collections::HashSet;
use std::fs;
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
/// What the manifest of as many parts as that takes.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;
/// How often what is kept is read once more because another process keeps something else by now.
const READ_ATTEMPTS: usize = 5;

/// The files of one workspace.
#[derive(Debug)]
pub struct Cache {
    directory: PathBuf,
    /// The workspace's path, as it is compared.
    root: String,
    /// Larger files are not in the index.
    max_file_bytes: u64,
    /// Held by the thread that writes: the lock on the file tells processes apart, not threads.
    writing: Mutex<()>,
    state: Mutex<State>,
}

/// What became of it so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// Bytes of the files that were loaded or written last.
    pub bytes: u64,
    /// What went wrong last.
    pub last_error: Option<String>,
    /// Whether a file may not be what its name says.
    is_damaged: bool,
}

impl Cache {
    /// The cache of the workspace at `root` in `place`, of an index without files above `max_file_bytes`. Says so in the
    /// log if there can be none.
    pub fn open(place: &Path, root: &Path, max_file_bytes: u64) -> Option<Self> {
        let shown = root.to_string_lossy().into_owned();
        let key = blake3::hash(root.as_os_str().as_encoded_bytes()).to_hex();
        match make_outside(place, root) {
            Ok(place) => {
                let directory = place.join(format!("{PREFIX}{}", &key[..32]));
                Some(Self {
                    directory,
                    root: shown,
                    max_file_bytes,
                    writing: Mutex::default(),
                    state: Mutex::default(),
                })
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
            Err(error) => {
                self.failed("the index is built anew, what was kept cannot be used", &error);
                self.state().is_damaged = true;
                Vec::new()
            }
        }
    }

    fn read(&self) -> io::Result<Vec<Arc<TextPart>>> {
        let mut last = None;
        for _ in 0..READ_ATTEMPTS {
            let Some(manifest) = self.manifest()? else { break };
            if manifest.max_file_bytes != self.max_file_bytes {
                tracing::info!("the index is built anew: another size is the largest that is searched");
                return Ok(Vec::new());
            }
            let is_same = last.as_ref().is_some_and(|(before, _)| *before == manifest);
            match self.read_parts(&manifest) {
                // Another process may have removed it, and keeps something else by now.
                Err(error) if error.kind() == io::ErrorKind::NotFound && !is_same => last = Some((manifest, error)),
                parts => return parts,
            }
        }
        last.map_or(Ok(Vec::new()), |(_, error)| Err(error))
    }

    fn manifest(&self) -> io::Result<Option<Manifest>> {
        if !files::is_ours(&self.directory)? {
            return Ok(None);
        }
        match files::read(&self.directory.join(MANIFEST), MAX_MANIFEST_BYTES) {
            Ok(bytes) => Manifest::read(&bytes, &self.root).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read_parts(&self, manifest: &Manifest) -> io::Result<Vec<Arc<TextPart>>> {
        let read = |part: &PartFile| {
            let bytes = files::read(&self.directory.join(part.name()), part.bytes.min(MAX_BYTES))?;
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
                *self.state() = State { bytes, ..State::default() };
            }
            Ok(None) => tracing::debug!("the index was not kept: another process keeps its own"),
            Err(error) => self.failed("the index is not kept", &error),
        }
    }

    fn write(&self, parts: &[TextPart]) -> io::Result<Option<u64>> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        files::make_directory(&self.directory)?;
        let Some(lock) = files::lock(&self.directory.join(LOCK))? else { return Ok(None) };
        let there = if self.state().is_damaged { None } else { self.manifest().unwrap_or_default() };
        let there: HashSet<String> = there.iter().flat_map(|manifest| &manifest.parts).map(PartFile::name).collect();
        // What processes left that were killed.
        self.remove_all_but(&there);
        match self.put(parts) {
            Ok(files) => {
                self.remove_all_but(&files.iter().map(PartFile::name).collect());
                if let Some(place) = self.directory.parent() {
                    space::make(place, &self.directory, 4 * MAX_BYTES);
                }
                drop(lock);
                Ok(Some(files.iter().map(|file| file.bytes).sum()))
            }
            Err(error) => {
                // A full disk is not to be fuller than it was.
                self.remove_all_but(&there);
                Err(error)
            }
        }
    }

    /// Puts the parts where they are not yet, then the manifest.
    fn put(&self, parts: &[TextPart]) -> io::Result<Vec<PartFile>> {
        let mut files = Vec::with_capacity(parts.len());
        let mut sum = 0;
        for part in parts {
            let bytes = codec::encode(part);
            let file = PartFile { hash: blake3::hash(&bytes).to_hex().to_string(), bytes: bytes.len() as u64 };
            sum += file.bytes;
            if sum > MAX_BYTES {
                return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it takes more than 2 GiB"));
            }
            let path = self.directory.join(file.name());
            if !files::is_there(&path, file.bytes) {
                files::put(&path, &bytes)?;
            }
            files.push(file);
        }
        let manifest =
            Manifest { root: self.root.clone(), max_file_bytes: self.max_file_bytes, parts: files.clone() }.write();
        files::put(&self.directory.join(MANIFEST), &manifest)?;
        Ok(files)
    }

    /// Removes all parts but these, and what was not finished.
    fn remove_all_but(&self, kept: &HashSet<String>) {
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let is_old = |name: &str| name == UNFINISHED || (is_part(name) && !kept.contains(name));
            if entry.file_name().to_str().is_some_and(is_old)
                && let Err(error) = files::remove(&entry.path())
            {
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

/// Whether a file of this name is a part.
fn is_part(name: &str) -> bool {
    name.strip_suffix(PART).is_some_and(|rest| rest.ends_with('.'))
}

fn damaged(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}
