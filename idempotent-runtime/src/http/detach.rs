//! A run that goes on when its connection does not.
//!
//! actix drops a handler's future when the client resets the connection. From the moment a claim
//! may have been sent until its end is stored, that must not happen: the client that lost its
//! connection is the one that will retry. So the future is not dropped but moved to a task of its
//! own, then, and only then: a request that goes well costs no task.

use futures_util::future::LocalBoxFuture;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Whether a request may be dropped where it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Commitment(Rc<Cell<bool>>);

impl Commitment {
    /// From here on it must reach its end.
    pub(crate) fn commit(&self) {
        self.0.set(true);
    }
}

/// A future that, once committed, survives being dropped.
pub(crate) struct Detach<T: 'static> {
    work: Option<LocalBoxFuture<'static, T>>,
    commitment: Commitment,
}

impl<T> Detach<T> {
    pub(crate) fn new(work: LocalBoxFuture<'static, T>, commitment: Commitment) -> Self {
        Self { work: Some(work), commitment }
    }
}

impl<T> Future for Detach<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let Some(work) = &mut self.work else { return Poll::Pending };
        let polled = work.as_mut().poll(context);
        if polled.is_ready() {
            self.work = None;
        }
        polled
    }
}

impl<T> Drop for Detach<T> {
    fn drop(&mut self) {
        let Some(work) = self.work.take().filter(|_| self.commitment.0.get()) else { return };
        let spawned = catch_unwind(AssertUnwindSafe(|| {
            actix_web::rt::spawn(async move { drop(work.await) });
        }));
        if spawned.is_err() {
            tracing::error!("a run lost its connection outside of any runtime and is left undone");
        }
    }
}
