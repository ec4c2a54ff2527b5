//! A conversation with the store that outlives its caller.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// A conversation with the store that goes on in a task of its own if its caller goes away. The store
/// may have acted already, so its answer must be read.
pub(crate) struct Detached<T: Send + 'static> {
    work: Option<BoxFuture<'static, T>>,
    /// Takes the answer if nobody waits for it.
    unheard: fn(T) -> BoxFuture<'static, ()>,
}

impl<T: Send + 'static> Detached<T> {
    pub(crate) fn new(
        work: impl Future<Output = T> + Send + 'static,
        unheard: fn(T) -> BoxFuture<'static, ()>,
    ) -> Self {
        Self { work: Some(Box::pin(work)), unheard }
    }

    /// A conversation whose answer needs no further step.
    pub(crate) fn to_its_end(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self::new(work, |_| ready(()).boxed())
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

/// Lets a future end by itself. Outside a runtime that is impossible: its key stays taken until the
/// lease expires.
pub(crate) fn spawn(work: impl Future<Output = ()> + Send + 'static) {
    if let Ok(runtime) = Handle::try_current() {
        drop(runtime.spawn(work));
    } else {
        tracing::warn!(
            "a call was dropped outside a runtime; its key is freed when the lease expires"
        );
    }
}
