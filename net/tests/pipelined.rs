//! Requests that come together, and answers that go together: fewer system calls, and no answer that waits for more
//! than the task that gives it.

mod common;

use common::run;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::{
    Protocol, StreamReader, StreamWriter, TcpListener, TcpStream, Transport, create_server, open_connection,
};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::runtime::Builder;
use raddle_runtime::yield_now;
use std::sync::Arc;

/// Two lines are in the reader once the first is read.
async fn two_lines() -> (StreamReader, StreamWriter, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let addr = listener.local_addr().expect("an address");
    let (mut reader, writer) = open_connection(addr).await.expect("a connection");
    let (mut peer, _) = listener.accept().await.expect("a connection");
    peer.write_all(b"one\ntwo\n").await.expect("a write");
    assert_eq!(reader.readline().await.expect("a line"), b"one\n");
    (reader, writer, peer)
}

async fn expect(peer: &mut TcpStream, bytes: &[u8]) {
    let mut got = vec![0; bytes.len()];
    peer.read_exact(&mut got).await.expect("the answers");
    assert_eq!(got, bytes);
}

/// One thread: nobody sends what is kept before the task waits for something.
fn alone<T>(future: impl Future<Output = T>) -> T {
    Builder::new().current_thread().build().expect("a runtime").block_on(future)
}

#[test]
fn an_answer_waits_for_that_to_the_next_request_which_is_here_already() {
    alone(async {
        let (mut reader, writer, mut peer) = two_lines().await;
        writer.write("1\n");
        assert_eq!(writer.get_write_buffer_size(), 2);
        assert_eq!(reader.readline().await.expect("a line"), b"two\n");
        writer.write("2\n");
        assert_eq!(writer.get_write_buffer_size(), 0, "nothing is left to wait for");
        writer.write("3\n");
        assert_eq!(writer.get_write_buffer_size(), 0);
        expect(&mut peer, b"1\n2\n3\n").await;
    });
}

#[test]
fn what_was_kept_is_sent_when_the_next_request_is_not_answered() {
    run(async {
        let (reader, writer, mut peer) = two_lines().await;
        writer.write("1\n");
        expect(&mut peer, b"1\n").await;
        // Without its reader a writer waits for nothing.
        writer.write("2");
        drop(reader);
        writer.write("3");
        expect(&mut peer, b"23").await;
        writer.close();
        writer.wait_closed().await.expect("a clean end");
    });
}

#[test]
fn closing_sends_what_waits_for_more() {
    run(async {
        let (_reader, writer, mut peer) = two_lines().await;
        writer.write("1\n");
        writer.writelines(["2", "3"]);
        drop(writer);
        let mut got = Vec::new();
        peer.read_to_end(&mut got).await.expect("the answer and the end");
        assert_eq!(got, b"1\n23");
    });
}

/// Answers each byte with a number of bytes; notes what was kept after each write, and whether it was told to pause.
struct Answers {
    transport: Option<Transport>,
    notes: Arc<Mutex<Vec<usize>>>,
    length: usize,
}

const PAUSED: usize = usize::MAX;

impl Protocol for Answers {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        let transport = self.transport.as_ref().expect("it is made");
        for byte in data {
            transport.write(vec![*byte; self.length]);
            self.notes.lock().push(transport.get_write_buffer_size());
        }
    }

    fn pause_writing(&mut self) {
        self.notes.lock().push(PAUSED);
    }
}

/// What a protocol notes that answers `request` with so many bytes for each of its own.
async fn notes(request: &[u8], length: usize) -> Vec<usize> {
    let notes = Arc::new(Mutex::new(Vec::new()));
    let for_server = notes.clone();
    let make = move || Answers { transport: None, notes: for_server.clone(), length };
    let server = create_server(make, "127.0.0.1:0").await.expect("a server");
    let mut peer = TcpStream::connect(server.sockets()[0]).await.expect("a connection");
    peer.write_all(request).await.expect("a write");
    let answer: Vec<u8> = request.iter().flat_map(|byte| vec![*byte; length]).collect();
    expect(&mut peer, &answer).await;
    // An answer may be here before its protocol has noted it.
    while notes.lock().iter().filter(|note| **note != PAUSED).count() < request.len() {
        yield_now().await;
    }
    notes.lock().clone()
}

#[test]
fn a_protocol_that_answers_parts_of_what_it_received_sends_the_answers_together() {
    run(async {
        assert_eq!(notes(b"abcd", 1).await, [1, 2, 3, 4]);
        assert_eq!(notes(b"a", 1).await, [0], "there is nothing to wait for");
        assert_eq!(
            notes(b"ab", 2).await,
            [0, 2],
            "the first is as long as what was received, and goes at once"
        );
    });
}

#[test]
fn what_the_system_takes_after_a_callback_is_no_reason_to_pause() {
    run(async {
        let notes = notes(&[7; 2_000], 50).await;
        assert_eq!(notes.last(), Some(&100_000));
        assert!(!notes.contains(&PAUSED));
    });
}
