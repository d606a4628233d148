//! Attempts to connect that lose, that are given up, or that run out of time are closed. Alone in its process, because
//! it counts descriptors.

mod common;

use common::{full_listener, open_fds, poll_once};
use raddle_net::{TcpListener, TcpStream};
use raddle_runtime::runtime::Builder;
use raddle_runtime::time::timeout;
use std::io;
use std::pin::pin;
use std::time::Duration;

const HEAD_START: Duration = Duration::from_millis(250);

#[test]
fn f30_attempts_that_do_not_win_are_closed() {
    let runtime = Builder::new().current_thread().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let silent = [full_listener("127.0.0.1:0").await, full_listener("127.0.0.2:0").await];
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
        let good = listener.local_addr().expect("an address");
        let before = open_fds();

        let stream = TcpStream::connect([silent[0].addr, silent[1].addr, good]).await.expect("the third");
        assert_eq!(open_fds(), before + 1);
        drop(stream);

        let addrs = [silent[0].addr, silent[1].addr];
        let error = TcpStream::connect_timeout(addrs, 4 * HEAD_START).await.expect_err("nobody answers");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(open_fds(), before);

        // Given up with one attempt under way, and with two.
        for (limit, under_way) in [(HEAD_START / 2, 1), (HEAD_START * 2, 2)] {
            let mut connecting = pin!(TcpStream::connect(addrs));
            assert!(poll_once(&mut connecting).await.is_none());
            timeout(limit, &mut connecting).await.expect_err("nobody answers");
            assert_eq!(open_fds(), before + under_way);
            connecting.set(TcpStream::connect(addrs));
            assert_eq!(open_fds(), before);
        }
    });
}
