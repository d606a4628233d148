//! Files to connections.

mod common;

use common::{pair, pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{TcpStream, sendfile};
use raddle_runtime::spawn;
use raddle_runtime::task::JoinHandle;
use raddle_runtime::time::timeout;
use std::fs::File;
use std::io::{self, Read, Write};
use std::time::Duration;

/// More than all buffers on the way hold.
const MUCH: usize = 8 * 1024 * 1024;

/// A file without a name.
fn file(content: &[u8]) -> File {
    let path = std::env::temp_dir().join(format!("raddle-sendfile-{}-{:p}", std::process::id(), content));
    let mut file = File::options().read(true).write(true).create_new(true).open(&path).expect("a file");
    std::fs::remove_file(&path).expect("it is ours");
    file.write_all(content).expect("a write");
    file
}

fn read_all(mut stream: TcpStream) -> JoinHandle<Vec<u8>> {
    spawn(async move {
        let mut got = Vec::new();
        stream.read_to_end(&mut got).await.expect("up to the end");
        got
    })
}

#[test]
fn a_file_comes_whole_and_in_parts() {
    run(async {
        let content = pattern(MUCH);
        let file = file(&content);
        let parts = [(0, MUCH), (0, 0), (1000, 5), (MUCH - 1, 1), (MUCH, 0), (1, MUCH - 2)];
        for (offset, len) in parts {
            let (client, served) = pair().await;
            let got = read_all(client);
            assert_eq!(
                sendfile(&file, offset as u64, len as u64, &served).await.expect("no error"),
                len as u64
            );
            drop(served);
            assert!(
                got.await.expect("the client ends well") == content[offset..offset + len],
                "{offset} {len}"
            );
        }
    });
}

#[test]
fn a_file_that_is_too_short_is_an_error_that_says_how_short() {
    run(async {
        let file = file(b"0123456789");
        for (offset, sent) in [(0, 10), (4, 6), (10, 0), (1000, 0)] {
            let (client, served) = pair().await;
            let got = read_all(client);
            let error = sendfile(&file, offset, 20, &served).await.expect_err("there is no more");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
            assert!(error.to_string().contains(&format!("after {sent} of the 20 bytes")), "{error}");
            drop(served);
            assert_eq!(got.await.expect("the client ends well").len(), sent);
        }
    });
}

#[test]
fn nonsense_is_an_error() {
    run(async {
        let (_client, served) = pair().await;
        let file = file(b"0123456789");
        for (offset, len) in [(u64::MAX, 1), (1, u64::MAX), (0, u64::MAX), (i64::MAX as u64, 1)] {
            let error = sendfile(&file, offset, len, &served).await.expect_err("no file is that long");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
        let folder = File::open("/").expect("the root");
        let error = sendfile(&folder, 0, 1, &served).await.expect_err("a folder");
        assert!(error.to_string().contains("file to be sent"), "{error}");
        let unreadable = File::options().write(true).open("/dev/null").expect("write only");
        sendfile(&unreadable, 0, 1, &served).await.expect_err("not for reading");
    });
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_the_system_cannot_send_by_itself_is_read() {
    run(async {
        // Character devices have no pages to send from, or say at once that they have no offset.
        let zeros = File::open("/dev/zero").expect("zeros");
        let status = File::open("/proc/self/status").expect("our status");
        let mut head = [0; 5];
        (&status).read_exact(&mut head).expect("a read");
        for (file, expected) in [(&zeros, &[0; 5]), (&status, &head)] {
            let (client, served) = pair().await;
            let got = read_all(client);
            assert_eq!(sendfile(file, 0, 5, &served).await.expect("no error"), 5);
            drop(served);
            assert_eq!(got.await.expect("the client ends well"), expected);
        }
    });
}

#[test]
fn a_peer_that_is_gone_is_an_error() {
    run(async {
        let file = file(&pattern(MUCH));
        let (client, served) = pair().await;
        client.set_linger(Some(Duration::ZERO)).expect("an option");
        drop(client);
        let error = sendfile(&file, 0, MUCH as u64, &served).await.expect_err("nobody reads");
        let kinds = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    });
}

#[test]
fn what_a_dropped_one_has_sent_is_a_beginning_and_the_connection_goes_on() {
    run(async {
        let content = pattern(MUCH);
        let file = file(&content);
        let (client, mut served) = pair().await;
        // Nobody reads: it waits for room, and is dropped.
        timeout(Duration::from_millis(1), sendfile(&file, 0, MUCH as u64, &served))
            .await
            .expect_err("no room");
        let got = read_all(client);
        served.write_all(b"end").await.expect("a write");
        drop(served);
        let got = got.await.expect("the client ends well");
        let (sent, end) = got.split_at(got.len() - 3);
        assert_eq!(end, b"end");
        assert!(!sent.is_empty() && sent.len() < MUCH && *sent == content[..sent.len()]);
    });
}
