//! Task-locals: values that follow a task from worker to worker, and, where declared `inherit`, into its children.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// One `inherit` value and those around it; shared by all tasks spawned inside.
#[derive(Clone)]
pub(crate) struct Inherited(Arc<Link>);

struct Link {
    key: *const (),
    value: Arc<dyn Any + Send + Sync>,
    outer: Option<Inherited>,
}

// SAFETY: `key` is an address that is compared and never followed.
unsafe impl Send for Link {}
// SAFETY: as above.
unsafe impl Sync for Link {}

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Inherited(..)")
    }
}

thread_local! {
    static INHERITED: RefCell<Option<Inherited>> = const { RefCell::new(None) };
}

/// What a task spawned here inherits.
#[inline]
pub(crate) fn inherited() -> Option<Inherited> {
    INHERITED.try_with(|cell| cell.borrow().clone()).ok().flatten()
}

/// Puts a task's inheritance in place until it is dropped.
pub(super) struct InheritedScope {
    outer: Option<Inherited>,
}

impl InheritedScope {
    pub(super) fn enter(own: Option<Inherited>) -> Self {
        Self { outer: INHERITED.replace(own) }
    }
}

impl Drop for InheritedScope {
    fn drop(&mut self) {
        let own = INHERITED.replace(self.outer.take());
        // Values run foreign destructors: dropped with no borrow held.
        drop(own);
    }
}

fn find(key: *const ()) -> Option<Arc<dyn Any + Send + Sync>> {
    INHERITED.with_borrow(|head| {
        let mut link = head.as_ref();
        while let Some(Inherited(at)) = link {
            if at.key == key {
                return Some(at.value.clone());
            }
            link = at.outer.as_ref();
        }
        None
    })
}

/// Where a key keeps its value.
#[doc(hidden)]
pub enum Store<T: 'static> {
    /// In the scope's own future, shown in this thread-local while it is polled.
    Own(fn() -> &'static std::thread::LocalKey<RefCell<Option<T>>>),
    /// In a chain that children are given.
    Inherit(fn(T) -> Arc<dyn Any + Send + Sync>),
}

/// A task-local declared with [`task_local!`](crate::task_local).
pub struct LocalKey<T: 'static> {
    #[doc(hidden)]
    pub name: &'static str,
    #[doc(hidden)]
    pub store: Store<T>,
}

impl<T: 'static> fmt::Debug for LocalKey<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("name", &self.name).finish_non_exhaustive()
    }
}

impl<T: 'static> LocalKey<T> {
    /// Runs `future` with the local set to `value`. Tasks spawned inside see it only if it is declared `inherit`.
    ///
    /// # Cancel safety
    /// As that of `future`.
    pub fn scope<F: Future>(&'static self, value: T, future: F) -> Scope<T, F> {
        let held = match &self.store {
            Store::Own(_) => Held::Own(Some(value)),
            Store::Inherit(erase) => {
                let link = Link { key: self.address(), value: erase(value), outer: inherited() };
                Held::Inherit(Inherited(Arc::new(link)))
            }
        };
        Scope { key: self, held, future: Some(future) }
    }

    /// Runs `f` with the value.
    ///
    /// # Panics
    /// Outside a scope of this local.
    #[track_caller]
    pub fn with<R>(&'static self, f: impl FnOnce(&T) -> R) -> R {
        match self.try_with(f) {
            Some(result) => result,
            None => panic!(
                "task-local {} is not set here: it is only inside {}.scope(value, future), and in tasks spawned there \
                 only if it is declared `inherit`",
                self.name, self.name
            ),
        }
    }

    /// Runs `f` with the value, or returns `None` outside a scope.
    pub fn try_with<R>(&'static self, f: impl FnOnce(&T) -> R) -> Option<R> {
        match &self.store {
            Store::Own(slot) => slot().try_with(|cell| cell.try_borrow().ok()?.as_ref().map(f)).ok()?,
            Store::Inherit(_) => find(self.address())?.downcast_ref::<T>().map(f),
        }
    }

    /// A clone of the value.
    ///
    /// # Panics
    /// Outside a scope of this local.
    #[track_caller]
    pub fn get(&'static self) -> T
    where
        T: Clone,
    {
        self.with(T::clone)
    }

    fn address(&'static self) -> *const () {
        std::ptr::from_ref(self).cast()
    }
}

