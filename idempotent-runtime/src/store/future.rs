//! The future of a store's operation.

use crate::error::StoreError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The answer of a store: ready at once, as from memory, or later.
///
/// ```
/// use idempotent_runtime::store::StoreFuture;
///
/// let at_once: StoreFuture<'_, u32> = StoreFuture::ready(Ok(1));
/// let later: StoreFuture<'_, u32> = StoreFuture::new(async { Ok(1) });
/// ```
#[must_use = "an operation that is not awaited may never be sent"]
pub struct StoreFuture<'a, T>(ReadyOrBoxed<'a, T>);

enum ReadyOrBoxed<'a, T> {
    Ready(Option<Result<T, StoreError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>),
}

impl<'a, T> StoreFuture<'a, T> {
    /// An answer that has to be waited for.
    pub fn new(work: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Self {
        Self(ReadyOrBoxed::Boxed(Box::pin(work)))
    }

    /// An answer that is ready; it costs no allocation.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self(ReadyOrBoxed::Ready(Some(answer)))
    }
}

/// A ready answer is never pinned: it is taken whole.
impl<T> Unpin for StoreFuture<'_, T> {}

impl<T> Future for StoreFuture<'_, T> {
    type Output = Result<T, StoreError>;

    /// # Panics
    /// When it is polled again after it was ready, as other futures do.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            #[expect(clippy::expect_used, reason = "the contract of every future")]
            ReadyOrBoxed::Ready(answer) => Poll::Ready(answer.take().expect("polled once")),
            ReadyOrBoxed::Boxed(work) => work.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFuture").finish_non_exhaustive()
    }
}
