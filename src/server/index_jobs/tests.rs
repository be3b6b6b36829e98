#![expect(clippy::disallowed_methods, reason = "tests make and change files")]

use std::fs;
use std::path::Path;

use tokio::sync::oneshot;

use super::*;
use crate::cache::Cache;
use crate::error::Error;
use crate::facts::Digest;
use crate::fs::Stamp;
use crate::index::Clock;
use crate::path::RelPath;
use crate::protocol::tsx::Language;
use crate::protocol::watch::WatchMode;
use crate::server::schedule::Look;
use crate::server::testing::shared;
use crate::watch::Native;

struct Jobs {
    jobs: IndexJobs,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Jobs {
    fn over(root: &Path) -> Self {
        Self::with(shared(root))
    }

    /// Over a workspace of which the index is kept in another directory.
    fn keeping(root: &Path, place: &Path) -> Self {
        let mut shared = shared(root);
        Arc::get_mut(&mut shared).unwrap().cache = Some(Cache::open(place, root, u64::MAX).unwrap());
        Self::with(shared)
    }

    fn with(shared: Arc<Shared>) -> Self {
        let walker = Walker::new(shared.root.path(), &[], 1).unwrap();
        let source = Arc::new(Native::new(shared.root.path(), None));
        let snapshot = Arc::new(Snapshot::empty(Clock::start("test")));
        let (send, events) = mpsc::unbounded_channel();
        let mut jobs = IndexJobs::new(shared, walker, snapshot, source, send, Handle::current()).unwrap();
        // No audit comes between, however long a test takes.
        jobs.schedule = Schedule::new(WatchMode::Off);
        Self { jobs, events }
    }

    async fn next(&mut self) -> Event {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(60), self.events.recv());
            match event.await.expect("no job is under way, and the index is not complete").unwrap() {
                // It comes at any time, and nothing waits for it.
                Event::Warmed { warmed } => self.jobs.warmed(&warmed),
                event => return event,
            }
        }
    }

    /// As if a job were under way, and a request that was read when it began waited.
    fn under_way(&mut self, kind: Job, depth: Depth) -> oneshot::Receiver<View> {
        let began = Instant::now();
        let (reply, answer) = oneshot::channel();
        self.jobs.waiting.push(SyncRequest { read_at: began, depth, deadline: None, reply });
        self.jobs.running = Some(Running { started_at: began, kind });
        answer
    }

    /// Waits until the look for what nobody asked for, which is under way, ended.
    async fn warmed(&mut self) {
        loop {
            let event = tokio::time::timeout(Duration::from_secs(60), self.events.recv());
            if let Event::Warmed { warmed } = event.await.expect("it ends").unwrap() {
                return self.jobs.warmed(&warmed);
            }
        }
    }

    /// Does a job and takes in what came of it.
    async fn run(&mut self, job: Job) {
        self.jobs.start(job);
        loop {
            match self.next().await {
                Event::JobDone { result } => {
                    self.jobs.job_done(result);
                    return;
                }
                Event::Filled { result } => self.jobs.fill_done(result),
                Event::Built { result } => self.jobs.build_done(result),
                Event::Kept => self.jobs.kept(),
                other => panic!("{other:?}"),
            }
        }
    }

    /// Takes in what comes until the first index is complete.
    async fn complete(&mut self) {
        while !self.jobs.take_completed() {
            match self.next().await {
                Event::JobDone { result } => {
                    self.jobs.job_done(result);
                }
                Event::Filled { result } => self.jobs.fill_done(result),
                Event::Built { result } => self.jobs.build_done(result),
                Event::Kept => self.jobs.kept(),
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn the_first_index_completes_though_a_file_moves_while_it_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a");
    fs::write(&file, "as it is listed").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    let Event::JobDone { result } = jobs.next().await else { panic!("the first job is a scan") };
    fs::write(&file, "as it is read, and longer").unwrap();
    jobs.jobs.job_done(result);
    jobs.complete().await;
    assert_eq!(jobs.jobs.state, IndexState::Ready);
    let known = jobs.jobs.snapshot.file(&path()).unwrap().known().unwrap();
    assert_eq!(known.hash, blake3::hash(&fs::read(&file).unwrap()));
}

#[tokio::test]
async fn an_audit_goes_on_where_it_was_whatever_else_is_done() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    jobs.complete().await;
    jobs.jobs.audited = "m".to_owned();
    jobs.run(Job::Scan { stats: true, first: false }).await;
    assert_eq!(jobs.jobs.audited, "m");
    jobs.run(Job::Audit { after: "m".to_owned(), count: 16 }).await;
    assert_eq!(jobs.jobs.audited, "", "it reached the end");
}

#[tokio::test]
async fn a_file_that_is_written_all_the_time_does_not_keep_others_from_being_read() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    jobs.complete().await;
    let (_, stamp) = jobs.jobs.tools.shared.root.glance(Path::new("a")).unwrap();
    let hot = |at: i64| {
        let stamp = Stamp { size: 1 << 30, mtime_ns: now_ns() - at, ..stamp };
        Arc::new(FileEntry::listed(RelPath::parse("large").unwrap(), stamp))
    };
    // Where a machine stands still in between, the file is not as young any more when it is looked at.
    for _ in 0..5 {
        jobs.jobs.unread = vec![hot(1)];
        jobs.jobs.fill();
        let Event::Filled { result } = jobs.next().await else { panic!("files were to be read") };
        jobs.jobs.fill_done(result);
        if jobs.jobs.hot_until.is_some() {
            break;
        }
    }
    let until = jobs.jobs.hot_until;
    assert!(until.is_some());
    jobs.jobs.unread = vec![hot(2)];
    jobs.jobs.fill();
    assert_eq!(jobs.jobs.hot_until, until, "not put off by the next write");
    jobs.jobs.expire(until.unwrap());
    assert!(jobs.jobs.hot.is_empty(), "what the index does not hold any more is let go");
}

