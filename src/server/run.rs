//! The state of the server loop, and what each event does to it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::event::Event;
use super::index_jobs::IndexJobs;
use super::input::Input;
use super::link::WorkerLink;
use super::output::{Output, Room};
use super::pending::{Pending, Requests, Serial};
use super::serve::Exit;
use super::subscriptions::Subscriptions;
use super::tell::tell;
use super::workers::{self, Job, Workers};
use crate::cache::Cache;
use crate::courtesy::Courtesy;
use crate::error::{Code, Error};
use crate::facts::Store;
use crate::fs::WorkspaceRoot;
use crate::index::{Clock, Snapshot};
use crate::indexer::Walker;
use crate::methods::cancel::{CancelParams, CancelResult};
use crate::methods::ping::PingResult;
use crate::methods::{self, Config, Context, Empty, Entry, Filters, IndexState, Lane, Server, Shared};
use crate::modules::Modules;
use crate::ordered::pool;
use crate::protocol::PROTOCOL_VERSION;
use crate::protocol::events::{Fatal, Indexed, Phase, Progress, Ready};
use crate::protocol::frame::{self, Request};
use crate::watch::{Native, Source};

/// What sources come to takes at most so much memory: about five bytes of JSX sources for each.
const MAX_FACT_BYTES: usize = 128 << 20;
/// Requests that are read ahead while `maxInFlight` are in flight, so that `cancel` and `ping` behind them are seen.
const MAX_PARKED: usize = 64;
/// Their bytes.
const MAX_PARKED_BYTES: usize = 1 << 20;
/// How long a process that was told to end by a signal may take to write what it still has to say.
pub(super) const TERMINATE_GRACE: Duration = Duration::from_millis(500);

/// The state of the server. Nothing in here blocks or does I/O.
pub(super) struct Loop {
    pub(super) shared: Arc<Shared>,
    output: Output,
    room: Room,
    pub(super) events: mpsc::UnboundedSender<Event>,
    runtime: Handle,
    pub(super) index: IndexJobs,
    subscriptions: Subscriptions,
    requests: Requests,
    workers: Workers,
    /// Requests that wait because `maxInFlight` are in flight.
    parked: VecDeque<Job>,
    parked_bytes: usize,
    /// When the input ended: how long what was read is still answered.
    drain_until: Option<Instant>,
    input_ended: bool,
    shutdown: Option<(String, Option<Instant>)>,
    /// `shutdown` was answered.
    pub(super) shut_down: bool,
    /// How to end, and how long stdout may still take.
    pub(super) end: Option<(Exit, Duration)>,
}

impl Loop {
    pub(super) fn start(
        root: &Path,
        config: Config,
        started: Instant,
        source: Option<Arc<dyn Source>>,
        output: Output,
        room: Room,
        events: mpsc::UnboundedSender<Event>,
    ) -> Result<Self, (Output, Fatal)> {
        let fatal = |error: Error| Fatal { code: error.code, message: error.message };
        let opened = WorkspaceRoot::open(root)
            .and_then(|root| Walker::new(root.path(), &config.exclude, config.threads).map(|walker| (root, walker)));
        let (root, walker) = match opened {
            Ok(opened) => opened,
            Err(error) => return Err((output, fatal(error))),
        };
        let clock = Clock::start(&instance());
        output.send(event_line(
            "ready",
            &Ready {
                protocol_version: PROTOCOL_VERSION,
                version: env!("CARGO_PKG_VERSION").to_owned(),
                pid: std::process::id(),
                root: root.path().display().to_string(),
                methods: methods::METHODS.iter().map(|entry| entry.name.to_owned()).collect(),
                limits: config.limits,
                clock: clock.to_string(),
            },
        ));
        let workers = Workers::new(config.threads);
        let no_threads =
            |error: rayon::ThreadPoolBuildError| fatal(Error::new(Code::IoError, format!("no threads: {error}")));
        let pool = match pool("work", config.threads) {
            Ok(pool) => Arc::new(pool),
            Err(error) => return Err((output, no_threads(error))),
        };
        let native = || Arc::new(Native::new(root.path(), config.cache_dir.as_deref())) as Arc<dyn Source>;
        let source = source.unwrap_or_else(native);
        let cache =
            config.cache_dir.as_deref().and_then(|place| Cache::open(place, root.path(), config.limits.max_file_bytes));
        let root = Arc::new(root);
        let shared = Arc::new(Shared {
            root,
            config,
            pool,
            filters: Filters::default(),
            modules: Modules::default(),
            facts: Store::new(MAX_FACT_BYTES),
            cache,
            courtesy: Courtesy::default(),
            started,
        });
        let snapshot = Arc::new(Snapshot::empty(clock));
        let runtime = Handle::current();
        let index = IndexJobs::new(Arc::clone(&shared), walker, snapshot, source, events.clone(), runtime.clone());
        let index = match index {
            Ok(index) => index,
            Err(error) => return Err((output, no_threads(error))),
        };
        Ok(Self {
            shared,
            output,
            room,
            events,
            runtime,
            index,
            subscriptions: Subscriptions::default(),
            requests: Requests::default(),
            workers,
            parked: VecDeque::new(),
            parked_bytes: 0,
            drain_until: None,
            input_ended: false,
            shutdown: None,
            shut_down: false,
            end: None,
        })
    }

