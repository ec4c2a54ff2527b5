//! The future of a store's operation.

use crate::error::StoreError;
#[cfg(feature = "_meters")]
use crate::error::StoreErrorKind;
#[cfg(feature = "_meters")]
use crate::observe::{Stopwatch, StoreCallMeters};
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
pub struct StoreFuture<'a, T> {
    answer: ReadyOrBoxed<'a, T>,
    #[cfg(feature = "_meters")]
    measured: Option<Measured<'a>>,
}

enum ReadyOrBoxed<'a, T> {
    Ready(Option<Result<T, StoreError>>),
    Boxed(Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>),
}

impl<'a, T> StoreFuture<'a, T> {
    /// An answer that has to be waited for.
    pub fn new(work: impl Future<Output = Result<T, StoreError>> + Send + 'a) -> Self {
        Self::of(ReadyOrBoxed::Boxed(Box::pin(work)))
    }

    /// An answer that is ready; it costs no allocation.
    pub const fn ready(answer: Result<T, StoreError>) -> Self {
        Self::of(ReadyOrBoxed::Ready(Some(answer)))
    }

    const fn of(answer: ReadyOrBoxed<'a, T>) -> Self {
        Self {
            answer,
            #[cfg(feature = "_meters")]
            measured: None,
        }
    }

    /// The same future, whose time is measured. This costs no allocation.
    #[cfg(feature = "_meters")]
    pub(in crate::store) fn measured_by(self, meters: &'a StoreCallMeters) -> Self {
        let measured = Some(Measured { meters, since: Some(Stopwatch::start()) });
        Self { measured, ..self }
    }
}

/// The answer inside is never pinned: it is taken out as a whole.
impl<T> Unpin for StoreFuture<'_, T> {}

impl<T> Future for StoreFuture<'_, T> {
    type Output = Result<T, StoreError>;

    /// # Panics
    /// When it is polled after its end, as other futures do.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled = match &mut self.answer {
            #[expect(clippy::expect_used, reason = "the contract of every future")]
            ReadyOrBoxed::Ready(answer) => Poll::Ready(answer.take().expect("polled once")),
            ReadyOrBoxed::Boxed(work) => work.as_mut().poll(context),
        };
        #[cfg(feature = "_meters")]
        if let (Poll::Ready(answer), Some(measured)) = (&polled, &mut self.measured) {
            measured.answered(answer.as_ref().err().map(StoreError::kind));
        }
        polled
    }
}

/// A measured conversation with a store. If this is dropped before the answer, the caller does not wait any more.
#[cfg(feature = "_meters")]
struct Measured<'a> {
    meters: &'a StoreCallMeters,
    since: Option<Stopwatch>,
}

#[cfg(feature = "_meters")]
impl Measured<'_> {
    fn answered(&mut self, error: Option<StoreErrorKind>) {
        if let Some(since) = self.since.take() {
            self.meters.answered(since, error);
        }
    }
}

#[cfg(feature = "_meters")]
impl Drop for Measured<'_> {
    fn drop(&mut self) {
        if let Some(since) = self.since.take() {
            self.meters.unheard(since);
        }
    }
}

impl<T> fmt::Debug for StoreFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreFuture").finish_non_exhaustive()
    }
}
