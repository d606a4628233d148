//! Peers that do it wrong, and settings that cannot work: each is an error that says what and with whom.

use crate::certs::{Authority, Pair, accept_plain, handshake, tls_pair, try_handshake, write};
use crate::common::{pair, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::tls::rustls;
use raddle_net::tls::{TlsAcceptor, TlsConnector, TlsListener};
use raddle_net::{TcpListener, TcpStream};
use raddle_runtime::runtime::Builder;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

const MINUTE: Duration = Duration::from_secs(60);

/// What a client says who meets this certificate, and what the server says.
async fn meets(authority: &Authority, Pair { cert, key }: Pair, name: &str) -> (String, String) {
    let connector = authority.client().build().expect("a connector");
    let acceptor = TlsAcceptor::builder().identity_pem(cert, key).build().expect("an acceptor");
    let (client, server) = try_handshake(&connector, &acceptor, name).await;
    let error = client.expect_err("a bad certificate");
    assert_eq!(error.kind(), ErrorKind::InvalidData);
    let source = error.get_ref().and_then(|error| error.source()).expect("a source");
    assert!(source.is::<rustls::Error>(), "{source}");
    (error.to_string(), server.expect_err("a refusal").to_string())
}

#[test]
fn bad_certificates_are_told_apart() {
    run(async {
        let authority = Authority::new();
        let day = Duration::from_secs(86_400);
        let now = SystemTime::now();
        let expired = authority.sign_with(&["localhost"], |params| {
            params.not_before = (now - 2 * day).into();
            params.not_after = (now - day).into();
        });
        let (client, server) = meets(&authority, expired, "localhost").await;
        assert!(client.contains("localhost") && client.contains("expired"), "{client}");
        assert!(server.contains("our certificate has expired"), "{server}");

        let early = authority.sign_with(&["localhost"], |params| params.not_before = (now + day).into());
        let (client, _) = meets(&authority, early, "localhost").await;
        assert!(client.contains("not valid yet") && client.contains("clock"), "{client}");

        let (client, _) = meets(&authority, authority.sign(&["other.example"]), "localhost").await;
        assert!(client.contains("localhost") && client.contains("other.example"), "{client}");

        let (client, server) = meets(&authority, Authority::new().sign(&["localhost"]), "localhost").await;
        assert!(client.contains("unknown authority") && client.contains("root_pem"), "{client}");
        assert!(server.contains("does not trust"), "{server}");
    });
}

#[test]
fn any_certificate_is_accepted_only_where_that_is_asked_for() {
    run(async {
        let acceptor = Authority::new().server(&["other.example"]).build().expect("an acceptor");
        let connector = TlsConnector::builder().dangerous_accept_any_certificate().build();
        let (mut client, mut server) =
            handshake(&connector.expect("a connector"), &acceptor, "localhost").await;
        client.write_all(b"x").await.expect("a write");
        server.read_exact(&mut [0]).await.expect("a read");
    });
}

#[test]
fn plain_text_on_a_port_for_tls_is_said_to_be_that() {
    run(async {
        let (mut client, server) = pair().await;
        client.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("a write");
        let error = accept_plain(MINUTE, server).await.expect_err("not TLS");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("HTTP"), "{error}");

        // And the other way about: a server that speaks first, in the clear.
        let (client, mut server) = pair().await;
        server.write_all(b"220 mail.example ESMTP ready\r\n").await.expect("a write");
        let connector = Authority::new().client().build().expect("a connector");
        let error = connector.connect("mail.example", client).await.expect_err("not TLS");
        assert!(error.to_string().contains("mail.example") && error.to_string().contains("plain"), "{error}");
    });
}

#[test]
fn a_peer_that_leaves_during_the_handshake_is_named() {
    run(async {
        let authority = Authority::new();
        let acceptor = authority.server(&["localhost"]).build().expect("an acceptor");
        let listener = TlsListener::bind("127.0.0.1:0", acceptor).await.expect("a listener");
        let gone = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a client");
        let addr = gone.local_addr().expect("an address").to_string();
        drop(gone);
        let (handshake, _) = listener.accept().await.expect("a connection");
        let error = handshake.await.expect_err("gone");
        assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
        assert!(error.to_string().contains(&addr), "{error}");
    });
}

