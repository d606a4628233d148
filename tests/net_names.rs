//! Every name of `raddle::net` through the facade, used as its documentation, asyncio's habits and tokio's have it:
//! what is written here compiles for users too, and keeps on doing so.
#![allow(clippy::needless_borrows_for_generic_args, clippy::redundant_closure, reason = "as people write it")]

#[path = "common/temp.rs"]
mod temp;

use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle::net::{
    BufferedProtocol, DatagramProtocol, DatagramTransport, Protocol, RecvBatch, SendBatch, Server,
    StreamReader, StreamWriter, TcpListener, TcpSocket, TcpStream, Transport, UdpSocket, UnixDatagram,
    UnixListener, UnixStream, create_connection, create_datagram_endpoint, create_server,
    create_unix_connection, create_unix_server, lookup_host, open_connection, open_unix_connection,
    start_server, start_unix_server,
};
use raddle::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use raddle::time::{Duration, timeout};
use std::io;
use std::net::{Ipv4Addr, Shutdown, SocketAddr};
use std::path::Path;
use temp::TempDir;

const ANY: &str = "127.0.0.1:0";

/// Runs it, and fails if it hangs.
fn run(test: impl Future<Output = io::Result<()>> + Send + 'static) {
    raddle::run(async { timeout(Duration::from_secs(60), test).await.expect("it hangs") }).expect("it works");
}

#[test]
fn tcp_as_in_std_and_tokio() {
    run(async {
        let listener = TcpListener::bind(ANY).await?;
        let addr: SocketAddr = listener.local_addr()?;
        let client = TcpStream::connect(addr).await?;
        let (mut served, peer): (TcpStream, SocketAddr) = listener.accept().await?;
        assert_eq!(peer, client.local_addr()?);
        assert_eq!(client.peer_addr()?, addr);
        client.set_nodelay(true)?;
        assert!(client.nodelay()?);
        client.set_ttl(64)?;
        assert_eq!(client.ttl()?, 64);

        let (mut read, mut write) = client.into_split();
        write.write_all(b"hello").await?;
        let mut buf = [0; 5];
        assert_eq!(served.peek(&mut buf).await?, 5);
        served.read_exact(&mut buf).await?;
        assert_eq!(&buf, b"hello");
        {
            let (mut read, mut write) = served.split();
            write.write_all(b"answer").await?;
            has_nothing(&mut read).await;
        }
        served.shutdown(Shutdown::Write)?;
        let mut answer = String::new();
        read.read_to_string(&mut answer).await?;
        assert_eq!(answer, "answer");

        let client = read.reunite(write).expect("they belong together");
        client.writable().await?;
        assert_eq!(client.try_write(b"x")?, 1);
        served.readable().await?;
        assert_eq!(served.try_read(&mut buf)?, 1);
        assert_eq!(served.try_read(&mut buf).expect_err("nothing").kind(), io::ErrorKind::WouldBlock);
        let ready = served.ready(raddle::io::Interest::WRITABLE).await;
        assert!(ready?.is_writable());
        let std: std::net::TcpStream = client.into_std()?;
        drop(TcpStream::from_std(std)?);
        let std: std::net::TcpListener = listener.into_std()?;
        TcpListener::from_std(std)?;
        Ok(())
    });
}

/// A half that is lent is like the stream.
async fn has_nothing(half: &mut raddle::net::tcp::ReadHalf<'_>) {
    assert_eq!(half.try_read(&mut [0; 8]).expect_err("nothing").kind(), io::ErrorKind::WouldBlock);
}

#[test]
fn all_that_is_an_address_is_taken() {
    run(async {
        let listener = TcpListener::bind("localhost:0").await?;
        let addr = listener.local_addr()?;
        TcpStream::connect(addr).await?;
        TcpStream::connect(&addr).await?;
        TcpStream::connect(addr.to_string()).await?;
        TcpStream::connect(addr.to_string().as_str()).await?;
        TcpStream::connect(&addr.to_string()).await?;
        TcpStream::connect((addr.ip(), addr.port())).await?;
        TcpStream::connect(("localhost", addr.port())).await?;
        TcpStream::connect((String::from("localhost"), addr.port())).await?;
        TcpStream::connect([addr]).await?;
        TcpStream::connect(&[addr][..]).await?;
        TcpStream::connect(vec![addr]).await?;
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let mut addrs = lookup_host("localhost").await?;
        assert!(addrs.all(|addr| addr.ip().is_loopback() && addr.port() == 0));
        let found: Vec<SocketAddr> = lookup_host(("localhost", 80)).await?.collect();
        assert!(!found.is_empty() && found.iter().all(|addr| addr.port() == 80));
        for addr in lookup_host("127.0.0.1:7").await? {
            assert_eq!(addr.to_string(), "127.0.0.1:7");
        }
        Ok(())
    });
}

