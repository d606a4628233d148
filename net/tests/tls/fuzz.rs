//! Whatever comes in, in pieces of whatever size: acceptor and connector end, in time, with little memory and without a
//! panic.

use crate::certs::Authority;
use futures_io::{AsyncRead, AsyncWrite};
use futures_lite::AsyncReadExt;
use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::test_runner::{Config, TestRunner};
use proptest::{prop_assert, prop_oneof};
use raddle_net::tls::TlsAcceptor;
use raddle_net::tls::rustls::{ClientConfig, ClientConnection};
use raddle_runtime::runtime::Builder;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A peer that has said everything already, in pieces, and swallows what it is told.
struct Script {
    input: Vec<u8>,
    pieces: Vec<usize>,
    taken: usize,
    calls: usize,
    written: usize,
}

impl AsyncRead for Script {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.calls += 1;
        let piece = this.pieces[this.calls % this.pieces.len()];
        if piece == 0 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let rest = &this.input[this.taken..];
        let taken = piece.min(rest.len()).min(buf.len());
        buf[..taken].copy_from_slice(&rest[..taken]);
        this.taken += taken;
        Poll::Ready(Ok(taken))
    }
}

impl AsyncWrite for Script {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.get_mut().written += buf.len();
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What a real client begins with.
fn hello() -> Vec<u8> {
    let provider = Arc::new(raddle_net::tls::rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(raddle_net::tls::rustls::RootCertStore::empty())
        .with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let mut session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let mut bytes = Vec::new();
    session.write_tls(&mut bytes).expect("a vector");
    bytes
}

/// Noise, records of noise, and a real beginning in which bytes are changed, with noise after it.
fn inputs() -> impl Strategy<Value = Vec<u8>> {
    let noise = || vec(any::<u8>(), 0..2000);
    let record = (20..25u8, vec(any::<u8>(), 0..2000)).prop_map(|(kind, body)| {
        let len = (body.len() as u16).to_be_bytes();
        [&[kind, 3, 3, len[0], len[1]], &body[..]].concat()
    });
    let records = vec(record, 1..50).prop_map(|records| records.concat());
    let changed = (vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4), noise());
    let changed = changed.prop_map(|(changes, noise)| {
        let mut bytes = hello();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.extend(noise);
        bytes
    });
    prop_oneof![noise(), records, changed]
}

async fn serve(acceptor: &TlsAcceptor, script: &mut Script) -> io::Result<usize> {
    let mut stream = acceptor.accept(script).await?;
    stream.read_to_end(&mut Vec::new()).await
}

#[test]
fn no_input_makes_the_acceptor_panic_hang_or_grow() {
    let runtime = Builder::new().worker_threads(1).build().expect("a runtime");
    let authority = Authority::new();
    let acceptor = authority.server(&["localhost"]).client_root_pem(&authority.cert);
    let acceptor = acceptor.build().expect("an acceptor");
    let pieces = vec(prop_oneof![0..3usize, 1..5000usize], 1..10)
        .prop_filter("it has to get on", |pieces| pieces.iter().any(|piece| *piece > 0));
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(inputs(), pieces), |(input, pieces)| {
        let mut script = Script { input, pieces, taken: 0, calls: 0, written: 0 };
        let served = runtime.block_on(serve(&acceptor, &mut script));
        prop_assert!(served.is_err(), "nobody who has no key gets through");
        // What it answers is bounded: its part of a handshake and an alert.
        prop_assert!(script.written < 8_000, "{} bytes written", script.written);
        // It looks at what comes, and does not ask again and again at the end.
        prop_assert!(
            script.calls <= 20 * (script.input.len() + script.pieces.len()),
            "{} calls",
            script.calls
        );
        Ok(())
    });
    result.expect("no input does harm");
}

#[test]
fn no_input_makes_the_connector_panic_hang_or_grow() {
    let runtime = Builder::new().worker_threads(1).build().expect("a runtime");
    let authority = Authority::new();
    let connector = authority.client().build().expect("a connector");
    let pieces = vec(prop_oneof![0..3usize, 1..5000usize], 1..10)
        .prop_filter("it has to get on", |pieces| pieces.iter().any(|piece| *piece > 0));
    let mut runner = TestRunner::new(Config { cases: 256, failure_persistence: None, ..Config::default() });
    let result = runner.run(&(inputs(), pieces), |(input, pieces)| {
        let mut script = Script { input, pieces, taken: 0, calls: 0, written: 0 };
        let connected = runtime.block_on(connector.connect("localhost", &mut script));
        prop_assert!(connected.is_err(), "nobody who has no key is taken for the server");
        prop_assert!(script.written < 8_000, "{} bytes written", script.written);
        prop_assert!(script.calls <= 20 * (script.input.len() + script.pieces.len()));
        Ok(())
    });
    result.expect("no input does harm");
}

#[test]
fn a_flood_is_refused_at_its_first_bytes() {
    let runtime = Builder::new().worker_threads(1).build().expect("a runtime");
    let acceptor = Authority::new().server(&["localhost"]).build().expect("an acceptor");
    // A handshake message that claims 16 MB, in records that keep coming.
    let mut input = Vec::new();
    for _ in 0..2000 {
        input.extend([22, 3, 3, 0x40, 0]);
        input.extend([1, 0xff, 0xff, 0xff]);
        input.extend([0; 0x4000 - 4]);
    }
    let mut script = Script { input, pieces: vec![4096], taken: 0, calls: 0, written: 0 };
    runtime.block_on(serve(&acceptor, &mut script)).expect_err("a flood");
    assert!(script.taken < 200_000, "{} bytes taken", script.taken);
}
