//! A value for each group of threads, so that workers do not write to the same memory.

use std::fmt;

/// The number of groups: more than most hosts have workers.
const GROUPS: usize = 16;

/// A value on cache lines of its own: on two, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Apart<T>(pub(crate) T);

/// A value for each group of threads.
pub(crate) struct Striped<T>(Box<[Apart<T>]>);

impl<T> Striped<T> {
    /// Values that this function makes.
    pub(crate) fn of(make: impl Fn() -> T) -> Self {
        Self((0..GROUPS).map(|_| Apart(make())).collect())
    }

    /// The value of this thread's group.
    pub(crate) fn own(&self) -> &T {
        &self.0[group()].0
    }

    /// The values of all groups.
    pub(crate) fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|apart| &apart.0)
    }
}

impl<T: Default> Default for Striped<T> {
    fn default() -> Self {
        Self::of(T::default)
    }
}

impl<T> fmt::Debug for Striped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Striped").finish_non_exhaustive()
    }
}

/// The group of this thread. Threads are assigned to groups in turn.
#[cfg(not(shuttle))]
fn group() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static GROUP: usize = NEXT.fetch_add(1, Ordering::Relaxed) % GROUPS;
    }
    GROUP.try_with(|group| *group).unwrap_or_default()
}

/// In tests that try every order of events, threads are not those of the host.
#[cfg(shuttle)]
fn group() -> usize {
    let id = format!("{:?}", shuttle::thread::current().id());
    id.bytes().filter(u8::is_ascii_digit).map(usize::from).sum::<usize>() % GROUPS
}
