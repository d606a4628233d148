//! What both sides agree on.

use crate::certs::{Authority, Pair, handshake, tls_pair, try_handshake, write};
use crate::common::{pair, pattern, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::tls::rustls::ProtocolVersion;
use raddle_net::tls::{TlsAcceptor, TlsConnector, TlsStream, self_signed};
use std::io;

/// The certificate that the client got to see, as DER.
fn shown(client: &TlsStream) -> Vec<u8> {
    client.peer_certificates().expect("a certificate")[0].to_vec()
}

/// The first certificate of a PEM text, as DER.
fn der(pem: &str) -> Vec<u8> {
    use raddle_net::tls::rustls::pki_types::{CertificateDer, pem::PemObject};
    CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate").to_vec()
}

/// A byte there and one back, after which the tickets of the server have come too.
async fn exchange(client: &mut TlsStream, server: &mut TlsStream) {
    client.write_all(b"?").await.expect("a write");
    server.read_exact(&mut [0]).await.expect("a read");
    server.write_all(b"!").await.expect("a write");
    client.read_exact(&mut [0]).await.expect("a read");
}

#[test]
fn bytes_arrive_as_they_were_sent_both_ways_at_once() {
    run(async {
        let (client, server) = tls_pair().await;
        let bytes = pattern(3_000_000);
        let (mut client_reads, mut client_writes) = futures_lite::io::split(client);
        let (mut server_reads, mut server_writes) = futures_lite::io::split(server);
        let send = async {
            client_writes.write_all(&bytes).await?;
            client_writes.close().await
        };
        let echo = async {
            futures_lite::io::copy(&mut server_reads, &mut server_writes).await?;
            server_writes.close().await
        };
        let mut got = Vec::new();
        let (sent, (echoed, read)) = zip(send, zip(echo, client_reads.read_to_end(&mut got))).await;
        sent.expect("a client that writes");
        echoed.expect("a server that echoes");
        read.expect("a clean end");
        assert!(got == bytes);
    });
}

#[test]
fn a_self_signed_certificate_does_for_development() {
    run(async {
        let (cert, key) = self_signed(["localhost", "127.0.0.1"]).expect("a certificate");
        let acceptor = TlsAcceptor::builder().identity_pem(&cert, key).build().expect("an acceptor");
        let connector = TlsConnector::builder().root_pem(cert).build().expect("a connector");
        for name in ["localhost", "127.0.0.1"] {
            let (mut client, mut server) = handshake(&connector, &acceptor, name).await;
            exchange(&mut client, &mut server).await;
            assert_eq!(client.protocol_version(), Some(ProtocolVersion::TLSv1_3));
            assert!(client.cipher_suite().is_some());
            assert_eq!(client.server_name().as_deref(), Some(name));
        }
        let error = self_signed(["not a name\u{e9}"]).expect_err("not a name");
        assert!(error.to_string().contains("not a name"), "{error}");
    });
}

#[test]
fn alpn_takes_the_servers_first_choice() {
    run(async {
        let authority = Authority::new();
        let acceptor =
            authority.server(&["localhost"]).alpn(["h2", "http/1.1"]).build().expect("an acceptor");
        let offers = async |protocols: &[&str]| {
            let connector = authority.client().alpn(protocols.iter().copied()).build().expect("a connector");
            try_handshake(&connector, &acceptor, "localhost").await
        };
        let (client, server) = offers(&["http/1.1", "h2"]).await;
        assert_eq!(client.expect("a client").alpn_protocol(), Some(&b"h2"[..]));
        assert_eq!(server.expect("a server").alpn_protocol(), Some(&b"h2"[..]));
        let (client, _server) = offers(&[]).await;
        assert_eq!(client.expect("a client").alpn_protocol(), None);
        let (client, server) = offers(&["imap"]).await;
        let (client, server) = (client.expect_err("none in common"), server.expect_err("none in common"));
        assert!(client.to_string().contains("ALPN") && client.to_string().contains("localhost"), "{client}");
        assert!(server.to_string().contains("ALPN"), "{server}");
    });
}

#[test]
fn the_name_that_is_asked_for_selects_the_certificate() {
    run(async {
        let authority = Authority::new();
        let names: [&[&str]; 3] = [&["one.example"], &["*.two.example"], &["one.example", "three.example"]];
        let certs = names.map(|names| authority.sign(names));
        let builder = certs
            .iter()
            .fold(TlsAcceptor::builder(), |builder, Pair { cert, key }| builder.identity_pem(cert, key));
        let acceptor = builder.build().expect("an acceptor");
        let connector = authority.client().build().expect("a connector");
        let asked = [("one.example", 0), ("a.two.example", 1), ("three.example", 2), ("One.Example", 0)];
        for (name, expected) in asked {
            let (client, server) = handshake(&connector, &acceptor, name).await;
            assert!(shown(&client) == der(&certs[expected].cert), "{name}");
            assert_eq!(server.server_name().expect("SNI"), name.to_lowercase());
        }
        // Nobody has this name: the first is shown, and the client says what is wrong with it.
        let (client, _) = try_handshake(&connector, &acceptor, "four.example").await;
        let text = client.expect_err("a wrong name").to_string();
        assert!(text.contains("four.example") && text.contains("one.example"), "{text}");
    });
}

#[test]
fn client_certificates_are_required_or_optional() {
    run(async {
        let (authority, strangers) = (Authority::new(), Authority::new());
        let required = authority.server(&["localhost"]).client_root_pem(&authority.cert);
        let optional = required.clone().client_certificate_optional().build().expect("an acceptor");
        let required = required.build().expect("an acceptor");
        let (own, other) = (authority.sign(&["ada"]), strangers.sign(&["eve"]));
        let with = |pair: &Pair| authority.client().identity_pem(&pair.cert, &pair.key);
        let known = with(&own).build().expect("a connector");
        let stranger = with(&other).build().expect("a connector");
        let nobody = authority.client().build().expect("a connector");

        for acceptor in [&required, &optional] {
            let (mut client, mut server) = handshake(&known, acceptor, "localhost").await;
            exchange(&mut client, &mut server).await;
            assert!(shown(&server) == der(&own.cert));
            let (_, server) = try_handshake(&stranger, acceptor, "localhost").await;
            let text = server.expect_err("an unknown authority").to_string();
            assert!(text.contains("client_root"), "{text}");
        }
        let (mut client, mut server) = handshake(&nobody, &optional, "localhost").await;
        exchange(&mut client, &mut server).await;
        assert!(server.peer_certificates().is_none());
        let (client, server) = try_handshake(&nobody, &required, "localhost").await;
        assert!(server.expect_err("no certificate").to_string().contains("no certificate"));
        // In TLS 1.3 the client is done before the server has seen that something is missing.
        let error = client.expect("done").read(&mut [0]).await.expect_err("refused");
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(error.to_string().contains("identity_pem"), "{error}");
    });
}

#[test]
fn sessions_are_resumed_unless_that_is_off() {
    run(async {
        let authority = Authority::new();
        let twice = async |connector: TlsConnector, acceptor: TlsAcceptor| {
            let mut resumed = Vec::new();
            for _ in 0..2 {
                let (mut client, mut server) = handshake(&connector, &acceptor, "localhost").await;
                exchange(&mut client, &mut server).await;
                assert_eq!(client.is_resumed(), server.is_resumed());
                resumed.push(client.is_resumed());
            }
            resumed
        };
        let client = || authority.client();
        let server = || authority.server(&["localhost"]);
        let connector = client().build().expect("a connector");
        let acceptor = server().build().expect("an acceptor");
        assert_eq!(twice(connector.clone(), acceptor.clone()).await, [false, true]);
        // A ticket of before does not get past new settings.
        acceptor.reload(&server()).expect("new settings");
        assert_eq!(twice(connector, acceptor).await, [false, true]);

        let no_client = client().without_resumption().build().expect("a connector");
        assert_eq!(twice(no_client, server().build().expect("an acceptor")).await, [false, false]);
        let no_server = server().without_resumption().build().expect("an acceptor");
        assert_eq!(twice(client().build().expect("a connector"), no_server).await, [false, false]);
    });
}

#[test]
fn reloading_reads_the_files_again_and_old_connections_live_on() {
    run(async {
        let authority = Authority::new();
        let connector = authority.client().build().expect("a connector");
        let old = authority.sign(&["localhost"]);
        let (cert, key) = old.write("reload");
        let settings = TlsAcceptor::builder().identity_files(&cert, &key);
        let acceptor = settings.build().expect("an acceptor");
        let clone = acceptor.clone();
        let (mut client, mut server) = handshake(&connector, &acceptor, "localhost").await;
        assert!(shown(&client) == der(&old.cert));

        // Half of the files is new: the error says so, and nothing has changed.
        let new = authority.sign(&["localhost"]);
        write("reload.pem", &new.cert);
        let text = acceptor.reload(&settings).expect_err("the key of another certificate").to_string();
        assert!(text.contains("reload.pem") && text.contains("reload.key"), "{text}");
        assert!(shown(&handshake(&connector, &acceptor, "localhost").await.0) == der(&old.cert));

        write("reload.key", &new.key);
        acceptor.reload(&settings).expect("new files");
        assert!(shown(&handshake(&connector, &clone, "localhost").await.0) == der(&new.cert));
        exchange(&mut client, &mut server).await;
        for path in [cert, key] {
            std::fs::remove_file(path).expect("our file");
        }
    });
}

#[test]
fn a_connection_that_began_in_the_clear_goes_on_encrypted() {
    run(async {
        let authority = Authority::new();
        let connector = authority.client().build().expect("a connector");
        let acceptor = authority.server(&["localhost"]).build().expect("an acceptor");
        let (mut client, mut server) = pair().await;
        client.write_all(b"STARTTLS\n").await.expect("a write");
        server.read_exact(&mut [0; 9]).await.expect("a read");
        server.write_all(b"go\n").await.expect("a write");
        client.read_exact(&mut [0; 3]).await.expect("a read");
        {
            // Over borrowed streams, as a shared connection needs it.
            let (inside, outside) =
                zip(connector.connect("localhost", &client), acceptor.accept(&server)).await;
            let (mut inside, mut outside) = (inside.expect("a client"), outside.expect("a server"));
            inside.write_all(b"secret").await.expect("a write");
            outside.read_exact(&mut [0; 6]).await.expect("a read");
        }
        // And it is still theirs.
        client.write_all(b"clear").await.expect("a write");
        server.read_exact(&mut [0; 5]).await.expect("a read");
    });
}
