//! Values that are always dropped inside of a runtime.

use std::ops::{Deref, DerefMut};
use tokio::runtime::Handle;

/// Holds a value of sqlx, and enters a runtime to drop it: sqlx then spawns a task that returns it to its pool.
///
/// Outside of a runtime sqlx would panic. This happens when a worker of actix ends and its
/// requests are dropped. By then the runtime takes no tasks, so the connection is closed, and the
/// database rolls back.
pub(crate) struct InRuntime<T> {
    /// The value, until the drop.
    kept: Option<T>,
    runtime: Handle,
}

impl<T> InRuntime<T> {
    /// Holds a value, and remembers the runtime in which this is called.
    pub(super) fn current(kept: T) -> Self {
        Self { kept: Some(kept), runtime: Handle::current() }
    }
}

impl<T> Deref for InRuntime<T> {
    type Target = T;

    fn deref(&self) -> &T {
        #[expect(clippy::expect_used, reason = "nothing else takes it")]
        self.kept.as_ref().expect("it is there until the drop")
    }
}

impl<T> DerefMut for InRuntime<T> {
    fn deref_mut(&mut self) -> &mut T {
        #[expect(clippy::expect_used, reason = "nothing else takes it")]
        self.kept.as_mut().expect("it is there until the drop")
    }
}

impl<T> Drop for InRuntime<T> {
    fn drop(&mut self) {
        let _entered = Handle::try_current().is_err().then(|| self.runtime.enter());
        drop(self.kept.take());
    }
}
