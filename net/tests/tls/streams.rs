//! Streams over TLS from the start.

use crate::certs::{Authority, both};
use crate::common::{pattern, poll_once, run};
use futures_lite::future::zip;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use raddle_net::tls::{TlsAcceptor, TlsConnector, rustls::ProtocolVersion};
use raddle_net::{Server, StreamOptions, StreamReader, StreamWriter};
use raddle_sync::mpsc::{UnboundedReceiver, unbounded};
use std::io;
use std::pin::pin;

pub(crate) type Streams = (StreamReader, StreamWriter);

/// Answers each line with "got LINE".
async fn answer(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    loop {
        let line = reader.readline().await?;
        if line.is_empty() {
            return Ok(());
        }
        writer.writelines([&b"got "[..], &line]);
        writer.drain().await?;
    }
}

pub(crate) async fn serve(acceptor: &TlsAcceptor) -> Server {
    let options = StreamOptions::new().tls_acceptor(acceptor);
    options.start_server(answer, "127.0.0.1:0").await.expect("a server")
}

pub(crate) async fn connect(server: &Server, connector: &TlsConnector) -> Streams {
    let options = StreamOptions::new().tls(connector, "localhost");
    options.open_connection(server.sockets()[0]).await.expect("a connection")
}

/// A well-behaved client gets its answer.
pub(crate) async fn check(server: &Server, connector: &TlsConnector) {
    let (mut reader, writer) = connect(server, connector).await;
    writer.write("hello\n");
    assert_eq!(reader.readline().await.expect("an answer"), b"got hello\n");
}

pub(crate) async fn end(server: Server) {
    server.close();
    server.wait_closed().await;
}

/// A server that hands its connections out.
pub(crate) async fn handing_out(options: StreamOptions) -> (Server, UnboundedReceiver<Streams>) {
    let (send, receive) = unbounded();
    let handler = move |reader: StreamReader, writer: StreamWriter| {
        let _ = send.send((reader, writer));
        async {}
    };
    (options.start_server(handler, "127.0.0.1:0").await.expect("a server"), receive)
}

/// Both ends of one connection: the client's, the server's.
pub(crate) async fn secure_pair() -> (Streams, Streams) {
    let (connector, acceptor) = both();
    let (server, mut served) = handing_out(StreamOptions::new().tls_acceptor(&acceptor)).await;
    let client = connect(&server, &connector).await;
    let served = served.recv().await.expect("a connection");
    server.close();
    (client, served)
}

#[test]
fn s6_6_client_and_server() {
    run(async {
        let authority = Authority::new();
        let connector = authority.client().alpn(["line"]).build().expect("a connector");
        let acceptor = authority.server(&["localhost"]).alpn(["line"]).build().expect("an acceptor");
        let server = serve(&acceptor).await;
        let (mut reader, writer) = connect(&server, &connector).await;
        let tls = writer.get_extra_info().tls.expect("it is encrypted");
        assert_eq!(tls.version, Some(ProtocolVersion::TLSv1_3));
        assert_eq!(tls.alpn.as_deref(), Some(&b"line"[..]));
        assert!(tls.cipher.is_some() && tls.peer_certificates.len() == 1);
        for line in ["one\n", "two\n", "", "three\n"] {
            writer.write(line);
            if !line.is_empty() {
                assert_eq!(reader.readline().await.expect("an answer"), format!("got {line}").as_bytes());
            }
        }
        writer.write_eof();
        assert!(reader.read(1).await.expect("a clean end").is_empty() && reader.at_eof());
        writer.close();
        writer.wait_closed().await.expect("closed");
        assert_eq!(server.connections(), 0);
        end(server).await;
    });
}

#[test]
fn much_goes_both_ways_at_once() {
    run(async {
        let (client, server) = secure_pair().await;
        let sent = pattern(8 << 20);
        let exchange = async |(mut reader, writer): Streams| {
            let write = async {
                for chunk in sent.chunks(100_001) {
                    writer.write(chunk);
                    writer.drain().await.expect("the peer reads");
                    assert!(writer.get_write_buffer_size() < 300_000);
                }
                writer.write_eof();
            };
            let ((), got) = zip(write, reader.read_to_end()).await;
            assert!(got.expect("all of it") == sent);
        };
        zip(exchange(client), exchange(server)).await;
    });
}

#[test]
fn each_direction_ends_alone() {
    run(async {
        let ((mut client_reads, client), (mut server_reads, server)) = secure_pair().await;
        client.write("a question");
        assert!(client.can_write_eof());
        client.write_eof();
        assert_eq!(server_reads.read_to_end().await.expect("a clean end"), b"a question");
        server.write("an answer");
        server.close();
        assert_eq!(client_reads.read_to_end().await.expect("a clean end"), b"an answer");
        client.write("too late");
        assert!(client.drain().await.is_err());
    });
}

