//! Streams over TLS leave no descriptor and no task behind, however they end. Alone in its process, because it counts
//! them.

mod common;

use common::{open_fds, poll_once, run};
use futures_lite::AsyncWriteExt;
use raddle_net::tls::{TlsAcceptor, TlsConnector, self_signed};
use raddle_net::{StreamOptions, StreamReader, StreamWriter, TcpStream};
use std::pin::pin;

/// Two that know each other.
fn both() -> (TlsConnector, TlsAcceptor) {
    let (cert, key) = self_signed(["localhost"]).expect("a certificate");
    let acceptor = TlsAcceptor::builder().identity_pem(&cert, key).build().expect("an acceptor");
    let connector = TlsConnector::builder().without_system_roots().root_pem(cert).build();
    (connector.expect("a connector"), acceptor)
}

/// Waits until there are so many descriptors and tasks again.
async fn until(fds: usize, tasks: usize) {
    let handle = raddle_runtime::runtime::Handle::current();
    while open_fds() > fds || handle.metrics().alive_tasks() > tasks {
        raddle_runtime::yield_now().await;
    }
}

#[test]
fn f37_streams_leave_no_descriptor_and_no_task_behind() {
    run(async {
        let (connector, acceptor) = both();
        let (fds, tasks) = (open_fds(), raddle_runtime::runtime::Handle::current().metrics().alive_tasks());
        let options = StreamOptions::new().tls_acceptor(&acceptor);
        let echo = |mut reader: StreamReader, writer: StreamWriter| async move {
            while let Ok(line) = reader.readline().await {
                if line.is_empty() {
                    return;
                }
                writer.write(line);
            }
        };
        let server = options.start_server(echo, "127.0.0.1:0").await.expect("a server");
        let addr = server.sockets()[0];
        for polls in 0..40 {
            let options = StreamOptions::new().tls(&connector, "localhost");
            let mut opening = pin!(options.open_connection(addr));
            let mut opened = None;
            for _ in 0..polls {
                if opened.is_none() {
                    opened = poll_once(&mut opening).await;
                }
                raddle_runtime::yield_now().await;
            }
            let Some((mut reader, writer)) = opened.transpose().expect("a connection") else { continue };
            writer.write("hello\n");
            match polls % 3 {
                0 => assert_eq!(reader.readline().await.expect("an echo"), b"hello\n"),
                1 => writer.abort(),
                _ => {}
            }
        }
        for _ in 0..20 {
            let mut garbage = TcpStream::connect(addr).await.expect("a connection");
            garbage.write_all(b"not TLS at all").await.expect("a write");
            let options = StreamOptions::new().tls(&connector, "other.name");
            assert!(options.open_connection(addr).await.is_err());
        }
        server.close();
        server.wait_closed().await;
        until(fds, tasks).await;
    });
}
