//! f36: `accept` when there are no descriptors left. Alone in its process, because it takes them all.

mod common;

use common::{pair, run};
use futures_lite::StreamExt;
use raddle_net::TcpListener;
use raddle_runtime::time::sleep;
use std::fs::File;
use std::io;
use std::net::TcpStream;
use std::time::Duration;

const LIMIT: libc::rlim_t = 128;
const CLIENTS: usize = 6;

fn limit_descriptors() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid for writing.
    let rc = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    assert_eq!(rc, 0);
    limit.rlim_cur = LIMIT;
    // SAFETY: `limit` is valid for reading.
    let rc = unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) };
    assert_eq!(rc, 0);
}

/// Opens files until the system refuses.
fn take_all_descriptors() -> Vec<File> {
    let mut taken = Vec::new();
    loop {
        match File::open("/dev/null") {
            Ok(file) => taken.push(file),
            Err(error) if error.raw_os_error() == Some(libc::EMFILE) => return taken,
            Err(error) => panic!("{error}"),
        }
    }
}

fn cpu_time() -> Duration {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is valid for writing.
    let rc = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut now) };
    assert_eq!(rc, 0);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn clients(listener: &TcpListener) -> io::Result<Vec<TcpStream>> {
    (0..CLIENTS).map(|_| TcpStream::connect(listener.local_addr()?)).collect()
}

#[test]
fn f36_a_listener_without_descriptors_waits_and_goes_on() {
    limit_descriptors();
    run(async {
        // What a runtime opens late, it opens now.
        drop(pair().await);
        for by_stream in [false, true] {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a listener");
            let clients = clients(&listener).expect("clients");
            let taken = take_all_descriptors();
            let server = raddle_runtime::spawn(async move {
                let mut served = Vec::new();
                for _ in 0..CLIENTS {
                    served.push(if by_stream {
                        listener.incoming().next().await.expect("it never ends").expect("a connection")
                    } else {
                        listener.accept().await.expect("a connection").0
                    });
                }
                served.len()
            });
            let before = cpu_time();
            sleep(Duration::from_millis(300)).await;
            let used = cpu_time() - before;
            assert!(used < Duration::from_millis(100), "{used:?} of CPU in 300 ms of waiting");
            drop(taken);
            assert_eq!(server.await.expect("the server ends well"), CLIENTS);
            drop(clients);
        }
    });
}
