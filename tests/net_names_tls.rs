//! The names of `raddle::net::tls` on a live connection, as a user types them.
#![cfg(feature = "tls")]

use raddle::net::tls::{TlsAcceptor, TlsConnector, self_signed};
use raddle::net::{StreamReader, StreamWriter, open_connection, start_server};
use raddle::time::{Duration, timeout};
use std::io;

const ANY: &str = "127.0.0.1:0";

/// Runs it, and fails if it hangs.
fn run(test: impl Future<Output = io::Result<()>> + Send + 'static) {
    raddle::run(async { timeout(Duration::from_secs(60), test).await.expect("it hangs") }).expect("it works");
}

#[test]
fn start_tls_on_a_live_connection() {
    run(async {
        let (cert, key) = self_signed(["localhost"])?;
        let acceptor = TlsAcceptor::builder().identity_pem(&cert, &key).build()?;
        let connector = TlsConnector::builder().without_system_roots().root_pem(&cert).build()?;
        let serve = move |mut reader: StreamReader, writer: StreamWriter| {
            let acceptor = acceptor.clone();
            async move {
                assert_eq!(reader.readline().await?, b"STARTTLS\n");
                writer.write("go ahead\n");
                writer.start_tls_server(&mut reader, &acceptor).await?;
                let line = reader.readline().await?;
                writer.write(&line);
                writer.drain().await
            }
        };
        let server = start_server(serve, ANY).await?;
        let (mut reader, writer) = open_connection(server.sockets()[0]).await?;
        assert_eq!(writer.get_extra_info().cipher, None);
        writer.write("STARTTLS\n");
        assert_eq!(reader.readline().await?, b"go ahead\n");
        writer.start_tls(&mut reader, &connector, "localhost").await?;
        assert!(writer.get_extra_info().cipher.is_some_and(|cipher| cipher.starts_with("TLS")));
        writer.write("in private\n");
        assert_eq!(reader.readline().await?, b"in private\n");
        Ok(())
    });
}
