//! Readiness as users see it: kept when nobody waits, taken back only when the system says so, one direction at a time.

mod common;

use common::{pair, poll_once, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::TcpStream;
use raddle_net::poll_fd::{Interest, Ready};
use std::io;
use std::pin::pin;

/// Writes until there is no room.
async fn fill(stream: &TcpStream) -> usize {
    stream.writable().await.expect("room at first");
    let mut filled = 0;
    loop {
        match stream.try_write(&[7; 32 * 1024]) {
            Ok(n) => filled += n,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return filled,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn f02_a_full_writer_is_left_in_peace_while_its_peer_keeps_sending() {
    run(async {
        let (mut ours, mut theirs) = pair().await;
        fill(&ours).await;
        let mut calls = 0;
        for i in 0..500_u32 {
            theirs.write_all(&i.to_be_bytes()).await.expect("a write");
            let mut buf = [0; 4];
            ours.read_exact(&mut buf).await.expect("a read");
            let tried = ours.try_io(Interest::WRITABLE, || {
                calls += 1;
                Err::<(), _>(io::ErrorKind::WouldBlock.into())
            });
            assert_eq!(tried.expect_err("full").kind(), io::ErrorKind::WouldBlock);
        }
        // Buffers grow by themselves, so the system may report room now and then; each report costs one call.
        assert!(calls < 20, "{calls} calls for 500 events of the other direction");
    });
}

#[test]
fn f03_an_event_that_came_while_nobody_waited_is_found_later() {
    run(async {
        let (ours, mut theirs) = pair().await;
        let (mut other, mut other_theirs) = pair().await;
        theirs.write_all(b"early").await.expect("a write");
        // A round trip elsewhere: by its end the driver has seen the event.
        other_theirs.write_all(b"x").await.expect("a write");
        other.read_exact(&mut [0]).await.expect("a read");
        ours.readable().await.expect("readiness");
        let mut buf = [0; 8];
        assert_eq!(ours.try_read(&mut buf).expect("bytes"), 5);
        assert_eq!(ours.try_read(&mut buf).expect_err("no more").kind(), io::ErrorKind::WouldBlock);
    });
}

#[test]
fn ready_says_which_of_several() {
    run(async {
        let (ours, theirs) = pair().await;
        let both = Interest::READABLE | Interest::WRITABLE;
        let ready = ours.ready(both).await.expect("readiness");
        assert!(ready.is_writable() && !ready.is_readable(), "{ready:?}");
        fill(&ours).await;
        let mut wait = pin!(ours.ready(both));
        assert!(poll_once(&mut wait).await.is_none());
        drop(theirs);
        let ready = wait.await.expect("readiness");
        assert!(ready.is_readable(), "{ready:?}");
        assert!(!ready.intersection(Ready::READ_CLOSED).is_empty(), "{ready:?}");
    });
}

#[test]
fn every_task_that_waits_is_woken() {
    run(async {
        let (ours, mut theirs) = pair().await;
        let ours = std::sync::Arc::new(ours);
        let waits: Vec<_> = (0..100)
            .map(|_| {
                let ours = ours.clone();
                raddle_runtime::spawn(async move { ours.readable().await })
            })
            .collect();
        raddle_runtime::yield_now().await;
        theirs.write_all(b"x").await.expect("a write");
        for wait in waits {
            wait.await.expect("the task ends well").expect("readiness");
        }
    });
}

#[test]
fn a_task_whose_socket_is_never_dry_gives_way() {
    let runtime = raddle_runtime::runtime::Builder::new().worker_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        let (mut ours, mut theirs) = pair().await;
        theirs.write_all(&[1; 10_000]).await.expect("a write");
        let mut buf = [0];
        let mut polls = 0;
        let mut read_all = pin!(async {
            for _ in 0..10_000 {
                ours.read_exact(&mut buf).await.expect("a byte");
            }
        });
        std::future::poll_fn(|cx| {
            polls += 1;
            read_all.as_mut().poll(cx)
        })
        .await;
        assert!(polls > 10, "10,000 reads in {polls} polls");
    });
}
