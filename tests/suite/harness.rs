//! Starts the program and talks to it as an editor would.
#![cfg_attr(not(unix), allow(dead_code, reason = "some of it serves tests of signals and pipes alone"))]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::harness::pipes::{Log, Reading, StdoutReader, connect};

mod effort;
mod pipes;

pub(crate) use effort::Effort;
pub(crate) use pipes::Streams;

/// How long anything may take before it counts as never. Long, because machines are slow; no test
/// waits that long unless it fails.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// "Within a second", and what a busy machine adds to it. How much that is at the worst nobody knows: see [`soon`].
const A_SECOND: Duration = Duration::from_secs(3);
/// How often something may take longer than that before the program is to blame, and not the machine.
const ATTEMPTS: usize = 5;

/// Does something until it took about a second at the most, as it gives it. A machine that stands still for a while makes
/// anything slow, but not every time.
#[track_caller]
pub(crate) fn soon(what: &str, mut took: impl FnMut() -> Duration) {
    let mut all = Vec::new();
    while all.last().is_none_or(|last| *last > A_SECOND) {
        assert!(all.len() < ATTEMPTS, "{what} took {all:?}, not {A_SECOND:?}");
        all.push(took());
    }
}

/// How to start the program.
pub(crate) struct Builder {
    program: PathBuf,
    before: Vec<OsString>,
    root: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    reading: Reading,
    streams: Streams,
    sync_timeout: Option<Duration>,
}

impl Builder {
    /// Leaves it to the program how long a synced answer may take to become fresh, where a request does not say it.
    pub(crate) fn own_sync_timeout(mut self) -> Self {
        self.sync_timeout = None;
        self
    }

    /// Connects it in this way; by default as Node does, where there are sockets.
    pub(crate) fn streams(mut self, streams: Streams) -> Self {
        self.streams = streams;
        self
    }

    /// Adds arguments.
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs this program in place of the one that was built with the tests.
    pub(crate) fn program(mut self, program: PathBuf) -> Self {
        self.program = program;
        self
    }

    /// Runs the program beneath another, such as a tracer.
    #[cfg(target_os = "linux")]
    pub(crate) fn beneath<S: AsRef<OsStr>>(mut self, command: impl IntoIterator<Item = S>) -> Self {
        self.before = command.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Reads only so many lines of stdout until told to [`Sidecar::read_on`].
    pub(crate) fn reads_only(mut self, lines: usize) -> Self {
        self.reading = Reading::Lines(lines);
        self
    }

    /// Starts it.
    pub(crate) fn spawn(self) -> Sidecar {
        let mut words: Vec<OsString> = self.before;
        words.push(self.program.into_os_string());
        words.extend(["--root".into(), self.root.into_os_string()]);
        if let Some(timeout) = self.sync_timeout {
            words.extend(["--sync-timeout-ms".into(), timeout.as_millis().to_string().into()]);
        }
        words.extend(self.args);
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).env_remove("RUST_BACKTRACE").envs(self.env);
        let (mut child, (stdin, stdout)) = connect(&mut command, self.streams)
            .unwrap_or_else(|error| panic!("{} does not start: {error}", words[0].display()));
        let (stdout, messages) = StdoutReader::start(stdout, self.reading);
        let log = Log::start(child.stderr.take().unwrap());
        Sidecar {
            child,
            stdin: Some(stdin),
            stdout,
            messages,
            log,
            next_id: 0,
            waiting: BTreeSet::new(),
            answers: BTreeMap::new(),
            order: Vec::new(),
            without_id: VecDeque::new(),
            events: VecDeque::new(),
            stdout_ended: false,
            finished: false,
        }
    }
}

/// A running program, and what it said.
pub(crate) struct Sidecar {
    child: Child,
    stdin: Option<Box<dyn Write + Send>>,
    stdout: StdoutReader,
    messages: Receiver<Result<Value, String>>,
    log: Log,
    next_id: u64,
    /// Ids that were sent and not answered yet.
    waiting: BTreeSet<String>,
    /// Answers that were not asked for by the test yet.
    answers: BTreeMap<String, Value>,
    /// The ids of all responses, as they came.
    order: Vec<String>,
    /// Responses whose id is null.
    without_id: VecDeque<Value>,
    events: VecDeque<Value>,
    stdout_ended: bool,
    finished: bool,
}

