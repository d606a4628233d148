//! Flow control of protocols in both directions, with peers that never read, flood, or trickle.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, connect, echo, serve, stay};
use common::{pattern, poll_once, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::TcpStream;
use std::io;
use std::pin::pin;

const MIB: usize = 1 << 20;

/// Writes until the system takes no more; how much it took.
async fn flood(client: &mut TcpStream) -> usize {
    let (mut sent, block) = (0, pattern(64 * 1024));
    let mut last = None;
    loop {
        match client.try_write(&block) {
            Ok(count) => sent += count,
            Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
        }
        // Full, and nobody has read since the round before.
        if last == Some(sent) {
            return sent;
        }
        last = Some(sent);
        raddle_runtime::yield_now().await;
    }
}

#[test]
fn a_peer_that_never_reads_pauses_the_writing_and_one_that_reads_resumes_it() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        assert_eq!(transport.get_write_buffer_limits(), 16 * 1024..=64 * 1024);
        let mut written = 0;
        while transport.get_write_buffer_size() <= 64 * 1024 {
            transport.write(pattern(16 * 1024));
            written += 16 * 1024;
        }
        assert_eq!(calls.next().await, Call::Pause);
        let mut left = written;
        let mut buf = vec![0; 64 * 1024];
        // Not before it reads, and after that once.
        assert!(poll_once(&mut pin!(calls.next())).await.is_none());
        while left > 0 {
            left -= client.read(&mut buf).await.expect("bytes");
        }
        assert_eq!(calls.next().await, Call::Resume);
        assert_eq!(transport.get_write_buffer_size(), 0);
        assert!(poll_once(&mut pin!(calls.next())).await.is_none());
    });
}

#[test]
fn the_marks_can_be_set_at_any_time() {
    run(async {
        let (server, mut calls) = serve(stay).await;
        let _client = connect(&server).await;
        let transport = calls.made().await;
        transport.set_write_buffer_limits(Some(32 * MIB), None);
        assert_eq!(transport.get_write_buffer_limits(), 8 * MIB..=32 * MIB);
        transport.write(vec![0; 16 * MIB]);
        assert!(poll_once(&mut pin!(calls.next())).await.is_none());
        transport.set_write_buffer_limits(Some(0), None);
        assert_eq!(calls.next().await, Call::Pause);
        transport.set_write_buffer_limits(None, Some(20 * MIB));
        assert_eq!(calls.next().await, Call::Resume);
        transport.abort();
        assert_eq!(calls.next().await, Call::Lost(None));
        assert_eq!(transport.get_write_buffer_size(), 0);
    });
}

#[test]
fn a_protocol_that_pauses_reading_holds_a_flood_back_and_loses_nothing() {
    run(async {
        let (server, mut calls) = serve(|transport, call| {
            if *call == Call::Made {
                transport.pause_reading();
            }
            true
        })
        .await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        assert!(!transport.is_reading() && !transport.is_closing());
        let sent = flood(&mut client).await;
        assert!(poll_once(&mut pin!(calls.next())).await.is_none());
        transport.resume_reading();
        assert!(transport.is_reading());
        let got = calls.data(sent).await;
        drop(client);
        assert_eq!(got.len(), sent);
        assert_eq!(calls.next().await, Call::Eof);
        transport.close();
        assert_eq!(calls.next().await, Call::Lost(None));
    });
}

#[test]
fn pausing_in_a_callback_stops_after_that_callback() {
    run(async {
        let (server, mut calls) = serve(|transport, call| {
            if matches!(call, Call::Data(_)) {
                transport.pause_reading();
            }
            true
        })
        .await;
        let mut client = connect(&server).await;
        let transport = calls.made().await;
        for n in 0..5u8 {
            client.write_all(&[n]).await.expect("a write");
            assert_eq!(calls.next().await, Call::Data(vec![n]));
            client.write_all(&[n]).await.expect("a write");
            assert!(poll_once(&mut pin!(calls.next())).await.is_none());
            transport.resume_reading();
            assert_eq!(calls.next().await, Call::Data(vec![n]));
            transport.resume_reading();
        }
    });
}

#[test]
fn a_peer_that_trickles_single_bytes_is_served_byte_by_byte() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        let mut client = connect(&server).await;
        client.set_nodelay(true).expect("an option");
        calls.made().await;
        for byte in pattern(2000) {
            client.write_all(&[byte]).await.expect("a write");
            assert_eq!(calls.next().await, Call::Data(vec![byte]));
            let mut back = [0];
            client.read_exact(&mut back).await.expect("an echo");
            assert_eq!(back, [byte]);
        }
    });
}

#[test]
fn one_that_never_reads_costs_the_others_nothing() {
    run(async {
        let (server, mut calls) = serve(echo).await;
        let deaf = connect(&server).await;
        let stuck = calls.made().await;
        let mut lively = connect(&server).await;
        calls.made().await;
        while stuck.get_write_buffer_size() < 4 * MIB {
            // What it sends is sent back, and it does not take it.
            let _ = deaf.try_write(&pattern(64 * 1024));
            raddle_runtime::yield_now().await;
        }
        for _ in 0..100 {
            lively.write_all(b"hello").await.expect("a write");
            lively.read_exact(&mut [0; 5]).await.expect("an echo");
        }
        // Closing waits for the deaf one, aborting does not.
        server.close();
        server.close_clients();
        assert!(stuck.is_closing() && stuck.get_write_buffer_size() > 0);
        server.abort_clients();
        server.wait_closed().await;
        assert_eq!(stuck.get_write_buffer_size(), 0);
    });
}
