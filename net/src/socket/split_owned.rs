//! The two directions of a [`Stream`], each with an owner of its own.

use super::kind::{Socket, Transfer, sealed};
use super::split::{Hold, ReadEnd, WriteEnd};
use super::stream::Stream;
use std::fmt;
use std::io;
use std::mem;
use std::sync::Arc;

/// The reading half of [`Stream::into_split`].
pub type OwnedReadHalf<S> = ReadEnd<Arc<Stream<S>>>;

/// The writing half of [`Stream::into_split`]. Dropping it ends the writing, unless by [`OwnedWriteHalf::forget`].
pub type OwnedWriteHalf<S> = WriteEnd<Owner<S>>;

/// What an [`OwnedWriteHalf`] holds: a share of the stream, whose end is the end of the writing.
#[derive(Debug)]
pub struct Owner<S: Transfer> {
    stream: Arc<Stream<S>>,
    ends_writing: bool,
}

pub(super) fn split<S: Transfer>(stream: Stream<S>) -> (OwnedReadHalf<S>, OwnedWriteHalf<S>) {
    let stream = Arc::new(stream);
    (ReadEnd(stream.clone()), WriteEnd(Owner { stream, ends_writing: true }))
}

impl<S> sealed::Seal for Arc<Stream<S>> {}

impl<S: Transfer> Hold for Arc<Stream<S>> {
    type Of = S;

    fn stream(&self) -> &Stream<S> {
        self
    }
}

impl<S: Transfer> sealed::Seal for Owner<S> {}

impl<S: Transfer> Hold for Owner<S> {
    type Of = S;

    fn stream(&self) -> &Stream<S> {
        &self.stream
    }

    fn close_writing(&mut self) -> io::Result<()> {
        self.ends_writing = false;
        self.stream.io.close_writing()
    }
}

impl<S: Transfer> Drop for Owner<S> {
    fn drop(&mut self) {
        if mem::take(&mut self.ends_writing) {
            // The connection may be gone, and nobody is here to be told.
            let _ = self.stream.io.close_writing();
        }
    }
}

impl<S: Socket> OwnedReadHalf<S> {
    /// The stream again, from its two halves.
    ///
    /// # Errors
    /// When the halves are those of two streams: both come back in the error.
    pub fn reunite(self, write: OwnedWriteHalf<S>) -> Result<Stream<S>, ReuniteError<S>> {
        reunite(self, write)
    }
}

impl<S: Socket> OwnedWriteHalf<S> {
    /// The stream again, from its two halves.
    ///
    /// # Errors
    /// When the halves are those of two streams: both come back in the error.
    pub fn reunite(self, read: OwnedReadHalf<S>) -> Result<Stream<S>, ReuniteError<S>> {
        reunite(read, self)
    }

    /// Drops the half without ending the writing: the peer sees the end when the reading half is dropped too.
    pub fn forget(mut self) {
        self.0.ends_writing = false;
    }
}

fn reunite<S: Socket>(
    read: OwnedReadHalf<S>,
    write: OwnedWriteHalf<S>,
) -> Result<Stream<S>, ReuniteError<S>> {
    if !Arc::ptr_eq(&read.0, &write.0.stream) {
        return Err(ReuniteError { read, write });
    }
    write.forget();
    // There are only ever two, and one is gone.
    Ok(Arc::into_inner(read.0).expect("the halves are the only owners"))
}

/// Two halves that do not belong together.
#[derive(Debug)]
pub struct ReuniteError<S: Transfer> {
    /// The reading half of one stream.
    pub read: OwnedReadHalf<S>,
    /// The writing half of another.
    pub write: OwnedWriteHalf<S>,
}

impl<S: Transfer> fmt::Display for ReuniteError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the two halves are not of the same stream")
    }
}

impl<S: Transfer> std::error::Error for ReuniteError<S> {}
