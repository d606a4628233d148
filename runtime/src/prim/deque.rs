//! The foreign queues: `crossbeam-deque` in a build. Loom cannot see into that crate, so a model gets a stand-in with
//! the same contract (each item is handed out once, in order, to owner or thief) under one lock.

#[cfg(not(loom))]
pub use crossbeam_deque::{Injector, Steal, Stealer, Worker};

#[cfg(loom)]
pub use model::{Injector, Steal, Stealer, Worker};

#[cfg(loom)]
mod model {
    use super::super::lock::Mutex;
    use loom::sync::Arc;
    use std::collections::VecDeque;

    pub use crossbeam_deque::Steal;

    type Shared<T> = Arc<Mutex<VecDeque<T>>>;

    fn take<T>(from: &Mutex<VecDeque<T>>) -> Steal<T> {
        from.lock().pop_front().map_or(Steal::Empty, Steal::Success)
    }

    fn take_half<T>(from: &Mutex<VecDeque<T>>, into: &Worker<T>, limit: usize) -> Steal<T> {
        let mut stolen = {
            let mut queue = from.lock();
            let n = queue.len().div_ceil(2).min(limit);
            queue.drain(..n).collect::<VecDeque<T>>()
        };
        let first = stolen.pop_front();
        stolen.into_iter().for_each(|item| into.push(item));
        first.map_or(Steal::Empty, Steal::Success)
    }

    /// The owner's end.
    #[derive(Debug)]
    pub struct Worker<T>(Shared<T>);

    impl<T> Worker<T> {
        pub fn new_fifo() -> Self {
            Self(Arc::new(Mutex::new(VecDeque::new())))
        }

        pub fn stealer(&self) -> Stealer<T> {
            Stealer(self.0.clone())
        }

        pub fn push(&self, item: T) {
            self.0.lock().push_back(item);
        }

        pub fn pop(&self) -> Option<T> {
            self.0.lock().pop_front()
        }

        pub fn len(&self) -> usize {
            self.0.lock().len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    /// A thief's end.
    #[derive(Debug)]
    pub struct Stealer<T>(Shared<T>);

    impl<T> Stealer<T> {
        pub fn steal(&self) -> Steal<T> {
            take(&self.0)
        }

        pub fn steal_batch_with_limit_and_pop(&self, into: &Worker<T>, limit: usize) -> Steal<T> {
            take_half(&self.0, into, limit)
        }

        pub fn len(&self) -> usize {
            self.0.lock().len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }

    /// A queue that anyone may push to and take from.
    #[derive(Debug)]
    pub struct Injector<T>(Mutex<VecDeque<T>>);

    impl<T> Injector<T> {
        pub fn new() -> Self {
            Self(Mutex::new(VecDeque::new()))
        }

        pub fn push(&self, item: T) {
            self.0.lock().push_back(item);
        }

        pub fn steal(&self) -> Steal<T> {
            take(&self.0)
        }

        pub fn steal_batch_with_limit_and_pop(&self, into: &Worker<T>, limit: usize) -> Steal<T> {
            take_half(&self.0, into, limit)
        }

        pub fn len(&self) -> usize {
            self.0.lock().len()
        }

        pub fn is_empty(&self) -> bool {
            self.len() == 0
        }
    }
}
