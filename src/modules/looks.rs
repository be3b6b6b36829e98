//! What was seen on disk while specifiers were resolved, and whether it is still so.
//!
//! Everything is answered from listings of whole directories. So what is not there is known as well as what is, one stamp
//! a directory tells whether all of it still holds, and names are compared letter by letter on every file system.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use oxc_resolver::{FileMetadata, FileSystem, ResolveError};
use rayon::prelude::*;

use super::manifest;
use crate::fs::{Kind, Names, Stamp, WorkspaceRoot, now_ns};
use crate::path::{DirPath, RelPath};

/// What something that was seen takes beside its path and what is in it.
const ENTRY_BYTES: usize = 128;
/// What a name in a listing takes beside itself.
const NAME_BYTES: usize = 32;
/// What the resolver keeps of a path that it asked for, beside its text.
const ASKED_BYTES: usize = 256;
/// How much more than its text the resolver keeps of a manifest.
const PARSED: usize = 4;

/// As many symbolic links are followed in one path as Linux follows.
const MAX_LINKS: usize = 40;

/// What was seen so far. Grows while specifiers are resolved.
#[derive(Default)]
pub(super) struct Looks {
    root: Option<Arc<WorkspaceRoot>>,
    /// By the real path of the directory; `None` where it cannot be listed.
    listings: RwLock<HashMap<DirPath, Option<Arc<Names>>>>,
    /// By real path.
    manifests: RwLock<HashMap<RelPath, Seen>>,
    /// The real path of each directory that was asked for; follows from the listings.
    directories: RwLock<HashMap<Box<str>, Option<DirPath>>>,
    /// About how much all this takes, and what the resolver keeps of it.
    bytes: AtomicUsize,
}

/// A manifest that was read.
#[derive(Clone, Copy, Debug)]
struct Seen {
    stamp: Stamp,
    /// Whether a change right after could have left the same stamp.
    racy: bool,
    /// None if it could not be read.
    hash: Option<blake3::Hash>,
}

/// What a comparison with the disk gave.
pub(super) enum Now {
    /// All is as it was seen.
    Same,
    /// Something moved: what is known of the others.
    Moved(Box<Looks>),
}

/// Something at a real path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Directory(DirPath),
    File(RelPath),
}

impl Looks {
    pub(super) fn new(root: &Arc<WorkspaceRoot>) -> Self {
        Self { root: Some(Arc::clone(root)), ..Self::default() }
    }

    /// The same workspace, of which nothing was seen yet.
    pub(super) fn anew(&self) -> Self {
        Self { root: self.root.clone(), ..Self::default() }
    }

    /// About how many bytes it takes to know all this, with what the resolver keeps of it.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    fn took(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The absolute path of something in the workspace.
    pub(super) fn absolute(&self, path: &RelPath) -> PathBuf {
        self.root.as_ref().map_or_else(PathBuf::new, |root| root.path().join(path.as_path()))
    }

    /// The path below the root that `path` names, without looking; empty for the root. `None` for all that lies
    /// elsewhere.
    pub(super) fn relative(&self, path: &Path) -> Option<String> {
        let below = path.strip_prefix(self.root.as_ref()?.path()).ok()?;
        let mut relative = String::with_capacity(below.as_os_str().len());
        for part in below.components() {
            let Component::Normal(part) = part else { return None };
            if !relative.is_empty() {
                relative.push('/');
            }
            relative.push_str(part.to_str()?);
        }
        Some(relative)
    }

    /// What is at a path below the root, a symbolic link at its end not followed.
    pub(super) fn kind(&self, path: &str) -> Option<Kind> {
        if path.is_empty() {
            return Some(Kind::Directory);
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let names = self.names(&self.directory(parent)?)?;
        names.kinds.get(name).copied()
    }

    /// What is at a path below the root, symbolic links followed as long as they stay inside.
    pub(super) fn find(&self, path: &str) -> Option<Place> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        if path.is_empty() {
            return Some(Place::Directory(DirPath::root()));
        }
        self.follow(self.directory(parent)?, name)
    }