#[test]
fn tcp_socket_sets_what_has_to_be_set_before() {
    run(async {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_reuseport(true)?;
        socket.set_send_buffer_size(64 * 1024)?;
        socket.set_recv_buffer_size(64 * 1024)?;
        socket.set_keepalive(true)?;
        socket.bind(ANY.parse().expect("an address"))?;
        let listener = socket.listen(128)?;
        let socket = TcpSocket::new_v4()?;
        let stream = socket.connect(listener.local_addr()?).await?;
        let (served, _) = listener.accept().await?;
        assert_eq!(served.peer_addr()?, stream.local_addr()?);
        let v6 = TcpSocket::new_v6()?;
        v6.set_only_v6(true)?;
        Ok(())
    });
}

#[test]
fn udp_as_in_std_and_tokio() {
    run(async {
        let socket = UdpSocket::bind(ANY).await?;
        let peer = UdpSocket::bind(ANY).await?;
        assert_eq!(peer.send_to(b"hello", socket.local_addr()?).await?, 5);
        let mut buf = [0; 1500];
        let (len, from): (usize, SocketAddr) = socket.recv_from(&mut buf).await?;
        assert_eq!((&buf[..len], from), (&b"hello"[..], peer.local_addr()?));
        socket.connect(from).await?;
        assert_eq!(socket.peer_addr()?, from);
        socket.send(b"answer").await?;
        peer.readable().await?;
        assert_eq!(peer.try_recv_from(&mut buf)?.0, 6);
        socket.set_broadcast(true)?;
        let mut batch = SendBatch::new();
        batch.push(b"one", socket.local_addr()?);
        batch.push(b"two", socket.local_addr()?);
        assert_eq!(peer.send_batch(&mut batch).await?, 2);
        let (mut batch, mut came) = (RecvBatch::new(8, 1500), Vec::new());
        while came.len() < 2 {
            socket.recv_batch(&mut batch).await?;
            came.extend(batch.iter().map(|(data, from)| (data.to_vec(), from)));
        }
        assert_eq!(came[1], (b"two".to_vec(), peer.local_addr()?));
        let std: std::net::UdpSocket = socket.into_std()?;
        UdpSocket::from_std(std)?;
        Ok(())
    });
}

#[test]
fn unix_as_in_std_and_tokio() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("stream");
        let listener = UnixListener::bind(&path)?;
        let mut client = UnixStream::connect(&path).await?;
        let (mut served, _) = listener.accept().await?;
        client.write_all(b"hello").await?;
        client.shutdown(Shutdown::Write)?;
        let mut text = String::new();
        served.read_to_string(&mut text).await?;
        assert_eq!(text, "hello");
        assert_eq!(served.peer_cred()?.pid, Some(std::process::id()));

        let (mut a, mut b) = UnixStream::pair()?;
        a.write_all(b"x").await?;
        b.read_exact(&mut [0; 1]).await?;
        let (a, b) = UnixDatagram::pair()?;
        a.send(b"datagram").await?;
        assert_eq!(b.recv(&mut [0; 100]).await?, 8);
        let named = UnixDatagram::bind(dir.join("datagram"))?;
        UnixDatagram::unbound()?.send_to(b"x", dir.join("datagram")).await?;
        assert_eq!(named.recv_from(&mut [0; 9]).await?.0, 1);
        Ok(())
    });
}

#[test]
fn any_descriptor_can_be_waited_for() {
    run(async {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let fd = raddle::net::poll_fd::AsyncFd::new(ours)?;
        io::Write::write_all(&mut &theirs, b"x")?;
        let mut guard = fd.readable().await?;
        let read = guard.try_io(|fd| io::Read::read(&mut fd.get_ref(), &mut [0; 8]));
        assert_eq!(read.expect("it is readable")?, 1);
        Ok(())
    });
}

/// As a function, since handlers often are.
async fn upper(mut reader: StreamReader, writer: StreamWriter) -> io::Result<()> {
    let line = reader.readline().await?;
    writer.write(&line.to_ascii_uppercase());
    writer.drain().await?;
    writer.close();
    writer.wait_closed().await
}

async fn ask(reader: &mut StreamReader, writer: &StreamWriter) -> io::Result<()> {
    writer.write(b"hello\n");
    writer.drain().await?;
    assert_eq!(reader.readline().await?, b"HELLO\n");
    assert_eq!(reader.read(100).await?, b"");
    assert!(reader.at_eof());
    Ok(())
}

