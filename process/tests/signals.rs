//! Signals sent to this very process: each test has a kind of its own, for they share the process.

use futures_lite::StreamExt;
use raddle_process::signal::{Signal, SignalKind, ctrl_c, signal};
use signal_hook::low_level::raise;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn send(kind: SignalKind) {
    raise(kind.as_raw_value()).expect("the signal is sent");
}

fn poll_once(signal: &mut Signal) -> Poll<Option<()>> {
    signal.poll_recv(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn each_delivery_is_received_by_each_listener() {
    raddle_runtime::run(async {
        let mut one = signal(SignalKind::user_defined1()).unwrap();
        let mut two = signal(SignalKind::user_defined1()).unwrap();
        for _ in 0..10 {
            send(SignalKind::user_defined1());
        }
        for _ in 0..10 {
            assert_eq!(one.recv().await, Some(()));
            assert_eq!(two.next().await, Some(()));
        }
        assert!(poll_once(&mut one).is_pending());
        assert!(poll_once(&mut two).is_pending());
    });
}

#[test]
fn a_listener_hears_on_when_another_of_its_kind_is_dropped() {
    raddle_runtime::run(async {
        let mut stays = signal(SignalKind::hangup()).unwrap();
        drop(signal(SignalKind::hangup()).unwrap());
        send(SignalKind::hangup());
        assert_eq!(stays.recv().await, Some(()));
        drop(stays);
        let mut again = signal(SignalKind::hangup()).unwrap();
        send(SignalKind::hangup());
        assert_eq!(again.recv().await, Some(()));
    });
}

#[test]
fn ctrl_c_listens_from_its_first_poll() {
    raddle_runtime::run(async {
        let mut interrupted = pin!(ctrl_c());
        assert!(interrupted.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        send(SignalKind::interrupt());
        interrupted.await.unwrap();
    });
}

#[test]
fn a_dropped_recv_loses_nothing() {
    raddle_runtime::run(async {
        let mut changes = signal(SignalKind::window_change()).unwrap();
        {
            let mut recv = pin!(changes.recv());
            assert!(recv.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
            send(SignalKind::window_change());
        }
        assert_eq!(changes.recv().await, Some(()));
    });
}

#[test]
fn a_task_that_waits_is_woken() {
    raddle_runtime::run(async {
        let mut terms = signal(SignalKind::terminate()).unwrap();
        let waiting = raddle_runtime::spawn(async move { terms.recv().await });
        raddle_runtime::yield_now().await;
        send(SignalKind::terminate());
        assert_eq!(waiting.await.unwrap(), Some(()));
    });
}

#[test]
fn when_the_runtime_is_gone_nothing_more_comes() {
    let runtime = raddle_runtime::runtime::Builder::new().current_thread().build().unwrap();
    let mut alarms = runtime.block_on(async { signal(SignalKind::alarm()).unwrap() });
    drop(runtime);
    send(SignalKind::alarm());
    assert_eq!(poll_once(&mut alarms), Poll::Ready(None));
}

#[test]
fn what_cannot_be_listened_for_is_an_error_that_names_it() {
    raddle_runtime::run(async {
        for (number, name) in [(9, "SIGKILL"), (11, "SIGSEGV"), (0, "signal 0"), (-3, "signal -3")] {
            let error = signal(SignalKind::from_raw(number)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
            assert!(error.to_string().contains(name), "{error}");
        }
        signal(SignalKind::from_raw(100_000)).unwrap_err();
    });
}

#[test]
#[should_panic(expected = "runtime")]
fn outside_a_runtime_it_says_so() {
    let _ = signal(SignalKind::child());
}
