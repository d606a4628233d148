//! Protocols over TLS.

use crate::calls::{Call, Calls, echo, stay, told};
use crate::certs::both;
use crate::common::{pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::tls::{
    TlsAcceptor, TlsConnector, create_tls_connection, create_tls_server, create_tls_unix_connection,
    create_tls_unix_server,
};
use raddle_net::{Server, TcpStream, create_connection, create_server};
use std::io::ErrorKind;

async fn serve_echo(acceptor: TlsAcceptor) -> (Server, Calls) {
    let (make, calls) = told(echo);
    (create_tls_server(make, "127.0.0.1:0", acceptor).await.expect("a server"), calls)
}

#[test]
fn s6_6_client_and_server() {
    run(async {
        let (connector, acceptor) = both();
        let (server, mut served) = serve_echo(acceptor).await;
        let (make, mut calls) = told(stay);
        let made = create_tls_connection(make, server.sockets()[0], &connector, "localhost").await;
        let (transport, handle) = made.expect("a connection");
        calls.made().await;
        let served_by = served.made().await;
        assert!(transport.tls_info().is_some() && served_by.tls_info().is_some());
        let sent = pattern(4 << 20);
        transport.write(&sent);
        let mut got = Vec::new();
        let mut paused = false;
        while got.len() < sent.len() {
            match calls.next().await {
                Call::Data(data) => got.extend(data),
                Call::Pause => assert!(!std::mem::replace(&mut paused, true)),
                Call::Resume => assert!(std::mem::replace(&mut paused, false)),
                other => panic!("{other:?}"),
            }
        }
        assert!(got == sent);
        transport.write_eof();
        let mut last = calls.next().await;
        while matches!(last, Call::Pause | Call::Resume) {
            last = calls.next().await;
        }
        assert_eq!(last, Call::Eof);
        transport.close();
        assert_eq!(calls.next().await, Call::Lost(None));
        handle.await.expect("the protocol");
        server.close();
        server.wait_closed().await;
    });
}

#[test]
fn a_failed_handshake_is_never_made() {
    run(async {
        let (connector, acceptor) = both();
        let (server, mut served) = serve_echo(acceptor).await;
        let (make, _calls) = told(stay);
        let made = create_tls_connection(make, server.sockets()[0], &connector, "other.name").await;
        assert_eq!(made.expect_err("the wrong name").kind(), ErrorKind::InvalidData);
        let mut garbage = TcpStream::connect(server.sockets()[0]).await.expect("a connection");
        garbage.write_all(b"not TLS at all").await.expect("a write");
        assert!(garbage.read_to_end(&mut Vec::new()).await.is_ok());
        let (make, mut calls) = told(stay);
        let made = create_tls_connection(make, server.sockets()[0], &connector, "localhost").await;
        let (transport, _handle) = made.expect("a connection");
        calls.made().await;
        served.made().await;
        transport.write("hello");
        assert_eq!(calls.data(5).await, b"hello");
        transport.close();
        server.close();
        server.wait_closed().await;
        assert_eq!(server.failed_handshakes(), 2);
    });
}

#[test]
fn protocols_over_unix_sockets_are_encrypted_too() {
    run(async {
        let (connector, acceptor) = both();
        let path = std::env::temp_dir().join(format!("raddle-tls-{}.sock", std::process::id()));
        let (make, mut served) = told(echo);
        let server = create_tls_unix_server(make, &path, acceptor).await.expect("a server");
        let (make, mut calls) = told(stay);
        let made = create_tls_unix_connection(make, &path, &connector, "localhost").await;
        let (transport, handle) = made.expect("a connection");
        calls.made().await;
        assert!(transport.tls_info().is_some() && served.made().await.tls_info().is_some());
        transport.write("hello");
        assert_eq!(calls.data(5).await, b"hello");
        transport.close();
        handle.await.expect("the protocol");
        let (make, _calls) = told(stay);
        let made = create_tls_unix_connection(make, &path, &connector, "other.name").await;
        assert_eq!(made.expect_err("the wrong name").kind(), ErrorKind::InvalidData);
        server.close();
        server.wait_closed().await;
        assert!(!path.exists());
        let (make, _calls) = told(stay);
        let error = create_tls_unix_connection(make, &path, &connector, "localhost").await;
        assert!(error.expect_err("nobody listens").to_string().contains("raddle-tls-"));
    });
}

/// A server whose protocol answers "go" to what comes first, goes on encrypted, and echoes.
async fn upgrading(acceptor: TlsAcceptor) -> (Server, Calls) {
    let (make, calls) = told(move |transport, call| {
        match call {
            Call::Data(_) if transport.tls_info().is_none() => {
                transport.write("go");
                drop(transport.start_tls_server(&acceptor));
                transport.write("welcome");
            }
            Call::Data(data) => transport.write(data),
            _ => {}
        }
        false
    });
    (create_server(make, "127.0.0.1:0").await.expect("a server"), calls)
}

/// A client that does the same at "go".
async fn upgrade(server: &Server, connector: TlsConnector, name: &'static str) -> Calls {
    let (make, mut calls) = told(move |transport, call| {
        match call {
            Call::Made => transport.write("upgrade"),
            Call::Data(data) if data == b"go" => {
                transport.pause_reading();
                transport.write("");
                drop(transport.start_tls(&connector, name));
                transport.write("secret");
                transport.resume_reading();
            }
            _ => {}
        }
        true
    });
    let (_, handle) = create_connection(make, server.sockets()[0]).await.expect("a connection");
    handle.detach();
    calls.made().await;
    calls
}

#[test]
fn a_transport_goes_on_encrypted() {
    run(async {
        let (connector, acceptor) = both();
        let (server, mut served) = upgrading(acceptor).await;
        let mut calls = upgrade(&server, connector, "localhost").await;
        served.made().await;
        assert_eq!(calls.data(2).await, b"go");
        assert_eq!(calls.data(13).await, b"welcomesecret");
        assert_eq!(served.data(13).await, b"upgradesecret");
        server.close();
        server.abort_clients();
        server.wait_closed().await;
        assert!(matches!(calls.next().await, Call::Lost(Some(_))));
    });
}

#[test]
fn an_upgrade_that_fails_is_a_lost_connection() {
    run(async {
        let (connector, acceptor) = both();
        let (server, mut served) = upgrading(acceptor).await;
        let mut calls = upgrade(&server, connector, "other.name").await;
        served.made().await;
        assert_eq!(calls.data(2).await, b"go");
        assert_eq!(calls.next().await, Call::Lost(Some(ErrorKind::InvalidData)));
        assert_eq!(served.data(7).await, b"upgrade");
        assert_eq!(served.next().await, Call::Lost(Some(ErrorKind::InvalidData)));
        server.close();
        server.wait_closed().await;
    });
}
