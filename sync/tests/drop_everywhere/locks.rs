//! Mutexes, reader-writer locks, semaphores, the cell that is filled once.

use super::Entry;
use raddle_sync::{BoundedSemaphore, Closed, Event, Mutex, OnceCell, RwLock, Semaphore};
use std::any::Any;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// A primitive, and guards of it that are to be given back.
struct Held<P> {
    primitive: Arc<P>,
    guards: RefCell<Vec<Box<dyn Any>>>,
}

impl<P> Held<P> {
    fn new<G: 'static>(primitive: P, take: fn(Arc<P>) -> G) -> Self {
        let primitive = Arc::new(primitive);
        let guards = RefCell::new(vec![Box::new(take(primitive.clone())) as Box<dyn Any>]);
        Self { primitive, guards }
    }

    fn give_back(&self) {
        let guard = self.guards.borrow_mut().pop();
        drop(guard);
    }
}

fn mutex() -> Held<Mutex<u8>> {
    Held::new(Mutex::new(0), |mutex| mutex.try_lock_owned().unwrap())
}

#[test]
fn mutex_waits() {
    let count: fn(&Held<Mutex<u8>>) -> String = |held| held.primitive.is_locked().to_string();
    Entry::new(
        "Mutex::lock",
        mutex,
        |held, _| Box::pin(async { format!("{:?}", *held.primitive.lock().await) }),
        Held::give_back,
        count,
    )
    .play();
    Entry::new(
        "Mutex::lock_owned",
        mutex,
        |held, _| Box::pin(async { format!("{:?}", *held.primitive.clone().lock_owned().await) }),
        Held::give_back,
        count,
    )
    .play();
}

fn written() -> Held<RwLock<u8>> {
    Held::new(RwLock::new(0), |lock| lock.try_write_owned().unwrap())
}

fn read() -> Held<RwLock<u8>> {
    Held::new(RwLock::new(0), |lock| lock.try_read_owned().unwrap())
}

#[test]
fn rwlock_waits() {
    let count: fn(&Held<RwLock<u8>>) -> String =
        |held| format!("{} {}", held.primitive.try_read().is_ok(), held.primitive.try_write().is_ok());
    Entry::new(
        "RwLock::read",
        written,
        |held, _| Box::pin(async { format!("{:?}", *held.primitive.read().await) }),
        Held::give_back,
        count,
    )
    .play();
    Entry::new(
        "RwLock::read_owned",
        written,
        |held, _| Box::pin(async { format!("{:?}", *held.primitive.clone().read_owned().await) }),
        Held::give_back,
        count,
    )
    .play();
    for make in [written, read] {
        Entry::new(
            "RwLock::write",
            make,
            |held, _| Box::pin(async { format!("{:?}", *held.primitive.write().await) }),
            Held::give_back,
            count,
        )
        .play();
        Entry::new(
            "RwLock::write_owned",
            make,
            |held, _| Box::pin(async { format!("{:?}", *held.primitive.clone().write_owned().await) }),
            Held::give_back,
            count,
        )
        .play();
    }
}

/// A writer in line keeps readers waiting who come after it; they go on when it goes.
#[test]
fn readers_go_on_when_a_writer_in_line_is_dropped() {
    let lock = RwLock::new(0);
    let reader = lock.try_read().unwrap();
    let mut writer = super::Task::new(Box::pin(async { drop(lock.write().await) }));
    let mut others: Vec<_> =
        (0..3).map(|_| super::Task::new(Box::pin(async { drop(lock.read().await) }))).collect();
    assert!(writer.poll().is_none());
    assert!(others.iter_mut().all(|other| other.poll().is_none()));
    writer.cancel();
    assert!(others.iter().all(|other| other.wakes() == 1));
    assert!(others.iter_mut().all(|other| other.poll().is_some()));
    drop(reader);
    assert!(lock.try_write().is_ok());
}

fn got<T>(result: Result<T, Closed>) -> String {
    result.map(drop).map_or_else(|closed| closed.to_string(), |()| "a permit".into())
}

fn semaphore() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(0))
}

type Free = Arc<Semaphore>;

