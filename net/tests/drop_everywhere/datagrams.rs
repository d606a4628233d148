//! UDP and Unix datagrams.

use crate::temp::{TempDir, fill_receiver};
use crate::{Driver, plays};
use raddle_net::poll_fd::Interest;
use raddle_net::{RecvBatch, SendBatch, UdpSocket, UnixDatagram};
use std::cell::RefCell;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

type Udp = (UdpSocket, UdpSocket);
type Unix = (UnixDatagram, UnixDatagram);

pub(crate) async fn play(driver: &Driver) {
    udp_receivers(driver).await;
    udp_senders(driver).await;
    unix_receivers(driver).await;
    unix_senders(driver).await;
}

/// Two sockets that are connected to each other.
async fn udp_pair() -> Udp {
    let ours = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let theirs = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    ours.connect(theirs.local_addr().expect("an address")).await.expect("connected");
    theirs.connect(ours.local_addr().expect("an address")).await.expect("connected");
    (ours, theirs)
}

/// How many datagrams there are now.
fn udp_left(socket: &UdpSocket) -> String {
    let mut count = 0;
    while let Ok(len) = socket.try_recv(&mut [0; 8]) {
        assert_eq!(len, 3);
        count += 1;
    }
    format!("{count} left")
}

async fn udp_receivers(driver: &Driver) {
    let send = async |(_, theirs): &Udp| assert_eq!(theirs.send(b"two").await.expect("sent"), 3);
    let left = async |(ours, _): &Udp| udp_left(ours);
    let recv = async |(ours, _): &Udp| format!("{:?}", ours.recv(&mut [0; 8]).await);
    plays(driver, "udp recv", udp_pair, (recv, send), left).await;
    let recv_from =
        async |(ours, _): &Udp| format!("{:?}", ours.recv_from(&mut [0; 8]).await.expect("one").0);
    plays(driver, "udp recv_from", udp_pair, (recv_from, send), left).await;
    let peek = async |(ours, _): &Udp| format!("{:?}", ours.peek(&mut [0; 8]).await);
    plays(driver, "udp peek", udp_pair, (peek, send), left).await;
    let peek_from =
        async |(ours, _): &Udp| format!("{:?}", ours.peek_from(&mut [0; 8]).await.expect("one").0);
    plays(driver, "udp peek_from", udp_pair, (peek_from, send), left).await;
    let peek_sender = async |(ours, _): &Udp| format!("{:?}", ours.peek_sender().await.is_ok());
    plays(driver, "udp peek_sender", udp_pair, (peek_sender, send), left).await;
    let recv_batch =
        async |(ours, _): &Udp| format!("{:?}", ours.recv_batch(&mut RecvBatch::new(4, 8)).await);
    plays(driver, "udp recv_batch", udp_pair, (recv_batch, send), left).await;
    let readable = async |(ours, _): &Udp| format!("{:?}", ours.readable().await);
    plays(driver, "udp readable", udp_pair, (readable, send), left).await;
    let ready = async |(ours, _): &Udp| format!("{:?}", ours.ready(Interest::READABLE).await);
    plays(driver, "udp ready", udp_pair, (ready, send), left).await;
    let async_io = async |(ours, _): &Udp| {
        let call = || socket2::SockRef::from(ours).recv_from(&mut [std::mem::MaybeUninit::uninit(); 8]);
        format!("{:?}", ours.async_io(Interest::READABLE, call).await.expect("one").0)
    };
    plays(driver, "udp async_io", udp_pair, (async_io, send), left).await;
}

async fn udp_senders(driver: &Driver) {
    let nothing = async |_: &Udp| {};
    let left = async |(_, theirs): &Udp| udp_left(theirs);
    let send = async |(ours, _): &Udp| format!("{:?}", ours.send(b"two").await);
    plays(driver, "udp send", udp_pair, (send, nothing), left).await;
    let send_to = async |(ours, theirs): &Udp| {
        let to = ("localhost", theirs.local_addr().expect("an address").port());
        format!("{:?}", ours.send_to(b"two", to).await)
    };
    plays(driver, "udp send_to", udp_pair, (send_to, nothing), left).await;
    let writable = async |(ours, _): &Udp| format!("{:?}", ours.writable().await);
    plays(driver, "udp writable", udp_pair, (writable, nothing), left).await;
    // What a dropped call has not sent is still in its batch.
    let make = async || {
        let mut batch = SendBatch::new();
        (0..100).for_each(|_| batch.push(b"two", None));
        (udp_pair().await, RefCell::new(batch))
    };
    let nothing = async |_: &(Udp, RefCell<SendBatch>)| {};
    #[expect(clippy::await_holding_refcell_ref, reason = "dropped with the future that holds it")]
    let send_batch = async |(pair, batch): &(Udp, RefCell<SendBatch>)| {
        let batch = &mut *batch.borrow_mut();
        pair.0.send_batch(batch).await.expect("sent");
        batch.len().to_string()
    };
    let left = async |(pair, _): &(Udp, RefCell<SendBatch>)| udp_left(&pair.1);
    plays(driver, "udp send_batch", make, (send_batch, nothing), left).await;
}

