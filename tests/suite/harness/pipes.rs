//! The streams of a process, and the threads at the other ends of stdout and stderr.
#![cfg_attr(not(unix), allow(dead_code, reason = "some of it serves tests of signals and pipes alone"))]

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// The last lines of a pipe, shortened, for the message of a failure.
type Tail = Arc<Mutex<VecDeque<String>>>;

const TAIL_LINES: usize = 20;
const TAIL_COLUMNS: usize = 400;

fn remember(tail: &Tail, line: &str) {
    let mut tail = tail.lock().unwrap();
    if tail.len() == TAIL_LINES {
        tail.pop_front();
    }
    tail.push_back(line.chars().take(TAIL_COLUMNS).collect());
}

fn shown(tail: &Tail) -> String {
    let tail = tail.lock().unwrap();
    if tail.is_empty() {
        return "  (none)".to_owned();
    }
    tail.iter().map(|line| format!("  {line}\n")).collect()
}

/// What stdin and stdout are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// As a shell connects programs.
    Pipes,
    /// As Node does it, and so Electron.
    #[cfg(unix)]
    Sockets,
}

impl Streams {
    /// What there is on this system.
    #[cfg(unix)]
    pub(crate) const ALL: &[Self] = &[Self::Sockets, Self::Pipes];
    /// What there is on this system.
    #[cfg(not(unix))]
    pub(crate) const ALL: &[Self] = &[Self::Pipes];
}

/// Our ends of stdin and stdout.
pub(super) type Ends = (Box<dyn Write + Send>, Box<dyn Read + Send>);

/// Starts a process with such streams; its stderr is a pipe.
pub(super) fn connect(command: &mut Command, streams: Streams) -> io::Result<(Child, Ends)> {
    command.stderr(Stdio::piped());
    match streams {
        Streams::Pipes => {
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
            Ok((child, (Box::new(stdin), Box::new(stdout))))
        }
        #[cfg(unix)]
        Streams::Sockets => {
            use std::os::fd::OwnedFd;
            use std::os::unix::net::UnixStream;
            let (stdin, theirs_in) = UnixStream::pair()?;
            let (stdout, theirs_out) = UnixStream::pair()?;
            let child = command.stdin(OwnedFd::from(theirs_in)).stdout(OwnedFd::from(theirs_out)).spawn()?;
            // The command holds their ends, and nothing is at its end while one is open.
            command.stdin(Stdio::null()).stdout(Stdio::null());
            Ok((child, (Box::new(stdin), Box::new(stdout))))
        }
    }
}

/// How much of stdout is read.
pub(crate) enum Reading {
    /// Everything, as it comes.
    All,
    /// So many lines, then nothing until told.
    Lines(usize),
}

enum Order {
    ReadOn,
    Close,
}

/// The thread that reads stdout.
pub(super) struct StdoutReader {
    orders: Sender<Order>,
    tail: Tail,
}

impl StdoutReader {
    /// Starts it. The channel carries messages, or what is wrong with one, and is disconnected at the end.
    pub(super) fn start(
        stdout: impl Read + Send + 'static,
        reading: Reading,
    ) -> (Self, Receiver<Result<Value, String>>) {
        let (orders, received) = mpsc::channel();
        let (send, messages) = mpsc::channel();
        let tail = Tail::default();
        let seen = Arc::clone(&tail);
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut left = match reading {
                Reading::All => usize::MAX,
                Reading::Lines(lines) => lines,
            };
            loop {
                if left == 0 {
                    match received.recv() {
                        Ok(Order::ReadOn) => left = usize::MAX,
                        Ok(Order::Close) | Err(_) => return,
                    }
                }
                left -= 1;
                let mut line = Vec::new();
                match stdout.read_until(b'\n', &mut line) {
                    Ok(0) | Err(_) => return,
                    Ok(_) => {}
                }
                remember(&seen, String::from_utf8_lossy(&line).trim_end());
                if send.send(message(&line)).is_err() {
                    return;
                }
            }
        });
        (Self { orders, tail }, messages)
    }

    pub(super) fn read_on(&self) {
        // The thread that is gone has read everything.
        let _ = self.orders.send(Order::ReadOn);
    }

    pub(super) fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }

    pub(super) fn last(&self) -> String {
        shown(&self.tail)
    }
}

/// A line of stdout, checked for what must hold of every one.
fn message(line: &[u8]) -> Result<Value, String> {
    let problem = |what: &str| Err(format!("{what}: {:.500}", String::from_utf8_lossy(line)));
    let Some(body) = line.strip_suffix(b"\n") else {
        return problem("stdout ended within a line");
    };
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return problem("a line of stdout is not JSON");
    };
    let has = |key: &str| value.get(key).is_some();
    let fits = if has("event") {
        value["event"].is_string() && value["data"].is_object() && !has("ok") && !has("id")
    } else if value["ok"] == true {
        value["id"].is_string() && value["result"].is_object() && !has("error")
    } else {
        let error = &value["error"];
        value["ok"] == false
            && (value["id"].is_string() || value["id"].is_null() && has("id"))
            && error["code"].is_string()
            && error["message"].as_str().is_some_and(|message| !message.is_empty())
            && error.get("data").is_none_or(Value::is_object)
            && !has("result")
    };
    if fits { Ok(value) } else { problem("a line of stdout is neither an event nor a response") }
}

/// The thread that reads stderr. Its end is the end of the process, which holds the only other end.
pub(super) struct Log {
    ended: Receiver<()>,
    tail: Tail,
    panicked: Arc<Mutex<bool>>,
}

impl Log {
    pub(super) fn start(stderr: impl Read + Send + 'static) -> Self {
        let (send, ended) = mpsc::channel();
        let (tail, panicked) = (Tail::default(), Arc::<Mutex<bool>>::default());
        let (seen, flag) = (Arc::clone(&tail), Arc::clone(&panicked));
        std::thread::spawn(move || {
            let mut stderr = BufReader::new(stderr);
            let mut line = Vec::new();
            while stderr.read_until(b'\n', &mut line).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&line);
                remember(&seen, text.trim_end());
                *flag.lock().unwrap() |= text.contains("panicked");
                line.clear();
            }
            let _ = send.send(());
        });
        Self { ended, tail, panicked }
    }

    /// Waits for the end; whether it came.
    pub(super) fn wait_for_end(&self, limit: Duration) -> bool {
        self.ended.recv_timeout(limit).is_ok()
    }

    pub(super) fn panicked(&self) -> bool {
        *self.panicked.lock().unwrap()
    }

    /// The warnings and errors among the last lines.
    #[cfg(target_os = "linux")]
    pub(super) fn warnings(&self) -> Vec<String> {
        let tail = self.tail.lock().unwrap();
        tail.iter().filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).cloned().collect()
    }

    pub(super) fn last(&self) -> String {
        shown(&self.tail)
    }
}