    /// The real path of a directory.
    fn directory(&self, path: &str) -> Option<DirPath> {
        if path.is_empty() {
            return Some(DirPath::root());
        }
        if let Some(known) = self.directories.read().unwrap_or_else(PoisonError::into_inner).get(path) {
            return known.clone();
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = self.directory(parent).and_then(|parent| match self.follow(parent, name)? {
            Place::Directory(directory) => Some(directory),
            Place::File(_) => None,
        });
        let mut directories = self.directories.write().unwrap_or_else(PoisonError::into_inner);
        if directories.insert(path.into(), found.clone()).is_none() {
            self.took(2 * path.len() + ENTRY_BYTES);
        }
        found
    }

    /// What `path` leads to from a real directory.
    fn follow(&self, start: DirPath, path: &str) -> Option<Place> {
        let mut directory = start;
        // What is still to go, the next part last.
        let mut parts: Vec<String> = vec![path.to_owned()];
        let mut links = 0;
        while let Some(part) = parts.pop() {
            if part == ".." {
                directory = DirPath::holding(&directory.path()?);
                continue;
            }
            let names = self.names(&directory)?;
            let kind = *names.kinds.get(&*part)?;
            let path = directory.entry(part.as_ref())?;
            match kind {
                Kind::Directory => directory = path.into(),
                Kind::File if parts.is_empty() => return Some(Place::File(path)),
                Kind::File | Kind::Other => return None,
                Kind::Symlink => {
                    links += 1;
                    if links > MAX_LINKS {
                        return None;
                    }
                    let root = self.root.as_ref()?;
                    let mut target = dunce::simplified(names.links.get(&*part)?);
                    if target.is_absolute() {
                        target = target.strip_prefix(root.path()).ok()?;
                        directory = DirPath::root();
                    }
                    for part in target.components().rev() {
                        match part {
                            Component::Normal(part) => parts.push(part.to_str()?.to_owned()),
                            Component::ParentDir => parts.push("..".to_owned()),
                            Component::CurDir => {}
                            Component::RootDir | Component::Prefix(_) => return None,
                        }
                    }
                }
            }
        }
        Some(Place::Directory(directory))
    }

    /// What lies in a real directory.
    fn names(&self, directory: &DirPath) -> Option<Arc<Names>> {
        if let Some(known) = self.listings.read().unwrap_or_else(PoisonError::into_inner).get(directory) {
            return known.clone();
        }
        let names = self.list(directory);
        let mut listings = self.listings.write().unwrap_or_else(PoisonError::into_inner);
        // Who listed it first is right for all: they must not see two states of it.
        let listed = listings.entry(directory.clone()).or_insert_with(|| {
            self.took(listing_bytes(directory, names.as_deref()));
            names
        });
        listed.clone()
    }

    fn list(&self, directory: &DirPath) -> Option<Arc<Names>> {
        self.root.as_ref()?.names(directory).ok().map(Arc::new)
    }

    /// Reads a manifest, and remembers what it looked like.
    fn manifest(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.relative(path).and_then(|path| self.find(&path));
        let Some(Place::File(path)) = found else { return Err(io::ErrorKind::NotFound.into()) };
        let (seen, bytes) = self.read(&path);
        self.took(path.as_str().len() + ENTRY_BYTES + PARSED * bytes.as_ref().map_or(0, Vec::len));
        self.manifests.write().unwrap_or_else(PoisonError::into_inner).entry(path).or_insert(seen);
        bytes.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn read(&self, path: &RelPath) -> (Seen, Option<Vec<u8>>) {
        let looked_ns = now_ns();
        let read = self.root.as_ref().and_then(|root| root.read(path, manifest::MAX_BYTES).ok());
        match read {
            Some(read) => {
                let racy = !read.stable || read.stamp.is_racy(looked_ns);
                (Seen { stamp: read.stamp, racy, hash: Some(blake3::hash(&read.bytes)) }, Some(read.bytes))
            }
            None => (Seen { stamp: Stamp::default(), racy: true, hash: None }, None),
        }
    }

    /// Compares with the disk, on the current rayon pool.
    pub(super) fn now(&self) -> Now {
        let listings = self.listings.read().unwrap_or_else(PoisonError::into_inner).clone();
        let manifests = self.manifests.read().unwrap_or_else(PoisonError::into_inner).clone();
        let listed: Vec<_> =
            listings.par_iter().filter_map(|(path, names)| self.listing_now(path, names.as_ref())).collect();
        let read: Vec<_> = manifests.par_iter().filter_map(|(path, seen)| self.manifest_now(path, seen)).collect();
        let moved = listed.iter().any(|look| look.moved) || read.iter().any(|look| look.moved);
        if moved {
            let mut next = self.anew();
            let kept = next.listings.get_mut().unwrap_or_else(PoisonError::into_inner);
            *kept = listings;
            kept.extend(listed.into_iter().map(|look| (look.path, look.value)));
            // What is gone is looked for again by whoever asks for it. Manifests are read again anyway.
            kept.retain(|_, names| names.is_some());
            let bytes = kept.iter().map(|(path, names)| listing_bytes(path, names.as_deref())).sum();
            *next.bytes.get_mut() = bytes;
            return Now::Moved(Box::new(next));
        }
        let mut held = self.listings.write().unwrap_or_else(PoisonError::into_inner);
        held.extend(listed.into_iter().map(|look| (look.path, look.value)));
        let mut held = self.manifests.write().unwrap_or_else(PoisonError::into_inner);
        held.extend(read.into_iter().map(|look| (look.path, look.value)));
        Now::Same
    }

    /// A directory that does not look as it did.
    fn listing_now(&self, path: &DirPath, names: Option<&Arc<Names>>) -> Option<Look<DirPath, Option<Arc<Names>>>> {
        let root = self.root.as_ref()?;
        if let Some(names) = names
            && !names.racy
            && let Ok((Kind::Directory, stamp)) = root.glance(path.as_path())
            && stamp == names.stamp
        {
            return None;
        }
        let now = self.list(path);
        let moved = match (names, &now) {
            (Some(before), Some(now)) => (&before.kinds, &before.links) != (&now.kinds, &now.links),
            (None, None) => false,
            _ => true,
        };
        Some(Look { path: path.clone(), value: now, moved })
    }

    /// A manifest that does not look as it did.
    fn manifest_now(&self, path: &RelPath, seen: &Seen) -> Option<Look<RelPath, Seen>> {
        let root = self.root.as_ref()?;
        if !seen.racy
            && let Ok((Kind::File, stamp)) = root.glance(path.as_path())
            && stamp == seen.stamp
        {
            return None;
        }
        let now = self.read(path).0;
        Some(Look { path: path.clone(), value: now, moved: now.hash != seen.hash })
    }
}

fn listing_bytes(directory: &DirPath, names: Option<&Names>) -> usize {
    let names = names.map_or(0, |names| {
        let kinds = names.kinds.keys().map(|name| name.len() + NAME_BYTES);
        let links = names.links.iter().map(|(name, target)| name.len() + target.as_os_str().len() + 2 * NAME_BYTES);
        kinds.chain(links).sum()
    });
    directory.as_path().as_os_str().len() + ENTRY_BYTES + names
}

/// Another look at something.
struct Look<P, T> {
    path: P,
    value: T,
    /// Whether it is not what it was.
    moved: bool,
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Looks").finish_non_exhaustive()
    }
}

/// The workspace as the resolver sees it: what lies elsewhere is not there.
pub(super) struct Disk {
    pub(super) looks: Arc<Looks>,
    /// Whether a `tsconfig.json` may extend others.
    pub(super) extends: bool,
}

impl FileSystem for Disk {
    /// For [`oxc_resolver::ResolverGeneric::new`]: nothing is there.
    fn new() -> Self {
        Self { looks: Arc::default(), extends: true }
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        manifest::package(&self.looks.manifest(path)?).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn read_to_string(&self, path: &Path) -> io::Result<String> {
        manifest::tsconfig(&self.looks.manifest(path)?, self.extends).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        match self.looks.relative(path).and_then(|path| self.looks.find(&path)) {
            Some(Place::File(_)) => Ok(FileMetadata::new(true, false, false)),
            Some(Place::Directory(_)) => Ok(FileMetadata::new(false, true, false)),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn symlink_metadata(&self, path: &Path) -> io::Result<FileMetadata> {
        let missing = || io::Error::from(io::ErrorKind::NotFound);
        let path = self.looks.relative(path).ok_or_else(missing)?;
        // The resolver asks this once for each path, and remembers it.
        self.looks.took(2 * path.len() + ASKED_BYTES);
        match self.looks.kind(&path).ok_or_else(missing)? {
            Kind::File => Ok(FileMetadata::new(true, false, false)),
            Kind::Directory => Ok(FileMetadata::new(false, true, false)),
            // One that leads outside, in circles, or through too many others is not there.
            Kind::Symlink if self.looks.find(&path).is_some() => Ok(FileMetadata::new(false, false, true)),
            Kind::Symlink | Kind::Other => Err(missing()),
        }
    }

    fn read_link(&self, path: &Path) -> Result<PathBuf, ResolveError> {
        Ok(self.canonicalize(path)?)
    }

    fn canonicalize(&self, path: &Path) -> io::Result<PathBuf> {
        let root = self.looks.root.as_ref().ok_or(io::ErrorKind::NotFound)?;
        match self.looks.relative(path).and_then(|path| self.looks.find(&path)) {
            Some(Place::File(path)) => Ok(root.path().join(path.as_path())),
            Some(Place::Directory(path)) => Ok(root.path().join(path.as_path())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}
