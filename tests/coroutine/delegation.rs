//! Coroutines that drive coroutines, or delegate to them.

use crate::common::panic_of;
use crate::{Log, adder, outer, three};
use raddle::coroutine::{Coroutine, LocalBody, Step, Yielder};

#[test]
fn coroutines_drive_coroutines() {
    let pairs = Coroutine::new(|co: Yielder<(), (u32, u32)>| async move {
        for a in three() {
            for b in three().take(2) {
                co.yield_((a, b)).await;
            }
        }
    });
    assert_eq!(pairs.map(|(a, b)| 10 * a + b).collect::<Vec<_>>(), [11, 12, 21, 22, 31, 32]);
}

enum Tree {
    Leaf(u32),
    Node(Vec<Tree>),
}

/// The leaves, by a coroutine per node; returns how many there were.
fn leaves(tree: &Tree) -> LocalLeaves<'_> {
    Coroutine::new_local(move |co| async move {
        match tree {
            Tree::Leaf(n) => {
                co.yield_(*n).await;
                1
            }
            Tree::Node(children) => {
                let mut count = 0;
                for child in children {
                    count += co.yield_from(leaves(child)).await;
                }
                count
            }
        }
    })
}

type LocalLeaves<'a> = Coroutine<(), u32, usize, LocalBody<'a, usize>>;

#[test]
fn delegation_recurses() {
    let deep = (0..200).fold(Tree::Leaf(0), |tree, n| Tree::Node(vec![tree, Tree::Leaf(n)]));
    let mut walk = leaves(&deep);
    let mut seen = Vec::new();
    let mut step = walk.start();
    let count = loop {
        match step {
            Step::Yielded(n) => seen.push(n),
            Step::Returned(count) => break count,
        }
        step = walk.send(());
    };
    assert_eq!(count, 201);
    assert_eq!(seen, std::iter::once(0).chain(0..200).collect::<Vec<_>>());
}

#[test]
fn delegation_passes_what_is_sent_and_what_is_returned_and_the_close() {
    let mut coroutine =
        Coroutine::new(|co: Yielder<u32, u32>| async move { 100 * co.yield_from(adder()).await });
    assert_eq!(coroutine.start(), Step::Yielded(0));
    assert_eq!(coroutine.send(3), Step::Yielded(3));
    assert_eq!(coroutine.send(0), Step::Returned(300));
    let mut used = adder();
    used.start();
    let mut late = Coroutine::new(|co| async move { co.yield_from(used).await });
    assert!(panic_of(|| late.start()).contains("started twice"));
    let log = Log::default();
    let mut delegating = Coroutine::new(|co| {
        let inner = Coroutine::new(|co| outer(co, log.clone()));
        async move { co.yield_from(inner).await }
    });
    assert_eq!(delegating.next(), Some(1));
    drop(delegating);
    assert_eq!(*log.lock().unwrap(), ["inner", "outer second", "outer first"]);
}