fn free(semaphore: &Free) -> String {
    format!("{} {} {}", semaphore.available_permits(), semaphore.locked(), semaphore.is_closed())
}

fn close(semaphore: &Free) {
    semaphore.close();
}

fn add_one(semaphore: &Free) {
    semaphore.add_permits(1);
}

fn add_three(semaphore: &Free) {
    semaphore.add_permits(3);
}

#[test]
fn semaphore_waits() {
    Entry::new(
        "Semaphore::acquire",
        semaphore,
        |semaphore, _| Box::pin(async { got(semaphore.acquire().await) }),
        add_one,
        free,
    )
    .closed_by(close)
    .play();
    Entry::new(
        "Semaphore::acquire_owned",
        semaphore,
        |semaphore, _| Box::pin(async { got(semaphore.clone().acquire_owned().await) }),
        add_one,
        free,
    )
    .closed_by(close)
    .play();
}

#[test]
fn semaphore_waits_for_many() {
    for hand_over in [add_one, add_three] {
        Entry::new(
            "Semaphore::acquire_many",
            semaphore,
            |semaphore, who| {
                let n = if who == "victim" { 3 } else { 2 };
                Box::pin(async move { got(semaphore.acquire_many(n).await) })
            },
            hand_over,
            free,
        )
        .closed_by(close)
        .play();
        Entry::new(
            "Semaphore::acquire_many_owned",
            semaphore,
            |semaphore, who| {
                let n = if who == "victim" { 2 } else { 3 };
                Box::pin(async move { got(semaphore.clone().acquire_many_owned(n).await) })
            },
            hand_over,
            free,
        )
        .closed_by(close)
        .play();
    }
}

fn bounded() -> Held<BoundedSemaphore> {
    Held::new(BoundedSemaphore::new(1), |semaphore| semaphore.try_acquire_owned().unwrap())
}

#[test]
fn bounded_semaphore_waits() {
    type S = Held<BoundedSemaphore>;
    let count: fn(&S) -> String = |held| {
        let semaphore = &held.primitive;
        format!("{} {} {}", semaphore.available_permits(), semaphore.locked(), semaphore.is_closed())
    };
    Entry::new(
        "BoundedSemaphore::acquire",
        bounded,
        |held, _| Box::pin(async { got(held.primitive.acquire().await) }),
        Held::give_back,
        count,
    )
    .closed_by(|held| held.primitive.close())
    .play();
    Entry::new(
        "BoundedSemaphore::acquire_owned",
        bounded,
        |held, _| Box::pin(async { got(held.primitive.clone().acquire_owned().await) }),
        Held::give_back,
        count,
    )
    .closed_by(|held| held.primitive.close())
    .play();
}

/// A cell that can be filled once the gate is open.
struct Cell {
    cell: OnceCell<Rc<str>>,
    gate: Event,
    /// `init` fails, as long as it may.
    failures: std::cell::Cell<usize>,
}

fn cell() -> Cell {
    Cell { cell: OnceCell::new(), gate: Event::new(), failures: std::cell::Cell::new(0) }
}

fn failing_cell() -> Cell {
    Cell { failures: std::cell::Cell::new(1), ..cell() }
}

impl Cell {
    /// Whoever fills it, it says the same.
    async fn init(&self) -> Result<Rc<str>, &'static str> {
        self.gate.wait().await;
        match self.failures.get() {
            0 => Ok("full".into()),
            n => {
                self.failures.set(n - 1);
                Err("failed")
            }
        }
    }
}

#[test]
fn once_cell_waits() {
    let count: fn(&Cell) -> String = |cell| format!("{:?} {}", cell.cell, cell.failures.get());
    let init = |cell: &Cell| cell.gate.set();
    Entry::new(
        "OnceCell::get_or_init",
        cell,
        |cell, _| {
            Box::pin(async { cell.cell.get_or_init(async || cell.init().await.unwrap()).await.to_string() })
        },
        init,
        count,
    )
    .play();
    for make in [cell, failing_cell] {
        Entry::new(
            "OnceCell::get_or_try_init",
            make,
            |cell, _| Box::pin(async { format!("{:?}", cell.cell.get_or_try_init(|| cell.init()).await) }),
            init,
            count,
        )
        .play();
    }
}
