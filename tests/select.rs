//! `select!`: its syntax, its fairness, what it drops and says about it.
#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests stand outside the seam")]

mod common;

use common::child;
use common::gate::Gate;
use common::guard::Drops;
use common::{FOR_EVER, on_both, on_paused, yields};
use raddle::runtime::Builder;
use raddle::time::{Duration, Instant, sleep, timeout};
use raddle::{select, spawn};
use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::task::Poll;

#[test]
fn the_first_that_is_done_is_handled_and_the_others_are_dropped() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let (drops, began) = (Drops::new(), Instant::now());
            let guard = drops.guard();
            let slow = async move {
                let _guard = guard;
                sleep(FOR_EVER).await;
                "slow"
            };
            let which = select! {
                name = slow => name,
                _ = sleep(Duration::from_secs(1)) => {
                    // Dropped before the handler runs.
                    assert_eq!(drops.dropped(), 1);
                    "the clock"
                }
            };
            assert_eq!(which, "the clock");
            assert_eq!(Instant::now() - began, Duration::from_secs(1));
        });
    });
}

/// Handlers in all their forms, and the control flow of the surrounding function.
async fn forms(number: u32) -> Result<u32, String> {
    let mut rounds = 0;
    loop {
        rounds += 1;
        let value: u32 = select! {
            n = ready(number), if number < 2 => n * 100,
            n = ready(number), if number == 2 => { n + rounds }
            _ = ready(()), if number == 3 => return Ok(33),
            text = ready("four".to_string()), if number == 4 => Err(text)?,
            _ = ready(()), if number == 5 && rounds < 3 => continue,
            (a, mut b) = ready((1, 2)), if number == 5 => { b += a; b },
            Ok(ref x) | Err(ref x) = ready(Ok::<u32, u32>(8)), if number == 6 => *x,
            _ = ready(()), if number == 7 => { break Ok(77) }
            [first, .., last] = ready([1, 5, 9]), if number == 8 => { first * 10 + last },
            else => number * 1000
        };
        return Ok(value);
    }
}

#[test]
fn handlers_are_part_of_the_function_around_them() {
    on_both(|runtime| {
        let results: Vec<_> = (1..=9).map(|number| runtime.block_on(forms(number))).collect();
        let expected =
            [100, 3, 33, 0, 3, 8, 77, 19, 9000].map(|n| if n == 0 { Err("four".into()) } else { Ok(n) });
        assert_eq!(results, expected);
    });
}

#[test]
fn an_output_that_does_not_match_puts_its_branch_out() {
    on_both(|runtime| {
        runtime.block_on(async {
            let polls = Cell::new(0);
            let nothing = async {
                polls.set(polls.get() + 1);
                None::<u32>
            };
            let seen = select! {
                Some(n) = nothing => n,
                n = async { yields(3).await; 5 } => n,
            };
            assert_eq!((seen, polls.get()), (5, 1));
            let none = select! {
                Some(1) = ready(Some(2)) => "one",
                else => "nobody",
            };
            assert_eq!(none, "nobody");
        });
        let text = common::panic_of(|| {
            runtime.block_on(async {
                select! {
                    Some(()) = ready(None) => {}
                }
            });
        });
        assert!(text.contains("every branch of this select! is disabled"), "{text}");
        let text = common::panic_of(|| {
            runtime.block_on(async {
                select! { _ = ready(1), if false => {} }
            })
        });
        assert!(text.contains("no else"), "{text}");
    });
}

#[test]
fn conditions_come_before_futures_and_may_look_at_what_those_borrow() {
    on_both(|runtime| {
        runtime.block_on(async {
            let (mut items, mut made) = (vec![3, 2, 1], 0);
            while !items.is_empty() {
                select! {
                    item = async { items.pop() }, if items.len() != 2 => made += item.unwrap(),
                    _ = ready(()), if items.len() == 2 => items.clear(),
                }
            }
            assert_eq!(made, 1);
        });
    });
}

