//! `call`: one request, for a person or a script; of `watch`, also what it is told of.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};

use super::args::{Call, LogLevel, Options, usage};
use super::{FAILED, NOT_STARTED, block_on, logging, terminate};
use crate::server::{self, Exit, Io};

/// How long `call` waits for a synced answer at least, in milliseconds.
const PATIENT_SYNC_MS: u64 = 600_000;

/// The pipe between this end and the server, in bytes.
const PIPE: usize = 64 * 1024;

/// Checks the params, which exit with status 2 when they are no JSON, and runs the call.
pub(super) fn run(call: &Call, options: &Options, started: Instant) -> ExitCode {
    match call.params.as_deref().map(serde_json::from_str::<Value>).transpose() {
        Ok(params) => answer(call, params, options, started),
        Err(error) => usage(Some("call"), &format!("PARAMS is not JSON: {error}")),
    }
}

/// Answers one request with a server of its own.
fn answer(call: &Call, params: Option<Value>, options: &Options, started: Instant) -> ExitCode {
    let root = options.root.clone().unwrap_or_else(|| PathBuf::from("."));
    // A person sees the answer; of the log only what is wrong, unless asked for more.
    let level = if options.log_level == LogLevel::Info { LogLevel::Warn } else { options.log_level };
    logging::start(level, options.log_format);
    let mut config = options.config(true);
    // A person waits for the right answer, however long the first walk takes.
    config.limits.sync_timeout_ms = config.limits.sync_timeout_ms.max(PATIENT_SYNC_MS);
    let status = block_on(config.threads, async {
        let (requests, stdin) = tokio::io::duplex(PIPE);
        let (stdout, lines) = tokio::io::duplex(PIPE);
        let io = Io { stdin, stdout, terminate: terminate(), closed: std::future::pending() };
        let server = server::serve(&root, config, started, io);
        let (exit, status) = tokio::join!(server, converse(call, params, requests, lines));
        if matches!(exit, Exit::Failed) { FAILED } else { status }
    });
    ExitCode::from(status.unwrap_or(FAILED))
}

async fn converse(
    call: &Call,
    params: Option<Value>,
    mut requests: impl AsyncWrite + Unpin,
    lines: impl AsyncRead + Unpin,
) -> u8 {
    let mut request = json!({ "id": "call", "method": call.method });
    if let Some(params) = params {
        request["params"] = params;
    }
    let eventual = request["params"]["consistency"] == "eventual";
    let request = format!("{request}\n");
    // The state of an index that is not there yet tells nobody anything.
    let mut waits_for_index = call.method == "status";
    let progress = Progress::new();
    let mut lines = BufReader::new(lines);
    let mut line = Vec::new();
    let (mut sent, mut watches) = (false, false);
    loop {
        line.clear();
        if lines.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            // Watching ends with an interrupt.
            return if watches { 0 } else { FAILED };
        }
        let message: Value = serde_json::from_slice(&line).unwrap_or_default();
        match message["event"].as_str() {
            Some("fatal") => {
                progress.end();
                complain(&format!("error: {}", message["data"]["message"].as_str().unwrap_or("start-up failed")));
                return NOT_STARTED;
            }
            Some("indexed") => waits_for_index = false,
            Some("progress") if !watches => progress.show(&message["data"]),
            Some("partial" | "changed") => {
                progress.end();
                if show(&message["data"]).is_err() {
                    return 0;
                }
            }
            Some(_) => {}
            None => {
                progress.end();
                let failed = message["ok"] != Value::Bool(true);
                if call.method == "watch" && !failed {
                    watches = true;
                    complain("watching; an interrupt (Ctrl-C) ends it");
                    continue;
                }
                let shown = if failed {
                    complain(&format!("error: {}", message["error"]["message"].as_str().unwrap_or_default()));
                    show(&json!({ "error": message["error"] }))
                } else {
                    if message["result"]["synced"] == Value::Bool(false) && !eventual {
                        complain("warning: the answer may not reflect the disk; the log above may say why");
                    }
                    show(&message["result"])
                };
                // A reader that went away (`| head`) is no error.
                return if failed { FAILED } else { shown.map_or(0, |()| 0) };
            }
        }
        if !sent && !waits_for_index {
            sent = true;
            if requests.write_all(request.as_bytes()).await.is_err() {
                return FAILED;
            }
        }
    }
}

/// Writes a value to stdout: indented on a terminal, one line in a pipe.
fn show(value: &Value) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    let text = if stdout.is_terminal() { format!("{value:#}\n") } else { format!("{value}\n") };
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Writes a sentence to stderr.
fn complain(text: &str) {
    // There is nobody else to tell if that fails.
    let _ = writeln!(io::stderr(), "{text}");
}

/// The progress bar on a terminal.
struct Progress {
    bar: Option<ProgressBar>,
    started: Instant,
}

/// An answer that takes no longer needs no bar.
const PATIENCE: Duration = Duration::from_millis(200);

impl Progress {
    fn new() -> Self {
        Self { bar: io::stderr().is_terminal().then(ProgressBar::new_spinner), started: Instant::now() }
    }

    fn show(&self, data: &Value) {
        let Some(bar) = self.bar.as_ref().filter(|_| self.started.elapsed() > PATIENCE) else { return };
        let files = data["files"].as_u64().unwrap_or_default();
        let template = match data["filesTotal"].as_u64() {
            Some(total) => {
                bar.set_length(total);
                "indexing {wide_bar} {human_pos}/{human_len} files"
            }
            None => "scanning {spinner} {human_pos} files",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_position(files);
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
