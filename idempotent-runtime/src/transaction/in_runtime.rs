//! What is dropped inside of a runtime, wherever that is.

use std::ops::{Deref, DerefMut};
use tokio::runtime::Handle;

/// Something of sqlx that goes back to its pool by a task, when it is dropped.
///
/// It panics where there is no runtime to give the task to, as there is none where a worker of actix
/// ends and its requests are dropped. By then the runtime takes no tasks, so the connection is closed,
/// and the database takes back what was not committed.
pub(crate) struct InRuntime<T> {
    /// There until the drop.
    kept: Option<T>,
    runtime: Handle,
}

impl<T> InRuntime<T> {
    /// Keeps it; to be called inside of a runtime.
    pub(super) fn current(kept: T) -> Self {
        Self { kept: Some(kept), runtime: Handle::current() }
    }

    /// Gives it away, to be dropped or awaited at once.
    pub(super) fn into_inner(mut self) -> T {
        #[expect(clippy::expect_used, reason = "nothing else takes it")]
        self.kept.take().expect("it is there until the drop")
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

/// Awaits what keeps such a thing itself.
pub(super) async fn awaited<T>(work: impl Future<Output = T>) -> T {
    let mut work = InRuntime::current(Box::pin(work));
    work.as_mut().await
}
