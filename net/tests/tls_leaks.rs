//! TLS connections that fail, are given up or are closed leave no descriptor behind. Alone in its process, because it
//! counts them.

mod common;

use common::{open_fds, pair, poll_once, run};
use futures_lite::future::zip;
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::tls::{TlsAcceptor, TlsConnector, self_signed};
use std::pin::pin;

/// Two that know each other.
fn both() -> (TlsConnector, TlsAcceptor) {
    let (cert, key) = self_signed(["localhost"]).expect("a certificate");
    let acceptor = TlsAcceptor::builder().identity_pem(&cert, key).build().expect("an acceptor");
    let connector = TlsConnector::builder().without_system_roots().root_pem(cert).build();
    (connector.expect("a connector"), acceptor)
}

/// Drops a handshake of both sides after `polls` polls; true when it was done by then.
async fn given_up_after(polls: usize, connector: &TlsConnector, acceptor: &TlsAcceptor) -> bool {
    let (client, server) = pair().await;
    let mut client = pin!(connector.connect("localhost", client));
    let mut server = pin!(acceptor.accept(server));
    let (mut connected, mut accepted) = (None, None);
    for _ in 0..polls {
        if connected.is_none() {
            connected = poll_once(&mut client).await;
        }
        if accepted.is_none() {
            accepted = poll_once(&mut server).await;
        }
        raddle_runtime::yield_now().await;
    }
    connected.is_some() && accepted.is_some()
}

#[test]
fn f37_no_end_of_a_connection_leaks_a_descriptor() {
    run(async {
        let (connector, acceptor) = both();
        let before = open_fds();
        let mut done = 0;
        for polls in 0..60 {
            done += usize::from(given_up_after(polls, &connector, &acceptor).await);
        }
        assert!(done > 0, "a handshake is done after few polls");
        assert_eq!(open_fds(), before, "handshakes given up");

        for _ in 0..20 {
            let (mut garbage, server) = pair().await;
            garbage.write_all(b"not TLS at all").await.expect("a write");
            assert!(acceptor.accept(server).await.is_err());
            let (client, server) = pair().await;
            let (client, server) =
                zip(connector.connect("other.name", client), acceptor.accept(server)).await;
            assert!(client.is_err() && server.is_err());
        }
        assert_eq!(open_fds(), before, "handshakes failed");

        for _ in 0..20 {
            let (client, server) = pair().await;
            let (client, server) = zip(connector.connect("localhost", client), acceptor.accept(server)).await;
            let (mut client, mut server) = (client.expect("a client"), server.expect("a server"));
            client.close().await.expect("closed, though the peer never answers");
            assert_eq!(server.read(&mut [0]).await.expect("a clean end"), 0);
        }
        assert_eq!(open_fds(), before, "connections closed");
    });
}
