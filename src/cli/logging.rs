//! The log: stderr, text or JSON lines, never file contents.

use std::io::{self, IsTerminal as _, Write};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use tracing::level_filters::LevelFilter;

use super::args::{LogFormat, LogLevel};

/// Lines that wait to be written; more are dropped.
const QUEUE: usize = 1024;
/// How long the end of the process waits for the last lines.
const FLUSH: Duration = Duration::from_millis(100);

/// The way to the thread that writes to stderr. Nobody who logs ever waits for whoever reads stderr.
static LOG: OnceLock<SyncSender<Message>> = OnceLock::new();

enum Message {
    Line(Vec<u8>),
    /// Answered once all lines before it are written.
    Flush(SyncSender<()>),
}

/// Hands each line to the thread that writes, or drops it if too many wait already.
struct Line(SyncSender<Message>);

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.try_send(Message::Line(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn write_lines(messages: &Receiver<Message>) {
    for message in messages {
        match message {
            // A stderr that is closed is no reason to stop.
            Message::Line(line) => drop(io::stderr().write_all(&line)),
            Message::Flush(done) => drop(done.send(())),
        }
    }
}

/// Waits a moment until what was logged is written.
pub(super) fn flush() {
    let (done, wait) = sync_channel(1);
    if let Some(log) = LOG.get()
        && log.try_send(Message::Flush(done)).is_ok()
    {
        let _ = wait.recv_timeout(FLUSH);
    }
}

/// Starts logging.
pub(super) fn start(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let (log, messages) = sync_channel(QUEUE);
    let _ = LOG.set(log.clone());
    // Without a thread, the queue fills and everything is dropped: a log is not worth failing for.
    let _ = std::thread::Builder::new().name("log".to_owned()).spawn(move || write_lines(&messages));
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(move || Line(log.clone()))
        .with_ansi(std::io::stderr().is_terminal())
        .log_internal_errors(false);
    let started = match format {
        LogFormat::Text => builder.with_target(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    // Somebody who uses the library may log already.
    drop(started);
    std::panic::set_hook(Box::new(|panic| {
        // The payload may quote a file's content; the place is enough to find the defect.
        let place = panic.location().map_or_else(String::new, ToString::to_string);
        let thread = std::thread::current();
        tracing::error!(place, thread = thread.name().unwrap_or("?"), "a defect: the code panicked");
    }));
}
