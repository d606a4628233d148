//! `select!`: one task waits for several futures and goes on with the first that is done.
//!
//! The macro makes a chain, `Branch<F0, C0, Branch<F1, C1, End>>`, that lies in the caller's future and is polled where
//! it is. What comes out is as deep: `Rest(This(output))` is the second branch's output.

use crate::budget;
use crate::context;
use crate::prim::lock::Mutex;
use crate::prim::statics::{AtomicU64, Ordering};
use crate::report;
use crate::rng::Rng;
use crate::worker::current;
use std::any::type_name;
use std::cell::Cell;
use std::collections::BTreeSet;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, ready};

/// Waits for several futures in one task and goes on with the first that is done; the others are dropped.
///
/// ```text
/// select! {
///     biased;                                     // optional: poll in the order written
///     pattern = future => handler,
///     pattern = future, if condition => { handler }
///     else => handler,                            // optional: when no branch is left
/// }
/// ```
///
/// Conditions are evaluated first, then all futures are made (those of branches whose condition is false as well,
/// though they are not polled), then they are polled, from a random branch on, so that none is preferred; with
/// `RADDLE_SEED` the choices are the same in each run. When a future is done and its output does not match the pattern,
/// its branch is out and the others go on. When no branch is left, `else` is the result.
///
/// Handlers run when all futures are dropped, in the surrounding function: they may use what the futures borrowed, and
/// `?`, `break`, `continue`, `return` and `.await`. A future that is to go on after the `select!` is given as
/// `&mut future`.
///
/// ```
/// use raddle_runtime::select;
/// use raddle_runtime::time::{Duration, sleep};
///
/// raddle_runtime::run(async {
///     let mut countdown = std::pin::pin!(sleep(Duration::from_millis(20)));
///     let mut ticks = 0;
///     loop {
///         select! {
///             () = sleep(Duration::from_millis(1)) => ticks += 1,
///             () = &mut countdown => break,
///         }
///     }
///     assert!(ticks > 0);
/// });
/// ```
///
/// With `RADDLE_DEBUG` the first time that a branch is dropped half-way (polled, not done, and owned by the `select!`)
/// is reported, with its place and text: whether that loses something is for its own docs to say, under "Cancel
/// safety".
///
/// # Cancel safety
/// Dropping it drops the futures.
///
/// # Panics
/// When no branch is left and there is no `else`.
#[macro_export]
macro_rules! select {
    (biased; $($branches:tt)+) => { $crate::__select_branches!(Biased () $($branches)+) };
    ($($branches:tt)+) => { $crate::__select_branches!(Fair () $($branches)+) };
}

/// Takes the branches apart: each becomes `(pattern, future, condition, handler, text)`.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_branches {
    ($order:ident ($($done:tt)+) else => $else:expr $(,)?) => {
        $crate::__select_all!($order ($else) $($done)+)
    };
    ($order:ident ($($done:tt)+)) => {
        $crate::__select_all!(
            $order
            (::std::panic!("every branch of this select! is disabled, and it has no else"))
            $($done)+
        )
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr, if $c:expr => $h:block, $($rest:tt)*) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, $c, $h)) $($rest)*)
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr => $h:block, $($rest:tt)*) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, true, $h)) $($rest)*)
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr, if $c:expr => $h:block $($rest:tt)*) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, $c, $h)) $($rest)*)
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr => $h:block $($rest:tt)*) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, true, $h)) $($rest)*)
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr, if $c:expr => $h:expr) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, $c, $h)))
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr => $h:expr) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, true, $h)))
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr, if $c:expr => $h:expr, $($rest:tt)*) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, $c, $h)) $($rest)*)
    };
    ($order:ident ($($done:tt)*) $p:pat = $f:expr => $h:expr, $($rest:tt)*) => {
        $crate::__select_branches!($order ($($done)* ($p, $f, true, $h)) $($rest)*)
    };
}

/// Waits, then handles. The match lets temporaries in the futures' expressions live as long as the futures.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_all {
    ($order:ident ($else:expr) $(($p:pat, $f:expr, $c:expr, $h:expr))+) => {{
        let enabled = [$($c),+];
        let output = match $crate::__select_chain!($(($p, $f))+) {
            chain => {
                let texts = &[$(::core::concat!(::core::stringify!($p), " = ", ::core::stringify!($f))),+];
                let order = $crate::__select::Order::$order;
                $crate::__select::Select::new(chain, enabled, order, texts).await
            }
        };
        $crate::__select_handle!(output ($else) $(($p, $h))+)
    }};
}

