//! Which deadline surrounds the code that runs now.

use super::Instant;
use std::cell::Cell;

#[derive(Clone, Copy)]
struct Around {
    /// The nearest deadline around what this thread polls.
    nearest: Option<Instant>,
    /// True while what a deadline limited is dropped because it has passed.
    has_passed: bool,
}

thread_local! {
    static AROUND: Cell<Around> = const { Cell::new(Around { nearest: None, has_passed: false }) };
}

/// The nearest deadline around the code that calls: of the [`timeout`](super::timeout)s that it runs in, the first that
/// will be over. `None` without one.
///
/// Children of a task group are inside the time-outs around their group. Tasks that are spawned otherwise are not
/// limited by their spawner's.
///
/// ```
/// use raddle_runtime::time::{Duration, Instant, deadline, timeout};
///
/// raddle_runtime::run(async {
///     assert_eq!(deadline(), None);
///     let inside = timeout(Duration::from_secs(1), async { deadline() }).await.unwrap();
///     assert!(inside.is_some_and(|at| at > Instant::now()));
/// });
/// ```
pub fn deadline() -> Option<Instant> {
    AROUND.get().nearest
}

/// Keeps what is around the code in place until it is dropped.
#[must_use]
pub(crate) struct Within {
    outer: Around,
}

impl Within {
    #[inline]
    fn enter(around: Around) -> Self {
        Self { outer: AROUND.replace(around) }
    }
}

impl Drop for Within {
    #[inline]
    fn drop(&mut self) {
        AROUND.set(self.outer);
    }
}

/// What runs while the result lives is limited by `limit`, and by what limits it already.
#[inline]
pub(super) fn limit(limit: Instant) -> Within {
    let nearest = deadline().map_or(limit, |outer| outer.min(limit));
    Within::enter(Around { nearest: Some(nearest), has_passed: false })
}

/// What runs while the result lives is limited by `nearest` only.
#[inline]
pub(crate) fn inherit(nearest: Option<Instant>) -> Within {
    Within::enter(Around { nearest, has_passed: false })
}

/// What is dropped while the result lives is dropped because its deadline has passed.
pub(super) fn pass() -> Within {
    Within::enter(Around { has_passed: true, ..AROUND.get() })
}

/// True when what is being dropped now is dropped because its deadline has passed.
pub(crate) fn has_passed() -> bool {
    AROUND.get().has_passed
}
