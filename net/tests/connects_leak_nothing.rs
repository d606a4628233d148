//! f30: many connects, a third of them reset, a third half-closed, a third dropped at a random await, leave no
//! descriptor and no memory behind. Alone in its process, because it counts both.
//!
//! `RADDLE_TEST_CONNECTS=100000` for another number than that of every day.

mod common;
#[path = "common/heap.rs"]
mod heap;

use common::{FullListener, full_listener, open_fds};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use heap::bytes_in_use;
use raddle_net::{TcpListener, TcpStream};
use raddle_runtime::prim::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use raddle_runtime::runtime::Builder;
use raddle_runtime::{gather, spawn};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

const CONNECTS: usize = 6_000;
const IN_FLIGHT: usize = 64;
const SERVED_MAX: usize = 128;
/// The first connects fill what is kept for the next ones: caches of tasks, tables, threads.
const WARM_UP: usize = 3_000;
/// What those may still grow by.
const SLACK: isize = 128 * 1024;
/// What a thread of the look-ups and the standard library keep when the runtime has gone.
const KEPT: isize = 32 * 1024;

/// Numbers that look random, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[derive(Debug, Default)]
struct Counts {
    next: AtomicUsize,
    reset: AtomicUsize,
    half_closed: AtomicUsize,
    cancelled: AtomicUsize,
    is_over: AtomicBool,
}

/// Echoes until the client ends or is gone.
async fn serve(mut stream: TcpStream) {
    let mut buffer = [0; 64];
    while let Ok(n) = stream.read(&mut buffer).await {
        if n == 0 || stream.write_all(&buffer[..n]).await.is_err() {
            return;
        }
    }
}

/// Accepts until all is over, and waits for those it serves: for the oldest when there are many, so that the memory for
/// tasks has a peak that the first connects reach.
async fn server(listener: TcpListener, counts: Arc<Counts>) {
    let mut served = VecDeque::new();
    while !counts.is_over.load(Relaxed) {
        let (stream, _) = listener.accept().await.expect("a connection");
        served.push_back(spawn(serve(stream)));
        if served.len() == SERVED_MAX {
            let oldest = served.pop_front().expect("there are some");
            oldest.await.expect("it ends well");
        }
    }
    for served in served {
        served.await.expect("it ends well");
    }
}

/// The address of the listener; another one each time, for the system to have ports enough.
fn target(port: u16, n: usize) -> SocketAddr {
    (Ipv4Addr::new(127, 0, 1, (n % 250) as u8 + 1), port).into()
}

async fn exchange(stream: &mut TcpStream) -> io::Result<()> {
    let mut echo = [0; 16];
    stream.write_all(&[7; 16]).await?;
    stream.read_exact(&mut echo).await?;
    assert_eq!(echo, [7; 16]);
    Ok(())
}

async fn reset(addr: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    exchange(&mut stream).await?;
    stream.set_linger(Some(Duration::ZERO))
}

async fn half_close(addr: SocketAddr) -> io::Result<()> {
    let mut stream = TcpStream::connect(addr).await?;
    exchange(&mut stream).await?;
    stream.close().await?;
    assert_eq!(stream.read(&mut [0; 1]).await?, 0);
    Ok(())
}

/// By address, by name, to a listener that does not answer, or to one of several.
async fn anything(addr: SocketAddr, silent: SocketAddr, how: u64) -> io::Result<()> {
    let mut stream = match how {
        0 => TcpStream::connect(addr).await?,
        1 => TcpStream::connect(("localhost", addr.port())).await?,
        2 => TcpStream::connect([silent, addr]).await?,
        _ => TcpStream::connect_timeout(silent, Duration::from_secs(60)).await?,
    };
    exchange(&mut stream).await?;
    stream.close().await?;
    stream.read(&mut [0; 1]).await.map(drop)
}

/// Drops `future` after so many polls; true if it came to that.
async fn cancel_after(polls: u64, future: impl Future<Output = io::Result<()>>) -> bool {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(false),
            Poll::Pending if left == 0 => Poll::Ready(true),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// One of those in flight.
async fn client(total: usize, port: u16, silent: SocketAddr, counts: Arc<Counts>) {
    loop {
        let n = counts.next.fetch_add(1, Relaxed);
        if n >= total {
            return;
        }
        let (addr, mut dice) = (target(port, n), Dice(n as u64));
        match n % 3 {
            0 => {
                reset(addr).await.expect("a connection");
                counts.reset.fetch_add(1, Relaxed);
            }
            1 => {
                half_close(addr).await.expect("a connection");
                counts.half_closed.fetch_add(1, Relaxed);
            }
            _ => {
                // Nobody answers the last kind: it would not be polled twice.
                let how = dice.roll(4);
                let polls = if how >= 2 { 1 } else { 1 + dice.roll(4) };
                if cancel_after(polls, anything(addr, silent, how)).await {
                    counts.cancelled.fetch_add(1, Relaxed);
                }
            }
        }
    }
}

/// So many connects, and the end of all they began.
async fn round(total: usize, silent: &FullListener) -> Arc<Counts> {
    let counts = Arc::new(Counts::default());
    let listener = TcpListener::bind("0.0.0.0:0").await.expect("a listener");
    let port = listener.local_addr().expect("an address").port();
    let server = spawn(server(listener, counts.clone()));
    gather((0..IN_FLIGHT).map(|_| client(total, port, silent.addr, counts.clone()))).await;
    counts.is_over.store(true, Relaxed);
    // For the accept that waits.
    drop(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.expect("a connection"));
    server.await.expect("the server ends well");
    counts
}

#[allow(clippy::disallowed_methods, reason = "the number of connects is the one setting of this test")]
fn connects() -> usize {
    match std::env::var("RADDLE_TEST_CONNECTS") {
        Ok(number) => number.parse().expect("RADDLE_TEST_CONNECTS is a number"),
        Err(_) => CONNECTS,
    }
}

#[test]
fn f30_connects_leak_nothing() {
    let (total, before_all) = (connects(), bytes_in_use());
    let runtime = Builder::new().worker_threads(2).build().expect("a runtime");
    runtime.block_on(async {
        let silent = full_listener("127.0.0.1:0").await;
        round(WARM_UP, &silent).await;
        let (fds, bytes) = (open_fds(), bytes_in_use());
        let counts = round(total, &silent).await;
        let (fds_more, bytes_more) = (open_fds() as isize - fds as isize, bytes_in_use() - bytes);
        println!(
            "{total} connects: {fds_more} descriptors and {bytes_more} bytes more than before; {counts:?}"
        );
        assert_eq!(fds_more, 0);
        assert!(bytes_more <= SLACK, "{bytes_more} bytes");
        let third = total / 3;
        assert!(counts.reset.load(Relaxed) >= third && counts.half_closed.load(Relaxed) >= third);
        assert!(counts.cancelled.load(Relaxed) >= third / 2, "{counts:?}");
    });
    drop(runtime);
    let kept = bytes_in_use() - before_all;
    println!("{kept} bytes left without the runtime");
    assert!(kept <= KEPT, "{kept} bytes");
}
