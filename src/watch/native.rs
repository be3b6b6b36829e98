//! The operating system's own watcher, through `notify`.
//!
//! On Linux each directory is watched by itself, so none of an ignored tree is; elsewhere one recursive watch is,
//! and what does not lie directly in a watched directory is dropped before it is queued.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use notify::event::{Event, EventKind, ModifyKind};
use notify::{Config, ErrorKind, EventKindMask, RecommendedWatcher, RecursiveMode, Watcher as _};

use super::cookie::Cookies;
use super::queue::{Queue, Touch};
use super::{Barrier, Source, Unwatched, Watcher};
use crate::path::{DirPath, RelPath};

/// Whether directories are watched one by one, which also is where events come in the order they happened.
const ONE_BY_ONE: bool = cfg!(any(target_os = "linux", target_os = "android"));

/// Watchers of the operating system for one workspace.
#[derive(Debug)]
pub struct Native {
    root: PathBuf,
    /// Whether other machines may write there, whose changes the system does not tell.
    is_shared: bool,
    /// Where a directory for cookies may be made, the best first.
    places: Vec<PathBuf>,
    /// Of the watcher that was started last.
    cookies: Arc<Mutex<Option<Cookies>>>,
    /// Whether no more are to be made; read and set only while `cookies` is locked.
    closed: AtomicBool,
}

impl Native {
    /// Watchers of `root`, absolute and without links. Cookies lie in `cache`, if there is one, or in the system's
    /// directory for temporary files; never in the workspace.
    pub fn new(root: &Path, cache: Option<&Path>) -> Self {
        let places = cache.map(Path::to_path_buf).into_iter().chain([std::env::temp_dir()]).collect();
        let is_shared = is_shared(root);
        if is_shared {
            tracing::info!("others may write to this file system without being noticed: synced answers walk the tree");
        }
        Self { root: root.to_path_buf(), is_shared, places, cookies: Arc::default(), closed: AtomicBool::new(false) }
    }
}

impl Source for Native {
    fn start(&self, queue: &Arc<Queue>) -> Result<Box<dyn Watcher>, String> {
        // Locked until they are held: `close` must find them if they are made.
        let mut held = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        *held = if self.is_ordered() && !self.closed.load(Ordering::Relaxed) {
            Cookies::make(&self.places, &self.root)
                .inspect_err(|error| tracing::warn!("synced answers walk the tree, there can be no cookies: {error}"))
                .ok()
        } else {
            None
        };
        let directory = held.as_ref().map(|cookies| cookies.path().to_path_buf());
        drop(held);
        NativeWatcher::start(&self.root, queue, directory.as_deref(), Arc::clone(&self.cookies))
            .map(|watcher| Box::new(watcher) as Box<dyn Watcher>)
            .map_err(|error| explain(&error))
    }

    fn is_ordered(&self) -> bool {
        ONE_BY_ONE && !self.is_shared
    }

    fn close(&self) {
        let mut held = self.cookies.lock().unwrap_or_else(PoisonError::into_inner);
        self.closed.store(true, Ordering::Relaxed);
        held.take();
    }
}

/// Whether the file system is one that other machines, or the host of this one, may write to as well.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_shared(root: &Path) -> bool {
    // NFS, SMB, CIFS, SMB2, 9P, FUSE (virtiofs, sshfs), AFS (OpenAFS and the kernel's), Ceph, Coda, Lustre, GPFS, OCFS2,
    // GFS2, BeeGFS; the shared folders of VirtualBox, VMware and Parallels; from linux/magic.h and the drivers' sources.
    const KINDS: [u32; 18] = [
        0x6969,
        0x517B,
        0xFF53_4D42,
        0xFE53_4D42,
        0x0102_1997,
        0x6573_5546,
        0x5346_414F,
        0x6B41_4653,
        0x00C3_6400,
        0x7375_7245,
        0x0BD0_0BD0,
        0x4750_4653,
        0x7461_636F,
        0x0116_1970,
        0x1983_0326,
        0x786F_4256,
        0xBACB_ACBC,
        0x7C7C_6673,
    ];
    #[allow(clippy::cast_sign_loss, clippy::unnecessary_cast, reason = "a number whose type the platform chooses")]
    rustix::fs::statfs(root).is_ok_and(|found| KINDS.contains(&(found.f_type as u32)))
}

/// Elsewhere no synced answer relies on events.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_shared(_: &Path) -> bool {
    false
}

