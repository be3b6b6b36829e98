//! Who works on what: requests wait here for a thread.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::value::RawValue;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::event::Event;
use super::output::Room;
use super::pending::Serial;
use crate::error::Error;
use crate::methods::{Context, Entry, Lane};
use crate::protocol::frame;

/// A request that waits for a thread.
pub(super) struct Job {
    pub(super) serial: Serial,
    pub(super) entry: &'static Entry,
    pub(super) params: Option<Box<RawValue>>,
}

impl Job {
    /// How much memory waiting costs.
    pub(super) fn bytes(&self) -> usize {
        self.params.as_ref().map_or(0, |params| params.get().len()) + size_of::<Self>()
    }
}

/// The threads for requests. Heavy requests never take all of them, so a read does not wait behind searches.
pub(super) struct Workers {
    quick: VecDeque<Job>,
    heavy: VecDeque<Job>,
    quick_running: usize,
    heavy_running: usize,
    slots: usize,
}

/// Threads kept free of heavy requests.
const QUICK_SLOTS: usize = 2;

impl Workers {
    /// How many threads requests may take when `threads` do the parallel work: some wait for disks,
    /// for a walk or for the reader of stdout.
    pub(super) fn slots(threads: usize) -> usize {
        2 * threads + QUICK_SLOTS
    }

    pub(super) fn new(threads: usize) -> Self {
        Self {
            quick: VecDeque::new(),
            heavy: VecDeque::new(),
            quick_running: 0,
            heavy_running: 0,
            slots: Self::slots(threads),
        }
    }

    pub(super) fn enqueue(&mut self, job: Job) {
        match job.entry.lane {
            Lane::Heavy => self.heavy.push_back(job),
            Lane::Quick | Lane::Control => self.quick.push_back(job),
        }
    }

    /// The next job that may start now; it counts as running.
    pub(super) fn next(&mut self) -> Option<Job> {
        if self.quick_running + self.heavy_running >= self.slots {
            return None;
        }
        // Nor do quick ones take all.
        let quick_may = self.quick_running < self.slots - 1;
        if quick_may && let Some(job) = self.quick.pop_front() {
            self.quick_running += 1;
            return Some(job);
        }
        if self.heavy_running >= self.slots - QUICK_SLOTS {
            return None;
        }
        let job = self.heavy.pop_front()?;
        self.heavy_running += 1;
        Some(job)
    }

    /// Forgets a job that has not started: its request was answered already.
    pub(super) fn forget(&mut self, serial: Serial) {
        self.quick.retain(|job| job.serial != serial);
        self.heavy.retain(|job| job.serial != serial);
    }

    /// A job of this lane ended.
    pub(super) fn done(&mut self, lane: Lane) {
        match lane {
            Lane::Heavy => self.heavy_running -= 1,
            Lane::Quick | Lane::Control => self.quick_running -= 1,
        }
    }
}

