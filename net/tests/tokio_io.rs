//! The traits of `tokio::io` on everything that moves bytes, without a runtime of tokio's.
#![cfg(feature = "tokio-io")]

mod common;

use common::{pair, pattern, run};
use futures_lite::future::zip;
use raddle_net::{UnixStream, pipe};
use std::io::{self, IoSlice};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Everything written, in one piece and in several, is read to the end, into buffers that nobody has cleared.
async fn transfer(mut writer: impl AsyncWrite + Unpin, mut reader: impl AsyncRead + Unpin) {
    assert!(writer.is_write_vectored());
    let sent = pattern(1 << 20);
    let writing = async {
        let slices = [IoSlice::new(&sent[..10]), IoSlice::new(&sent[10..50])];
        let n = writer.write_vectored(&slices).await.expect("a write");
        writer.write_all(&sent[n..]).await.expect("a write");
        writer.flush().await.expect("nothing to flush");
        writer.shutdown().await.expect("the end");
        drop(writer);
    };
    let reading = async {
        let mut got = Vec::new();
        reader.read_to_end(&mut got).await.expect("a read");
        got
    };
    let ((), got) = zip(writing, reading).await;
    assert!(got == sent);
}

#[test]
fn streams_halves_and_pipes_carry_every_byte_and_the_end() {
    run(async {
        let (ours, theirs) = pair().await;
        transfer(ours, theirs).await;
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        transfer(ours, theirs).await;
        let (ours, theirs) = pair().await;
        let ((_read, write), (read, _write)) = (ours.into_split(), theirs.into_split());
        transfer(write, read).await;
        let (mut ours, mut theirs) = UnixStream::pair().expect("a pair");
        transfer(ours.split().1, theirs.split().0).await;
        let (sender, receiver) = pipe::pipe().expect("a pipe");
        transfer(sender, receiver).await;
    });
}

#[test]
fn a_read_keeps_what_the_buffer_has_already() {
    run(async {
        let (mut ours, mut theirs) = pair().await;
        ours.write_all(b"world").await.expect("a write");
        let mut buf = Vec::with_capacity(64);
        buf.extend_from_slice(b"hello ");
        while buf.len() < 11 {
            assert_ne!(theirs.read_buf(&mut buf).await.expect("a read"), 0);
        }
        assert_eq!(buf, b"hello world");
        drop(ours);
        assert_eq!(theirs.read_buf(&mut buf).await.expect("the end"), 0);
        let error = theirs.read_exact(&mut [0]).await.expect_err("the end");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    });
}