    /// Whether to read on: not while too much output waits to be read, nor while many requests wait to be started.
    pub(super) fn takes_input(&self) -> bool {
        !self.input_ended
            && !self.output.is_full()
            && self.parked.len() < MAX_PARKED
            && self.parked_bytes < MAX_PARKED_BYTES
    }

    pub(super) fn input(&mut self, input: Input) {
        match input {
            Input::Line(line) => match Request::decode(&line) {
                Ok(request) => self.request(request),
                Err(bad) => self.fail(bad.id.as_deref(), &bad.error),
            },
            Input::TooLong => {
                let max = self.shared.config.limits.max_request_bytes;
                let error = Error::new(Code::RequestTooLarge, format!("a line of more than {max} bytes was discarded"))
                    .with("maxRequestBytes", max);
                self.fail(None, &error);
            }
            Input::End => {
                self.input_ended = true;
                self.drain_until = Instant::now().checked_add(self.shared.config.drain_timeout);
            }
        }
        self.settle();
    }

    fn request(&mut self, request: Request) {
        let Some(entry) = methods::find(&request.method) else {
            let shown: String = request.method.chars().take(100).collect();
            let known: Vec<&str> = methods::METHODS.iter().map(|entry| entry.name).collect();
            let message = format!("there is no method {shown:?}; there are {}", known.join(", "));
            let error = Error::new(Code::UnknownMethod, message);
            return self.fail(Some(&request.id), &error);
        };
        if entry.lane == Lane::Control {
            return self.control(entry, &request);
        }
        if self.shutdown.is_some() || self.shut_down {
            return self.fail(Some(&request.id), &Error::new(Code::ShuttingDown, "the sidecar is shutting down"));
        }
        let Some(serial) = self.requests.register(&request, Instant::now()) else {
            return self.fail(Some(&request.id), &duplicate(&request.id));
        };
        let job = Job { serial, entry, params: request.params };
        // It is counted already, so the room must hold it, unless there is nothing else.
        let fits = self.in_flight() <= self.shared.config.limits.max_in_flight as usize
            && (self.in_flight() == 1 || self.bytes_in_flight() <= self.max_held_bytes());
        if fits {
            self.workers.enqueue(job);
        } else {
            self.parked_bytes += job.bytes();
            self.parked.push_back(job);
        }
    }

    /// Requests that were started, or will be as soon as a thread is free.
    fn in_flight(&self) -> usize {
        self.requests.len() - self.parked.len()
    }

    /// Memory that the params of started requests take.
    fn bytes_in_flight(&self) -> usize {
        self.requests.bytes().saturating_sub(self.parked_bytes)
    }

    /// Params are held in as much memory as output is.
    fn max_held_bytes(&self) -> usize {
        self.shared.config.limits.max_queued_bytes as usize
    }

    /// The methods that are answered however busy the workers are.
    fn control(&mut self, entry: &Entry, request: &Request) {
        let id = &request.id;
        let params = request.params.as_deref();
        if self.requests.serial_of(id).is_some() || self.shutdown.as_ref().is_some_and(|(shutdown, _)| shutdown == id) {
            return self.fail(Some(id), &duplicate(id));
        }
        let answer = match entry.name {
            "ping" => frame::decode_params::<Empty>(params)
                .and_then(|_| frame::success(id, &PingResult::new(self.shared.started.elapsed()), usize::MAX)),
            "cancel" => frame::decode_params::<CancelParams>(params).and_then(|params| {
                let cancelled = self.cancel(&params.id);
                frame::success(id, &CancelResult { cancelled }, usize::MAX)
            }),
            "shutdown" => match frame::decode_params::<Empty>(params) {
                Ok(_) if self.shutdown.is_some() || self.shut_down => {
                    Err(Error::new(Code::ShuttingDown, "the sidecar is shutting down"))
                }
                Ok(_) => {
                    let deadline = request.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
                    self.shutdown = Some((id.clone(), deadline));
                    return;
                }
                Err(error) => Err(error),
            },
            name => Err(Error::internal(format!("`{name}` has no answer"))),
        };
        self.output.send(Room::short(answer.unwrap_or_else(|error| frame::failure(Some(id), &error))));
    }

