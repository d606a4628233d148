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
pub(crate) struct InheritedScope {
    outer: Option<Inherited>,
}

impl InheritedScope {
    pub(crate) fn enter(own: Option<Inherited>) -> Self {
        Self { outer: exchange(own) }
    }
}

/// Puts `link` in the thread's place and returns what was there. Where the thread ends nothing is inherited any more.
fn exchange(link: Option<Inherited>) -> Option<Inherited> {
    INHERITED.try_with(|cell| cell.replace(link)).ok().flatten()
}

impl Drop for InheritedScope {
    fn drop(&mut self) {
        let own = exchange(self.outer.take());
        // Values run foreign destructors: dropped with no borrow held.
        drop(own);
    }
}

fn find(key: *const ()) -> Option<Arc<dyn Any + Send + Sync>> {
    let look = |head: &RefCell<Option<Inherited>>| {
        let head = head.borrow();
        let mut link = head.as_ref();
        while let Some(Inherited(at)) = link {
            if at.key == key {
                return Some(at.value.clone());
            }
            link = at.outer.as_ref();
        }
        None
    };
    INHERITED.try_with(look).ok().flatten()
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

/// A scope's own value, in the thread's place for it until this is dropped.
struct Swapped<'a, T: 'static> {
    slot: &'static std::thread::LocalKey<RefCell<Option<T>>>,
    value: &'a mut Option<T>,
}

impl<'a, T> Swapped<'a, T> {
    /// `None` while the thread's place is borrowed: by a `with` of the same local that is further up the stack.
    fn enter(
        slot: &'static std::thread::LocalKey<RefCell<Option<T>>>,
        value: &'a mut Option<T>,
    ) -> Option<Self> {
        swap(slot, value).then_some(Self { slot, value })
    }
}

impl<T> Drop for Swapped<'_, T> {
    fn drop(&mut self) {
        // Not borrowed: whoever borrowed it inside has returned. Where the thread ends there is nothing to restore.
        swap(self.slot, self.value);
    }
}

fn swap<T>(slot: &'static std::thread::LocalKey<RefCell<Option<T>>>, value: &mut Option<T>) -> bool {
    let swap_cell = |cell: &RefCell<Option<T>>| match cell.try_borrow_mut() {
        Ok(mut here) => {
            std::mem::swap(&mut *here, value);
            true
        }
        Err(_) => false,
    };
    slot.try_with(swap_cell).unwrap_or(false)
}

impl<T: 'static, F> Scope<T, F> {
    /// Runs `f` on the future with the value in place; tells it whether that could be done.
    fn inside<R>(self: Pin<&mut Self>, f: impl FnOnce(Pin<&mut Option<F>>, bool) -> R) -> R {
        // SAFETY: `future` is structurally pinned: it is handed on pinned and never moved; the rest is not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        // SAFETY: as above.
        let future = unsafe { Pin::new_unchecked(&mut this.future) };
        match (&mut this.held, &this.key.store) {
            (Held::Own(value), Store::Own(slot)) => {
                let swapped = Swapped::enter(slot(), value);
                f(future, swapped.is_some())
            }
            (Held::Inherit(link), _) => {
                let _scope = InheritedScope::enter(Some(link.clone()));
                f(future, true)
            }
            (Held::Own(_), Store::Inherit(_)) => unreachable!("scope() made both from one key"),
        }
    }
}

impl<T: 'static, F: Future> Future for Scope<T, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let name = self.key.name;
        self.inside(|future, is_set| {
            assert!(is_set, "a scope of task-local {name} was polled inside {name}.with(..)");
            match future.as_pin_mut() {
                Some(future) => future.poll(cx),
                None => unreachable!("the future is taken out by drop only"),
            }
        })
    }
}

impl<T: 'static, F> Drop for Scope<T, F> {
    fn drop(&mut self) {
        // The future's destructors see the local as its body did.
        // SAFETY: we are being dropped, so we do not move again.
        unsafe { Pin::new_unchecked(self) }.inside(|mut future, _is_set| future.set(None));
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
