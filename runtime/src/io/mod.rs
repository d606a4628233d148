//! Waiting for file descriptors: [`AsyncFd`] for any of them, and the traits that Raddle's streams speak.

pub mod async_fd;
pub mod registration;

pub use crate::driver::io::interest::{Direction, Interest, Ready};
pub use crate::driver::io::source::ReadyEvent;
pub use async_fd::AsyncFd;
pub use futures_io::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite};
#[doc(hidden)]
pub use registration::Registration;