/// The chain of branches. Whether an output matches is asked by a guard that is never true, so that it is not moved.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_chain {
    () => { $crate::__select::End };
    (($p:pat, $f:expr) $($rest:tt)*) => {
        $crate::__select::branch(
            $f,
            |output| {
                let matched = ::core::cell::Cell::new(false);
                #[allow(unused_variables, unused_mut, unreachable_patterns, clippy::all, clippy::pedantic)]
                match output {
                    $p if $crate::__select::note(&matched) => ::core::unreachable!(),
                    _ => {}
                }
                (output, matched.get())
            },
            $crate::__select_chain!($($rest)*),
        )
    };
}

/// Hands the output to its handler.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_handle {
    ($output:ident ($else:expr)) => {
        match $output {
            $crate::__select::Disabled => $else,
        }
    };
    ($output:ident ($else:expr) ($p:pat, $h:expr) $($rest:tt)*) => {
        match $output {
            $crate::__select::Either::This($p) => $h,
            #[allow(unreachable_patterns)]
            $crate::__select::Either::This(_) => ::core::unreachable!(),
            $crate::__select::Either::Rest(rest) => $crate::__select_handle!(rest ($else) $($rest)*),
        }
    };
}

/// The order in which branches are polled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From a random branch on.
    Fair,
    /// As written.
    Biased,
}

/// The output of one branch, or of one further on.
#[derive(Debug)]
pub enum Either<A, B> {
    This(A),
    Rest(B),
}

/// No branch is left.
#[derive(Debug)]
pub struct Disabled;

/// The end of a chain.
#[derive(Debug)]
pub struct End;

/// A future, whether its output matches, and the branches after it.
#[derive(Debug)]
pub struct Branch<F, C, R> {
    future: F,
    check: C,
    rest: R,
}

/// A branch.
#[inline]
pub fn branch<F, C, R>(future: F, check: C, rest: R) -> Branch<F::IntoFuture, C, R>
where
    F: IntoFuture,
    C: FnMut(F::Output) -> (F::Output, bool),
{
    Branch { future: future.into_future(), check, rest }
}

/// For the guard that asks whether a pattern matches: notes that it does, and never lets the match take the value.
#[inline]
pub fn note(matched: &Cell<bool>) -> bool {
    matched.set(true);
    false
}

/// How far a branch is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Its condition is false, or its output did not match.
    Disabled,
    /// Not polled yet.
    New,
    /// It has been polled, and waits.
    Waits,
}

/// The branches from some number on.
pub trait Chain {
    type Output;

    /// Polls the branches whose numbers are in the range and which are enabled, until one has an output that matches.
    fn poll_range(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        branches: &mut [Progress],
        range: (usize, usize),
    ) -> Poll<Self::Output>;

    /// The output when no branch is left.
    fn disabled() -> Self::Output;

    /// True when branch `number` is a reference to a future, which goes on to live.
    fn is_borrowed(number: usize) -> bool;
}

impl Chain for End {
    type Output = Disabled;

    fn poll_range(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        _branches: &mut [Progress],
        _range: (usize, usize),
    ) -> Poll<Disabled> {
        Poll::Pending
    }

    fn disabled() -> Disabled {
        Disabled
    }

    fn is_borrowed(_number: usize) -> bool {
        false
    }
}