#[tokio::test]
async fn what_requests_found_of_sources_is_kept() {
    let (directory, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(directory.path().join("a"), "").unwrap();
    let mut jobs = Jobs::keeping(directory.path(), place.path());
    jobs.jobs.advance();
    jobs.complete().await;
    // The first look for what nobody asked for: there is nothing to find.
    if jobs.jobs.warming.is_under_way() {
        jobs.warmed().await;
    }
    let shared = Arc::clone(&jobs.jobs.tools.shared);
    jobs.jobs.answered();
    assert_eq!(jobs.jobs.warming.due(), None, "nothing was found");
    let key = (blake3::hash(b"a text"), Language::Ts);
    shared.facts.put(key, Arc::new(Digest::kept(b"its facts")));
    jobs.jobs.answered();
    let due = jobs.jobs.warming.due().expect("it is to be kept");
    jobs.jobs.warm(due);
    jobs.warmed().await;
    let kept: Vec<_> = shared.cache.as_ref().unwrap().load_facts().into_iter().map(|(key, _)| key).collect();
    assert_eq!(kept, [key]);
}

/// The path `a`.
fn path() -> RelPath {
    RelPath::parse("a").unwrap()
}

#[tokio::test]
async fn a_failed_look_at_single_paths_is_no_reason_to_look_at_everything() {
    let directory = tempfile::tempdir().unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    jobs.complete().await;
    let mut answer = jobs.under_way(Job::Paths(Arc::new([path()].into())), Depth::Paths(vec![path()]));
    jobs.jobs.job_done(Err(Error::internal("a test")));
    assert!(!answer.try_recv().unwrap().synced);
    assert!(jobs.jobs.queue.take().is_empty());
    jobs.jobs.noticed = true;
    assert!(jobs.jobs.due().follow.unwrap() <= Instant::now(), "what others wait for is not put off");
}

#[tokio::test]
async fn a_failed_first_look_is_told_to_all_that_wait_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let mut jobs = Jobs::over(directory.path());
    for depth in [Depth::Names, Depth::Contents, Depth::Paths(vec![path()])] {
        let mut answer = jobs.under_way(Job::Scan { stats: true, first: true }, depth.clone());
        jobs.jobs.job_done(Err(Error::internal("a test")));
        assert!(!answer.try_recv().expect("it is answered at once").synced, "{depth:?}");
        assert_eq!(jobs.jobs.state, IndexState::Scanning);
    }
}

