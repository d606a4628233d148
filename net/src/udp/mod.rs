//! UDP: [`UdpSocket`] sends and receives one datagram per system call.
//!
//! Where there are many of them, [`SendBatch`] and [`RecvBatch`] move dozens in one call. An echo, as fast as it goes:
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use raddle_net::{RecvBatch, SendBatch, UdpSocket};
//!
//! async fn echo(socket: UdpSocket) -> std::io::Result<()> {
//!     let (mut came, mut answers) = (RecvBatch::new(32, 1500), SendBatch::new());
//!     loop {
//!         socket.recv_batch(&mut came).await?;
//!         for (data, from) in &came {
//!             answers.push(data, from);
//!         }
//!         socket.send_batch(&mut answers).await?;
//!     }
//! }
//!
//! # raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//! let (ours, theirs) = (UdpSocket::bind("127.0.0.1:0").await?, UdpSocket::bind("127.0.0.1:0").await?);
//! ours.connect(theirs.local_addr()?).await?;
//! raddle_runtime::spawn(echo(theirs)).detach();
//! ours.send(b"hello").await?;
//! let mut buf = [0; 1500];
//! assert_eq!(ours.recv(&mut buf).await?, 5);
//! # Ok(()) })
//! # }
//! ```
//!
//! For callbacks in asyncio's manner there is [`create_datagram_endpoint`](crate::create_datagram_endpoint).

mod options;
mod recv_batch;
mod send_batch;
pub mod socket;
mod transfer;

// The system's side of batches, one module per family of systems: each has `Offload`, what it knows of a socket, with
// `new`, `send`, `receive`, `is_joining` and `join`.
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