#[test]
fn a_server_of_streams_as_in_asyncio() {
    run(async {
        let server: Server = start_server(upper, ANY).await?;
        let addrs: Vec<SocketAddr> = server.sockets();
        let (mut reader, writer): (StreamReader, StreamWriter) = open_connection(addrs[0]).await?;
        ask(&mut reader, &writer).await?;
        writer.close();

        let serving = raddle::spawn({
            let server = server.clone();
            async move { server.serve_forever().await }
        });
        let (_reader, _writer) = open_connection(("127.0.0.1", addrs[0].port())).await?;
        server.close();
        serving.await.expect("it ends when the server is closed");
        server.close_clients();
        server.abort_clients();
        server.wait_closed().await;
        assert!(server.sockets().is_empty());

        // Handlers come in all shapes.
        let made = [
            start_server(|_reader, _writer| async {}, ANY).await?,
            start_server(|_, writer| async move { writer.drain().await }, ANY).await?,
            start_server(async |mut reader: StreamReader, _writer| drop(reader.read(1).await), ANY).await?,
        ];
        made.iter().for_each(Server::close);
        Ok(())
    });
}

#[test]
fn the_same_over_a_unix_socket() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("socket");
        let server = start_unix_server(|reader, writer| upper(reader, writer), &path).await?;
        let (mut reader, writer) = open_unix_connection(&path).await?;
        ask(&mut reader, &writer).await?;
        server.close();
        server.wait_closed().await;
        Ok(())
    });
}

#[test]
fn all_of_reader_and_writer() {
    run(async {
        let handler = |mut reader: StreamReader, writer: StreamWriter| async move {
            let all: Vec<u8> = reader.read_to_end().await?;
            writer.write(&all);
            writer.drain().await
        };
        let server = start_server(handler, ANY).await?;
        let (mut reader, writer) = open_connection(server.sockets()[0]).await?;
        assert_eq!(reader.limit(), 64 * 1024);
        writer.write(b"exact");
        writer.writelines([b"line\n", b"2nd.\n"]);
        writer.writelines(vec![b"until;".to_vec()]);
        writer.write("text\n");
        writer.write(String::from("rest"));
        assert!(writer.can_write_eof() && !writer.is_closing());
        writer.write_eof();
        assert_eq!(reader.readexactly(5).await?, b"exact");
        assert_eq!(reader.readuntil(b"\n").await?, b"line\n");
        assert_eq!(reader.readline().await?, b"2nd.\n");
        assert_eq!(reader.readuntil(b";").await?, b"until;");
        assert_eq!(reader.readuntil_any(&[b"\r\n", b"\n"]).await?, b"text\n");
        assert_eq!(reader.read(1).await?, b"r");
        assert_eq!(reader.read_to_end().await?, b"est");
        let info = writer.get_extra_info();
        assert_eq!((info.peer, info.sock), (Some(server.sockets()[0]), Some(writer.local_addr()?)));
        writer.set_write_buffer_limits(Some(1000), None);
        assert_eq!(writer.get_write_buffer_limits(), 250..=1000);
        assert_eq!(writer.get_write_buffer_size(), 0);
        server.close();
        Ok(())
    });
}

/// What a protocol was told.
#[derive(Debug, PartialEq)]
enum Told {
    Made,
    Data(Vec<u8>),
    Eof,
    Lost(Option<String>),
}

struct Teller {
    told: UnboundedSender<Told>,
    transport: Option<Transport>,
}

impl Teller {
    fn pair() -> (Self, UnboundedReceiver<Told>) {
        let (told, hear) = unbounded();
        (Self { told, transport: None }, hear)
    }

    fn tell(&self, told: Told) {
        // At its end the test listens no more.
        let _ = self.told.send(told);
    }
}

impl Protocol for Teller {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
        self.tell(Told::Made);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.tell(Told::Data(data.to_vec()));
    }

    fn eof_received(&mut self) -> bool {
        self.tell(Told::Eof);
        false
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        self.tell(Told::Lost(error.map(|error| error.to_string())));
    }

    fn pause_writing(&mut self) {}

    fn resume_writing(&mut self) {}
}

/// A protocol as short as can be.
struct Echo {
    transport: Option<Transport>,
}

impl Protocol for Echo {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
    }

    fn data_received(&mut self, data: &[u8]) {
        self.transport.as_ref().expect("connection_made comes first").write(data);
    }
}