#[tokio::test]
async fn whatever_is_due_is_done() {
    let directory = tempfile::tempdir().unwrap();
    let mut jobs = Jobs::over(directory.path());
    let start = Instant::now();
    let modes = [WatchMode::Native, WatchMode::Poll, WatchMode::Off];
    let states = [IndexState::Scanning, IndexState::Indexing, IndexState::Ready];
    for (mode, state) in modes.into_iter().flat_map(|mode| states.map(|state| (mode, state))) {
        for (noticed, polled, failures) in (0..8).map(|bits| (bits & 1 > 0, u64::from(bits & 2 > 0), bits / 4 * 7)) {
            let jobs = &mut jobs.jobs;
            (jobs.state, jobs.noticed, jobs.report.polled) = (state, noticed, polled);
            jobs.schedule = Schedule::new(mode);
            // That is no job.
            jobs.texts.start(&jobs.snapshot.text, start);
            for _ in 0..failures {
                jobs.schedule.job_done(Look::Noticed, start, start, false, 0);
            }
            for after in [0, 10, 20, 99, 100, 999, 1000, 1999, 2000, 3000, 4999, 5000, 29_999, 30_000, 60_000] {
                let now = start + Duration::from_millis(after);
                let (next, job) = (jobs.next_deadline(), jobs.next_job(now));
                let (is_due, context) = (next.is_some_and(|next| next <= now), (mode, state, noticed, polled, after));
                assert_eq!(is_due, job.is_some(), "{context:?}: {job:?}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_noticed_all_the_time_starves_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let jobs = &mut Jobs::over(directory.path()).jobs;
    (jobs.state, jobs.noticed, jobs.report.polled) = (IndexState::Ready, true, 1);
    jobs.schedule = Schedule::new(WatchMode::Native);
    let due = jobs.due();
    let kinds = [due.follow, due.poll, due.audit].map(|at| jobs.next_job(at.unwrap()));
    assert!(
        matches!(
            kinds,
            [
                Some(Job::Follow { synced: false }),
                Some(Job::Scan { stats: true, first: false }),
                Some(Job::Audit { .. })
            ]
        ),
        "{kinds:?}"
    );
}

#[tokio::test]
async fn requests_that_wait_all_the_time_starve_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let jobs = &mut Jobs::over(directory.path());
    (jobs.jobs.state, jobs.jobs.report.polled) = (IndexState::Ready, 1);
    let start = Instant::now();
    jobs.jobs.schedule = Schedule::new(WatchMode::Native);
    let due = jobs.jobs.due();
    let _answers =
        [Depth::Paths(vec![path()]), Depth::Names].map(|depth| jobs.under_way(Job::Follow { synced: true }, depth));
    let mut next = |at: Instant| jobs.jobs.next_job(at).unwrap();
    assert!(matches!(next(start + Duration::from_millis(999)), Job::Scan { stats: false, .. }));
    assert!(matches!(next(due.poll.unwrap()), Job::Paths(_)));
    assert!(matches!(next(due.poll.unwrap()), Job::Scan { stats: true, .. }), "the poll is done with it");
    assert!(matches!(next(due.audit.unwrap()), Job::Paths(_)));
    assert!(matches!(next(due.audit.unwrap() + Duration::from_secs(30)), Job::Audit { .. }));
}

#[tokio::test]
async fn what_is_written_in_a_tight_loop_is_not_looked_at_for_each_write() {
    let directory = tempfile::tempdir().unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    jobs.complete().await;
    jobs.jobs.noticed();
    let Some(Running { kind: Job::Follow { synced: false }, .. }) = jobs.jobs.running else { panic!("at once") };
    jobs.jobs.noticed();
    let Event::JobDone { result } = jobs.next().await else { panic!("a job is under way") };
    let ended = Instant::now();
    jobs.jobs.job_done(result);
    if jobs.jobs.running.is_none() {
        let next = jobs.jobs.next_deadline().expect("what was noticed is due");
        tokio::time::sleep_until(next.into()).await;
        jobs.jobs.expire(Instant::now());
    }
    let Some(Running { kind: Job::Follow { synced: false }, started_at }) = jobs.jobs.running else {
        panic!("it is due")
    };
    assert!(started_at >= ended + Duration::from_millis(20));
}

/// Only a look at the directory above tells that the file is none any more, and nobody asks for one.
#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_became_a_link_to_elsewhere_is_not_read_again_and_again() {
    let (directory, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let at = directory.path().join("directory");
    fs::create_dir(&at).unwrap();
    fs::write(at.join("a"), "a").unwrap();
    fs::write(elsewhere.path().join("a"), "another").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    let Event::JobDone { result } = jobs.next().await else { panic!("the first job is a scan") };
    fs::remove_dir_all(&at).unwrap();
    std::os::unix::fs::symlink(elsewhere.path(), &at).unwrap();
    jobs.jobs.job_done(result);
    for _ in 0..10 {
        if !jobs.jobs.filling && jobs.jobs.running.is_none() {
            assert_eq!(jobs.jobs.snapshot.files.len(), 0);
            return;
        }
        match jobs.next().await {
            Event::JobDone { result } => drop(jobs.jobs.job_done(result)),
            Event::Filled { result } => jobs.jobs.fill_done(result),
            Event::Built { result } => jobs.jobs.build_done(result),
            other => panic!("{other:?}"),
        }
    }
    panic!("it does not come to rest");
}

#[tokio::test]
async fn what_was_seen_otherwise_since_is_not_read_as_it_was_listed() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "as it is").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    jobs.complete().await;
    let (read, _) = jobs.jobs.tools.filled.get();
    let older = |size| Arc::new(FileEntry::listed(path(), Stamp { size, ..Stamp::default() }));
    jobs.jobs.unread = (0..50).map(older).collect();
    jobs.jobs.fill();
    let Event::Filled { result } = jobs.next().await else { panic!("files were to be read") };
    jobs.jobs.fill_done(result);
    assert_eq!(jobs.jobs.tools.filled.get().0, read);
}

#[tokio::test]
async fn what_is_noticed_is_not_forgotten_by_a_job_that_does_not_look_there() {
    let directory = tempfile::tempdir().unwrap();
    let jobs = &mut Jobs::over(directory.path()).jobs;
    jobs.state = IndexState::Ready;
    for ordered in [false, true] {
        (jobs.report.ordered, jobs.noticed, jobs.running) = (ordered, true, None);
        jobs.start(Job::Keep);
        assert_eq!(jobs.noticed, !ordered, "events are {}in order", if ordered { "" } else { "not " });
    }
}

#[tokio::test]
async fn what_could_not_be_built_is_read_nevertheless_before_the_first_index_is_complete() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "to be read").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    let Event::JobDone { result } = jobs.next().await else { panic!("the first job is a scan") };
    // As if something were read: so nothing is.
    jobs.jobs.filling = true;
    jobs.jobs.job_done(result);
    // As if all were being built, and read with it.
    jobs.jobs.texts.start(&jobs.jobs.snapshot.text, Instant::now());
    jobs.jobs.unread.clear();
    jobs.jobs.build_done(Err(Error::internal("a test")));
    assert_eq!(jobs.jobs.state, IndexState::Indexing, "nothing was read");
    jobs.complete().await;
    let known = jobs.jobs.snapshot.file(&path()).unwrap().known().expect("its hash is known");
    assert_eq!(known.hash, blake3::hash(b"to be read"));
}

