//! What looks up, binds and connects.

use crate::common::{FullListener, full_listener, poll_once};
use crate::temp::TempDir;
use crate::{Driver, plays};
use raddle_net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixListener, UnixStream, lookup_host, lookup_host_timeout,
};
use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(30);

pub(crate) async fn play(driver: &Driver) {
    look_ups(driver).await;
    connects(driver).await;
    late_connects(driver).await;
    unix_connects(driver).await;
}

async fn look_ups(driver: &Driver) {
    let make = async || ();
    let nothing = async |(): &()| {};
    let left = async |(): &()| String::new();
    let look_up = async |(): &()| format!("{}", lookup_host("localhost:1").await.expect("localhost").count());
    plays(driver, "lookup_host", make, (look_up, nothing), left).await;
    let look_up = async |(): &()| {
        format!("{}", lookup_host_timeout("localhost:1", LONG).await.expect("localhost").count())
    };
    plays(driver, "lookup_host_timeout", make, (look_up, nothing), left).await;
    let bind = async |(): &()| format!("{}", TcpListener::bind("localhost:0").await.is_ok());
    plays(driver, "tcp bind", make, (bind, nothing), left).await;
    let bind = async |(): &()| format!("{}", UdpSocket::bind("localhost:0").await.is_ok());
    plays(driver, "udp bind", make, (bind, nothing), left).await;
    let make = async || UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let nothing = async |_: &UdpSocket| {};
    let left = async |socket: &UdpSocket| format!("{:?}", socket.peer_addr());
    let connect = async |socket: &UdpSocket| format!("{:?}", socket.connect("localhost:9").await.is_ok());
    plays(driver, "udp connect", make, (connect, nothing), left).await;
}

async fn connects(driver: &Driver) {
    let make = async || TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let nothing = async |_: &TcpListener| {};
    let left = async |_: &TcpListener| String::new();
    let port = |listener: &TcpListener| listener.local_addr().expect("an address").port();
    let connect = async |listener: &TcpListener| {
        format!("{}", TcpStream::connect(("localhost", port(listener))).await.is_ok())
    };
    plays(driver, "tcp connect", make, (connect, nothing), left).await;
    let connect = async |listener: &TcpListener| {
        format!("{}", TcpStream::connect_timeout(("localhost", port(listener)), LONG).await.is_ok())
    };
    plays(driver, "tcp connect_timeout", make, (connect, nothing), left).await;
    // The first of two refuses.
    let connect = async |listener: &TcpListener| {
        let addrs = ["127.0.0.2:1".parse().expect("an address"), listener.local_addr().expect("an address")];
        format!("{:?}", TcpStream::connect(addrs).await.expect("the second").peer_addr().is_ok())
    };
    plays(driver, "tcp connect to the second", make, (connect, nothing), left).await;
}

/// To a listener that has no room at first.
async fn late_connects(driver: &Driver) {
    let make = async || (full_listener("127.0.0.1:0").await, RefCell::new(Vec::new()));
    type Late = (FullListener, RefCell<Vec<TcpStream>>);
    // For those whose way to the queue the victim barred, too.
    let make_room = async |(listener, served): &Late| {
        while let Some(stream) = poll_once(&mut pin!(listener.accept())).await {
            served.borrow_mut().push(stream);
        }
    };
    let left = async |_: &Late| String::new();
    let connect = async |(listener, _): &Late| {
        let socket = TcpSocket::new_v4().expect("a socket");
        format!("{}", socket.connect(listener.addr).await.is_ok())
    };
    plays(driver, "TcpSocket::connect", make, (connect, make_room), left).await;
}

async fn unix_connects(driver: &Driver) {
    let dir = TempDir::new();
    let path = &dir.join("a.sock");
    type Late = (UnixListener, RefCell<Vec<UnixStream>>);
    let make = async || {
        let _ = std::fs::remove_file(path);
        let socket =
            socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).expect("a socket");
        socket.bind(&socket2::SockAddr::unix(path).expect("an address")).expect("a free path");
        socket.listen(0).expect("listening");
        let listener = UnixListener::from_std(socket.into()).expect("a listener");
        let mut queued = Vec::new();
        while let Some(stream) = poll_once(&mut pin!(UnixStream::connect(path))).await {
            queued.push(stream.expect("a client"));
        }
        (listener, RefCell::new(queued))
    };
    let make_room = async |(listener, served): &Late| {
        let (stream, _) = listener.accept().await.expect("a connection");
        served.borrow_mut().push(stream);
    };
    let left = async |(listener, _): &Late| {
        listener.accept().await.expect("whose turn it was");
        format!("{}", poll_once(&mut pin!(listener.accept())).await.is_some())
    };
    let connect = async |_: &Late| format!("{}", UnixStream::connect(path).await.is_ok());
    plays(driver, "unix connect", make, (connect, make_room), left).await;
}
