//! The order of a protocol's callbacks, whatever happens in them and around them.

#[path = "common/calls.rs"]
mod calls;
mod common;

use calls::{Call, Calls, serve};
use common::{pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use raddle_net::{
    DatagramProtocol, DatagramTransport, Server, TcpSocket, TcpStream, Transport, create_datagram_endpoint,
};
use raddle_runtime::prim::lock::Mutex;
use raddle_runtime::runtime::Builder;
use std::io;
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// What is written at the start: more than the system takes.
const WRITTEN: usize = 8 << 20;

/// The callbacks, without what came with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Made,
    Data,
    Eof,
    Pause,
    Resume,
    Lost,
}

const KINDS: [Kind; 6] = [Kind::Made, Kind::Pause, Kind::Data, Kind::Resume, Kind::Eof, Kind::Lost];

fn kind(call: &Call) -> Kind {
    match call {
        Call::Made => Kind::Made,
        Call::Data(_) => Kind::Data,
        Call::Eof => Kind::Eof,
        Call::Lost(_) => Kind::Lost,
        Call::Pause => Kind::Pause,
        Call::Resume => Kind::Resume,
    }
}

/// All calls up to the loss, in an order that may be; `all` came before.
async fn calls_to_the_end(calls: &mut Calls, mut all: Vec<Call>) -> Vec<Call> {
    while all.last().map(kind) != Some(Kind::Lost) {
        all.push(calls.next().await);
    }
    let kinds: Vec<_> = all.iter().map(kind).collect();
    let count = |of| kinds.iter().filter(|kind| **kind == of).count();
    assert!(kinds[0] == Kind::Made && count(Kind::Made) == 1, "{kinds:?}");
    let flow = kinds.iter().filter(|kind| matches!(kind, Kind::Pause | Kind::Resume));
    assert!(flow.enumerate().all(|(n, kind)| (n % 2 == 0) == (*kind == Kind::Pause)), "{kinds:?}");
    let at_eof = kinds.iter().position(|kind| *kind == Kind::Eof).unwrap_or(kinds.len());
    let after_eof = kinds.iter().skip(at_eof + 1);
    assert!(after_eof.clone().all(|kind| !matches!(kind, Kind::Data | Kind::Eof)), "{kinds:?}");
    assert!(all.iter().all(|call| !matches!(call, Call::Data(data) if data.is_empty())));
    all
}

/// A peer whose system keeps little for it, so that what is written comes to a halt.
async fn connect(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(16 * 1024).expect("an option");
    socket.connect(server.sockets()[0]).await.expect("a client")
}

/// A peer that brings every callback about, as far as the connection lives.
async fn peer(mut client: TcpStream) {
    let _ = client.write_all(b"x").await;
    let (mut left, mut buf) = (WRITTEN, vec![0; 1 << 16]);
    while let Ok(count @ 1..) = client.read(&mut buf).await {
        left = left.saturating_sub(count);
        if left == 0 {
            let _ = client.shutdown(Shutdown::Write);
        }
    }
}

/// A server whose protocols do `what` in the callback `at`, and write enough to be paused and resumed.
async fn server(at: Kind, what: impl Fn(&Transport) + Send + Sync + 'static) -> (Server, Calls) {
    serve(move |transport, call| {
        if *call == Call::Made {
            transport.write(pattern(WRITTEN));
        }
        if kind(call) == at {
            what(transport);
        } else if *call == Call::Eof {
            transport.close();
        }
        true
    })
    .await
}

async fn end(server: Server) {
    server.close();
    server.wait_closed().await;
}

/// Uses a transport in every way.
fn use_all(transport: &Transport) {
    transport.write(b"late");
    transport.writelines([b"late"; 2]);
    transport.write_eof();
    transport.pause_reading();
    transport.resume_reading();
    transport.set_write_buffer_limits(Some(0), None);
    transport.close();
    transport.abort();
    assert!(transport.is_closing() && !transport.is_reading() && transport.get_write_buffer_size() == 0);
}

#[test]
fn after_an_abort_in_any_callback_nothing_but_the_loss_comes() {
    run(async {
        for what in [Transport::abort, use_all] {
            for at in KINDS {
                let (server, mut calls) = server(at, what).await;
                let client = raddle_runtime::spawn(peer(connect(&server).await));
                let called = calls_to_the_end(&mut calls, Vec::new()).await;
                let kinds: Vec<_> = called.iter().map(kind).collect();
                let found = kinds.iter().position(|kind| *kind == at).expect("it was called");
                assert!(found + 2 >= kinds.len(), "{at:?} in {kinds:?}");
                assert_eq!(called.last(), Some(&Call::Lost(None)), "nobody else ended it");
                client.await.expect("the peer ends");
                end(server).await;
            }
        }
    });
}

#[test]
fn a_close_in_any_callback_sends_what_was_written() {
    run(async {
        for at in [Kind::Made, Kind::Pause, Kind::Resume] {
            let (server, mut calls) = server(at, Transport::close).await;
            let mut client = connect(&server).await;
            let mut got = Vec::new();
            client.read_to_end(&mut got).await.expect("up to the end");
            assert!(got == pattern(WRITTEN), "{at:?}");
            let called = calls_to_the_end(&mut calls, Vec::new()).await;
            assert_eq!(called, [Call::Made, Call::Pause, Call::Resume, Call::Lost(None)], "{at:?}");
            end(server).await;
        }
    });
}

