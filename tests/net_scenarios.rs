//! The network scenarios S6.5 and S6.6, each program about as short as asyncio's. S6.1 is the chat example
//! (`tests/chat.rs`); S6.2 to S6.4 are in `net/tests/streams_programs.rs`.

#[path = "common/program.rs"]
mod program;

use raddle::net::{
    DatagramProtocol, DatagramTransport, Protocol, Transport, create_connection, create_datagram_endpoint,
    create_server, lookup_host,
};
use raddle::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use raddle::time::{Duration, timeout};
use std::io;
use std::net::SocketAddr;

fn run(test: impl Future<Output = io::Result<()>> + Send + 'static) {
    raddle::run(async { timeout(Duration::from_secs(60), test).await.expect("it hangs") }).expect("it works");
}

/// What `nc` prints when it is given `input`.
async fn nc(args: &[&str], addr: SocketAddr, input: &'static str) -> String {
    let (host, port) = (addr.ip().to_string(), addr.port().to_string());
    let args: Vec<_> = args.iter().map(|arg| (*arg).to_owned()).chain([host, port]).collect();
    let talk = move || {
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        program::output("nc", "netcat-openbsd", &args, input)
    };
    raddle::spawn_blocking(talk).await.expect("no panic")
}

/// asyncio's echo protocol; it also tells what it was told.
struct Echo {
    told: UnboundedSender<String>,
    transport: Option<Transport>,
}

impl Echo {
    fn new(told: UnboundedSender<String>) -> Self {
        Self { told, transport: None }
    }

    fn tell(&self, what: impl Into<String>) {
        // At its end the test listens no more.
        let _ = self.told.send(what.into());
    }
}

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Transport) {
        self.tell("connection made");
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.tell(format!("data received: {}", String::from_utf8_lossy(data).trim_end()));
        self.transport.as_ref().expect("the connection was made").write(data);
    }

    fn eof_received(&mut self) -> bool {
        self.tell("eof received");
        false
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.tell(format!("connection lost: {error:?}"));
    }

    fn pause_writing(&mut self) {
        self.tell("pause writing");
    }

    fn resume_writing(&mut self) {
        self.tell("resume writing");
    }
}

async fn hears(hear: &mut UnboundedReceiver<String>, what: &str) {
    assert_eq!(hear.recv().await.as_deref(), Some(what));
}

#[test]
fn s6_5_a_protocol_is_called_back_in_order() {
    run(async {
        let (told, mut hear) = unbounded();
        let server = create_server(move || Echo::new(told.clone()), "127.0.0.1:0").await?;
        assert_eq!(nc(&["-N"], server.sockets()[0], "hello\n").await, "hello\n");
        for what in ["connection made", "data received: hello", "eof received", "connection lost: None"] {
            hears(&mut hear, what).await;
        }
        server.close();
        Ok(())
    });
}

#[test]
fn s6_5_flow_is_controlled_both_ways_and_a_transport_closes_and_aborts() {
    run(async {
        let (told, mut served) = unbounded();
        let server = create_server(move || Echo::new(told.clone()), "127.0.0.1:0").await?;
        let (told, mut hear) = unbounded();
        let (transport, _) = create_connection(|| Echo::new(told), server.sockets()[0]).await?;
        hears(&mut hear, "connection made").await;
        hears(&mut served, "connection made").await;

        // Ours reads nothing, so what the server sends back stays with the server, until it is told to pause.
        transport.pause_reading();
        let mut sent = 0;
        loop {
            transport.write([b'x'; 64 * 1024]);
            sent += 64 * 1024;
            let what = served.recv().await.expect("the server goes on");
            if what == "pause writing" {
                break;
            }
            assert!(sent < 1 << 30, "a GiB, and it was not told to pause");
        }
        transport.abort();
        while served.recv().await.is_some_and(|what| !what.starts_with("connection lost: Some")) {}

        let (told, mut hear) = unbounded();
        let (transport, ended) = create_connection(|| Echo::new(told), server.sockets()[0]).await?;
        transport.close();
        hears(&mut hear, "connection made").await;
        hears(&mut hear, "connection lost: None").await;
        drop(ended.await.expect("it ended well"));
        server.close();
        Ok(())
    });
}

/// asyncio's echo over datagrams.
#[derive(Default)]
struct EchoDatagrams(Option<DatagramTransport>);

impl DatagramProtocol for EchoDatagrams {
    fn connection_made(&mut self, transport: DatagramTransport) {
        self.0 = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], from: SocketAddr) {
        self.0.as_ref().expect("the connection was made").send_to(data, from);
    }
}

#[test]
fn s6_6_nc_gets_its_datagrams_back() {
    run(async {
        let (transport, _) = create_datagram_endpoint(EchoDatagrams::default, "127.0.0.1:0", None).await?;
        let came = nc(&["-u", "-w", "1"], transport.local_addr()?, "hello\n").await;
        assert_eq!(came, "hello\n");
        transport.close();
        Ok(())
    });
}

#[test]
fn s6_6_names_are_looked_up_side_by_side() {
    run(async {
        let names = ["localhost", "127.0.0.1", "::1", "no.such.host.invalid"];
        let found = raddle::gather(names.map(|name| async move {
            let addrs = lookup_host((name, 80)).await?;
            Ok::<_, io::Error>(addrs.collect::<Vec<_>>())
        }))
        .await;
        for addrs in &found[..3] {
            let addrs = addrs.as_ref().expect("it is known");
            assert!(!addrs.is_empty() && addrs.iter().all(|addr| addr.ip().is_loopback()), "{addrs:?}");
        }
        let error = found[3].as_ref().expect_err("nobody has this name");
        assert!(error.to_string().contains("no.such.host.invalid"), "{error}");
        Ok(())
    });
}

#[cfg(feature = "tls")]
#[test]
fn s6_6_tls_client_and_server() {
    use futures_lite::{AsyncReadExt, AsyncWriteExt};
    use raddle::net::TcpStream;
    use raddle::net::tls::{TlsAcceptor, TlsConnector, TlsListener, self_signed};
    run(async {
        let (cert, key) = self_signed(["localhost"])?;
        let acceptor = TlsAcceptor::builder().identity_pem(&cert, &key).build()?;
        let listener = TlsListener::bind("127.0.0.1:0", acceptor).await?;
        let addr = listener.local_addr()?;
        let serving = raddle::spawn(async move {
            let (handshake, _peer) = listener.accept().await?;
            let mut stream = handshake.await?;
            let mut buf = [0; 5];
            stream.read_exact(&mut buf).await?;
            stream.write_all(&buf).await?;
            stream.close().await
        });

        let connector = TlsConnector::builder().root_pem(&cert).build()?;
        let mut stream = connector.connect("localhost", TcpStream::connect(addr).await?).await?;
        stream.write_all(b"hello").await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        assert_eq!(answer, "hello");
        serving.await.expect("no panic")
    });
}