#[test]
fn closing_sends_what_is_kept_first() {
    run(async {
        let (client, (mut server_reads, server)) = secure_pair().await;
        let sent = pattern(16 << 20);
        // The tickets of the server are never read: that must not cost it the end of what was written.
        let (client_reads, writer) = client;
        writer.write(&sent);
        assert!(writer.get_write_buffer_size() > 0);
        drop((client_reads, writer));
        assert!(server_reads.read_to_end().await.expect("a clean end") == sent);
        drop(server);
    });
}

#[test]
fn a_reader_that_waits_learns_that_this_side_has_closed() {
    run(async {
        let ((mut reader, writer), _server) = secure_pair().await;
        let mut reading = pin!(reader.read(1));
        assert!(poll_once(&mut reading).await.is_none());
        let reading = async { reading.await.expect("a clean end") };
        let closing = async {
            raddle_runtime::yield_now().await;
            writer.close();
        };
        assert!(zip(reading, closing).await.0.is_empty());
    });
}

#[test]
fn a_peer_that_never_reads_makes_drain_wait() {
    run(async {
        let ((_reads, writer), server) = secure_pair().await;
        let data = pattern(1 << 16);
        while poll_once(&mut pin!(writer.drain())).await.is_some() {
            writer.write(&data);
            assert!(writer.get_write_buffer_size() < 3 << 16);
        }
        assert!(poll_once(&mut pin!(writer.drain())).await.is_none());
        let (drained, ()) = zip(writer.drain(), async { writer.abort() }).await;
        assert_eq!(drained.expect_err("aborted").kind(), io::ErrorKind::ConnectionReset);
        writer.wait_closed().await.expect("as it was meant");
        drop(server);
    });
}

#[test]
fn a_writer_is_a_futures_writer_that_waits_below_the_mark() {
    run(async {
        let ((_reads, mut writer), (mut server_reads, _server)) = secure_pair().await;
        let sent = pattern(4 << 20);
        let write = async {
            for chunk in sent.chunks(10_000) {
                writer.write_all(chunk).await.expect("the peer reads");
                assert!(writer.get_write_buffer_size() < 100_000);
            }
            writer.flush().await.expect("the peer reads");
            AsyncWriteExt::close(&mut writer).await.expect("the end");
        };
        let ((), got) = zip(write, server_reads.read_to_end()).await;
        assert!(got.expect("all of it") == sent);
    });
}

#[test]
fn options_for_the_other_side_are_refused() {
    run(async {
        let (connector, acceptor) = both();
        let options = StreamOptions::new().tls(&connector, "localhost");
        let error = options.start_server(answer, "127.0.0.1:0").await.expect_err("in the clear");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        let options = StreamOptions::new().tls_acceptor(&acceptor);
        let error = options.open_connection("127.0.0.1:1").await.expect_err("in the clear");
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    });
}

#[test]
fn a_runtime_ends_with_its_connections_open() {
    let runtime = raddle_runtime::runtime::Builder::new().worker_threads(2).build().expect("a runtime");
    let client = runtime.block_on(async {
        let (client, server) = secure_pair().await;
        // More than the system takes.
        server.1.write(pattern(16 << 20));
        raddle_runtime::spawn(async move {
            let _server = server;
            std::future::pending::<()>().await;
        })
        .detach();
        client
    });
    drop(runtime);
    drop(client);
}

/// Passes what comes from one to the other in the smallest pieces.
async fn trickle(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin) -> io::Result<()> {
    let mut byte = [0];
    while from.read(&mut byte).await? > 0 {
        to.write_all(&byte).await?;
    }
    to.close().await
}

#[test]
fn one_byte_at_a_time_is_as_good() {
    run(async {
        let (connector, acceptor) = both();
        let server = serve(&acceptor).await;
        let relay = raddle_net::TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let options = StreamOptions::new().tls(&connector, "localhost");
        let connecting = options.open_connection(relay.local_addr().expect("an address"));
        let relaying = async {
            let (near, _) = relay.accept().await.expect("a client");
            let far = raddle_net::TcpStream::connect(server.sockets()[0]).await.expect("a server");
            let (near_reads, near_writes) = near.into_split();
            let (far_reads, far_writes) = far.into_split();
            raddle_runtime::spawn(trickle(near_reads, far_writes)).detach();
            raddle_runtime::spawn(trickle(far_reads, near_writes)).detach();
        };
        let (connected, ()) = zip(connecting, relaying).await;
        let (mut reader, writer) = connected.expect("a connection");
        let line = [&[b'x'; 20_000][..], b"\n"].concat();
        writer.write(&line);
        writer.write_eof();
        assert!(reader.read_to_end().await.expect("a clean end") == [b"got ", &line[..]].concat());
        drop((reader, writer));
        end(server).await;
    });
}
