//! [`Protocol`] and [`BufferedProtocol`]: asyncio's callbacks of a connection.

use super::handle::Transport;
use std::cell::Cell;
use std::io;
use std::task::{Poll, ready};

/// What one read brings at most; as asyncio.
const READ_MAX: usize = 256 * 1024;

/// What happens to one connection, told by calls.
///
/// They come in this order, one at a time, on whichever core is free: `connection_made`; any number of
/// `data_received`, at most one `eof_received`, and `pause_writing` and `resume_writing` by turns; `connection_lost`.
/// They are called by the connection's own task, so other tasks go on meanwhile, but this connection does not: what
/// takes long belongs in a task that has a clone of the [`Transport`].
///
/// A callback that panics ends its connection: `connection_lost` is called with an error that tells, and the panic is
/// that of the connection's task. When that task is cancelled, or the runtime shuts down, the protocol is dropped
/// without a further call.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use raddle_net::{Protocol, Transport, create_server};
///
/// #[derive(Default)]
/// struct Echo(Option<Transport>);
///
/// impl Protocol for Echo {
///     fn connection_made(&mut self, transport: Transport) {
///         self.0 = Some(transport);
///     }
///
///     fn data_received(&mut self, data: &[u8]) {
///         let transport = self.0.as_ref().expect("connection_made comes first");
///         transport.write(data);
///     }
/// }
///
/// # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
/// let server = create_server(Echo::default, "127.0.0.1:0").await?;
/// println!("serving at {:?}", server.sockets());
/// server.close();
/// # Ok(()) })
/// # }
/// ```
pub trait Protocol: Send {
    /// The connection is there. The transport writes to it, and is usually kept.
    fn connection_made(&mut self, transport: Transport) {
        let _ = transport;
    }

    /// Bytes came: one at least, however the peer cut them into writes.
    fn data_received(&mut self, data: &[u8]) {
        let _ = data;
    }

    /// The peer sends no more. True leaves the connection open for writing, until it is closed on this side; false
    /// closes it now, once what is written is sent.
    fn eof_received(&mut self) -> bool {
        false
    }

    /// The connection has ended; nothing comes after this. `None`: it was closed or aborted on this side, also because
    /// the peer sent its end. Else it was lost.
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }

    /// More is written than the peer takes: the write buffer has gone above its high-water mark. Called right after
    /// the callback that wrote, or while others write.
    fn pause_writing(&mut self) {}

    /// The write buffer has come down to its low-water mark.
    fn resume_writing(&mut self) {}
}

/// A [`Protocol`] that says where the bytes are to go, and so saves a copy.
///
/// All that is said of [`Protocol`] holds, with [`BufferedProtocol::get_buffer`] and
/// [`BufferedProtocol::buffer_updated`] in place of `data_received`.
pub trait BufferedProtocol: Send {
    /// As [`Protocol::connection_made`].
    fn connection_made(&mut self, transport: Transport) {
        let _ = transport;
    }

    /// Where the next bytes go; about `size_hint` bytes would be good, and one is needed. What comes first is told by
    /// `buffer_updated`. It is asked before each read, also when it turns out that there is nothing to read.
    ///
    /// An empty buffer ends the connection with an error.
    fn get_buffer(&mut self, size_hint: usize) -> &mut [u8];

    /// The first `count` bytes of the buffer that was asked for last have come.
    fn buffer_updated(&mut self, count: usize);

    /// As [`Protocol::eof_received`].
    fn eof_received(&mut self) -> bool {
        false
    }

    /// As [`Protocol::connection_lost`].
    fn connection_lost(&mut self, error: Option<io::Error>) {
        let _ = error;
    }

    /// As [`Protocol::pause_writing`].
    fn pause_writing(&mut self) {}

    /// As [`Protocol::resume_writing`].
    fn resume_writing(&mut self) {}
}

/// One read into the buffer that is given.
type Read<'a> = dyn FnMut(&mut [u8]) -> Poll<io::Result<usize>> + 'a;

/// Either kind of protocol; `Kind` is inferred. There is nothing to implement here: see [`Protocol`] and
/// [`BufferedProtocol`].
pub trait AnyProtocol<Kind>: Send + 'static {
    #[doc(hidden)]
    fn made(&mut self, transport: Transport);
    #[doc(hidden)]
    fn receive(&mut self, read: &mut Read<'_>) -> Poll<io::Result<usize>>;
    #[doc(hidden)]
    fn eof(&mut self) -> bool;
    #[doc(hidden)]
    fn lost(&mut self, error: Option<io::Error>);
    #[doc(hidden)]
    fn paused(&mut self, paused: bool);
}

/// The kind of a [`Protocol`].
#[derive(Debug)]
pub enum Streaming {}

/// The kind of a [`BufferedProtocol`].
#[derive(Debug)]
pub enum Buffering {}

impl<P: Protocol + 'static> AnyProtocol<Streaming> for P {
    fn made(&mut self, transport: Transport) {
        self.connection_made(transport);
    }

    fn receive(&mut self, read: &mut Read<'_>) -> Poll<io::Result<usize>> {
        with_buffer(|buf| {
            let count = ready!(read(buf))?;
            if count > 0 {
                self.data_received(&buf[..count]);
            }
            Poll::Ready(Ok(count))
        })
    }

    fn eof(&mut self) -> bool {
        self.eof_received()
    }

    fn lost(&mut self, error: Option<io::Error>) {
        self.connection_lost(error);
    }

    fn paused(&mut self, paused: bool) {
        if paused { self.pause_writing() } else { self.resume_writing() }
    }
}

impl<P: BufferedProtocol + 'static> AnyProtocol<Buffering> for P {
    fn made(&mut self, transport: Transport) {
        self.connection_made(transport);
    }

    fn receive(&mut self, read: &mut Read<'_>) -> Poll<io::Result<usize>> {
        let buf = self.get_buffer(READ_MAX);
        if buf.is_empty() {
            let error = io::Error::new(io::ErrorKind::InvalidInput, "get_buffer gave an empty buffer");
            return Poll::Ready(Err(error));
        }
        let count = ready!(read(buf))?;
        if count > 0 {
            self.buffer_updated(count);
        }
        Poll::Ready(Ok(count))
    }

    fn eof(&mut self) -> bool {
        self.eof_received()
    }

    fn lost(&mut self, error: Option<io::Error>) {
        self.connection_lost(error);
    }

    fn paused(&mut self, paused: bool) {
        if paused { self.pause_writing() } else { self.resume_writing() }
    }
}

thread_local! {
    /// What this thread reads into: a connection owns no buffer. Absent before the first read, and while it is used.
    static BUFFER: Cell<Option<Box<[u8]>>> = const { Cell::new(None) };
}

pub(super) fn with_buffer<R>(f: impl FnOnce(&mut [u8]) -> R) -> R {
    // Zeroed memory that nobody has touched yet is not there yet either: only what is read costs.
    let mut buf = BUFFER.take().unwrap_or_else(|| vec![0; READ_MAX].into_boxed_slice());
    let result = f(&mut buf);
    BUFFER.set(Some(buf));
    result
}