#[test]
fn a_handshake_ends_with_its_time() {
    let runtime = Builder::new().worker_threads(1).start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let (silent, server) = pair().await;
        let error = accept_plain(MINUTE, server).await.expect_err("nothing comes");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("60s"), "{error}");
        drop(silent);

        let (client, _silent) = pair().await;
        let connector = Authority::new().client().handshake_timeout(MINUTE).build().expect("a connector");
        let error = connector.connect("silent.example", client).await.expect_err("nothing comes");
        assert_eq!(error.kind(), ErrorKind::TimedOut);
        assert!(error.to_string().contains("silent.example"), "{error}");
    });
}

#[test]
fn noise_in_the_middle_is_an_error_after_what_came_before() {
    run(async {
        let (mut client, mut server) = tls_pair().await;
        client.write_all(b"good").await.expect("a write");
        // A record that nobody who has the key has written.
        let noise = [&[23, 3, 3, 0, 32], &[7; 32][..]].concat();
        server.read_exact(&mut [0; 4]).await.expect("what came before");
        client.get_mut().write_all(&noise).await.expect("a write below");
        let error = server.read(&mut [0; 100]).await.expect_err("noise");
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().contains("a client"), "{error}");
        // The other side is told.
        let error = client.read(&mut [0; 100]).await.expect_err("an alert");
        assert!(error.to_string().contains("BadRecordMac"), "{error}");
    });
}

#[test]
fn bad_clients_stop_nobody_else() {
    run(async {
        let authority = Authority::new();
        let acceptor = authority.server(&["localhost"]).build().expect("an acceptor");
        let connector = authority.client().build().expect("a connector");
        let listener = TlsListener::bind("127.0.0.1:0", acceptor).await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let server = raddle_runtime::spawn(async move {
            loop {
                let (handshake, _) = listener.accept().await.expect("a listener goes on");
                raddle_runtime::spawn(async move {
                    let (reader, writer) = futures_lite::io::split(handshake.await?);
                    futures_lite::io::copy(reader, writer).await
                })
                .detach();
            }
        });
        let mut silent = Vec::new();
        for round in 0..20 {
            silent.push(TcpStream::connect(addr).await.expect("a silent client"));
            let mut bad = TcpStream::connect(addr).await.expect("a bad client");
            bad.write_all(&[round; 100]).await.expect("a write");
            let tcp = TcpStream::connect(addr).await.expect("a good client");
            let mut good = connector.connect("localhost", tcp).await.expect("a handshake");
            good.write_all(&[round; 3000]).await.expect("a write");
            let mut back = [0; 3000];
            good.read_exact(&mut back).await.expect("an echo");
            assert_eq!(back, [round; 3000]);
        }
        server.cancel();
    });
}

#[test]
fn settings_that_cannot_work_say_why() {
    run(async {
        let text = |result: std::io::Result<TlsAcceptor>| result.expect_err("bad settings").to_string();
        assert!(text(TlsAcceptor::builder().build()).contains("identity_files"));
        let missing = text(TlsAcceptor::builder().identity_files("/no/such.pem", "/no/such.key").build());
        assert!(missing.contains("/no/such.pem"), "{missing}");
        let Pair { cert, key } = Authority::new().sign(&["localhost"]);
        let swapped = text(TlsAcceptor::builder().identity_pem(&key, &cert).build());
        assert!(swapped.contains("BEGIN CERTIFICATE"), "{swapped}");
        let keyless = text(TlsAcceptor::builder().identity_pem(&cert, &cert).build());
        assert!(keyless.contains("BEGIN PRIVATE KEY"), "{keyless}");
        let garbage = write("garbage.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
        let error = TlsConnector::builder().root_file(&garbage).build().expect_err("garbage").to_string();
        assert!(error.contains("garbage.pem"), "{error}");
        std::fs::remove_file(garbage).expect("our file");
        let none = TlsConnector::builder().without_system_roots().build().expect_err("no roots").to_string();
        assert!(none.contains("root_file"), "{none}");

        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let connector = Authority::new().client().build().expect("a connector");
        let tcp = TcpStream::connect(addr).await.expect("a client");
        let error = connector.connect("localhost:443", tcp).await.expect_err("not a name");
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("without a port"), "{error}");
    });
}