/// However long it takes to bring in what was built, it is not built once more meanwhile: it would be there twice.
#[tokio::test]
async fn what_is_being_brought_in_is_not_built_again() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("a"), "to be built once").unwrap();
    let mut jobs = Jobs::over(directory.path());
    jobs.jobs.advance();
    while !matches!(jobs.jobs.running, Some(Running { kind: Job::Adopt { .. }, .. })) {
        match jobs.next().await {
            Event::JobDone { result } => drop(jobs.jobs.job_done(result)),
            Event::Filled { result } => jobs.jobs.fill_done(result),
            Event::Built { result } => jobs.jobs.build_done(result),
            other => panic!("{other:?}"),
        }
    }
    let later = Instant::now() + Duration::from_secs(3600);
    assert!(jobs.jobs.next_deadline().is_none_or(|next| next > later), "nothing is due before it is brought in");
    jobs.jobs.expire(later);
    assert!(!jobs.jobs.texts.is_under_way());
    jobs.complete().await;
    assert_eq!(jobs.jobs.snapshot.text.parts().count(), 1);
}

/// Complete, and kept.
async fn kept(root: &Path, place: &Path) -> Jobs {
    let mut jobs = Jobs::keeping(root, place);
    jobs.jobs.advance();
    jobs.complete().await;
    while jobs.jobs.keeping.is_writing() {
        let Event::Kept = jobs.next().await else { panic!("the loop is told when it is written") };
        jobs.jobs.kept();
    }
    jobs
}

