//! What an operation of a store gives back.

use crate::error::StoreError;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The answer of a store: there at once, as from memory, or later.
///
/// ```
/// use idempotent_runtime::store::StoreFuture;
///
/// let at_once: StoreFuture<'_, u32> = StoreFuture::ready(Ok(1));
/// let later: StoreFuture<'_, u32> = StoreFuture::new(async { Ok(1) });
/// ```
#[must_use = "an answer that is not awaited may never have been asked for"]
pub struct StoreFuture<'a, T>(Answer<'a, T>);

enum Answer<'a, T> {
    There(Option<Result<T, StoreError>>),
    Later(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>),
}

impl<'a, T> StoreFuture<'a, T> {
    /// An answer that has to be waited for.
    pub fn new(work: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Self {
        Self(Answer::Later(Box::pin(work)))
    }

    /// An answer that is there: it costs no allocation.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self(Answer::There(Some(answer)))
    }
}

/// An answer is never pinned: it is taken whole.
impl<T> Unpin for StoreFuture<'_, T> {}

impl<T> Future for StoreFuture<'_, T> {
    type Output = Result<T, StoreError>;

    /// # Panics
    /// When it is polled after its answer was taken, as futures do.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            #[expect(clippy::expect_used, reason = "the contract of every future")]
            Answer::There(answer) => Poll::Ready(answer.take().expect("polled once")),
            Answer::Later(work) => work.as_mut().poll(context),
        }
    }
}

impl<T> fmt::Debug for StoreFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFuture").finish_non_exhaustive()
    }
}