struct NativeWatcher {
    notify: RecommendedWatcher,
    root: PathBuf,
    queue: Arc<Queue>,
    /// Until the first are named, everything is watched.
    watched: Arc<RwLock<Option<HashSet<DirPath>>>>,
    cookies: Arc<Mutex<Option<Cookies>>>,
    /// Whether `cookies` are watched.
    ordered: bool,
    /// Unset when this watcher is dropped: its thread may have more to say for a while.
    live: Arc<AtomicBool>,
}

impl NativeWatcher {
    fn start(
        root: &Path,
        queue: &Arc<Queue>,
        cookie_directory: Option<&Path>,
        cookies: Arc<Mutex<Option<Cookies>>>,
    ) -> notify::Result<Self> {
        let watched = Arc::default();
        let live = Arc::new(AtomicBool::new(true));
        let translator = Translator {
            root: root.to_path_buf(),
            cookies: cookie_directory.map(Path::to_path_buf),
            queue: Arc::clone(queue),
            watched: Arc::clone(&watched),
            live: Arc::clone(&live),
        };
        // Reading is no change: with `IN_OPEN` and `IN_ACCESS`, what the indexer reads would fill the queue. Closing
        // after writing is asked for because writing through a mapping tells nothing else.
        let kinds = EventKindMask::CORE | EventKindMask::ACCESS_CLOSE;
        let config = Config::default().with_event_kinds(kinds).with_follow_symlinks(false);
        let mut notify = RecommendedWatcher::new(move |event| translator.take(event), config)?;
        let ordered = match cookie_directory {
            Some(directory) => notify.watch(directory, RecursiveMode::NonRecursive).map(|()| true)?,
            None => false,
        };
        if !ONE_BY_ONE {
            notify.watch(root, RecursiveMode::Recursive)?;
        }
        Ok(Self { notify, root: root.to_path_buf(), queue: Arc::clone(queue), watched, cookies, ordered, live })
    }

    #[cfg(any(target_os = "linux", target_os = "android"))]
    fn watch_one_by_one(&mut self, directories: &[DirPath]) -> Unwatched {
        use notify::{PathOp, WatchPathConfig};
        // A link that took a directory's place must not be followed.
        let config = WatchPathConfig::new(RecursiveMode::NonRecursive).with_dereference_symlinks(false);
        let operation = |directory: &DirPath| PathOp::Watch(self.root.join(directory.as_path()), config.clone());
        let mut operations: Vec<PathOp> = directories.iter().map(operation).collect();
        let mut unwatched = Unwatched::default();
        let relative =
            |root: &Path, operation: &PathOp| DirPath::from_disk(operation.as_path().strip_prefix(root).ok()?);
        while !operations.is_empty() {
            let Err(failed) = self.notify.update_paths(std::mem::take(&mut operations)) else { break };
            operations = failed.remaining;
            let gone = match &failed.source.kind {
                ErrorKind::PathNotFound => true,
                ErrorKind::Io(error) => {
                    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
                    // What must not be read is not indexed; that it may be is told by the directory above it, too.
                    matches!(error.kind(), NotFound | NotADirectory | PermissionDenied)
                }
                _ => false,
            };
            // What is gone is told by the directory above it.
            if gone {
                continue;
            }
            unwatched.reason = Some(explain(&failed.source));
            unwatched.directories.extend(failed.origin.iter().filter_map(|one| relative(&self.root, one)));
            if matches!(failed.source.kind, ErrorKind::MaxFilesWatch) || failed.origin.is_none() {
                // The others would meet the same limit.
                unwatched.directories.extend(operations.drain(..).filter_map(|one| relative(&self.root, &one)));
            }
        }
        unwatched
    }
}

impl Watcher for NativeWatcher {
    fn watch(&mut self, directories: &[DirPath]) -> Unwatched {
        let mut watched = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        watched.get_or_insert_default().extend(directories.iter().cloned());
        drop(watched);
        #[cfg(any(target_os = "linux", target_os = "android"))]
        return self.watch_one_by_one(directories);
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        Unwatched::default()
    }

    fn unwatch(&mut self, directories: &[DirPath], gone: bool) {
        let mut watched = self.watched.write().unwrap_or_else(PoisonError::into_inner);
        for directory in directories {
            watched.as_mut().map(|watched| watched.remove(directory));
        }
        drop(watched);
        // The system drops the watch of what is gone by itself.
        if ONE_BY_ONE && !gone {
            for directory in directories {
                // One that is gone is not watched any more.
                let _ = self.notify.unwatch(&self.root.join(directory.as_path()));
            }
        }
    }

