//! The default action comes back when nobody listens any more, and in forked children. One test: it forks, so nothing
//! else may run beside it.

use raddle_process::signal::{SignalKind, signal};
use std::future::Future;
use std::io;
use std::task::{Context, Waker};

/// Runs `f` in a forked child, which must not return from it; gives the number of the signal that ended the child.
fn ended_by(f: impl FnOnce()) -> Option<i32> {
    // SAFETY: the test process has one thread of ours at this point, and the child only does what `f` does.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
    if pid == 0 {
        f();
        // SAFETY: ends the child at once, running nothing of the test harness.
        unsafe { libc::_exit(0) };
    }
    let mut status = 0;
    // SAFETY: `status` is ours to write.
    let waited = unsafe { libc::waitpid(pid, &mut status, 0) };
    assert_eq!(waited, pid, "waitpid: {}", io::Error::last_os_error());
    libc::WIFSIGNALED(status).then(|| libc::WTERMSIG(status))
}

fn raise(kind: SignalKind) {
    signal_hook::low_level::raise(kind.as_raw_value()).expect("the signal is sent");
}

fn run<T>(future: impl Future<Output = T>) -> T {
    raddle_runtime::runtime::Builder::new().current_thread().build().unwrap().block_on(future)
}

#[test]
fn f34_f35_the_default_action_is_back_without_listeners_and_in_children() {
    let kind = SignalKind::user_defined2();
    let killed = Some(kind.as_raw_value());
    run(async {
        let mut first = signal(kind).unwrap();
        let second = signal(kind).unwrap();

        assert_eq!(ended_by(|| raise(kind)), killed, "a child inherits no listener");
        raise(kind);
        assert_eq!(first.recv().await, Some(()), "the parent goes on listening");
        let next = first.poll_recv(&mut Context::from_waker(Waker::noop()));
        assert!(next.is_pending(), "what was sent to the child came to the parent");

        drop(second);
        raise(kind);
        assert_eq!(first.recv().await, Some(()), "one of two listeners is left");
    });

    let listens = || {
        run(async {
            let mut own = signal(kind).unwrap();
            raise(kind);
            own.recv().await;
        });
    };
    assert_eq!(ended_by(listens), None, "a child may listen for itself");
    let listened = || {
        run(async { drop(signal(kind).unwrap()) });
        raise(kind);
    };
    assert_eq!(ended_by(listened), killed, "nobody listens any more");
}
