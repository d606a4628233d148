//! UDP.
//!
//! [`UdpSocket`] sends and receives one datagram per system call. Where there are many of them, [`SendBatch`] and
//! [`RecvBatch`] move dozens in one call: [`UdpSocket::send_batch`], [`UdpSocket::recv_batch`].
//!
//! The system's side of batches is one module per family of systems. Each has `Offload`, what it knows of a socket,
//! with `new`, `send`, `receive`, `is_joining` and `join`.

mod options;
mod recv_batch;
mod send_batch;
pub mod socket;
mod transfer;

#[cfg(any(target_os = "linux", target_os = "android"))]
mod mmsg;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod run;
#[cfg(any(target_os = "linux", target_os = "android"))]
use mmsg as sys;

#[cfg(any(test, not(any(target_os = "linux", target_os = "android"))))]
mod one_by_one;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
use one_by_one as sys;

pub use recv_batch::{Datagrams, RecvBatch};
pub use send_batch::SendBatch;
pub use socket::UdpSocket;
