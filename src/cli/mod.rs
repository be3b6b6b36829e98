//! The command line.

mod allocator;
mod args;
mod call;
mod logging;
mod stdio;
mod stdout_watch;

use std::future::Future;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser as _;

use crate::schema;
use crate::server::{self, Exit, Io};
use args::{Cli, Command, Options};

/// Exit status 1: a defect, or, for `call`, an error response.
const FAILED: u8 = 1;
/// How long threads that are told to stop get for it on Windows.
const STOP_TIME: Duration = Duration::from_millis(100);
/// Exit status 3: start-up failed.
const NOT_STARTED: u8 = 3;

/// Parses the arguments and does what they say. Exits with status 2 where they make no sense.
pub fn main() -> ExitCode {
    let started = Instant::now();
    let cli = Cli::parse();
    if !matches!(cli.command, Some(Command::Schema { .. })) {
        allocator::keep_little();
    }
    match cli.command {
        None => serve(&cli.options, started),
        Some(Command::Call(call)) => call::run(&call, &cli.options, started),
        Some(Command::Schema { format }) => print(&schema::render(format)),
    }
}

fn serve(options: &Options, started: Instant) -> ExitCode {
    let root = options.required_root();
    logging::start(options.log_level, options.log_format);
    raise_file_limit();
    let config = options.config(options.progress);
    block_on(config.threads, async move {
        let io = Io {
            stdin: stdio::stdin(),
            stdout: stdio::stdout(),
            terminate: terminate(),
            closed: stdout_watch::closed(),
        };
        server::serve(&root, config, started, io).await
    })
    .map_or(ExitCode::from(FAILED), status)
}

/// Shells start programs with a low soft limit on open files; walks and searches hold many.
fn raise_file_limit() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let limit = getrlimit(Resource::Nofile);
        // macOS refuses more than OPEN_MAX, and no program of ours needs more.
        let wanted = limit.maximum.map_or(10_240, |maximum| maximum.min(10_240));
        if limit.current.is_some_and(|current| current < wanted)
            && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(wanted), maximum: limit.maximum })
        {
            tracing::debug!("the limit on open files stays as it is: {error}");
        }
    }
}

/// To write past a limit on the size of files, or where nobody reads, is an error, and not the end of the process.
fn outlive_failed_writes() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let too_large = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
        // The second is ignored from the start, but not any more after a second start that failed (`allocator`).
        for kind in [too_large, SignalKind::pipe()] {
            // It stays handled though nobody waits for it.
            if let Err(error) = signal(kind) {
                tracing::debug!("a write that fails may end the process: {error}");
            }
        }
    }
}

fn status(exit: Exit) -> ExitCode {
    match exit {
        Exit::Done => ExitCode::SUCCESS,
        Exit::Failed => ExitCode::from(FAILED),
        Exit::NotStarted => ExitCode::from(NOT_STARTED),
    }
}

/// Runs the server's loop on this thread. Threads that still block (on stdin, on a disk) are left behind.
fn block_on<T>(threads: usize, task: impl Future<Output = T>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(server::blocking_threads(threads))
        .build();
    match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(async {
                outlive_failed_writes();
                task.await
            });
            // The end of a Windows process kills its threads wherever they are, perhaps inside the allocator,
            // which the end of the process needs, too: those that are told to stop get a moment to do so.
            // Unix ends a process without asking its threads.
            runtime.shutdown_timeout(if cfg!(windows) { STOP_TIME } else { Duration::ZERO });
            logging::flush();
            Some(result)
        }
        Err(error) => {
            tracing::error!("the runtime cannot be started: {error}");
            None
        }
    }
}

/// Waits for SIGTERM or SIGINT (on Windows: Ctrl-C, Ctrl-Break, the console's end).
async fn terminate() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        match (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
            (Ok(mut terminate), Ok(mut interrupt)) => {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
            }
            (Err(error), _) | (_, Err(error)) => {
                tracing::warn!("signals cannot be handled: {error}");
                std::future::pending::<()>().await;
            }
        }
    }
    #[cfg(not(unix))]
    {
        use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close};
        match (ctrl_c(), ctrl_break(), ctrl_close()) {
            (Ok(mut c), Ok(mut pause), Ok(mut close)) => {
                tokio::select! {
                    _ = c.recv() => {}
                    _ = pause.recv() => {}
                    _ = close.recv() => {}
                }
            }
            _ => {
                tracing::warn!("console events cannot be handled");
                std::future::pending::<()>().await;
            }
        }
    }
}

/// Writes to stdout. A reader that went away (`| head`) is no error.
fn print(text: &str) -> ExitCode {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            tracing::error!("stdout cannot be written: {error}");
            ExitCode::from(FAILED)
        }
        _ => ExitCode::SUCCESS,
    }
}
