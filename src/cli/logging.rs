//! The log: stderr, text or JSON lines, never file contents.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;

use super::args::{LogFormat, LogLevel};

/// Starts logging. A stderr that nobody reads is no reason to stop.
pub(super) fn start(level: LogLevel, format: LogFormat) {
    let level = match level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
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
