//! Noticing that nobody reads stdout any more, without writing to it.

/// Ends when the other end of stdout is closed: the parent died, or does not care any more. Never
/// ends where that cannot be told, such as for a file; a failing write tells then.
#[cfg(unix)]
pub(super) async fn closed() {
    use rustix::event::{PollFd, PollFlags, poll};

    let (tell, closed) = tokio::sync::oneshot::channel();
    // A thread of its own: it waits for as long as the process lives, and wakes for nothing else.
    let watch = std::thread::Builder::new().name("stdout-watch".to_owned()).spawn(move || {
        let stdout = std::io::stdout();
        let gone = PollFlags::HUP | PollFlags::ERR;
        loop {
            // macOS looks at the other end only if asked for HUP; elsewhere asking changes nothing.
            let mut waited = [PollFd::new(&stdout, PollFlags::HUP)];
            match poll(&mut waited, None) {
                Ok(_) if waited[0].revents().intersects(gone) => break,
                // macOS cannot poll devices such as terminals.
                Ok(_) if waited[0].revents().contains(PollFlags::NVAL) => return,
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::warn!("stdout cannot be watched: {error}");
                    return;
                }
            }
        }
        // Nobody listens any more only when the process is ending already.
        let _ = tell.send(());
    });
    if watch.is_err() || closed.await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Pipes on Windows do not tell; a failing write does, and the end of stdin.
#[cfg(not(unix))]
pub(super) async fn closed() {
    std::future::pending().await
}
