//! asyncio's streams: a connection as a [`StreamReader`] and a [`StreamWriter`].
//!
//! [`open_connection`] makes one, [`start_server`] serves each that comes with a task of its own, and
//! [`StreamOptions`] does both with other limits. Reading is awaited. Writing never blocks: what the system does not
//! take at once is kept and sent later, and [`StreamWriter::drain`] waits while too much is kept.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! use raddle_net::{open_connection, start_server};
//!
//! raddle_runtime::runtime::Builder::new().worker_threads(1).build()?.block_on(async {
//!     let server = start_server(
//!         |mut reader, writer| async move {
//!             let line = reader.readline().await?;
//!             writer.write(&line);
//!             writer.drain().await
//!         },
//!         "127.0.0.1:0",
//!     )
//!     .await?;
//!     let (mut reader, writer) = open_connection(server.sockets()[0]).await?;
//!     writer.write(b"hello\n");
//!     assert_eq!(reader.readline().await?, b"hello\n");
//!     assert!(reader.read(1).await?.is_empty());
//!     Ok(())
//! })
//! # }
//! ```

mod drain;
mod error;
mod intake;
#[cfg(test)]
mod intake_model;
mod open;
mod outcome;
mod peer;
mod reader;
mod search;
#[cfg(feature = "tls")]
mod secure;
mod writer;

pub use error::{IncompleteReadError, LimitOverrunError};
pub use open::{StreamOptions, open_connection, open_unix_connection, start_server, start_unix_server};
pub use outcome::Outcome;
pub use reader::StreamReader;
pub use writer::{ExtraInfo, StreamWriter};
