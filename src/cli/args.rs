//! The arguments.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::glob;
use crate::methods::Config;
use crate::protocol::events::Limits;
use crate::protocol::watch::WatchMode;
use crate::schema;

/// A read-only file layer for editors: serves reads, globs, searches and TSX facts of one workspace.
///
/// Reads one JSON request a line from stdin and writes one JSON response or event a line to stdout
/// until stdin ends; logs go to stderr. Nothing is ever written to the workspace.
#[derive(Debug, Parser)]
#[command(version, after_long_help = EXAMPLES)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
    #[command(flatten)]
    pub(super) options: Options,
}

const EXAMPLES: &str = r#"Examples:
  Serve the current directory; type requests, end with Ctrl-D:
    workspace-sidecar --root .

  Ask from a shell:
    echo '{"id":"1","method":"search","params":{"pattern":"useState"}}' | workspace-sidecar --root .

  One request, for a person:
    workspace-sidecar call search '{"pattern":"useState","include":["*.tsx"]}' --root .

Exit status: 0 after `shutdown`, the end of stdin or SIGTERM; 1 a defect; 2 wrong usage;
3 the workspace cannot be opened (after a `fatal` event)."#;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Answers one request and exits: pretty on a terminal, plain JSON in a pipe; `watch` tells of changes until
    /// it is interrupted
    Call(Call),
    /// Prints the contract: JSON Schema, TypeScript types or the reference text
    Schema {
        /// What to print
        #[arg(long, value_enum, default_value = "json-schema")]
        format: schema::Format,
    },
}

const CALL_EXAMPLES: &str = r#"Examples:
  workspace-sidecar call status
  workspace-sidecar call glob '{"include":["src/**/*.tsx"]}' --root ~/project
  workspace-sidecar call search '{"pattern":"use[A-Z]\\w+","regex":true}' --root ~/project | jq '.files[].path'
  workspace-sidecar call parse '{"path":"src/App.tsx","facts":["jsx"]}'
  workspace-sidecar call watch '{"include":["src/**"]}'

The result is printed to stdout; of `watch`, the data of each `changed` event, until Ctrl-C. An error response is
printed as {"error": …}, and the exit status is 1; it is 2 for wrong usage, and 3 if the workspace cannot be opened.
A search is answered as soon as it can be, before the index is there, by reading all files: its `stats` then say
"indexed": false."#;

#[derive(Debug, Args)]
#[command(after_long_help = CALL_EXAMPLES)]
pub(super) struct Call {
    /// The method, for example `search`
    pub(super) method: String,
    /// Its params as a JSON object
    pub(super) params: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The workspace directory [`call`: the current directory if absent]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,

    /// Leave out what matches, as a line of .gitignore would; may be given several times
    #[arg(long, global = true, value_name = "GLOB", value_parser = parse_glob)]
    exclude: Vec<String>,

    /// Where to keep the index between runs, so that the next start is faster; made if absent, not in the workspace
    /// [default: nothing is kept]
    #[arg(long, global = true, value_name = "DIR")]
    cache_dir: Option<PathBuf>,

    /// How to notice changes
    #[arg(long, global = true, value_enum, default_value = "native")]
    watch: WatchMode,

    /// Write `progress` events while the first index is built
    #[arg(long, global = true)]
    pub(super) progress: bool,

    /// What to log to stderr
    #[arg(long, global = true, value_enum, default_value = "info")]
    pub(super) log_level: LogLevel,

    /// How to log to stderr
    #[arg(long, global = true, value_enum, default_value = "text")]
    pub(super) log_format: LogFormat,

    /// Threads that read, hash and search [default: one for each processor]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZeroUsize>,

    /// How long requests that were read are still answered after the end of stdin, in seconds (or `500ms`)
    #[arg(long, global = true, value_name = "SECONDS", default_value = "30", value_parser = parse_duration)]
    drain_timeout: Duration,

    /// How long a synced answer may take to become fresh, in milliseconds
    #[arg(long, global = true, value_name = "MS", default_value_t = 2000)]
    sync_timeout_ms: u64,

    /// The longest request line; longer ones are discarded
    #[arg(long, global = true, value_name = "N", default_value_t = 16 << 20, value_parser = clap::value_parser!(u64).range(256..=1 << 32))]
    max_request_bytes: u64,

    /// The longest response line; listings and searches are cut there
    #[arg(long, global = true, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(4096..=1 << 32))]
    max_response_bytes: u64,

    /// Requests in flight; further ones wait
    #[arg(long, global = true, value_name = "N", default_value_t = 256, value_parser = clap::value_parser!(u64).range(1..=1 << 16))]
    max_in_flight: u64,

    /// The largest file that is searched
    #[arg(long, global = true, value_name = "N", default_value_t = 512 << 20)]
    max_file_bytes: u64,

    /// The largest source that is parsed
    #[arg(long, global = true, value_name = "N", default_value_t = crate::tsx::MAX_PARSE_BYTES as u64)]
    max_parse_bytes: u64,

    /// Output that waits to be read; past it, work and reading pause
    #[arg(long, global = true, value_name = "N", default_value_t = 64 << 20, value_parser = clap::value_parser!(u64).range(1024..=1 << 32))]
    max_queued_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

impl Options {
    /// The root, or exit status 2.
    pub(super) fn required_root(&self) -> PathBuf {
        self.root
            .clone()
            .unwrap_or_else(|| usage(None, "the argument `--root <DIR>` is missing: name the workspace directory"))
    }

    /// What the server is to be started with.
    pub(super) fn config(&self, progress: bool) -> Config {
        let processors = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Config {
            limits: Limits {
                max_request_bytes: self.max_request_bytes,
                max_response_bytes: self.max_response_bytes,
                max_in_flight: self.max_in_flight,
                max_file_bytes: self.max_file_bytes,
                max_parse_bytes: self.max_parse_bytes,
                max_queued_bytes: self.max_queued_bytes,
                sync_timeout_ms: self.sync_timeout_ms,
            },
            exclude: self.exclude.clone(),
            threads: self.threads.map_or_else(processors, NonZeroUsize::get).min(MAX_THREADS),
            progress,
            watch: self.watch,
            cache_dir: self.cache_dir.clone(),
            drain_timeout: self.drain_timeout,
        }
    }
}

/// Says what is wrong with the arguments, and how they are to be, of a subcommand if one is named; exits with status 2.
pub(super) fn usage(subcommand: Option<&str>, problem: &str) -> ! {
    let mut cli = Cli::command();
    // Only then a subcommand knows its full name.
    cli.build();
    match subcommand.and_then(|name| cli.find_subcommand_mut(name)) {
        Some(subcommand) => subcommand.error(ErrorKind::InvalidValue, problem).exit(),
        None => cli.error(ErrorKind::InvalidValue, problem).exit(),
    }
}

/// More threads than this only wait for each other.
const MAX_THREADS: usize = 64;

fn parse_glob(text: &str) -> Result<String, String> {
    glob::check(text).map(|()| text.to_owned()).map_err(|error| error.message)
}

/// `30`, `1.5`, `30s` or `500ms`.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    number
        .parse::<f64>()
        .ok()
        .and_then(|number| Duration::try_from_secs_f64(number * unit).ok())
        .ok_or_else(|| format!("{text:?} is not a number of seconds"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations() {
        for (text, ms) in [("30", 30_000), ("1.5", 1500), ("2s", 2000), ("500ms", 500), ("0", 0)] {
            assert_eq!(parse_duration(text).unwrap().as_millis(), ms, "{text}");
        }
        for text in ["", "x", "-1", "s", "nan", "1e300"] {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }
}
