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
    use std::sync::Arc;
    use std::task::{Context, Poll, ready};

    use rustix::net::{RecvFlags, SendFlags, recv, send};
    use tokio::io::unix::AsyncFd;
    use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};

    type Socket = Arc<OwnedFd>;

    /// Requests.
    pub(in crate::cli) enum Stdin {
        Socket(AsyncFd<Socket>),
        /// A file, a pipe of a shell, a terminal.
        Other(tokio::io::Stdin),
    }

    /// Responses and events.
    pub(in crate::cli) enum Stdout {
        Socket {
            socket: Socket,
            /// While it is full. Registered for longer, it would wake the loop each time the other side reads.
            full: Option<AsyncFd<Socket>>,
        },
        Other(tokio::io::Stdout),
    }

    /// Must be called within the runtime.
    pub(in crate::cli) fn stdin() -> Stdin {
        socket(io::stdin())
            .and_then(|socket| {
                registered(socket, Interest::READABLE)
                    .inspect_err(|error| tracing::debug!("stdin is left to a thread: {error}"))
                    .ok()
            })
            .map_or_else(|| Stdin::Other(tokio::io::stdin()), Stdin::Socket)
    }

    /// Must be called within the runtime.
    pub(in crate::cli) fn stdout() -> Stdout {
        socket(io::stdout())
            .map_or_else(|| Stdout::Other(tokio::io::stdout()), |socket| Stdout::Socket { socket, full: None })
    }

    /// The stream, if it is a socket of bytes.
    fn socket(stream: impl AsFd) -> Option<Socket> {
        use rustix::net::{SocketType, sockopt::socket_type};

        let bytes = socket_type(&stream).is_ok_and(|kind| kind == SocketType::STREAM);
        bytes.then(|| stream.as_fd().try_clone_to_owned().ok()).flatten().map(Arc::new)
    }

    #[expect(deprecated, reason = "the successor is for descriptors that others may close; this one is owned")]
    fn registered(socket: Socket, interest: Interest) -> io::Result<AsyncFd<Socket>> {
        AsyncFd::with_interest(socket, interest)
    }

    impl AsyncRead for Stdin {
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            let socket = match self.get_mut() {
                Self::Socket(socket) => socket,
                Self::Other(stdin) => return Pin::new(stdin).poll_read(cx, buf),
            };
            loop {
                let mut ready = ready!(socket.poll_read_ready(cx))?;
                let room = buf.remaining();
                let read = ready.try_io(|socket| {
                    Ok(recv(socket.get_ref(), buf.initialize_unfilled(), RecvFlags::DONTWAIT).map(|(_, read)| read)?)
                });
                let Ok(read) = read else { continue };
                // There was no more, or there will be an event: nothing need be read only to find that out.
                if read.as_ref().is_ok_and(|read| (1..room).contains(read)) {
                    ready.clear_ready();
                }
                return Poll::Ready(read.map(|read| buf.advance(read)));
            }
        }
    }

    impl AsyncWrite for Stdout {
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
            let (socket, full) = match self.get_mut() {
                Self::Socket { socket, full } => (socket, full),
                Self::Other(stdout) => return Pin::new(stdout).poll_write(cx, bytes),
            };
            loop {
                let Some(waiting) = full else {
                    match send(&*socket, bytes, SendFlags::DONTWAIT) {
                        Err(rustix::io::Errno::AGAIN) => {
                            *full = Some(registered(Arc::clone(socket), Interest::WRITABLE)?);
                            continue;
                        }
                        written => return Poll::Ready(Ok(written?)),
                    }
                };
                let mut ready = ready!(waiting.poll_write_ready(cx))?;
                let written = ready.try_io(|socket| Ok(send(socket.get_ref(), bytes, SendFlags::DONTWAIT)?));
                let Ok(written) = written else { continue };
                drop(ready);
                if written.as_ref().is_ok_and(|written| *written == bytes.len()) {
                    *full = None;
                }
                return Poll::Ready(written);
            }
        }

        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Socket { .. } => Poll::Ready(Ok(())),
                Self::Other(stdout) => Pin::new(stdout).poll_flush(cx),
            }
        }

        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            match self.get_mut() {
                Self::Socket { .. } => Poll::Ready(Ok(())),
                Self::Other(stdout) => Pin::new(stdout).poll_shutdown(cx),
            }
        }
    }
}
