//! A oneshot channel is one allocation, which is gone when both ends are.

use raddle_sync::oneshot;
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Waker};

thread_local! {
    /// Allocations of this thread, and frees.
    static COUNTS: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

/// The system's allocator; it counts.
struct Counting;

// SAFETY: it is the system's; a thread-local cell without a destructor allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (allocated, freed) = COUNTS.get();
        COUNTS.set((allocated + 1, freed));
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        let (allocated, freed) = COUNTS.get();
        COUNTS.set((allocated, freed + 1));
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counted(f: impl FnOnce()) -> (usize, usize) {
    let before = COUNTS.get();
    f();
    let after = COUNTS.get();
    (after.0 - before.0, after.1 - before.1)
}

fn poll<F: Future>(future: F) -> bool {
    pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
}

#[test]
fn a_channel_is_one_allocation() {
    let sent_first = counted(|| {
        let (sender, receiver) = oneshot::channel();
        sender.send([7_u64; 4]).unwrap();
        assert!(poll(receiver));
    });
    let waited_first = counted(|| {
        let (mut sender, mut receiver) = oneshot::channel();
        assert!(!poll(&mut receiver) && !poll(sender.closed()));
        sender.send([7_u64; 4]).unwrap();
        assert!(poll(&mut receiver));
    });
    let never_sent = counted(|| drop(oneshot::channel::<u64>()));
    assert_eq!([sent_first, waited_first, never_sent], [(1, 1); 3]);
}