/// Runs a job on a thread of its own and reports [`Event::Done`], whatever happens.
pub(super) fn start(job: Job, context: Context, events: mpsc::UnboundedSender<Event>, room: Room, runtime: &Handle) {
    let handle = runtime.clone();
    runtime.spawn_blocking(move || {
        let Job { serial, entry, params } = job;
        let busy = (entry.lane == Lane::Heavy).then(|| context.shared.courtesy.busy());
        let bytes = catch_unwind(AssertUnwindSafe(|| (entry.answer)(params.as_deref(), &context)))
            .unwrap_or_else(|_| Err(Error::internal(format!("`{}` failed; the log has the place", entry.name))))
            .unwrap_or_else(|error| frame::failure(Some(&context.id), &error));
        drop(busy);
        // Whoever cancelled has answered already.
        let line = handle.block_on(room.reserve(bytes, &context.cancel)).ok();
        let _ = events.send(Event::Done { serial, lane: entry.lane, line });
    });
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use serde_json::Value;
    use tokio::io::{AsyncBufReadExt as _, BufReader};

    use super::*;
    use crate::cancel::CancelToken;
    use crate::error::Result;
    use crate::glob::PathFilter;
    use crate::index::{Clock, Snapshot};
    use crate::indexer::Report;
    use crate::methods::{Depth, History, IndexState, Link, METHODS, Server, View};
    use crate::server::output::Output;
    use crate::server::testing::shared;
    use crate::watch::Counts;

    /// For requests that ask nothing of the server loop.
    struct NoLink;

    impl Link for NoLink {
        fn sync(&self, _: Instant, _: Depth, _: Duration, _: &CancelToken) -> Result<View> {
            Err(Error::cancelled())
        }

        fn history(&self, _: &str, _: &CancelToken) -> Result<History> {
            Err(Error::cancelled())
        }

        fn subscribe(&self, _: PathFilter, _: Duration, _: &CancelToken) -> Result<(String, String)> {
            Err(Error::cancelled())
        }

        fn unsubscribe(&self, _: &str, _: &CancelToken) -> Result<bool> {
            Err(Error::cancelled())
        }

        fn emit(&self, _: Vec<u8>, _: &CancelToken) -> Result<()> {
            Err(Error::cancelled())
        }
    }

    fn entry(name: &'static str, answer: fn(Option<&RawValue>, &Context) -> Result<Vec<u8>>) -> &'static Entry {
        let like = &METHODS[0];
        Box::leak(Box::new(Entry {
            name,
            summary: "",
            example: "{}",
            lane: Lane::Heavy,
            answer,
            params_schema: like.params_schema,
            result_schema: like.result_schema,
            check_params: like.check_params,
        }))
    }

    fn context(root: &std::path::Path) -> Context {
        Context {
            shared: shared(root),
            id: "an id".to_owned(),
            read_at: Instant::now(),
            cancel: CancelToken::default(),
            snapshot: Arc::new(Snapshot::empty(Clock::start("test"))),
            server: Server {
                state: IndexState::Ready,
                in_flight: 1,
                watcher: Report::default(),
                events: Counts::default(),
            },
            link: Arc::new(NoLink),
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_the_next_job_runs() {
        let directory = tempfile::tempdir().unwrap();
        let context = context(directory.path());
        let (events, mut received) = mpsc::unbounded_channel();
        let room = Room::new(1 << 20);
        let (stdout, read) = tokio::io::duplex(1 << 16);
        let (output, writer) = Output::start(stdout, room.clone(), events.clone());
        let mut lines = BufReader::new(read).lines();
        let mut workers = Workers::new(1);

        let panics = entry("panics", |_, _| panic!("the handler's own words"));
        let panics_in_pool =
            entry("panicsInPool", |_, context| context.shared.pool.install(|| panic!("the handler's own words")));
        let works = entry("works", |_, context| frame::success(&context.id, &"fine", 1000));
        for (serial, entry) in (1..).zip([panics, works, panics_in_pool, works]) {
            workers.enqueue(Job { serial, entry, params: None });
            let job = workers.next().expect("a job's panic must give its slot back");
            start(job, context.clone(), events.clone(), room.clone(), &Handle::current());
            let Some(Event::Done { serial: done, lane, line: Some(line) }) = received.recv().await else {
                panic!("`{}` has no answer", entry.name);
            };
            assert_eq!((done, lane), (serial, Lane::Heavy));
            workers.done(lane);
            output.send(line);
            let answer: Value = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
            assert_eq!(answer["id"], "an id");
            if entry.name == "works" {
                assert_eq!(answer["result"], "fine");
            } else {
                assert_eq!(answer["error"]["code"], "internal");
                let message = answer["error"]["message"].as_str().unwrap();
                assert!(message.contains(entry.name) && !message.contains("words"), "{message}");
            }
        }
        drop(output);
        writer.await.unwrap();
    }
}