enum Held<T> {
    Own(Option<T>),
    Inherit(Inherited),
}

/// The future of [`LocalKey::scope`].
#[must_use = "futures do nothing unless awaited"]
pub struct Scope<T: 'static, F> {
    key: &'static LocalKey<T>,
    held: Held<T>,
    future: Option<F>,
}

impl<T: 'static, F> fmt::Debug for Scope<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope").field("key", &self.key.name).finish_non_exhaustive()
    }
}

/// Swaps a scope's own value with the thread's, and back when dropped.
struct Swapped<'a, T: 'static> {
    slot: &'static std::thread::LocalKey<RefCell<Option<T>>>,
    value: &'a mut Option<T>,
}

impl<T> Swapped<'_, T> {
    fn swap(&mut self) {
        // Between two polls nobody has the cell borrowed, so this cannot fail but while the thread ends.
        let _ = self.slot.try_with(|cell| std::mem::swap(&mut *cell.borrow_mut(), self.value));
    }
}

impl<T> Drop for Swapped<'_, T> {
    fn drop(&mut self) {
        self.swap();
    }
}

impl<T: 'static, F> Scope<T, F> {
    /// Runs `f` on the future with the value in place.
    fn inside<R>(self: Pin<&mut Self>, f: impl FnOnce(Pin<&mut Option<F>>) -> R) -> R {
        // SAFETY: `future` is structurally pinned: it is handed on pinned and never moved; the rest is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        match (&mut this.held, &this.key.store) {
            (Held::Own(value), Store::Own(slot)) => {
                let mut swapped = Swapped { slot: slot(), value };
                swapped.swap();
                f(future)
            }
            (Held::Inherit(link), _) => {
                let _scope = InheritedScope::enter(Some(link.clone()));
                f(future)
            }
            (Held::Own(_), Store::Inherit(_)) => unreachable!("scope() made both from one key"),
        }
    }
}

impl<T: 'static, F: Future> Future for Scope<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.inside(|future| match future.as_pin_mut() {
            Some(future) => future.poll(cx),
            None => unreachable!("the future is taken out by drop only"),
        })
    }
}

impl<T: 'static, F> Drop for Scope<T, F> {
    fn drop(&mut self) {
        // The future's destructors see the local as its body did.
        // SAFETY: we are being dropped, so we do not move again.
        unsafe { Pin::new_unchecked(self) }.inside(|mut future| future.set(None));
    }
}

/// Declares task-locals: `task_local! { static NAME: Type; inherit static OTHER: Type; }`.
///
/// An `inherit` local (its type must be `Send + Sync`) is also set in the tasks spawned inside its scope.
///
/// ```
/// raddle_runtime::task_local! {
///     static REQUEST: u64;
///     inherit static TENANT: String;
/// }
/// let runtime = raddle_runtime::runtime::Builder::new().worker_threads(1).build().unwrap();
/// let seen = runtime.block_on(TENANT.scope("acme".into(), REQUEST.scope(7, async {
///     let child = raddle_runtime::spawn(async { TENANT.get() });
///     (REQUEST.get(), child.await.unwrap())
/// })));
/// assert_eq!(seen, (7, "acme".to_string()));
/// ```
#[macro_export]
macro_rules! task_local {
    () => {};
    ($(#[$meta:meta])* $vis:vis inherit static $name:ident : $type:ty $(; $($rest:tt)*)?) => {
        $(#[$meta])*
        $vis static $name: $crate::task::LocalKey<$type> = $crate::task::LocalKey {
            name: stringify!($name),
            store: $crate::task::local::Store::Inherit(|value| ::std::sync::Arc::new(value)),
        };
        $($crate::task_local! { $($rest)* })?
    };
    ($(#[$meta:meta])* $vis:vis static $name:ident : $type:ty $(; $($rest:tt)*)?) => {
        $(#[$meta])*
        $vis static $name: $crate::task::LocalKey<$type> = $crate::task::LocalKey {
            name: stringify!($name),
            store: $crate::task::local::Store::Own(|| {
                ::std::thread_local! {
                    static SLOT: ::std::cell::RefCell<::std::option::Option<$type>> =
                        const { ::std::cell::RefCell::new(None) };
                }
                &SLOT
            }),
        };
        $($crate::task_local! { $($rest)* })?
    };
}