impl<F, C, R> Chain for Branch<F, C, R>
where
    F: Future,
    C: FnMut(F::Output) -> (F::Output, bool),
    R: Chain,
{
    type Output = Either<F::Output, R::Output>;

    fn poll_range(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        branches: &mut [Progress],
        (from, to): (usize, usize),
    ) -> Poll<Self::Output> {
        if to == 0 {
            return Poll::Pending;
        }
        let Some((own, others)) = branches.split_first_mut() else { return Poll::Pending };
        // SAFETY: `future` and `rest` are structurally pinned and not moved; `check` is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if from == 0 && *own != Progress::Disabled {
            *own = Progress::Waits;
            // SAFETY: as above.
            let future = unsafe { Pin::new_unchecked(&mut this.future) };
            if let Poll::Ready(output) = budget::with_one_at_least(|| future.poll(cx)) {
                *own = Progress::Disabled;
                let (output, matched) = (this.check)(output);
                if matched {
                    return Poll::Ready(Either::This(output));
                }
            }
        }
        // SAFETY: as above.
        let rest = unsafe { Pin::new_unchecked(&mut this.rest) };
        rest.poll_range(cx, others, (from.saturating_sub(1), to - 1)).map(Either::Rest)
    }

    fn disabled() -> Self::Output {
        Either::Rest(R::disabled())
    }

    fn is_borrowed(number: usize) -> bool {
        match number.checked_sub(1) {
            Some(number) => R::is_borrowed(number),
            None => type_name::<F>().starts_with('&') || type_name::<F>().starts_with("core::pin::Pin<&"),
        }
    }
}

/// The future of a `select!`.
#[derive(Debug)]
#[must_use = "futures do nothing unless awaited"]
pub struct Select<C, const N: usize> {
    chain: C,
    branches: [Progress; N],
    order: Order,
    /// It had to wait because the budget was used up; once only (f10).
    gave_way: bool,
    at: &'static Location<'static>,
    texts: &'static [&'static str; N],
}

impl<C: Chain, const N: usize> Select<C, N> {
    #[track_caller]
    pub fn new(chain: C, enabled: [bool; N], order: Order, texts: &'static [&'static str; N]) -> Self {
        let branches = enabled.map(|is| if is { Progress::New } else { Progress::Disabled });
        Self { chain, branches, order, gave_way: false, at: Location::caller(), texts }
    }

    /// Says which branches are dropped half-way, the first time that each of them is.
    #[cold]
    fn report_dropped(&self) {
        static SEEN: LazyLock<Mutex<BTreeSet<(&'static Location<'static>, usize)>>> =
            LazyLock::new(Mutex::default);
        for (number, progress) in self.branches.iter().enumerate() {
            let is_dropped = *progress == Progress::Waits && !C::is_borrowed(number);
            if is_dropped && SEEN.lock().insert((self.at, number)) {
                report::warn(format_args!(
                    "the select! at {} dropped branch {} half-way: `{}` (this is said once; its \"Cancel safety\" says \
                     what that loses)",
                    self.at,
                    number + 1,
                    self.texts[number]
                ));
            }
        }
    }
}

impl<C: Chain, const N: usize> Future for Select<C, N> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<C::Output> {
        // SAFETY: `chain` is structurally pinned and not moved; the rest is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        if this.branches.iter().all(|progress| *progress == Progress::Disabled) {
            return Poll::Ready(C::disabled());
        }
        // With the budget used up, no branch could show whether it is ready: give way first. Only once: a neighbour
        // that uses the budget up in every poll must not keep this from its turn (f10).
        if budget::is_exhausted() && !std::mem::replace(&mut this.gave_way, true) {
            drop(ready!(budget::poll_unit(cx)));
        }
        let first = if this.order == Order::Fair { random_below(N) } else { 0 };
        for range in [(first, N), (0, first)] {
            // SAFETY: as above.
            let chain = unsafe { Pin::new_unchecked(&mut this.chain) };
            if let Poll::Ready(output) = chain.poll_range(cx, &mut this.branches, range) {
                if is_debug() {
                    this.report_dropped();
                }
                return Poll::Ready(output);
            }
        }
        if this.branches.iter().all(|progress| *progress == Progress::Disabled) {
            return Poll::Ready(C::disabled());
        }
        Poll::Pending
    }
}

fn is_debug() -> bool {
    context::try_with(|inner| inner.scheduler.settings.report_blocked).unwrap_or(false)
}

/// Choices made where there is no runtime.
static CHOICES: AtomicU64 = AtomicU64::new(0);

/// A number below `n`, from the generator of the worker or of the runtime, where there is one.
fn random_below(n: usize) -> usize {
    current::with(|worker| worker.map(|worker| worker.random_below(n)))
        .or_else(|| context::try_with(|inner| inner.scheduler.random_below(n)))
        .unwrap_or_else(|| Rng::new(CHOICES.fetch_add(1, Ordering::Relaxed)).below(n))
}