#[test]
fn a_panic_in_any_callback_is_told_once_and_ends_the_connection_only() {
    run(async {
        for at in KINDS {
            let losses = Arc::new(Mutex::new(Vec::new()));
            let told = losses.clone();
            let (server, _calls) = serve(move |transport, call| {
                if *call == Call::Made {
                    transport.write(pattern(WRITTEN));
                }
                if let Call::Lost(error) = call {
                    told.lock().push(*error);
                }
                assert_ne!(kind(call), at, "on purpose");
                *call != Call::Eof
            })
            .await;
            for _ in 0..2 {
                peer(connect(&server).await).await;
            }
            end(server).await;
            let expected = if at == Kind::Lost { None } else { Some(io::ErrorKind::Other) };
            assert_eq!(*losses.lock(), [expected; 2], "{at:?}");
        }
    });
}

/// Callbacks that bring each other about for ever.
#[test]
fn callbacks_that_answer_each_other_let_others_run() {
    let runtime = Builder::new().current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (server, mut calls) = serve(|transport, call| {
            match call {
                Call::Made => transport.write(pattern(WRITTEN)),
                Call::Pause => transport.set_write_buffer_limits(Some(WRITTEN), Some(WRITTEN)),
                Call::Resume => transport.set_write_buffer_limits(Some(0), None),
                _ => {}
            }
            true
        })
        .await;
        let _client = connect(&server).await;
        let transport = calls.made().await;
        for _ in 0..1000 {
            calls.next().await;
        }
        transport.abort();
        end(server).await;
    });
}

/// Answers each failure by what fails again.
struct Stubborn(DatagramTransport, Arc<Mutex<usize>>);

impl DatagramProtocol for Stubborn {
    fn connection_made(&mut self, transport: DatagramTransport) {
        self.0 = transport;
        self.error_received(io::ErrorKind::Other.into());
    }

    fn error_received(&mut self, _: io::Error) {
        let mut tries = self.1.lock();
        *tries += 1;
        assert!(*tries < 100_000, "nobody else has a turn");
        drop(tries);
        let addr = self.0.local_addr().expect("an address");
        self.0.send_to(vec![0; 70_000], addr);
    }
}

#[test]
fn a_datagram_protocol_that_fails_again_and_again_lets_others_run() {
    let runtime = Builder::new().current_thread().build().expect("a runtime");
    runtime.block_on(async {
        let (first, _handle) =
            create_datagram_endpoint(|| Quiet, "127.0.0.1:0", None).await.expect("a socket");
        let tries = Arc::new(Mutex::new(0));
        let counted = tries.clone();
        let (transport, handle) =
            create_datagram_endpoint(move || Stubborn(first, counted), "127.0.0.1:0", None)
                .await
                .expect("a socket");
        while *tries.lock() < 1000 {
            raddle_runtime::yield_now().await;
        }
        transport.close();
        handle.await.expect("no panic");
    });
}

/// A protocol that does nothing.
struct Quiet;

impl DatagramProtocol for Quiet {}

/// What either side does.
#[derive(Debug, Clone)]
enum Act {
    PeerSends(usize),
    PeerReads,
    PeerEnds,
    PeerResets,
    Write(usize),
    Pause,
    Resume,
    WriteEof,
    Limit(usize),
    Close,
    Abort,
    Yield,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let size = prop_oneof![1..100usize, 1..1_000_000usize];
    let act = prop_oneof![
        4 => size.clone().prop_map(Act::PeerSends),
        4 => Just(Act::PeerReads),
        1 => Just(Act::PeerEnds),
        1 => Just(Act::PeerResets),
        4 => size.prop_map(Act::Write),
        2 => Just(Act::Pause),
        3 => Just(Act::Resume),
        1 => Just(Act::WriteEof),
        2 => (0..200_000usize).prop_map(Act::Limit),
        1 => Just(Act::Close),
        1 => Just(Act::Abort),
        4 => Just(Act::Yield),
    ];
    vec(act, 1..40)
}

async fn perform(act: &Act, client: &TcpStream, transport: &Transport, sent: &mut Vec<u8>) {
    match act {
        Act::PeerSends(count) => {
            let all = pattern(sent.len() + count);
            let taken = client.try_write(&all[sent.len()..]).unwrap_or(0);
            sent.extend_from_slice(&all[sent.len()..][..taken]);
        }
        Act::PeerReads => drop(client.try_read(&mut vec![0; 1 << 20])),
        Act::PeerEnds => drop(client.shutdown(Shutdown::Write)),
        Act::PeerResets => {
            let _ = client.set_linger(Some(Duration::ZERO));
            let _ = client.shutdown(Shutdown::Both);
        }
        Act::Write(count) => transport.write(pattern(*count)),
        Act::Pause => transport.pause_reading(),
        Act::Resume => transport.resume_reading(),
        Act::WriteEof => transport.write_eof(),
        Act::Limit(high) => transport.set_write_buffer_limits(Some(*high), None),
        Act::Close => transport.close(),
        Act::Abort => transport.abort(),
        Act::Yield => raddle_runtime::yield_now().await,
    }
}

#[test]
fn any_mix_of_events_keeps_the_order_and_the_bytes() {
    let mut runner = TestRunner::new(Config { cases: 50, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(acts(), any::<bool>()), |(acts, stays)| {
        run(async {
            let (server, mut calls) = serve(move |_, _| stays).await;
            let client = connect(&server).await;
            let transport = calls.made().await;
            let mut sent = Vec::new();
            for act in &acts {
                perform(act, &client, &transport, &mut sent).await;
            }
            transport.abort();
            let mut got = Vec::new();
            for call in calls_to_the_end(&mut calls, vec![Call::Made]).await {
                if let Call::Data(data) = call {
                    got.extend(data);
                }
            }
            assert!(sent.starts_with(&got), "other bytes, or in another order");
            use_all(&transport);
            end(server).await;
        });
        Ok(())
    });
    result.expect("no mix does harm");
}
