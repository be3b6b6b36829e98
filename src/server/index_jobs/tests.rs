#![expect(clippy::disallowed_methods, reason = "tests make and change files")]

use std::fs;
use std::path::Path;

use tokio::sync::oneshot;

use super::*;
use crate::error::Error;
use crate::fs::Stamp;
use crate::index::Clock;
use crate::path::RelPath;
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
        let shared = shared(root);
        let walker = Walker::new(shared.root.path(), &[], 1).unwrap();
        let source = Arc::new(Native::new(shared.root.path(), None));
        let snapshot = Arc::new(Snapshot::empty(Clock::start("test")));
        let (send, events) = mpsc::unbounded_channel();
        let jobs = IndexJobs::new(shared, walker, snapshot, source, send, Handle::current()).unwrap();
        Self { jobs, events }
    }

    async fn next(&mut self) -> Event {
        let event = tokio::time::timeout(Duration::from_secs(60), self.events.recv());
        event.await.expect("no job is under way, and the index is not complete").unwrap()
    }

    /// As if a job were under way, and a request that was read when it began waited.
    fn under_way(&mut self, kind: Job, depth: Depth) -> oneshot::Receiver<View> {
        let began = Instant::now();
        let (reply, answer) = oneshot::channel();
        self.jobs.waiting.push(SyncRequest { read_at: began, depth, deadline: None, reply });
        self.jobs.running = Some(Running { started_at: began, kind });
        answer
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
    jobs.jobs.unread = vec![hot(1)];
    jobs.jobs.fill();
    let until = jobs.jobs.hot_until;
    assert!(until.is_some());
    let Event::Filled { result } = jobs.next().await else { panic!("files were to be read") };
    jobs.jobs.fill_done(result);
    jobs.jobs.unread = vec![hot(2)];
    jobs.jobs.fill();
    assert_eq!(jobs.jobs.hot_until, until, "not put off by the next write");
    jobs.jobs.expire(until.unwrap());
    assert!(jobs.jobs.hot.is_empty(), "what the index does not hold any more is let go");
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