#[test]
fn temporaries_in_a_futures_expression_live_as_long_as_it() {
    on_both(|runtime| {
        runtime.block_on(async {
            struct Keeps<'a>(&'a String);
            impl Keeps<'_> {
                async fn length(&self) -> usize {
                    raddle::yield_now().await;
                    self.0.len()
                }
            }
            let length = select! {
                n = Keeps(&"four".to_string()).length() => n,
            };
            assert_eq!(length, 4);
        });
    });
}

#[test]
fn a_future_given_by_reference_goes_on() {
    on_paused(|runtime| {
        runtime.block_on(async {
            let mut long = std::pin::pin!(async {
                sleep(Duration::from_secs(10)).await;
                "long"
            });
            let mut handle = spawn(sleep(FOR_EVER));
            let (mut ticks, began) = (0, Instant::now());
            let name = loop {
                select! {
                    name = &mut long => break name,
                    _ = &mut handle => unreachable!(),
                    () = sleep(Duration::from_secs(3)) => ticks += 1,
                }
            };
            assert_eq!((name, ticks), ("long", 3));
            assert_eq!(Instant::now() - began, Duration::from_secs(10));
            handle.cancel();
        });
    });
}

/// How often each of three branches that are ready wins.
async fn wins(rounds: usize) -> [usize; 3] {
    let mut wins = [0; 3];
    for _ in 0..rounds {
        let who = select! {
            _ = ready(()) => 0,
            _ = ready(()) => 1,
            _ = ready(()) => 2,
        };
        wins[who] += 1;
    }
    wins
}

#[test]
fn it_is_fair_unless_told_otherwise() {
    on_both(|runtime| {
        for wins in [runtime.block_on(wins(900)), runtime.block_on(runtime.spawn(wins(900))).unwrap()] {
            assert!(wins.iter().all(|wins| (200..400).contains(wins)), "{wins:?}");
        }
        runtime.block_on(async {
            for _ in 0..100 {
                select! {
                    biased;
                    _ = pending::<()>() => unreachable!(),
                    _ = ready(()) => {}
                    _ = ready(()) => unreachable!(),
                }
            }
        });
    });
}

#[test]
fn the_choices_replay_with_the_seed() {
    let choices = |seed| {
        let runtime = Builder::new().current_thread().seed(seed).build().unwrap();
        runtime.block_on(async {
            let mut choices = Vec::new();
            for _ in 0..64 {
                choices.push(select! { _ = ready(()) => 0, _ = ready(()) => 1, _ = ready(()) => 2 });
            }
            choices
        })
    };
    assert_eq!(choices(7), choices(7));
    assert_ne!(choices(7), choices(8));
}

#[test]
fn twenty_branches_fit() {
    on_both(|runtime| {
        runtime.block_on(async {
            let mut seen = [false; 20];
            while let Some(at) = seen.iter().position(|seen| !seen) {
                let mut open = seen.map(|seen| !seen && at < 20);
                open[19] &= at == 19;
                let n = select! {
                    _ = ready(()), if open[0] => 0, _ = ready(()), if open[1] => 1, _ = ready(()), if open[2] => 2,
                    _ = ready(()), if open[3] => 3, _ = ready(()), if open[4] => 4, _ = ready(()), if open[5] => 5,
                    _ = ready(()), if open[6] => 6, _ = ready(()), if open[7] => 7, _ = ready(()), if open[8] => 8,
                    _ = ready(()), if open[9] => 9, _ = ready(()), if open[10] => 10, _ = ready(()), if open[11] => 11,
                    _ = ready(()), if open[12] => 12, _ = ready(()), if open[13] => 13,
                    _ = ready(()), if open[14] => 14,
                    _ = ready(()), if open[15] => 15, _ = ready(()), if open[16] => 16,
                    _ = ready(()), if open[17] => 17,
                    _ = ready(()), if open[18] => 18, _ = ready(()), if open[19] => 19,
                };
                seen[n] = true;
            }
        });
    });
}