#[tokio::test]
async fn the_first_index_is_kept_at_once_and_what_comes_later_within_a_minute() {
    let (directory, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(directory.path().join("a"), "to be kept").unwrap();
    let mut jobs = kept(directory.path(), place.path()).await;
    assert_eq!(jobs.jobs.tools.shared.cache.as_ref().unwrap().load().len(), 1);
    assert!(jobs.jobs.keeping.due().is_some(), "once more when it has settled");
    jobs.jobs.keeping.start();
    let before = Instant::now();
    jobs.run(Job::Adopt { parts: Arc::default(), first: false }).await;
    assert!(!jobs.jobs.keeping.is_writing(), "not at once");
    let due = jobs.jobs.keeping.due().expect("but later");
    assert!(due >= before + Duration::from_secs(60) && due <= Instant::now() + Duration::from_secs(60));
    jobs.run(Job::Adopt { parts: Arc::default(), first: false }).await;
    assert_eq!(jobs.jobs.keeping.due(), Some(due), "not put off by the next one");
    assert!(jobs.jobs.next_deadline().is_some_and(|next| next <= due));
    let Some(Job::Keep) = jobs.jobs.next_job(due) else { panic!("it is due") };
    assert_eq!(jobs.jobs.keeping.due(), None);
}

#[tokio::test]
async fn what_is_wanted_while_something_is_written_is_kept_when_that_ended() {
    let (directory, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(directory.path().join("a"), "to be kept").unwrap();
    let mut jobs = kept(directory.path(), place.path()).await;
    jobs.jobs.keep(Vec::new());
    jobs.jobs.keeping.want(false, Instant::now().checked_sub(Duration::from_secs(60)).unwrap());
    jobs.jobs.advance();
    assert!(jobs.jobs.running.is_none(), "one at a time");
    let Event::Kept = jobs.next().await else { panic!("the loop is told") };
    jobs.jobs.kept();
    assert!(matches!(jobs.jobs.running, Some(Running { kind: Job::Keep, .. })), "it is due");
}

#[tokio::test]
async fn what_could_not_be_found_out_to_be_kept_is_tried_again() {
    let (directory, place) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let jobs = &mut Jobs::keeping(directory.path(), place.path()).jobs;
    jobs.running = Some(Running { started_at: Instant::now(), kind: Job::Keep });
    jobs.job_done(Err(Error::internal("a test")));
    assert!(jobs.keeping.due().is_some());
}
