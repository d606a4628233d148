//! f36: `accept` when there are no descriptors left. Alone in its process, because it takes them all.

mod common;
#[path = "common/descriptors.rs"]
mod descriptors;

use common::{pair, run};
use descriptors::{limit_descriptors, take_all_descriptors};
use futures_lite::StreamExt;
use raddle_net::{TcpListener, TcpStream};
use raddle_runtime::runtime::Handle;
use raddle_runtime::time::sleep;
use std::time::{Duration, Instant};

const CLIENTS: usize = 6;

fn cpu_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writing.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    assert_eq!(rc, 0);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// How it is accepted.
#[derive(Debug, Clone, Copy)]
enum By {
    Call,
    Stream,
}

async fn accept(listener: &TcpListener, by: By) -> TcpStream {
    match by {
        By::Call => listener.accept().await.expect("a connection").0,
        By::Stream => listener.incoming().next().await.expect("it never ends").expect("a connection"),
    }
}

async fn accept_all(listener: TcpListener, by: By) -> usize {
    let mut served = Vec::new();
    while served.len() < CLIENTS {
        served.push(accept(&listener, by).await);
    }
    served.len()
}

/// Lets a listener run out of descriptors and watches it for a while.
async fn go_without(by: By) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
    let addr = listener.local_addr().expect("an address");
    // The system connects them without us.
    let connect = |_| std::net::TcpStream::connect(addr).expect("a client");
    let clients: Vec<_> = (0..CLIENTS).map(connect).collect();
    let taken = take_all_descriptors();
    let backoffs = || Handle::current().metrics().accept_backoffs();
    let (backoffs_before, cpu_before, start) = (backoffs(), cpu_time(), Instant::now());
    let server = raddle_runtime::spawn(accept_all(listener, by));
    // 5, 10, 20, 40 and 80 ms of waiting lie before the sixth.
    while backoffs() < backoffs_before + 6 {
        sleep(Duration::from_millis(5)).await;
    }
    let (used, passed) = (cpu_time() - cpu_before, start.elapsed());
    assert!(passed >= Duration::from_millis(155), "six tries in {passed:?}");
    assert!(used < passed / 2, "{used:?} of CPU in {passed:?} of waiting");
    drop(taken);
    assert_eq!(server.await.expect("the server ends well"), CLIENTS);
    drop(clients);
}

#[test]
fn f36_a_listener_without_descriptors_waits_and_goes_on() {
    limit_descriptors(128);
    run(async {
        // What a runtime opens late, it opens now.
        drop(pair().await);
        go_without(By::Call).await;
        go_without(By::Stream).await;
    });
}
