//! The foreign queues: `crossbeam-deque` in a build. Loom cannot see into that crate, so a model gets a stand-in with
//! the same contract: each item is handed out once, in order, to owner or thief. As in that crate a look from outside
//! (`is_empty`, `len`, a steal) may miss a push that a fence does not order before it; a lock would order them.

#[cfg(not(loom))]
pub use crossbeam_deque::{Injector, Steal, Stealer, Worker};

#[cfg(loom)]
pub use model::{Injector, Steal, Stealer, Worker};

#[cfg(loom)]
mod model {
    use crate::prim::atomic::{AtomicUsize, Ordering::Acquire, Ordering::Release};
    use crate::prim::lock::{Mutex, MutexGuard};
    use loom::sync::Arc;
    use std::collections::VecDeque;

    pub use crossbeam_deque::Steal;

    /// The items, and how many there are: the number can be seen too late, the items not.
    #[derive(Debug)]
    struct Items<T> {
        items: Mutex<VecDeque<T>>,
        len: AtomicUsize,
    }

    impl<T> Items<T> {
        fn new() -> Self {
            Self { items: Mutex::new(VecDeque::new()), len: AtomicUsize::new(0) }
        }

        fn len(&self) -> usize {
            self.len.load(Acquire)
        }

        fn push(&self, item: T) {
            let mut items = self.items.lock();
            items.push_back(item);
            self.len.fetch_add(1, Release);
        }

        fn pop_from(&self, items: &mut MutexGuard<'_, VecDeque<T>>) -> Option<T> {
            let item = items.pop_front()?;
            self.len.fetch_sub(1, Release);
            Some(item)
        }

        fn pop(&self) -> Option<T> {
            if self.len() == 0 {
                return None;
            }
            self.pop_from(&mut self.items.lock())
        }

        fn steal(&self) -> Steal<T> {
            self.pop().map_or(Steal::Empty, Steal::Success)
        }

        fn steal_half(&self, into: &Worker<T>, limit: usize) -> Steal<T> {
            if self.len() == 0 {
                return Steal::Empty;
            }
            let mut items = self.items.lock();
            let Some(first) = self.pop_from(&mut items) else { return Steal::Empty };
            let more = (items.len() / 2).min(limit - 1);
            let more: Vec<T> = (0..more).filter_map(|_| self.pop_from(&mut items)).collect();
            drop(items);
            more.into_iter().for_each(|item| into.push(item));
            Steal::Success(first)
        }
    }

    /// The owner's end.
    #[derive(Debug)]
    pub struct Worker<T>(Arc<Items<T>>);

    impl<T> Worker<T> {
        pub fn new_fifo() -> Self {
            Self(Arc::new(Items::new()))
        }

        pub fn stealer(&self) -> Stealer<T> {
            Stealer(self.0.clone())
        }

        pub fn push(&self, item: T) {
            self.0.push(item);
        }

        pub fn pop(&self) -> Option<T> {
            self.0.pop()
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    /// A thief's end.
    #[derive(Debug)]
    pub struct Stealer<T>(Arc<Items<T>>);

    impl<T> Stealer<T> {
        pub fn steal(&self) -> Steal<T> {
            self.0.steal()
        }

        pub fn steal_batch_with_limit_and_pop(&self, into: &Worker<T>, limit: usize) -> Steal<T> {
            self.0.steal_half(into, limit)
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    /// A queue that anyone may push to and take from.
    #[derive(Debug)]
    pub struct Injector<T>(Items<T>);

    impl<T> Default for Injector<T> {
        fn default() -> Self {
            Self::new()
        }
    }

    impl<T> Injector<T> {
        pub fn new() -> Self {
            Self(Items::new())
        }

        pub fn push(&self, item: T) {
            self.0.push(item);
        }

        pub fn steal(&self) -> Steal<T> {
            self.0.steal()
        }

        pub fn steal_batch_with_limit_and_pop(&self, into: &Worker<T>, limit: usize) -> Steal<T> {
            self.0.steal_half(into, limit)
        }

        pub fn len(&self) -> usize {
            self.0.len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }
}