    fn cancel(&mut self, id: &str) -> bool {
        let serial = self.requests.serial_of(id);
        serial.is_some_and(|serial| self.answer_instead(serial, &Error::cancelled()))
    }

    pub(super) fn handle(&mut self, event: Event) {
        match event {
            Event::Done { serial, lane, line } => {
                self.workers.done(lane);
                self.index.answered();
                let answer = self.complete(serial).and(line);
                self.subscriptions.answered(serial, answer.is_some());
                if let Some(line) = answer {
                    self.output.send(line);
                }
            }
            Event::Emit { serial, line } => {
                if self.requests.get(serial).is_some() {
                    self.output.send(line);
                }
            }
            Event::Sync(request) => self.index.wait(request),
            Event::Noticed => self.index.noticed(),
            Event::JobDone { result } => {
                if self.index.job_done(result) {
                    self.subscriptions.changed(Instant::now());
                }
            }
            // Whoever asked may have stopped waiting.
            Event::History { clock, reply } => drop(reply.send(self.index.history(&clock))),
            Event::Subscribe { serial, filter, settle, reply } => {
                let clock = self.index.snapshot.clock.to_string();
                let _ = reply.send((self.subscriptions.add(serial, filter, settle, &clock), clock));
            }
            Event::Unsubscribe { subscription, reply } => {
                let _ = reply.send(self.subscriptions.remove(&subscription));
            }
            Event::Told { subscription, told, line } => {
                if self.subscriptions.told(subscription, told)
                    && let Some(line) = line
                {
                    self.output.send(line);
                }
            }
            Event::Filled { result } => {
                self.subscriptions.files_were_read(Instant::now());
                self.index.fill_done(result);
            }
            Event::Built { result } => {
                self.subscriptions.files_were_read(Instant::now());
                self.index.build_done(result);
            }
            Event::Kept => self.index.kept(),
            Event::Warmed { warmed } => self.index.warmed(&warmed),
            Event::Written => {}
            Event::OutputClosed => self.end = Some((Exit::Done, Duration::ZERO)),
            Event::Terminate => {
                tracing::info!("ending: a signal asked for it");
                self.cancel_all();
                self.end = Some((Exit::Done, TERMINATE_GRACE));
            }
        }
        self.settle();
    }

    /// After anything happened: starts what can start, ends what can end.
    fn settle(&mut self) {
        if self.index.take_completed() {
            self.tell_indexed();
        }
        while self.in_flight() < self.shared.config.limits.max_in_flight as usize
            && let Some(next) = self.parked.front()
            && (self.in_flight() == 0 || self.bytes_in_flight() + next.bytes() <= self.max_held_bytes())
            && let Some(job) = self.parked.pop_front()
        {
            self.parked_bytes -= job.bytes();
            self.workers.enqueue(job);
        }
        while let Some(job) = self.workers.next() {
            self.start_job(job);
        }
        self.tell();
        if self.end.is_some() || !self.requests.is_empty() {
            return;
        }
        if let Some((id, _)) = self.shutdown.take() {
            self.shut_down = true;
            let line = frame::success(&id, &Empty {}, usize::MAX);
            self.output.send(Room::short(line.unwrap_or_default()));
            self.end = Some((Exit::Done, self.writing_time()));
        } else if self.input_ended {
            self.end = Some((Exit::Done, self.writing_time()));
        }
    }

    /// Tells a subscription what it waits for.
    fn tell(&mut self) {
        let Some(due) = self.subscriptions.due(Instant::now()) else { return };
        let history = self.index.history(&due.told);
        let (shared, stop) = (Arc::clone(&self.shared), self.index.stop_token());
        tell(due, history, shared, stop, self.room.clone(), self.events.clone(), &self.runtime);
    }