/// A future that uses up whatever budget there is, at each poll, and is never done.
async fn hog() {
    poll_fn(|cx| {
        while let Poll::Ready(unit) = raddle_runtime::budget::poll_unit(cx) {
            unit.spend();
        }
        Poll::<()>::Pending
    })
    .await;
}

#[test]
fn f10_a_branch_that_uses_the_budget_up_does_not_keep_the_others_from_their_turn() {
    on_both(|runtime| {
        for in_task in [false, true] {
            let (gate, done) = (Gate::new(), Gate::new());
            gate.open();
            let work = async move {
                let item = spawn(async { 4 });
                // A leaf that needs a unit, behind a hog; also within a select within a select.
                let joined = select! {
                    biased;
                    () = hog() => unreachable!(),
                    n = async {
                        select! {
                            biased;
                            () = hog() => unreachable!(),
                            n = item => n.unwrap(),
                        }
                    } => n,
                };
                assert_eq!(joined, 4);
                select! {
                    biased;
                    () = hog() => unreachable!(),
                    () = sleep(Duration::from_millis(5)) => {}
                }
                done.open();
            };
            match in_task {
                true => runtime.block_on(runtime.spawn(work)).unwrap(),
                false => runtime.block_on(work),
            }
        }
    });
}

#[test]
fn f10_a_loop_of_selects_that_are_always_ready_gives_way() {
    on_both(|runtime| {
        runtime.block_on(async {
            let (started, stop) = (Gate::new(), Gate::new());
            let (begun, here) = (started.clone(), stop.clone());
            let looping = spawn(async move {
                let mut rounds = 0u64;
                begun.open();
                while !here.is_open() || rounds == 0 {
                    select! {
                        () = raddle::consume_budget() => {}
                        () = raddle::consume_budget() => {}
                    }
                    rounds += 1;
                }
                rounds
            });
            let others = async {
                started.wait().await;
                yields(20).await;
                stop.open();
            };
            timeout(common::SOON, others).await.unwrap();
            assert!(looping.await.unwrap() > 0);
        });
    });
}

#[test]
fn a_branch_that_is_dropped_half_way_is_named_once() {
    let name = "a_branch_that_is_dropped_half_way_is_named_once";
    if child::role().is_some() {
        let runtime = Builder::new().worker_threads(1).build().unwrap();
        runtime.block_on(async {
            for _ in 0..3 {
                let mut kept = std::pin::pin!(sleep(FOR_EVER));
                select! {
                    biased;
                    () = pending::<()>() => unreachable!(),
                    () = &mut kept => unreachable!(),
                    () = ready(()) => {}
                    () = sleep(FOR_EVER) => unreachable!(),
                }
            }
        });
        return;
    }
    let output = child::run(name, "child", &[("RADDLE_DEBUG", "1")]);
    let text = child::text(&output.stderr);
    assert!(output.status.success(), "{text}");
    let lines: Vec<_> = text.lines().filter(|line| line.contains("select!")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    for part in ["tests/select.rs:", "branch 1", "() = pending::<()>()"] {
        assert!(lines[0].contains(part), "{part} in {text}");
    }
}

#[test]
fn a_select_outside_a_runtime_works() {
    let n = futures_lite::future::block_on(async {
        select! {
            n = ready(1) => n,
            n = ready(1) => n,
            () = pending() => 2,
        }
    });
    assert_eq!(n, 1);
}

#[test]
fn a_select_may_move_to_other_threads() {
    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }
    on_both(|runtime| {
        let task = is_send(async {
            select! {
                text = async { yields(3).await; "a".to_string() } => text.len(),
                list = pending::<Vec<u8>>() => list.len(),
            }
        });
        assert_eq!(runtime.block_on(runtime.spawn(task)).unwrap(), 1);
    });
}
