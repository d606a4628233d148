//! Pipes: anonymous ones by [`pipe()`], and FIFOs, which have a name in the file system, by [`OpenOptions`].
//!
//! An end is a [`Sender`] or a [`Receiver`]. Both come from descriptors and files as well, for what a child process has
//! for its input and output.

mod kind;
mod open;
mod receiver;
mod sender;

pub use kind::Pipe;
pub use open::OpenOptions;
pub use receiver::Receiver;
pub use sender::Sender;

use std::io;

/// An anonymous pipe: what the sender writes, the receiver reads. Neither end is inherited by child processes: give one
/// away by [`Sender::into_blocking_fd`] or [`Receiver::into_blocking_fd`].
///
/// # Errors
/// When the process or the system has no more descriptors.
///
/// # Panics
/// Outside a runtime.
///
/// ```
/// # fn main() -> std::io::Result<()> {
/// use futures_lite::{AsyncReadExt, AsyncWriteExt};
///
/// raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
///     let (mut sender, mut receiver) = raddle_net::pipe::pipe()?;
///     sender.write_all(b"hello").await?;
///     drop(sender);
///     let mut text = String::new();
///     receiver.read_to_string(&mut text).await?;
///     assert_eq!(text, "hello");
///     Ok(())
/// })
/// # }
/// ```
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let (read, write) = std::io::pipe()?;
    Ok((Sender::from_owned_fd(write.into())?, Receiver::from_owned_fd(read.into())?))
}
