//! Noticing that nobody reads stdout any more, without writing to it.

/// Ends when the other end of stdout is closed: the parent died, or does not care any more. Never
/// ends where that cannot be told, such as for a file; a failing write tells then.
#[cfg(unix)]
pub(super) async fn closed() {
    use tokio::io::Interest;
    use tokio::io::unix::AsyncFd;

    // A file or /dev/null cannot be waited for, and has no other end.
    if let Ok(stdout) = AsyncFd::register_with_interest(std::io::stdout(), Interest::WRITABLE | Interest::ERROR) {
        while let Ok(mut guard) = stdout.ready(Interest::WRITABLE | Interest::ERROR).await {
            if guard.ready().is_write_closed() || guard.ready().is_error() {
                return;
            }
            guard.clear_ready();
        }
    }
    std::future::pending().await
}

/// Pipes on Windows do not tell; a failing write does, and the end of stdin.
#[cfg(not(unix))]
pub(super) async fn closed() {
    std::future::pending().await
}
