//! From a file to a connection: `sendfile(2)`, or by reading on the blocking pool where there is no such thing.

use crate::error::at;
use crate::socket::{Stream, Transfer};
use raddle_runtime::spawn_blocking;
use std::fs::File;
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::FileExt;

/// The most that one call reads: while it waits for a disk, it holds up a worker.
#[cfg(any(target_os = "linux", target_os = "android"))]
const CALL_MAX: u64 = 1024 * 1024;
/// The buffer, where it is needed.
const BUFFER: u64 = 64 * 1024;

/// Sends `len` bytes of `file` from `offset` on, and returns `len`. The file's own position is neither used nor moved.
///
/// On Linux, `sendfile(2)` moves them inside the system. What is not in memory is read meanwhile on the worker: for
/// large files on slow disks, call it inside [`spawn_pinned`](raddle_runtime::spawn_pinned) or have them read ahead
/// (`posix_fadvise`). Where the system cannot do that with the file, or is no Linux, the file is read on the blocking
/// pool and written.
///
/// A connection whose peer is gone makes the system raise `SIGPIPE`, which Rust programs ignore unless told otherwise.
///
/// # Errors
/// Those of the file and of the connection; `UnexpectedEof`, which says how many bytes were sent, when the file ends
/// before; `InvalidInput` when offset and length are more than a file can have.
///
/// # Cancel safety
/// The bytes sent before the future is dropped are sent, without a gap; how many, only the peer knows. Send in parts
/// where that matters.
///
/// ```no_run
/// # async fn serve(client: raddle_net::TcpStream) -> std::io::Result<()> {
/// let file = std::fs::File::open("picture.png")?;
/// let len = file.metadata()?.len();
/// raddle_net::sendfile(&file, 0, len, &client).await?;
/// # Ok(())
/// # }
/// ```
pub async fn sendfile<S: Transfer>(file: &File, offset: u64, len: u64, to: &Stream<S>) -> io::Result<u64> {
    if offset.checked_add(len).is_none_or(|end| i64::try_from(end).is_err()) {
        let text = format!("send a file: {len} bytes from {offset} on are more than a file can have");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let mut sent = 0;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    while sent < len {
        match send_some(file, offset + sent, (len - sent).min(CALL_MAX), to).await {
            Ok(0) => return Err(ended(sent, len)),
            Ok(n) => sent += n,
            // Not with this kind of file.
            Err(error) if matches!(error.raw_os_error(), Some(libc::EINVAL | libc::ENOSYS)) => break,
            Err(error) => return Err(at("send", "a file", &error)),
        }
    }
    let mut buffer = Vec::new();
    while sent < len {
        let room = (len - sent).min(BUFFER);
        buffer = read_some(file, offset + sent, room, buffer).await?;
        if buffer.is_empty() {
            return Err(ended(sent, len));
        }
        write_all(to, &buffer).await?;
        sent += buffer.len() as u64;
    }
    Ok(sent)
}

fn ended(sent: u64, len: u64) -> io::Error {
    let text = format!("send a file: it ended after {sent} of the {len} bytes that were to be sent");
    io::Error::new(io::ErrorKind::UnexpectedEof, text)
}

/// One `sendfile` that moves something, or finds the end of the file.
#[cfg(any(target_os = "linux", target_os = "android"))]
async fn send_some<S: Transfer>(file: &File, offset: u64, len: u64, to: &Stream<S>) -> io::Result<u64> {
    let call = || {
        let mut offset = offset;
        Ok(rustix::fs::sendfile(&to.io, file, Some(&mut offset), len as usize)? as u64)
    };
    to.registration.async_io(raddle_runtime::io::Interest::WRITABLE, call).await
}

/// Reads up to `len` bytes into `buffer`, on the blocking pool.
async fn read_some(file: &File, offset: u64, len: u64, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    let file = file.try_clone().map_err(|error| at("send", "a file", &error))?;
    let read = spawn_blocking(move || {
        buffer.resize(len as usize, 0);
        let n = file.read_at(&mut buffer, offset)?;
        buffer.truncate(n);
        Ok(buffer)
    });
    let read: io::Result<_> = read.await.map_err(io::Error::other)?;
    read.map_err(|error| at("read", "a file to be sent", &error))
}

async fn write_all<S: Transfer>(to: &Stream<S>, mut data: &[u8]) -> io::Result<()> {
    while !data.is_empty() {
        let taken = poll_fn(|cx| to.poll_write_stream(cx, data)).await?;
        data = &data[taken..];
    }
    Ok(())
}
