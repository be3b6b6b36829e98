//! Keeping the index as the disk is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::links::Links;
use super::refresh::Refresh;
use super::rules::{IGNORE_FILES, Rules};
use super::walk::{Counter, Walked, Walker};
use crate::cancel::CancelToken;
use crate::error::Result;
use crate::fs::{Kind, WorkspaceRoot};
use crate::index::{Delta, Skipped, Snapshot};
use crate::ordered::pool;
use crate::path::{DirPath, RelPath};
use crate::protocol::watch::WatchMode;
use crate::watch::{Barrier, Batch, Queue, Source, Touch, Watcher};

/// Brings an index up to date: by looking at everything, or where a watcher noticed something. One job at a time.
pub struct Indexer {
    pub(super) root: Arc<WorkspaceRoot>,
    pub(super) walker: Walker,
    pub(super) rules: Rules,
    /// For the jobs, so that they do not queue behind requests.
    pub(super) pool: rayon::ThreadPool,
    pub(super) stop: CancelToken,
    pub(super) scanned: Arc<Counter>,
    /// What was passed over, by directory.
    pub(super) skips: BTreeMap<DirPath, Skipped>,
    /// Directories that should be watched and are not: they are looked at again and again.
    pub(super) unwatched: BTreeSet<DirPath>,
    pub(super) links: Links,
    /// Whether some could not be watched since the watcher was started: what is moved in there is not told, and
    /// leaves watches behind that are of something else.
    pub(super) limited: bool,
    options: WatchOptions,
    watcher: Option<Box<dyn Watcher>>,
    /// Whether barriers passed so far.
    ordered: bool,
    rescans: u64,
    pub(super) drift: u64,
    last_error: Option<String>,
}

/// How changes are to be noticed.
#[derive(Clone, Debug)]
pub struct WatchOptions {
    /// By which means.
    pub mode: WatchMode,
    /// Where watchers come from, in mode `native`.
    pub source: Arc<dyn Source>,
    /// What they fill.
    pub queue: Arc<Queue>,
}

/// What following the watcher came to.
#[derive(Debug)]
pub struct Followed {
    /// What changed.
    pub delta: Delta,
    /// Whether it is all that had happened when the job began.
    pub synced: bool,
}

/// How changes are noticed at the moment.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// By which means.
    pub mode: WatchMode,
    /// Whether events alone tell all that happened.
    pub ordered: bool,
    /// Directories that are watched, and those that should be and are looked at again and again instead.
    pub watched: u64,
    /// See `watched`.
    pub polled: u64,
    /// How often everything was looked at again because it was not known what had happened.
    pub rescans: u64,
    /// Files that had changed though nobody told.
    pub drift: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

/// How long a cookie may take. One that is lost, or behind a very long queue, is as good as lost events.
const COOKIE_TIMEOUT: Duration = Duration::from_secs(1);

impl Indexer {
    /// An indexer of `root` by the rules of `walker`.
    ///
    /// # Errors
    /// There can be no threads.
    pub fn new(
        root: Arc<WorkspaceRoot>,
        walker: Walker,
        threads: usize,
        options: WatchOptions,
        stop: CancelToken,
        scanned: Arc<Counter>,
    ) -> Result<Self, rayon::ThreadPoolBuildError> {
        let pool = pool("job", threads)?;
        Ok(Self {
            rules: Rules::new(root.path()),
            root,
            walker,
            pool,
            stop,
            scanned,
            skips: BTreeMap::new(),
            unwatched: BTreeSet::new(),
            links: Links::default(),
            limited: false,
            options,
            watcher: None,
            ordered: false,
            rescans: 0,
            drift: 0,
            last_error: None,
        })
    }

