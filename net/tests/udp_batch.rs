//! Batches of datagrams: whatever is sent arrives as it was, once and in order, however it was grouped on the way.

mod common;

use common::{dropped_after_each_poll, pattern, run};
use proptest::prelude::*;
use raddle_net::{RecvBatch, SendBatch, UdpSocket};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;

/// What receivers have room for: a loss would be the system's.
const BYTES_MAX: usize = 150_000;
/// What the system counts for a small datagram.
const DATAGRAM_COST: usize = 1_000;

async fn bind() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
    let addr = socket.local_addr().expect("an address");
    (socket, addr)
}

/// An address where nobody listens, and no other test of this machine binds.
async fn nobody() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.70.2:0").await.expect("a socket");
    socket.local_addr().expect("an address")
}

/// Datagrams as receiver and length: runs of equal ones among others.
fn plan() -> impl Strategy<Value = Vec<(usize, usize)>> {
    let len = prop_oneof![4 => 0..1_400_usize, 2 => Just(1_200), 1 => Just(0), 1 => 10_000..65_508_usize];
    let run = (0..3_usize, len, 1..80_usize, any::<bool>()).prop_map(|(peer, len, count, shorter)| {
        let last = if shorter { len / 2 } else { len };
        let equal = std::iter::repeat_n((peer, len), count - 1);
        equal.chain([(peer, last)]).collect::<Vec<_>>()
    });
    prop::collection::vec(run, 1..12).prop_map(|runs| {
        let mut room = BYTES_MAX;
        let fits = |(_, len): &(usize, usize)| {
            let left = room.checked_sub(len + DATAGRAM_COST);
            room = left.unwrap_or(room);
            left.is_some()
        };
        runs.into_iter().flatten().filter(fits).collect()
    })
}

/// The `i`-th datagram: it says which it is, if it has the room.
fn datagram(i: usize, len: usize) -> Vec<u8> {
    let mut data = pattern(len);
    for (byte, number) in data.iter_mut().zip((i as u32).to_be_bytes()) {
        *byte = number;
    }
    data
}

/// Receives so many datagrams, cut to `size` bytes.
async fn receive(socket: &UdpSocket, count: usize, mut batch: RecvBatch, from: SocketAddr) -> Vec<Vec<u8>> {
    let mut received = Vec::new();
    while received.len() < count {
        let before = received.len();
        let came = dropped_after_each_poll(async || socket.recv_batch(&mut batch).await).await;
        for (data, sender) in &batch {
            assert_eq!(sender, from);
            received.push(data.to_vec());
        }
        assert_eq!(
            (came.expect("datagrams"), batch.len()),
            (received.len() - before, received.len() - before)
        );
    }
    received
}

async fn exchange(plan: &[(usize, usize)], gro: bool, fills: usize, (datagrams, size): (usize, usize)) {
    let (ours, from) = bind().await;
    let mut theirs = Vec::new();
    for _ in 0..3 {
        let (mut socket, addr) = bind().await;
        socket.set_recv_buffer_size(1 << 20).expect("an option");
        if gro {
            socket.enable_gro().expect("a kernel with UDP_GRO");
        }
        theirs.push((socket, addr));
    }
    let mut model: [Vec<Vec<u8>>; 3] = Default::default();
    let mut batch = SendBatch::new();
    let mut sent = 0;
    for (i, &(peer, len)) in plan.iter().enumerate() {
        let mut data = datagram(i, len);
        batch.push(&data, theirs[peer].1);
        data.truncate(size);
        model[peer].push(data);
        if batch.len() == fills {
            sent += ours.send_batch(&mut batch).await.expect("sent");
        }
    }
    while !batch.is_empty() {
        sent += poll_fn(|cx| ours.poll_send_batch(cx, &mut batch)).await.expect("sent");
    }
    assert_eq!(sent, plan.len());
    for ((socket, _), model) in theirs.iter().zip(model) {
        let received = receive(socket, model.len(), RecvBatch::new(datagrams, size), from).await;
        assert!(
            received == model,
            "lengths {:?} for {plan:?}",
            received.iter().map(Vec::len).collect::<Vec<_>>()
        );
        let nothing = socket.try_recv_batch(&mut RecvBatch::new(datagrams, size));
        assert_eq!(nothing.expect_err("no more").kind(), io::ErrorKind::WouldBlock);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn what_is_sent_in_batches_arrives_as_it_was(
        plan in plan(),
        gro in any::<bool>(),
        fills in 1..100_usize,
        room in (0..70_usize, prop_oneof![Just(65_507), 1..1_500_usize]),
    ) {
        run(exchange(&plan, gro, fills, room));
    }
}

#[test]
fn batches_and_plain_calls_understand_each_other() {
    run(async {
        let ((ours, from), (theirs, to)) = (bind().await, bind().await);
        let mut batch = SendBatch::with_capacity(70, 70_000);
        for i in 0..70 {
            batch.push(&datagram(i, 1_000), to);
        }
        assert_eq!(ours.send_batch(&mut batch).await.expect("sent"), 70);
        let mut buf = [0; 1_500];
        for i in 0..70 {
            assert_eq!(theirs.recv_from(&mut buf).await.expect("a datagram"), (1_000, from));
            assert_eq!(buf[..1_000], datagram(i, 1_000));
        }
        for i in 0..70 {
            theirs.send_to(&datagram(i, 500), from).await.expect("sent");
        }
        let received = receive(&ours, 70, RecvBatch::new(64, 1_500), to).await;
        assert!(received.iter().enumerate().all(|(i, data)| *data == datagram(i, 500)));
    });
}

#[test]
fn ipv6_goes_in_batches_too() {
    run(async {
        for gro in [false, true] {
            let ours = UdpSocket::bind("[::1]:0").await.expect("a socket");
            let mut theirs = UdpSocket::bind("[::1]:0").await.expect("a socket");
            if gro {
                theirs.enable_gro().expect("a kernel with UDP_GRO");
            }
            let mut batch = SendBatch::new();
            for i in 0..60 {
                batch.push(&datagram(i, 1_200), theirs.local_addr().expect("an address"));
            }
            assert_eq!(ours.send_batch(&mut batch).await.expect("sent"), 60);
            let from = ours.local_addr().expect("an address");
            let received = receive(&theirs, 60, RecvBatch::new(64, 1_500), from).await;
            assert!(received.iter().enumerate().all(|(i, data)| *data == datagram(i, 1_200)));
        }
    });
}

#[test]
fn a_connected_socket_needs_no_receiver() {
    run(async {
        let ((ours, from), (theirs, to)) = (bind().await, bind().await);
        ours.connect(to).await.expect("connected");
        let mut batch = SendBatch::new();
        (0..20).for_each(|i| batch.push(&datagram(i, 100), None));
        assert_eq!(ours.send_batch(&mut batch).await.expect("sent"), 20);
        assert_eq!(receive(&theirs, 20, RecvBatch::new(64, 100), from).await.len(), 20);
    });
}

#[test]
fn a_datagram_that_is_refused_stays_in_front_and_those_before_it_are_gone() {
    run(async {
        let ((ours, from), (theirs, to)) = (bind().await, bind().await);
        let mut batch = SendBatch::new();
        for len in [10, 10, 10, 70_000, 20, 20] {
            batch.push(&pattern(len), to);
        }
        let error = ours.send_batch(&mut batch).await.expect_err("too long");
        assert!(error.to_string().starts_with(&format!("send to {to}: ")), "{error}");
        assert_eq!(batch.iter().map(|(data, _)| data.len()).collect::<Vec<_>>(), [70_000, 20, 20]);
        ours.send_batch(&mut batch).await.expect_err("still too long");
        assert_eq!(batch.len(), 3);
        assert!(batch.skip());
        assert_eq!(ours.send_batch(&mut batch).await.expect("sent"), 2);
        let lens: Vec<_> = receive(&theirs, 5, RecvBatch::new(64, 100), from).await;
        assert_eq!(lens.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 10, 20, 20]);
        assert_eq!(ours.send_batch(&mut batch).await.expect("nothing to do"), 0);
        assert_eq!(ours.try_send_batch(&mut batch).expect("nothing to do"), 0);
    });
}

