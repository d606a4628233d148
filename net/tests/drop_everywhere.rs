//! Every public future of the sockets, pipes, look-ups and copies, dropped after each of its polls: it is as if it had
//! never been.
//!
//! One play is this. A future, the victim, is polled so many times; what it waits for comes before, between its polls,
//! or after it was dropped. If it was not ready, another like it gets what the victim would have got. In the end
//! exactly that is left which would be there without the victim, and no descriptor is. Alone in its process, because it
//! counts them.

mod common;
#[path = "drop_everywhere/copies.rs"]
mod copies;
#[path = "drop_everywhere/datagrams.rs"]
mod datagrams;
#[path = "drop_everywhere/names.rs"]
mod names;
#[path = "drop_everywhere/streams.rs"]
mod streams;
#[path = "common/temp.rs"]
mod temp;

use common::{open_fds, pair, poll_once, run};
use futures_lite::{AsyncReadExt, AsyncWriteExt};
use raddle_net::TcpStream;
use std::cell::RefCell;
use std::pin::pin;

/// When what the victim waits for comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comes {
    Before,
    AfterPoll(usize),
    Never,
}

/// Two ends of a connection, to make the driver hand on all events there are.
struct Driver(RefCell<(TcpStream, TcpStream)>);

impl Driver {
    async fn new() -> Self {
        Self(RefCell::new(pair().await))
    }

    /// Events come in their order: when this one is here, those that were there before it are, too. The read asks for
    /// more than there is, so that the next has to wait for its event.
    #[expect(clippy::await_holding_refcell_ref, reason = "only one play at a time")]
    async fn turn(&self) {
        let (ours, theirs) = &mut *self.0.borrow_mut();
        ours.write_all(b"x").await.expect("a write");
        assert_eq!(theirs.read(&mut [0; 2]).await.expect("a read"), 1);
    }
}

/// One play up to the output: that of the victim, or of the one who comes after it.
async fn output<P>(
    driver: &Driver,
    place: &P,
    (polls, comes): (usize, Comes),
    (wait, hand_over): &(impl AsyncFn(&P) -> String, impl AsyncFn(&P)),
) -> String {
    let mut is_there = false;
    {
        let mut victim = pin!(wait(place));
        for poll in 0..polls {
            if !is_there && (comes == Comes::Before || comes == Comes::AfterPoll(poll)) {
                hand_over(place).await;
                is_there = true;
                driver.turn().await;
            }
            if let Some(output) = poll_once(&mut victim).await {
                if !is_there {
                    hand_over(place).await;
                }
                return output;
            }
        }
    }
    if !is_there {
        hand_over(place).await;
    }
    wait(place).await
}

/// All plays of one future. `make` makes the place it is in. Of the acts, the first is the future, whose output is said
/// in words, the second makes it ready. `left` says what is there afterwards.
async fn plays<P>(
    driver: &Driver,
    name: &str,
    make: impl AsyncFn() -> P,
    acts: (impl AsyncFn(&P) -> String, impl AsyncFn(&P)),
    left: impl AsyncFn(&P) -> String,
) {
    let before = open_fds();
    let mut first = None;
    let all = [Comes::Never, Comes::Before, Comes::AfterPoll(1), Comes::AfterPoll(2)];
    for (polls, comes) in (0..4).flat_map(|polls| all.map(|comes| (polls, comes))) {
        let place = make().await;
        driver.turn().await;
        let output = output(driver, &place, (polls, comes), &acts).await;
        driver.turn().await;
        let seen = (output, left(&place).await);
        let expected = first.get_or_insert_with(|| seen.clone());
        assert_eq!(&seen, expected, "{name}, {polls} polls, {comes:?}");
        drop(place);
        // A thread that looks a name up has files open for a moment.
        while open_fds() != before {
            driver.turn().await;
        }
    }
}

#[test]
fn what_is_dropped_after_any_poll_loses_nothing_and_leaves_no_descriptor() {
    run(async {
        let driver = Driver::new().await;
        streams::play(&driver).await;
        datagrams::play(&driver).await;
        names::play(&driver).await;
        copies::play(&driver).await;
    });
}
