//! `block_in_place`: a task that is about to block its thread lets another take its place as a worker.

use super::core::Worker;
use super::current;
use super::monitor;
use crate::driver::Hold;
use crate::prim::atomic::{Ordering::SeqCst, fence};

/// Runs `f`, which may block, on this thread, while another thread takes over as a worker.
pub(crate) fn block_in_place<R>(f: impl FnOnce() -> R) -> R {
    current::suspend(|worker| match worker {
        Some(worker) if worker.shared.settings.start_thread.is_some() => {
            let _blocked = Blocked::enter(worker);
            f()
        }
        _ => f(),
    })
}

/// The worker's absence. Paused time does not jump meanwhile (f22).
struct Blocked<'a> {
    worker: &'a Worker,
    _hold: Hold<'a>,
}

impl<'a> Blocked<'a> {
    fn enter(worker: &'a Worker) -> Self {
        let shared = &worker.shared;
        let remote = worker.remote();
        // Before anyone is woken: with us counted out, whoever wakes and finds nothing to do would let time pass.
        let hold = shared.driver.hold_here();
        // The monitor may have counted us out before.
        if !remote.pace.leave() {
            shared.active.fetch_sub(1, SeqCst);
        }
        // Pairs with the fence of whoever left us events while we were at work (kind 4 in `idle/README.md`).
        fence(SeqCst);
        worker.take_mail(worker.index());
        // Thieves do not look in the slot (f15).
        worker.local.give_up_next(&remote.queue);
        remote.stats.overflowed.add(worker.local.len(&remote.queue) as u64);
        if shared.idle.sleeping() > 0 {
            shared.wake_one();
            shared.attend_driver();
        } else if shared.active.load(SeqCst) < shared.settings.workers {
            monitor::start_spare(shared);
        }
        Self { worker, _hold: hold }
    }
}

impl Drop for Blocked<'_> {
    fn drop(&mut self) {
        let shared = &self.worker.shared;
        // Nobody but us ends AWAY.
        let _ = self.worker.remote().pace.reset();
        shared.active.fetch_add(1, SeqCst);
        // The rest of this poll is watched, also if everybody else sleeps.
        shared.monitor.notice_awake();
    }
}