#[test]
fn all_of_protocol_and_transport() {
    run(async {
        let server: Server = create_server(|| Echo { transport: None }, ANY).await?;
        let (teller, mut hear) = Teller::pair();
        let (transport, ended) = create_connection(|| teller, server.sockets()[0]).await?;
        assert_eq!(hear.recv().await, Some(Told::Made));
        assert_eq!(transport.peer_addr()?, server.sockets()[0]);
        transport.write(b"hello");
        assert_eq!(hear.recv().await, Some(Told::Data(b"hello".to_vec())));
        transport.writelines([b"1", b"2"]);
        let mut came = Vec::new();
        while came.len() < 2 {
            let Some(Told::Data(data)) = hear.recv().await else { panic!("no data") };
            came.extend(data);
        }
        assert_eq!(came, b"12");
        transport.pause_reading();
        assert!(!transport.is_reading());
        transport.resume_reading();
        transport.set_write_buffer_limits(Some(4096), Some(1024));
        assert_eq!(transport.get_write_buffer_size(), 0);
        assert!(!transport.is_closing());
        transport.write_eof();
        assert_eq!(hear.recv().await, Some(Told::Eof));
        assert_eq!(hear.recv().await, Some(Told::Lost(None)));
        assert!(transport.is_closing());
        let protocol: Teller = ended.await.expect("it ended well");
        assert!(protocol.transport.is_some());

        let (teller, mut hear) = Teller::pair();
        let (transport, _) = create_connection(move || teller, server.sockets()[0]).await?;
        transport.abort();
        assert_eq!(hear.recv().await, Some(Told::Made));
        assert_eq!(hear.recv().await, Some(Told::Lost(None)));
        let (teller, mut hear) = Teller::pair();
        let (transport, _) = create_connection(move || teller, server.sockets()[0]).await?;
        transport.close();
        assert_eq!(hear.recv().await, Some(Told::Made));
        assert_eq!(hear.recv().await, Some(Told::Lost(None)));
        server.close();
        server.wait_closed().await;
        Ok(())
    });
}

/// Says where the bytes go.
struct Counting {
    buffer: Vec<u8>,
    transport: Option<Transport>,
}

impl BufferedProtocol for Counting {
    fn connection_made(&mut self, transport: Transport) {
        self.transport = Some(transport);
    }

    fn get_buffer(&mut self, _size_hint: usize) -> &mut [u8] {
        &mut self.buffer
    }

    fn buffer_updated(&mut self, count: usize) {
        let transport = self.transport.as_ref().expect("connection_made comes first");
        transport.write(&self.buffer[..count]);
    }
}

async fn echoes(path: &Path) -> io::Result<()> {
    let (teller, mut hear) = Teller::pair();
    let (transport, _ended) = create_unix_connection(|| teller, path).await?;
    transport.write(b"hello");
    assert_eq!(hear.recv().await, Some(Told::Made));
    assert_eq!(hear.recv().await, Some(Told::Data(b"hello".to_vec())));
    transport.close();
    Ok(())
}

#[test]
fn protocols_over_unix_sockets_and_with_buffers_of_their_own() {
    run(async {
        let dir = TempDir::new();
        let path = dir.join("socket");
        let server = create_unix_server(|| Counting { buffer: vec![0; 100], transport: None }, &path).await?;
        echoes(&path).await?;
        server.close();
        let server = create_unix_server(|| Echo { transport: None }, &path).await?;
        echoes(&path).await?;
        server.close();
        Ok(())
    });
}

struct EchoDatagrams {
    transport: Option<DatagramTransport>,
}

impl DatagramProtocol for EchoDatagrams {
    fn connection_made(&mut self, transport: DatagramTransport) {
        self.transport = Some(transport);
    }

    fn datagram_received(&mut self, data: &[u8], addr: SocketAddr) {
        self.transport.as_ref().expect("connection_made comes first").send_to(data, addr);
    }

    fn error_received(&mut self, error: io::Error) {
        panic!("{error}");
    }

    fn connection_lost(&mut self, error: Option<io::Error>) {
        assert!(error.is_none());
    }
}

#[test]
fn a_datagram_endpoint() {
    run(async {
        let (transport, ended) =
            create_datagram_endpoint(|| EchoDatagrams { transport: None }, ANY, None).await?;
        let client = UdpSocket::bind(ANY).await?;
        client.connect(transport.local_addr()?).await?;
        client.send(b"hello").await?;
        let mut buf = [0; 100];
        assert_eq!(client.recv(&mut buf).await?, 5);
        transport.close();
        assert!(transport.is_closing());
        drop(ended.await.expect("it ended well"));
        Ok(())
    });
}
