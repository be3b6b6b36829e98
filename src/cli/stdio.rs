//! stdin and stdout, on the loop's own thread where that is possible.
//!
//! tokio reads and writes both on other threads, as they may block; each line then takes three threads. What Node, and
//! so Electron, gives a child as its pipes are sockets on Unix, and on Linux a socket can be asked not to block call by
//! call. (To set the whole file to not block would also do it for other processes that have it open.)
//!
//! Not on macOS: a `send` there blocks although `MSG_DONTWAIT` is set, and the loop would wait for whoever reads stdout.

#[cfg(target_os = "linux")]
pub(super) use sockets::{stdin, stdout};

#[cfg(not(target_os = "linux"))]
pub(super) use tokio::io::{stdin, stdout};

#[cfg(target_os = "linux")]
mod sockets {
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::pin::Pin;
    use std::task::{Context, Poll, ready};

    use rustix::net::{RecvFlags, SendFlags, recv, send};
    use tokio::io::unix::AsyncFd;
    use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Stdin, Stdout};

    /// A standard stream.
    pub(in crate::cli) enum Stream<Other> {
        Socket(AsyncFd<OwnedFd>),
        /// A file, a pipe of a shell, a terminal.
        Other(Other),
    }

    /// Must be called within the runtime.
    pub(in crate::cli) fn stdin() -> Stream<Stdin> {
        socket(io::stdin(), Interest::READABLE).map_or_else(|| Stream::Other(tokio::io::stdin()), Stream::Socket)
    }

    /// Must be called within the runtime.
    pub(in crate::cli) fn stdout() -> Stream<Stdout> {
        socket(io::stdout(), Interest::WRITABLE).map_or_else(|| Stream::Other(tokio::io::stdout()), Stream::Socket)
    }

    /// The stream, if it is a socket of bytes that can be waited for.
    #[expect(deprecated, reason = "the successor is for descriptors that others may close; this one is owned")]
    fn socket(stream: impl AsFd, interest: Interest) -> Option<AsyncFd<OwnedFd>> {
        use rustix::net::{SocketType, sockopt::socket_type};

        let bytes = socket_type(&stream).is_ok_and(|kind| kind == SocketType::STREAM);
        let own = bytes.then(|| stream.as_fd().try_clone_to_owned().ok()).flatten()?;
        AsyncFd::with_interest(own, interest)
            .inspect_err(|error| tracing::debug!("a standard stream is left to a thread: {error}"))
            .ok()
    }

    impl AsyncRead for Stream<Stdin> {
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let socket = match self.get_mut() {
                Self::Socket(socket) => socket,
                Self::Other(stdin) => return Pin::new(stdin).poll_read(cx, buf),
            };
            loop {
                let mut ready = ready!(socket.poll_read_ready(cx))?;
                let read = ready.try_io(|socket| {
                    Ok(recv(socket.get_ref(), buf.initialize_unfilled(), RecvFlags::DONTWAIT).map(|(_, read)| read)?)
                });
                if let Ok(read) = read {
                    return Poll::Ready(read.map(|read| buf.advance(read)));
                }
            }
        }
    }

    impl AsyncWrite for Stream<Stdout> {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let socket = match self.get_mut() {
                Self::Socket(socket) => socket,
                Self::Other(stdout) => return Pin::new(stdout).poll_write(cx, bytes),
            };
            loop {
                let mut ready = ready!(socket.poll_write_ready(cx))?;
                if let Ok(written) = ready.try_io(|socket| Ok(send(socket.get_ref(), bytes, SendFlags::DONTWAIT)?)) {
                    return Poll::Ready(written);
                }
            }
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Socket(_) => Poll::Ready(Ok(())),
                Self::Other(stdout) => Pin::new(stdout).poll_flush(cx),
            }
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Socket(_) => Poll::Ready(Ok(())),
                Self::Other(stdout) => Pin::new(stdout).poll_shutdown(cx),
            }
        }
    }
}