    fn barrier(&mut self, timeout: Duration) -> Barrier {
        if !self.ordered {
            return Barrier::Unordered;
        }
        let number = self.queue.next_cookie();
        let put = match &*self.cookies.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(cookies) => cookies.put(number),
            None => Err(std::io::ErrorKind::NotFound.into()),
        };
        if let Err(error) = put {
            tracing::debug!("a cookie cannot be made: {error}");
            return Barrier::TimedOut;
        }
        let passed = self.queue.wait_for_cookie(number, timeout);
        if let Some(cookies) = &*self.cookies.lock().unwrap_or_else(PoisonError::into_inner) {
            cookies.take(number);
        }
        if passed { Barrier::Passed } else { Barrier::TimedOut }
    }
}

impl Drop for NativeWatcher {
    fn drop(&mut self) {
        self.live.store(false, Ordering::Release);
    }
}

/// Turns events into touched paths, on the watcher's own thread.
struct Translator {
    root: PathBuf,
    cookies: Option<PathBuf>,
    queue: Arc<Queue>,
    watched: Arc<RwLock<Option<HashSet<DirPath>>>>,
    live: Arc<AtomicBool>,
}

impl Translator {
    fn take(&self, event: notify::Result<Event>) {
        if !self.live.load(Ordering::Acquire) {
            return;
        }
        match event {
            Ok(event) if event.need_rescan() => self.queue.lost("the system's queue of events overflowed"),
            Ok(event) => {
                let touch = touch_of(event.kind);
                for path in &event.paths {
                    self.touch(path, touch);
                }
            }
            Err(error) => self.queue.rescan(&format!("the watcher failed: {}", explain(&error))),
        }
    }

    fn touch(&self, path: &Path, touch: Touch) {
        if let Some(directory) = &self.cookies
            && path.starts_with(directory)
        {
            match Cookies::number_of(directory, path) {
                Some(number) => self.queue.cookie(number),
                None if path == directory && touch == Touch::Entry => self.queue.rescan("the cookies are gone"),
                None => {}
            }
            return;
        }
        let Ok(relative) = path.strip_prefix(&self.root) else { return };
        if relative.as_os_str().is_empty() {
            return match touch {
                Touch::Entry => self.queue.rescan("the root was moved, deleted or replaced"),
                Touch::Content => self.queue.touch_entries_of(DirPath::root()),
            };
        }
        let Some(path) = RelPath::from_disk(relative) else {
            // Counted, and perhaps renamed from or to a name that is served.
            let above = relative.parent().and_then(DirPath::from_disk).filter(|above| self.watches(above));
            return above.into_iter().for_each(|above| self.queue.touch_entries_of(above));
        };
        if self.watches(&DirPath::holding(&path)) || self.watches(&DirPath::from(path.clone())) {
            self.queue.touch(path, touch);
        }
    }

    /// On Linux nothing comes from elsewhere.
    fn watches(&self, directory: &DirPath) -> bool {
        let is_watched =
            |watched: &Option<HashSet<_>>| watched.as_ref().is_none_or(|watched| watched.contains(directory));
        ONE_BY_ONE || is_watched(&self.watched.read().unwrap_or_else(PoisonError::into_inner))
    }
}

fn touch_of(kind: EventKind) -> Touch {
    match kind {
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) | EventKind::Access(_) => Touch::Content,
        // Windows tells no more of a change of what is there.
        EventKind::Modify(ModifyKind::Any) if cfg!(windows) => Touch::Content,
        _ => Touch::Entry,
    }
}

/// What went wrong, without the paths, and what to do about limits.
fn explain(error: &notify::Error) -> String {
    let limit = |name| format!("the limit fs.inotify.{name} is reached; raise it with `sysctl fs.inotify.{name}=…`");
    match &error.kind {
        ErrorKind::MaxFilesWatch => limit("max_user_watches"),
        #[cfg(target_os = "linux")]
        ErrorKind::Io(error) if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) => {
            limit("max_user_instances")
        }
        ErrorKind::Io(error) => error.to_string(),
        ErrorKind::Generic(text) => text.clone(),
        ErrorKind::PathNotFound => "the path is gone".to_owned(),
        kind => format!("{kind:?}"),
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_local_file_system_is_nobody_elses() {
        for local in
            ["/proc", "/sys", "/dev/shm"].iter().map(Path::new).filter(|path| rustix::fs::statfs(*path).is_ok())
        {
            assert!(!is_shared(local), "{}", local.display());
        }
    }
}