impl Sidecar {
    /// How to start it for `root`. Whatever is asked is answered as fresh as it can be, however slow the machine is.
    pub(crate) fn builder(root: &Path) -> Builder {
        Builder {
            program: PathBuf::from(env!("CARGO_BIN_EXE_workspace-sidecar")),
            before: Vec::new(),
            root: root.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            reading: Reading::All,
            streams: Streams::ALL[0],
            sync_timeout: Some(LIMIT),
        }
    }

    /// Starts it for `root`.
    pub(crate) fn spawn(root: &Path) -> Self {
        Self::builder(root).spawn()
    }

    /// The process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Writes bytes to stdin as they are.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        self.try_send_raw(bytes).unwrap_or_else(|problem| panic!("{problem}{}", self.told()));
    }

    fn try_send_raw(&mut self, bytes: &[u8]) -> Result<(), String> {
        let stdin = self.stdin.as_mut().expect("stdin was closed by the test");
        let written = stdin.write_all(bytes).and_then(|()| stdin.flush());
        written.map_err(|error| format!("stdin cannot be written: {error}"))
    }

    /// Writes a line that is to be answered with `id`.
    pub(crate) fn send_line(&mut self, line: &[u8], id: Option<&str>) {
        if let Some(id) = id {
            self.expect(id);
        }
        self.send_raw(&[line, b"\n"].concat());
    }

    /// Notes that a response with this id is to come.
    pub(crate) fn expect(&mut self, id: &str) {
        assert!(self.waiting.insert(id.to_owned()), "the test uses the id {id:?} twice");
    }

    /// A request line under a new id.
    pub(crate) fn line(&mut self, method: &str, params: &Value) -> (String, String) {
        self.next_id += 1;
        let id = format!("t{}", self.next_id);
        let line = json!({ "id": id, "method": method, "params": params }).to_string();
        (id, line)
    }

    /// Sends a request; returns its id.
    pub(crate) fn send(&mut self, method: &str, params: Value) -> String {
        let (id, line) = self.line(method, &params);
        self.send_line(line.as_bytes(), Some(&id));
        id
    }

    /// Sends many requests with one write, so that they are read together.
    pub(crate) fn send_all(&mut self, requests: impl IntoIterator<Item = (&'static str, Value)>) -> Vec<String> {
        self.try_send_all(requests).unwrap_or_else(|problem| panic!("{problem}{}", self.told()))
    }

    /// As [`Self::send_all`], for a test that has more to say than that it failed.
    pub(crate) fn try_send_all(
        &mut self,
        requests: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<Vec<String>, String> {
        let mut text = String::new();
        let mut ids = Vec::new();
        for (method, params) in requests {
            let (id, line) = self.line(method, &params);
            self.expect(&id);
            text.push_str(&line);
            text.push('\n');
            ids.push(id);
        }
        self.try_send_raw(text.as_bytes())?;
        Ok(ids)
    }

    /// Sends a request and waits for its result.
    pub(crate) fn request(&mut self, method: &str, params: Value) -> Value {
        let id = self.send(method, params);
        self.result(&id)
    }

    /// Waits for the result of a request that was sent.
    pub(crate) fn result(&mut self, id: &str) -> Value {
        let mut response = self.wait_for(id);
        assert_eq!(response["ok"], true, "{id}: {response}{}", self.told());
        response["result"].take()
    }

    /// Sends a request that must fail; returns the error.
    pub(crate) fn expect_error(&mut self, method: &str, params: Value, code: &str) -> Value {
        let shown = params.to_string();
        let id = self.send(method, params);
        let error = self.error(&id);
        assert_eq!(error["code"], code, "{method} {shown:.300}: {error}");
        error
    }

    /// Waits for the error of a request that was sent.
    pub(crate) fn error(&mut self, id: &str) -> Value {
        let mut response = self.wait_for(id);
        assert_eq!(response["ok"], false, "{id} did not fail: {:.500}", response.to_string());
        response["error"].take()
    }

    /// Waits for the response to a request.
    pub(crate) fn wait_for(&mut self, id: &str) -> Value {
        self.wait(&format!("the response to {id:?}"), |this| this.answers.remove(id))
    }

    /// Waits for the response to a request, for a test that has more to say than that it failed.
    pub(crate) fn try_wait_for(&mut self, id: &str) -> Result<Value, String> {
        self.try_wait(&format!("the response to {id:?}"), |this| this.answers.remove(id))
    }

    /// Waits for a response without an id; returns the error.
    pub(crate) fn wait_for_null(&mut self) -> Value {
        let mut response = self.wait("a response without an id", |this| this.without_id.pop_front());
        response["error"].take()
    }

    /// Waits for an event; returns its data.
    pub(crate) fn wait_event(&mut self, name: &str) -> Value {
        self.wait(&format!("the event {name:?}"), |this| this.take_event(name))
    }

    /// The next event of this name; none if none came within `patience`, which may be zero.
    pub(crate) fn try_event(&mut self, name: &str, patience: Duration) -> Result<Option<Value>, String> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(event) = self.take_event(name) {
                return Ok(Some(event));
            }
            match self.receive(deadline)? {
                Received::Message => {}
                Received::Nothing => return Ok(None),
                Received::End => return Err("stdout ended".to_owned()),
            }
        }
    }

    fn take_event(&mut self, name: &str) -> Option<Value> {
        let at = self.events.iter().position(|event| event["event"] == name)?;
        self.events.remove(at).map(|mut event| event["data"].take())
    }

    /// The events so far that nobody waited for.
    pub(crate) fn events(&self) -> impl Iterator<Item = &Value> {
        self.events.iter()
    }

    /// The ids of the responses received so far, in their order.
    pub(crate) fn order(&self) -> &[String] {
        &self.order
    }

    /// Closes stdin.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Closes stdout; only for one that [`Builder::reads_only`].
    pub(crate) fn close_stdout(&mut self) {
        self.stdout.close();
    }

    /// Reads stdout to the end from now on.
    pub(crate) fn read_on(&mut self) {
        self.stdout.read_on();
    }

    /// Lets the process run into a stdout that is not read. Nothing tells when it is stuck, so this takes time.
    #[cfg(unix)]
    pub(crate) fn let_it_fill(&mut self) {
        let more = self.messages.recv_timeout(Duration::from_secs(1));
        assert!(matches!(more, Err(RecvTimeoutError::Timeout)), "something was read: {more:?}");
    }

    /// Sends SIGTERM.
    #[cfg(unix)]
    pub(crate) fn kill_term(&self) {
        self.signal(rustix::process::Signal::TERM);
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid().cast_signed()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Sends SIGSTOP, and waits until the process stands still: all of its threads do.
    #[cfg(target_os = "linux")]
    pub(crate) fn stop(&self) {
        self.signal(rustix::process::Signal::STOP);
        let deadline = Instant::now() + LIMIT;
        // A thread may end before it is asked.
        let stands = |status: std::io::Result<String>| status.is_ok_and(|status| status.contains("\nState:\tT"));
        let threads = || std::fs::read_dir(format!("/proc/{}/task", self.pid())).unwrap();
        while !threads().all(|thread| stands(std::fs::read_to_string(thread.unwrap().path().join("status")))) {
            assert!(Instant::now() < deadline, "it does not stop");
            std::thread::yield_now();
        }
    }

    /// `shutdown`; checks the answer, that nothing is left unsaid or said twice, and the exit.
    pub(crate) fn finish(mut self) {
        let id = self.send("shutdown", json!({}));
        assert_eq!(self.result(&id), json!({}));
        assert!(self.end(true).0.success());
    }

    /// As [`Self::finish`]; returns the warnings and errors among the last lines of the log.
    #[cfg(target_os = "linux")]
    pub(crate) fn finish_warned(mut self) -> Vec<String> {
        let id = self.send("shutdown", json!({}));
        assert_eq!(self.result(&id), json!({}));
        assert!(self.end(true).0.success());
        self.log.warnings()
    }

    /// Waits for the process to end by itself with `status`; checks that all was answered. Returns how long it took.
    pub(crate) fn ended(mut self, status: i32) -> Duration {
        let (ended, took) = self.end(true);
        assert_eq!(ended.code(), Some(status), "{ended}{}", self.told());
        took
    }

    /// As [`Self::ended`], for a process whose stdout was not read to its end, perhaps not to the end of a line.
    #[cfg(unix)]
    pub(crate) fn ended_unread(mut self, status: i32) -> Duration {
        let (ended, took) = self.end(false);
        assert_eq!(ended.code(), Some(status), "{ended}{}", self.told());
        took
    }

    fn end(&mut self, read: bool) -> (ExitStatus, Duration) {
        let started = Instant::now();
        assert!(self.log.wait_for_end(LIMIT), "the process does not end{}", self.told());
        let status = self.child.wait().unwrap();
        let took = started.elapsed();
        if read {
            self.stdout.read_on();
        } else {
            self.stdout.close();
        }
        while !self.stdout_ended {
            match self.receive(Instant::now() + LIMIT) {
                Ok(Received::Message | Received::End) => {}
                Ok(Received::Nothing) => panic!("stdout does not end{}", self.told()),
                Err(problem) => panic!("{problem}{}", self.told()),
            }
        }
        // From here on the test's verdict is what is asserted below, not a missing `finish`.
        self.finished = true;
        assert!(self.waiting.is_empty(), "never answered: {:?}{}", self.waiting, self.told());
        assert!(self.answers.is_empty(), "answers the test did not look at: {:?}", self.answers);
        assert!(self.without_id.is_empty(), "answers the test did not look at: {:?}", self.without_id);
        assert!(!self.log.panicked(), "the code panicked{}", self.told());
        (status, took)
    }

    /// Ends it however it is: what went wrong is known already.
    pub(crate) fn abandon(mut self) {
        self.finished = true;
    }

    /// Gives up what was not answered, where the process may end without answering.
    pub(crate) fn forget_unanswered(&mut self) {
        self.waiting.clear();
    }

    /// Waits until `look` finds what it looks for among what was received.
    fn wait<T>(&mut self, what: &str, look: impl FnMut(&mut Self) -> Option<T>) -> T {
        self.try_wait(what, look).unwrap_or_else(|problem| panic!("{problem}{}", self.told()))
    }

    fn try_wait<T>(&mut self, what: &str, mut look: impl FnMut(&mut Self) -> Option<T>) -> Result<T, String> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            match self.receive(deadline)? {
                Received::Message => {}
                Received::Nothing => return Err(format!("{what} did not come within {LIMIT:?}")),
                Received::End => return Err(format!("stdout ended before {what} came")),
            }
        }
    }

    /// Takes in the next message.
    fn receive(&mut self, deadline: Instant) -> Result<Received, String> {
        let left = deadline.saturating_duration_since(Instant::now());
        let message = match self.messages.recv_timeout(left) {
            Ok(message) => message?,
            Err(RecvTimeoutError::Disconnected) => {
                self.stdout_ended = true;
                return Ok(Received::End);
            }
            Err(RecvTimeoutError::Timeout) => return Ok(Received::Nothing),
        };
        if message.get("event").is_some() {
            self.events.push_back(message);
        } else if let Some(id) = message["id"].as_str() {
            if !self.waiting.remove(id) {
                return Err(format!("a response nobody waits for: {message:.500}"));
            }
            self.order.push(id.to_owned());
            self.answers.insert(id.to_owned(), message);
        } else {
            self.without_id.push_back(message);
        }
        Ok(Received::Message)
    }

    /// The last lines of stdout and stderr, for the message of a failure.
    pub(crate) fn told(&self) -> String {
        format!("\nlast lines of stdout:\n{}\nlast lines of stderr:\n{}", self.stdout.last(), self.log.last())
    }
}

/// What waiting for a message gave.
enum Received {
    Message,
    /// Nothing came in time.
    Nothing,
    /// Nothing will come any more.
    End,
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        // Whatever the test came to, no process stays behind.
        let _ = self.child.kill();
        let _ = self.child.wait();
        assert!(self.finished || std::thread::panicking(), "the test must end with `finish` or `ended`");
    }
}
