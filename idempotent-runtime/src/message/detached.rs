//! A step that is finished although nobody waits for it any more.

use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// A conversation with the store that goes on in a task of its own when its caller goes away: what was
/// asked may have been done, and somebody has to hear the answer.
pub(super) struct Detached<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    /// What becomes of an answer that nobody waits for.
    unheard: fn(T) -> BoxFuture<'static, ()>,
}

impl<T: Send + 'static> Detached<T> {
    pub(super) fn new(
        work: impl Future<Output = T> + Send + 'static,
        unheard: fn(T) -> BoxFuture<'static, ()>,
    ) -> Self {
        Self { work: Some(Box::pin(work)), unheard }
    }
}

impl<T: Send + 'static> Future for Detached<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let answered = work.as_mut().poll(context);
        if answered.is_ready() {
            self.work = None;
        }
        answered
    }
}

impl<T: Send + 'static> Drop for Detached<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take() else { return };
        let unheard = self.unheard;
        spawn(async move { unheard(work.await).await });
    }
}

/// Lets a future end by itself; outside of a runtime, what it holds is left to its lease.
pub(super) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(work));
    } else {
        tracing::warn!("a call is dropped outside of a runtime and left to its lease");
    }
}