    /// How long stdout may take for the last answers: what is left of draining, but at least a moment.
    fn writing_time(&self) -> Duration {
        let left = match self.drain_until {
            Some(until) => until.saturating_duration_since(Instant::now()),
            None => self.shared.config.drain_timeout,
        };
        left.max(TERMINATE_GRACE)
    }

    fn start_job(&mut self, job: Job) {
        // Whoever answers a request forgets its job.
        let Some(pending) = self.requests.get(job.serial) else { return self.workers.done(job.entry.lane) };
        let context = Context {
            shared: Arc::clone(&self.shared),
            id: pending.id.clone(),
            read_at: pending.read_at,
            cancel: pending.cancel.clone(),
            snapshot: Arc::clone(&self.index.snapshot),
            server: Server {
                state: self.index.state,
                in_flight: self.in_flight() as u64,
                watcher: self.index.report.clone(),
                events: self.index.counts(),
            },
            link: Arc::new(WorkerLink {
                serial: job.serial,
                events: self.events.clone(),
                room: self.room.clone(),
                runtime: self.runtime.clone(),
            }),
        };
        workers::start(job, context, self.events.clone(), self.room.clone(), &self.runtime);
    }

    /// Takes a request out to answer it; one that was parked is not parked any more.
    fn complete(&mut self, serial: Serial) -> Option<Pending> {
        let pending = self.requests.complete(serial)?;
        if let Some(at) = self.parked.iter().position(|job| job.serial == serial)
            && let Some(job) = self.parked.remove(at)
        {
            self.parked_bytes -= job.bytes();
        }
        Some(pending)
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let shutdown = self.shutdown.as_ref().and_then(|(_, deadline)| *deadline);
        let (index, told) = (self.index.next_deadline(), self.subscriptions.next_deadline());
        [self.requests.next_deadline(), index, told, self.drain_until, shutdown].into_iter().flatten().min()
    }

    pub(super) fn expire(&mut self) {
        let now = Instant::now();
        for serial in self.requests.expired(now) {
            self.answer_instead(serial, &Error::new(Code::Timeout, "the request's `timeoutMs` passed"));
        }
        self.index.expire(now);
        let shutdown = self.shutdown.as_ref().and_then(|(_, deadline)| *deadline);
        if [self.drain_until, shutdown].into_iter().flatten().any(|until| until <= now) {
            self.cancel_all();
        }
        self.settle();
    }

    fn cancel_all(&mut self) {
        for serial in self.requests.all() {
            self.answer_instead(serial, &Error::cancelled());
        }
    }

    /// Answers for a worker, whose own answer will be dropped. False if there is nothing to answer.
    fn answer_instead(&mut self, serial: Serial, error: &Error) -> bool {
        let Some(pending) = self.complete(serial) else { return false };
        self.workers.forget(serial);
        pending.cancel.cancel();
        self.fail(Some(&pending.id), error);
        true
    }

    fn fail(&self, id: Option<&str>, error: &Error) {
        self.output.send(Room::short(frame::failure(id, error)));
    }

    pub(super) fn tells_progress(&self) -> bool {
        self.shared.config.progress && self.index.state != IndexState::Ready
    }

    pub(super) fn tell_progress(&self) {
        let (files, bytes, files_total) = self.index.progress();
        let phase = if self.index.state == IndexState::Scanning { Phase::Scan } else { Phase::Index };
        self.output.send(event_line("progress", &Progress { phase, files, files_total, bytes }));
    }

    fn tell_indexed(&self) {
        let snapshot = &self.index.snapshot;
        let indexed = Indexed {
            clock: snapshot.clock.to_string(),
            files: snapshot.files.len() as u64,
            bytes: snapshot.bytes(),
            elapsed_ms: self.shared.started.elapsed().as_millis() as u64,
            from_cache: self.index.from_cache,
        };
        tracing::info!(files = indexed.files, bytes = indexed.bytes, elapsed_ms = indexed.elapsed_ms, "indexed");
        self.output.send(event_line("indexed", &indexed));
    }
}

pub(super) fn event_line<T: serde::Serialize>(name: &str, data: &T) -> super::output::Line {
    Room::short(frame::event(name, data, usize::MAX).unwrap_or_default())
}

fn duplicate(id: &str) -> Error {
    Error::new(Code::DuplicateId, format!("a request with the id {id:?} is in flight"))
}

/// What tells the clocks of this process from those of any other.
fn instance() -> String {
    format!("{:x}-{:x}", std::process::id(), crate::fs::now_ns())
}