/// How many messages there are now.
fn unix_left(socket: &UnixDatagram) -> String {
    let mut count = 0;
    while let Ok(len) = socket.try_recv(&mut [0; 8]) {
        count += usize::from(len == 3);
    }
    format!("{count} left")
}

async fn unix_receivers(driver: &Driver) {
    let make = async || UnixDatagram::pair().expect("a pair");
    let send = async |(_, theirs): &Unix| {
        let file = File::open("/dev/null").expect("a file");
        assert_eq!(theirs.send_fds(b"two", &[file.as_fd()]).await.expect("sent"), 3);
    };
    let left = async |(ours, _): &Unix| unix_left(ours);
    let recv = async |(ours, _): &Unix| format!("{:?}", ours.recv(&mut [0; 8]).await);
    plays(driver, "unix recv", make, (recv, send), left).await;
    let recv_from =
        async |(ours, _): &Unix| format!("{:?}", ours.recv_from(&mut [0; 8]).await.expect("one").0);
    plays(driver, "unix recv_from", make, (recv_from, send), left).await;
    let peek = async |(ours, _): &Unix| format!("{:?}", ours.peek(&mut [0; 8]).await);
    plays(driver, "unix peek", make, (peek, send), left).await;
    let recv_fds = async |(ours, _): &Unix| {
        let (n, fds) = ours.recv_fds(&mut [0; 8], 4).await.expect("one");
        format!("{n} bytes, {} descriptors", fds.len())
    };
    plays(driver, "unix recv_fds", make, (recv_fds, send), left).await;
    let readable = async |(ours, _): &Unix| format!("{:?}", ours.readable().await);
    plays(driver, "unix readable", make, (readable, send), left).await;
    let ready = async |(ours, _): &Unix| format!("{:?}", ours.ready(Interest::READABLE).await);
    plays(driver, "unix ready", make, (ready, send), left).await;
}

/// A receiver that is full, one who sends to it, and those who filled it.
type Full = (UnixDatagram, UnixDatagram, Vec<UnixDatagram>);

async fn full(path: &Path) -> Full {
    let _ = std::fs::remove_file(path);
    let receiver = UnixDatagram::bind(path).expect("a socket");
    let sender = UnixDatagram::unbound().expect("a socket");
    let (fillers, _) = fill_receiver(path).await;
    (receiver, sender, fillers)
}

async fn unix_senders(driver: &Driver) {
    let dir = TempDir::new();
    let path = &dir.join("full");
    let make = async || full(path).await;
    let connected = async || {
        let full = full(path).await;
        full.1.connect(path).expect("connected");
        full
    };
    let make_room =
        async |(receiver, ..): &Full| assert_eq!(receiver.recv(&mut [0; 8]).await.expect("one"), 1);
    let left = async |(receiver, ..): &Full| unix_left(receiver);
    let send_to = async |(_, sender, _): &Full| format!("{:?}", sender.send_to(b"two", path).await);
    plays(driver, "unix send_to", make, (send_to, make_room), left).await;
    let send = async |(_, sender, _): &Full| format!("{:?}", sender.send(b"two").await);
    plays(driver, "unix send", connected, (send, make_room), left).await;
    let send_fds = async |(_, sender, _): &Full| {
        let file = File::open("/dev/null").expect("a file");
        format!("{:?}", sender.send_fds(b"two", &[file.as_fd()]).await)
    };
    plays(driver, "unix send_fds", connected, (send_fds, make_room), left).await;
    let writable = async |(_, sender, _): &Full| format!("{:?}", sender.writable().await);
    plays(driver, "unix writable", connected, (writable, make_room), left).await;
}
