//! UDP sockets leave no descriptor behind, whatever becomes of them. One test: it counts those of the whole process.

mod common;

use common::{open_fds, poll_once, run};
use raddle_net::{RecvBatch, UdpSocket};
use std::pin::pin;

#[test]
fn f30_no_socket_leaks_a_descriptor() {
    run(async {
        let held = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
        let addr = held.local_addr().expect("an address");
        let before = open_fds();
        for _ in 0..200 {
            UdpSocket::bind(addr).await.expect_err("in use");
            let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a socket");
            assert!(poll_once(&mut pin!(socket.recv(&mut [0]))).await.is_none());
            let mut batch = RecvBatch::new(8, 100);
            assert!(poll_once(&mut pin!(socket.recv_batch(&mut batch))).await.is_none());
            socket.connect("[::1]:9").await.expect_err("another family");
            let socket = UdpSocket::from_std(socket.into_std().expect("a socket")).expect("a socket");
            drop(socket);
        }
        assert_eq!(open_fds(), before);
    });
}