#[test]
fn nobody_at_a_peer_s_port_costs_no_other_peer_a_datagram() {
    run(async {
        let nobody = nobody().await;
        let ((ours, from), (theirs, to)) = (bind().await, bind().await);
        let mut batch = SendBatch::new();
        for i in 0..30 {
            batch.push(&datagram(i, 10), nobody);
            batch.push(&datagram(i, 10), to);
        }
        assert_eq!(ours.send_batch(&mut batch).await.expect("sent"), 60);
        assert_eq!(receive(&theirs, 30, RecvBatch::new(64, 100), from).await.len(), 30);
    });
}

#[test]
fn a_refused_connection_is_told_by_batches_and_nothing_is_lost_by_it() {
    run(async {
        let nobody = nobody().await;
        let (ours, _) = bind().await;
        ours.connect(nobody).await.expect("connected");
        ours.send(b"into the void").await.expect("nobody knows yet");
        let mut batch = SendBatch::new();
        batch.push(b"kept", None);
        let error = ours.send_batch(&mut batch).await.expect_err("nobody is there");
        assert_eq!((error.kind(), batch.len()), (io::ErrorKind::ConnectionRefused, 1));
        assert_eq!(ours.send_batch(&mut batch).await.expect("sent"), 1);
        let mut room = RecvBatch::new(8, 100);
        let error = ours.recv_batch(&mut room).await.expect_err("nobody is there");
        assert_eq!((error.kind(), room.len()), (io::ErrorKind::ConnectionRefused, 0));
    });
}

#[test]
fn a_socket_that_joins_receives_by_batches_only() {
    run(async {
        let ((mut ours, _), (theirs, to)) = (bind().await, bind().await);
        ours.enable_gro().expect("a kernel with UDP_GRO");
        let addr = ours.local_addr().expect("an address");
        let mut ours = UdpSocket::from_std(ours.into_std().expect("a socket")).expect("a socket");
        for _ in 0..2 {
            let error = ours.recv(&mut [0; 9]).await.expect_err("it joins");
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains("recv_batch"), "{error}");
            ours.try_peek_from(&mut [0; 9]).expect_err("it joins");
            ours.enable_gro().expect("it does already");
        }
        ours.send_to(b"sending is as ever", to).await.expect("sent");
        assert_eq!(theirs.recv_from(&mut [0; 99]).await.expect("a datagram"), (18, addr));
        theirs.send_to(b"", addr).await.expect("sent");
        let mut batch = RecvBatch::new(0, usize::MAX);
        assert!(batch.is_empty() && batch.iter().next().is_none());
        assert_eq!(ours.recv_batch(&mut batch).await.expect("a datagram"), 1);
        assert_eq!(batch.iter().collect::<Vec<_>>(), [(&b""[..], to)]);
    });
}
