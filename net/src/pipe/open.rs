//! [`OpenOptions`].

use super::kind::{Pipe, Use};
use super::{Receiver, Sender};
use crate::error::at;
use crate::socket::{ReadEnd, WriteEnd};
use std::fs;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// How to open a FIFO (`mkfifo`).
///
/// ```no_run
/// # async fn read() -> std::io::Result<()> {
/// use raddle_net::pipe::OpenOptions;
/// // Open for writing too, so that it does not end when the last writer goes.
/// let receiver = OpenOptions::new().read_write(true).open_receiver("/run/commands")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// Each end opened for its own direction only, and checked to be a FIFO.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether each end is open in both directions: then a receiver sees no end when the last sender goes, and a sender
    /// can be opened before there is a receiver. POSIX leaves open what that does; Linux has it.
    pub fn read_write(&mut self, read_write: bool) -> &mut Self {
        self.read_write = read_write;
        self
    }

    /// Whether to leave out the check that the file is a FIFO: for other files that behave like one. A regular file is
    /// an error all the same, for it has no readiness.
    pub fn unchecked(&mut self, unchecked: bool) -> &mut Self {
        self.unchecked = unchecked;
        self
    }

    /// Opens the reading end. The first read waits until there is a writer.
    ///
    /// # Errors
    /// Names the path: when it cannot be opened, or is no FIFO.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn open_receiver(&self, path: impl AsRef<Path>) -> io::Result<Receiver> {
        let path = path.as_ref();
        let opened = self.open(path, Use::Read);
        opened.map(ReadEnd).map_err(|error| at("open the pipe", path.display(), &error))
    }

    /// Opens the writing end.
    ///
    /// # Errors
    /// Names the path: when it cannot be opened, when nobody has it open for reading (`ENXIO`: open it later, or
    /// `read_write`), or when it is no FIFO.
    ///
    /// # Panics
    /// Outside a runtime.
    #[track_caller]
    pub fn open_sender(&self, path: impl AsRef<Path>) -> io::Result<Sender> {
        let path = path.as_ref();
        let told = |error: io::Error| match error.raw_os_error() {
            Some(libc::ENXIO) => {
                let text = format!("open the pipe {}: nobody has it open for reading", path.display());
                io::Error::new(io::ErrorKind::NotConnected, text)
            }
            _ => at("open the pipe", path.display(), &error),
        };
        self.open(path, Use::Write).map(WriteEnd).map_err(told)
    }

    #[track_caller]
    fn open(&self, path: &Path, used: Use) -> io::Result<crate::socket::Stream<Pipe>> {
        let mut options = fs::OpenOptions::new();
        options.read(self.read_write || used == Use::Read);
        options.write(self.read_write || used == Use::Write);
        // Or else the opening itself would wait for the other end.
        let file = options.custom_flags(libc::O_NONBLOCK).open(path)?;
        if self.unchecked { Pipe::watch_unchecked(file, used) } else { Pipe::watch(file, used) }
    }
}
