//! Running the server loop: what it waits for, and how it ends.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, sleep_until};

use super::event::Event;
use super::input::{Input, LineReader};
use super::output::{Output, Room};
use super::run::{Loop, TERMINATE_GRACE, event_line};
use super::workers::Workers;
use crate::methods::Config;
use crate::watch::Source;

/// How the process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// `shutdown`, end of input, SIGTERM, or nobody reads stdout any more: status 0.
    Done,
    /// A defect: status 1.
    Failed,
    /// Start-up failed, after `fatal`: status 3.
    NotStarted,
}

/// What the server reads, writes and listens to.
pub struct Io<R, W, T, C> {
    /// Requests.
    pub stdin: R,
    /// Responses and events.
    pub stdout: W,
    /// Ends when the process is asked to end by a signal.
    pub terminate: T,
    /// Ends when nobody reads stdout any more.
    pub closed: C,
}

/// How often `progress` is told.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(100);

/// How long the end of the process may be put off by what is being written to the cache.
const KEEPING_GRACE: Duration = Duration::from_secs(2);

/// How many blocking threads the runtime needs, so that stdin, stdout and the index never wait for requests.
pub fn blocking_threads(threads: usize) -> usize {
    Workers::slots(threads) + 8
}

/// Serves a workspace until the input ends or somebody asks for the end.
pub async fn serve<R, W, T, C>(root: &Path, config: Config, started: Instant, io: Io<R, W, T, C>) -> Exit
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    serve_with(root, config, started, io, None).await
}

/// As [`serve`], with watchers that come from `source` rather than from the operating system.
pub async fn serve_with<R, W, T, C>(
    root: &Path,
    config: Config,
    started: Instant,
    io: Io<R, W, T, C>,
    source: Option<Arc<dyn Source>>,
) -> Exit
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin + Send + 'static,
    T: Future<Output = ()> + Send + 'static,
    C: Future<Output = ()> + Send + 'static,
{
    let (events, mut received) = mpsc::unbounded_channel();
    let room = Room::new(config.limits.max_queued_bytes as usize);
    let (output, writer) = Output::start(io.stdout, room.clone(), events.clone());
    let mut server = match Loop::start(root, config, started, source, output, room, events) {
        Ok(server) => server,
        Err((output, fatal)) => {
            tracing::error!("cannot start: {}", fatal.message);
            output.send(event_line("fatal", &fatal));
            drop(output);
            let _ = writer.await;
            return Exit::NotStarted;
        }
    };
    let mut reader = LineReader::new(io.stdin, server.shared.config.limits.max_request_bytes as usize);
    tell(io.terminate, Event::Terminate, &server.events);
    tell(io.closed, Event::OutputClosed, &server.events);
    let mut progress = tokio::time::interval(PROGRESS_INTERVAL);
    progress.set_missed_tick_behavior(MissedTickBehavior::Delay);
    server.index.advance();
    while server.end.is_none() {
        let deadline = server.next_deadline();
        tokio::select! {
            biased;
            Some(event) = received.recv() => server.handle(event),
            () = sleep_until(deadline.unwrap_or_else(Instant::now).into()), if deadline.is_some() => server.expire(),
            _ = progress.tick(), if server.tells_progress() => server.tell_progress(),
            input = reader.next(), if server.takes_input() => server.input(input.unwrap_or_else(|error| {
                tracing::error!("stdin cannot be read: {error}");
                Input::End
            })),
        }
    }
    // What was read together with `shutdown` is answered, too.
    while server.shut_down && reader.has_line() {
        server.input(reader.next().await.unwrap_or(Input::End));
    }
    let (exit, grace) = server.end.unwrap_or((Exit::Failed, Duration::ZERO));
    server.index.stop();
    let kept = server.index.writing();
    // Dropping the loop closes the writer's queue: it ends when all is written.
    drop(server);
    tokio::select! {
        biased;
        _ = writer => {}
        () = tokio::time::sleep(grace) => {}
        () = last_order(&mut received) => {}
    }
    // Nobody waits for it, but the next run is faster. Where it is cut off, what was kept before stays.
    if let Some(kept) = kept.filter(|_| !grace.is_zero()) {
        let _ = tokio::time::timeout(grace.min(KEEPING_GRACE), kept).await;
    }
    exit
}

/// Turns the end of a future into an event.
fn tell(what: impl Future<Output = ()> + Send + 'static, event: Event, events: &mpsc::UnboundedSender<Event>) {
    let events = events.clone();
    tokio::spawn(async move {
        what.await;
        let _ = events.send(event);
    });
}

/// While what is left to say is written: waits until there is no more time for that, or nobody to say it to.
async fn last_order(events: &mut mpsc::UnboundedReceiver<Event>) {
    while let Some(event) = events.recv().await {
        match event {
            Event::Terminate => return tokio::time::sleep(TERMINATE_GRACE).await,
            Event::OutputClosed => return,
            _ => {}
        }
    }
    std::future::pending::<()>().await;
}
