//! A server in this process.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use workspace_sidecar::methods::Config;
use workspace_sidecar::protocol::events::Limits;
use workspace_sidecar::protocol::watch::WatchMode;
use workspace_sidecar::server::{self, Exit, Io};
use workspace_sidecar::watch::Source;

use crate::harness::LIMIT;
use crate::model::driver::Driver;

const THREADS: usize = 2;
const PIPE: usize = 64 * 1024;

fn config() -> Config {
    Config {
        limits: Limits {
            max_request_bytes: 16 << 20,
            max_response_bytes: 64 << 20,
            max_in_flight: 64,
            max_file_bytes: 64 << 20,
            max_parse_bytes: 1 << 20,
            max_queued_bytes: 64 << 20,
            sync_timeout_ms: 60_000,
        },
        exclude: Vec::new(),
        threads: THREADS,
        progress: false,
        watch: WatchMode::Native,
        cache_dir: None,
        drain_timeout: Duration::from_secs(5),
    }
}

/// A server on a thread of its own, and what it said.
pub(crate) struct Local {
    /// Until the end of its input.
    requests: Option<UnboundedSender<String>>,
    lines: Receiver<Value>,
    answers: BTreeMap<String, Value>,
    events: VecDeque<Value>,
    last_id: u64,
    thread: Option<JoinHandle<Exit>>,
}

impl Local {
    pub(crate) fn start(root: &Path, source: Arc<dyn Source>) -> Self {
        let (requests, received) = unbounded_channel();
        let (send, lines) = mpsc::channel();
        let root = root.to_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .max_blocking_threads(server::blocking_threads(THREADS))
                .build()
                .unwrap();
            runtime.block_on(serve(&root, source, received, send))
        });
        Self {
            requests: Some(requests),
            lines,
            answers: BTreeMap::new(),
            events: VecDeque::new(),
            last_id: 0,
            thread: Some(thread),
        }
    }

    /// Takes in the next line; false if none came in time.
    fn receive(&mut self, deadline: Instant) -> Result<bool, String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.lines.recv_timeout(left) {
            Ok(line) if line.get("event").is_some() => self.events.push_back(line),
            Ok(line) => {
                let id = line["id"].as_str().ok_or_else(|| format!("no id: {line:.500}"))?.to_owned();
                if self.answers.insert(id, line).is_some() {
                    return Err("two responses to one request".to_owned());
                }
            }
            Err(RecvTimeoutError::Timeout) => return Ok(false),
            Err(RecvTimeoutError::Disconnected) => return Err("the server has ended".to_owned()),
        }
        Ok(true)
    }

    fn end(&mut self) -> Option<Exit> {
        self.requests = None;
        self.thread.take().and_then(|thread| thread.join().ok())
    }
}

async fn serve(
    root: &Path,
    source: Arc<dyn Source>,
    mut requests: UnboundedReceiver<String>,
    lines: mpsc::Sender<Value>,
) -> Exit {
    let (mut input, stdin) = tokio::io::duplex(PIPE);
    let (stdout, output) = tokio::io::duplex(PIPE);
    let io = Io { stdin, stdout, terminate: std::future::pending(), closed: std::future::pending() };
    let server = server::serve_with(root, config(), Instant::now(), io, Some(source));
    let write = async move {
        while let Some(line) = requests.recv().await {
            if input.write_all(line.as_bytes()).await.is_err() {
                break;
            }
        }
    };
    let read = async move {
        let mut output = BufReader::new(output).lines();
        while let Ok(Some(line)) = output.next_line().await {
            // Whoever does not listen any more lets it end all the same.
            let _ = lines.send(serde_json::from_str(&line).expect("a line is JSON"));
        }
    };
    tokio::join!(server, write, read).0
}

impl Driver for Local {
    fn send(&mut self, requests: Vec<(&'static str, Value)>) -> Result<Vec<String>, String> {
        let (mut ids, mut text) = (Vec::new(), String::new());
        for (method, params) in requests {
            self.last_id += 1;
            let id = self.last_id.to_string();
            text += &json!({ "id": id, "method": method, "params": params }).to_string();
            text.push('\n');
            ids.push(id);
        }
        let input = self.requests.as_ref().ok_or("the input has ended")?;
        input.send(text).map_err(|_| "the server has ended".to_owned())?;
        Ok(ids)
    }

    fn response(&mut self, id: &str) -> Result<Value, String> {
        let deadline = Instant::now() + LIMIT;
        loop {
            if let Some(answer) = self.answers.remove(id) {
                return Ok(answer);
            }
            if !self.receive(deadline)? {
                return Err(format!("no response to {id}"));
            }
        }
    }

    fn event(&mut self, name: &str, patience: Duration) -> Result<Option<Value>, String> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(at) = self.events.iter().position(|event| event["event"] == name) {
                return Ok(self.events.remove(at).map(|mut event| event["data"].take()));
            }
            if !self.receive(deadline)? {
                return Ok(None);
            }
        }
    }

    fn told(&self) -> String {
        String::new()
    }

    fn finish(mut self) -> Result<(), String> {
        let id = self.send(vec![("shutdown", json!({}))])?.remove(0);
        self.response(&id)?;
        match self.end() {
            Some(Exit::Done) if self.answers.is_empty() => Ok(()),
            end => Err(format!("it ended with {end:?}, and with answers nobody waited for: {:?}", self.answers)),
        }
    }

    fn abandon(self) {}
}

impl Drop for Local {
    fn drop(&mut self) {
        self.end();
    }
}
