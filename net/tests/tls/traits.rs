//! The traits that others bring.

#[cfg(feature = "tokio-io")]
#[test]
fn tokio_reads_and_writes_it() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    crate::common::run(async {
        let (mut client, mut server) = crate::certs::tls_pair().await;
        let sent = crate::common::pattern(1 << 20);
        let write = async {
            client.write_all(&sent).await.expect("a write");
            client.shutdown().await.expect("the end");
        };
        let mut got = Vec::new();
        let ((), read) = futures_lite::future::zip(write, server.read_to_end(&mut got)).await;
        read.expect("a clean end");
        assert!(got == sent);
    });
}

#[cfg(feature = "hyper")]
#[test]
fn hyper_serves_over_it_and_learns_of_http_2() {
    use hyper_util::client::legacy::connect::Connection;
    fn takes<T: hyper::rt::Read + hyper::rt::Write + Connection>(stream: &T) -> bool {
        stream.connected().is_negotiated_h2()
    }
    crate::common::run(async {
        let authority = crate::certs::Authority::new();
        for protocol in ["h2", "http/1.1"] {
            let connector = authority.client().alpn([protocol]).build().expect("a connector");
            let acceptor = authority.server(&["localhost"]).alpn([protocol]).build().expect("an acceptor");
            let (client, server) = crate::certs::handshake(&connector, &acceptor, "localhost").await;
            assert_eq!((takes(&client), takes(&server)), (protocol == "h2", protocol == "h2"));
            let service = hyper::service::service_fn(async |_| {
                Ok::<_, std::convert::Infallible>(hyper::Response::new("hello".to_owned()))
            });
            if protocol == "h2" {
                continue;
            }
            let serving = hyper::server::conn::http1::Builder::new().serve_connection(server, service);
            let asking = async {
                let (mut send, connection) =
                    hyper::client::conn::http1::handshake(client).await.expect("a connection");
                let request = hyper::Request::new(String::new());
                let answer = async {
                    let response = send.send_request(request).await.expect("a response");
                    drop(send);
                    let body = http_body_util::BodyExt::collect(response.into_body()).await;
                    assert_eq!(body.expect("a body").to_bytes(), "hello");
                };
                let ((), ended) = futures_lite::future::zip(answer, connection).await;
                ended.expect("a clean end");
            };
            let (served, ()) = futures_lite::future::zip(serving, asking).await;
            served.expect("a clean end");
        }
    });
}
