//! hyper on our streams, with curl as the client, and with hyper on both sides.
#![cfg(feature = "hyper")]

mod common;
#[path = "common/temp.rs"]
mod temp;

use common::{pattern, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::rt::{Read, Write};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, header};
use raddle_net::hyper_io::{FuturesIo, HyperIo};
use raddle_net::{TcpListener, TcpStream, UnixListener, UnixStream};
use raddle_runtime::{spawn, spawn_blocking};
use std::convert::Infallible;
use std::process::Command;
use temp::TempDir;

async fn echo(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let body = request.into_body().collect().await.expect("a body").to_bytes();
    Ok(Response::new(Full::new(body)))
}

async fn serve(stream: impl Read + Write + Unpin + Send + 'static) {
    // hyper has no timer here, and says so when it needs one.
    let mut http = hyper::server::conn::http1::Builder::new();
    http.header_read_timeout(None).serve_connection(stream, service_fn(echo)).await.expect("a connection");
}

/// What curl prints when it sends 300,000 bytes.
async fn curl(args: &[&str], file: &std::path::Path) -> Vec<u8> {
    std::fs::write(file, pattern(300_000)).expect("a file");
    let mut command = Command::new("curl");
    command.args(["-sS", "--data-binary", &format!("@{}", file.display())]).args(args);
    let output = spawn_blocking(move || command.output()).await.expect("it ends");
    let output = output.expect("this test needs the program curl");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn curl_is_served_over_tcp_and_unix() {
    run(async {
        let dir = TempDir::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let url = format!("http://{}/", listener.local_addr().expect("an address"));
        let server = spawn(async move { serve(listener.accept().await.expect("a connection").0).await });
        assert!(curl(&[&url], &dir.join("body")).await == pattern(300_000));
        server.await.expect("the server ends well");

        let path = dir.join("a.sock");
        let listener = UnixListener::bind(&path).expect("a listener");
        // Through a wrapper, as a TLS stream would be.
        let server =
            spawn(async move { serve(HyperIo(listener.accept().await.expect("a connection").0)).await });
        let args = ["--unix-socket", path.to_str().expect("plain text"), "http://local/"];
        assert!(curl(&args, &dir.join("body")).await == pattern(300_000));
        server.await.expect("the server ends well");
    });
}

async fn upgrade(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    spawn(async {
        let mut stream = FuturesIo(hyper::upgrade::on(request).await.expect("an upgrade"));
        let mut buf = [0; 4];
        stream.read_exact(&mut buf).await.expect("a read");
        stream.write_all(&buf).await.expect("a write");
        stream.close().await.expect("the end");
    })
    .detach();
    let mut response = Response::new(Full::default());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    response.headers_mut().insert(header::UPGRADE, header::HeaderValue::from_static("echo"));
    Ok(response)
}

#[test]
fn an_upgraded_connection_speaks_futures_io() {
    run(async {
        let (ours, theirs) = UnixStream::pair().expect("a pair");
        let server = spawn(async move {
            let mut http = hyper::server::conn::http1::Builder::new();
            let connection = http.header_read_timeout(None).serve_connection(theirs, service_fn(upgrade));
            connection.with_upgrades().await.expect("a connection");
        });
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(ours).await.expect("a handshake");
        let client = spawn(async move { connection.with_upgrades().await });
        let request = Request::get("/").header(header::CONNECTION, "upgrade").header(header::UPGRADE, "echo");
        let response = sender.send_request(request.body(Full::default()).expect("a request")).await;
        let upgraded = hyper::upgrade::on(response.expect("a response")).await.expect("an upgrade");
        let mut stream = FuturesIo(upgraded);
        stream.write_all(b"ping").await.expect("a write");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("up to the end");
        assert_eq!(text, "ping");
        server.await.expect("the server ends well");
        client.await.expect("the client ends").expect("the client ends well");
    });
}

#[test]
fn streams_are_connections_to_hyper_util() {
    fn connection<T: hyper_util::client::legacy::connect::Connection + Write>(stream: &T) {
        assert!(!stream.connected().is_proxied());
        assert!(stream.is_write_vectored());
    }
    run(async {
        let (ours, _theirs): (TcpStream, _) = common::pair().await;
        connection(&ours);
        connection(&UnixStream::pair().expect("a pair").0);
    });
}