    /// Looks where the watcher noticed something; if `synced`, at all that had happened before the call.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn follow(&mut self, snapshot: &Snapshot, synced: bool) -> Result<Followed> {
        let mut passed = false;
        if synced && let Some(watcher) = &mut self.watcher {
            match watcher.barrier(COOKIE_TIMEOUT) {
                Barrier::Passed => passed = true,
                Barrier::TimedOut => self.options.queue.lost("a cookie did not come back in time"),
                Barrier::Unordered => self.ordered = false,
            }
        }
        self.is_in_place();
        let batch = self.options.queue.take();
        match &batch.rescan {
            Some(reason) => {
                tracing::info!("looking at everything again: {reason}");
                self.last_error = Some(reason.clone());
                self.rescans += 1;
                self.scan(snapshot, true, true).map(|delta| Followed { delta, synced: true })
            }
            None => self.refresh(snapshot, batch, synced).map(|delta| Followed { delta, synced: passed }),
        }
    }

    fn refresh(&mut self, snapshot: &Snapshot, mut batch: Batch, synced: bool) -> Result<Delta> {
        if synced || !batch.is_empty() {
            for path in self.links.moved(&self.root, snapshot, &batch.paths) {
                batch.paths.insert(path, Touch::Content);
            }
        }
        if synced && !self.unwatched.is_empty() {
            let unwatched: Vec<DirPath> = self.unwatched.iter().cloned().collect();
            // There may be room for them by now. Those that are watched from here on are looked at once more.
            self.watch(&unwatched);
            batch.directories.extend(unwatched);
        }
        let mut scopes = self.rules.moved_sources();
        let edited = batch.paths.iter().filter(|(path, touch)| self.edits_rules(path, **touch));
        scopes.extend(edited.map(|(path, _)| DirPath::holding(path)));
        if scopes.contains("") {
            // A new watcher watches just what is not ignored any more.
            let everything = self.scan(snapshot, false, true)?;
            return self.then_look(snapshot, everything, &batch);
        }
        if !scopes.is_empty() {
            self.rules.reload_those_of(&scopes, &self.walker);
        }
        let delta = self.look_where(snapshot, &batch, &scopes)?;
        self.with_other_names(snapshot, delta)
    }

    /// Whether a touch may change what is ignored beneath the directory it is in. The directory `.git` is touched by
    /// every command; its rules are compared by themselves.
    fn edits_rules(&self, path: &RelPath, touch: Touch) -> bool {
        let name = path.file_name();
        let is_directory = || matches!(self.root.glance(path.as_path()), Ok((Kind::Directory, _)));
        IGNORE_FILES.contains(&name) || (name == ".git" && (touch == Touch::Entry || !is_directory()))
    }

    /// What was written through a name that is new may have other names in the index.
    fn with_other_names(&mut self, snapshot: &Snapshot, delta: Delta) -> Result<Delta> {
        let others = self.links.others(snapshot, &delta);
        if others.is_empty() {
            return Ok(delta);
        }
        let others = others.into_iter().map(|path| (path, Touch::Content)).collect();
        self.then_look(snapshot, delta, &Batch { paths: others, ..Batch::default() })
    }

    /// What `delta` and a look at a batch, as of the state behind it, come to.
    fn then_look(&mut self, snapshot: &Snapshot, delta: Delta, batch: &Batch) -> Result<Delta> {
        let (now, _) = snapshot.apply(delta.clone());
        let later = self.look_where(&now, batch, &BTreeSet::new())?;
        Ok(delta.then(later))
    }

    pub(super) fn look_where(
        &mut self,
        snapshot: &Snapshot,
        batch: &Batch,
        scopes: &BTreeSet<DirPath>,
    ) -> Result<Delta> {
        self.rules.forget_the_gone(snapshot.directories.len(), &self.walker);
        let mut refresh = Refresh::new(self, snapshot, &batch.paths);
        for scope in scopes {
            refresh.known_tree(scope)?;
        }
        for directory in &batch.directories {
            refresh.entries(directory)?;
        }
        refresh.touched()?;
        refresh.finish()
    }

    /// Looks at exactly these, and at what lies beneath those that are directories, by the rules as they are now.
    ///
    /// # Errors
    /// As [`Self::scan`].
    pub fn look(&mut self, snapshot: &Snapshot, paths: &[RelPath]) -> Result<Delta> {
        // Opening it anew must not be all that comes of a new root.
        self.is_in_place();
        self.root.refresh()?;
        self.rules.forget(&self.walker);
        let touched = paths.iter().map(|path| (path.clone(), Touch::Entry)).collect();
        let mut refresh = Refresh::new(self, snapshot, &touched).reading_all();
        for path in paths {
            refresh.way_to(path)?;
        }
        refresh.touched()?;
        let delta = refresh.finish()?;
        self.with_other_names(snapshot, delta)
    }

    /// Whether the root is the one that is watched. If not, everything is looked at again soon: a root that was
    /// deleted tells nothing as long as it is held open.
    pub fn is_in_place(&self) -> bool {
        let in_place = self.root.is_in_place();
        if !in_place {
            self.options.queue.rescan("the root was replaced");
        }
        in_place
    }

    /// To be told what is about to change in `snapshot`, whoever found it.
    pub fn note(&mut self, snapshot: &Snapshot, delta: &Delta) {
        self.links.note(snapshot, delta);
    }

    pub(super) fn walk(&mut self, stats: bool) -> Result<Walked> {
        let mut walked = self.walker.walk(stats, &self.scanned, &self.stop)?;
        for (place, sources) in std::mem::take(&mut walked.rulings.places) {
            self.rules.note_sources(&place, sources);
        }
        Ok(walked)
    }

    /// Starts a watcher in place of the one there is, if any is wanted.
    pub(super) fn start_watcher(&mut self) {
        if self.options.mode != WatchMode::Native {
            return;
        }
        // Its watches count against the same limits.
        self.watcher = None;
        self.limited = false;
        self.options.queue.take();
        match self.options.source.start(&self.options.queue) {
            Ok(watcher) => {
                self.watcher = Some(watcher);
                self.ordered = self.options.source.is_ordered();
            }
            Err(reason) => {
                // At the end, the directory for cookies is gone before the job is.
                if self.last_error.as_ref() != Some(&reason) && !self.stop.is_cancelled() {
                    tracing::warn!("changes are not watched, the tree is walked instead: {reason}");
                }
                self.last_error = Some(reason);
                self.ordered = false;
            }
        }
    }

    pub(super) fn watch(&mut self, directories: &[DirPath]) {
        let Some(watcher) = &mut self.watcher else { return };
        let is_known = !self.unwatched.is_empty();
        for directory in directories {
            self.unwatched.remove(directory);
        }
        let unwatched = watcher.watch(directories);
        if let Some(reason) = unwatched.reason {
            // Trying again and again is no reason to say so again and again.
            if !is_known {
                tracing::warn!(
                    directories = unwatched.directories.len(),
                    "not all directories can be watched, the others are looked at again and again: {reason}"
                );
            }
            self.last_error = Some(reason);
        }
        self.limited |= !unwatched.directories.is_empty();
        for directory in unwatched.directories {
            self.rules.compare_files_of(directory.clone());
            self.unwatched.insert(directory);
        }
    }

    pub(super) fn unwatch(&mut self, directories: &[DirPath], gone: bool) {
        if let Some(watcher) = &mut self.watcher {
            watcher.unwatch(directories, gone);
        }
        for directory in directories {
            self.unwatched.remove(directory);
            self.skips.remove(directory);
        }
    }

    /// Asks for a new watcher, and with it a look at everything, as soon as there is time.
    pub(super) fn watch_anew(&self, reason: &str) {
        self.options.queue.rescan(reason);
    }

    pub(super) fn skipped_in(&mut self, directory: &DirPath, skipped: Skipped) {
        if skipped == Skipped::default() {
            self.skips.remove(directory);
        } else {
            self.skips.insert(directory.clone(), skipped);
        }
    }

    pub(super) fn skipped(&self) -> Skipped {
        let mut sum = Skipped::default();
        self.skips.values().for_each(|skipped| sum.add(*skipped));
        sum
    }

    /// Whether there is a watcher.
    pub(super) fn has_watcher(&self) -> bool {
        self.watcher.is_some()
    }

    /// Whether events alone tell all that happened, in its order.
    pub(super) fn is_ordered(&self) -> bool {
        self.watcher.is_some() && self.ordered
    }

    /// How changes are noticed now.
    pub fn report(&self, snapshot: &Snapshot) -> Report {
        let all = snapshot.directories.len() as u64 + 1;
        let polled = match (&self.watcher, self.options.mode) {
            (_, WatchMode::Off | WatchMode::Poll) => 0,
            (None, WatchMode::Native) => all,
            (Some(_), WatchMode::Native) => self.unwatched.len() as u64,
        };
        Report {
            mode: self.options.mode,
            ordered: self.is_ordered(),
            watched: if self.watcher.is_some() { all.saturating_sub(polled) } else { 0 },
            polled,
            rescans: self.rescans,
            drift: self.drift,
            last_error: self.last_error.clone(),
        }
    }
}
