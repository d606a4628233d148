//! f30: what fails leaves no descriptor behind. Alone in its process, because it counts them.

mod common;

use common::{full_listener, open_fds, poll_once, run};
use raddle_net::poll_fd::AsyncFd;
use raddle_net::{TcpListener, TcpStream};
use std::fs::File;
use std::pin::pin;

#[test]
fn f30_what_fails_or_is_dropped_leaves_no_descriptor() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let addr = listener.local_addr().expect("an address");
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let refused = closed.local_addr().expect("an address");
        drop(closed);
        let full = full_listener("127.0.0.1:0").await;
        let waits = full.addr;
        let before = open_fds();
        for _ in 0..50 {
            assert!(TcpStream::connect(refused).await.is_err());
            assert!(TcpListener::bind(addr).await.is_err());
            let file = File::open("/proc/self/exe").expect("our own program");
            let error = AsyncFd::new(file).expect_err("a regular file");
            assert!(error.to_string().contains("spawn_blocking"), "{error}");
            // Begun, and dropped before it could finish.
            assert!(poll_once(&mut pin!(TcpStream::connect(waits))).await.is_none());
            let stream = TcpStream::connect(addr).await.expect("a client");
            let (served, _) = listener.accept().await.expect("a connection");
            drop((stream, served));
        }
        assert_eq!(open_fds(), before);
    });
}
